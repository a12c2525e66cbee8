// node dialect_mailgun_client.js URL KEY: an application on Mailgun's own SDK sends with files, to many with variables, as MIME, in test
// mode, and reads its events page by page. Prints what the application sees, as JSON.
const formData = require("form-data");
const { default: Mailgun } = require("mailgun.js");
const [url, key] = process.argv.slice(2);
const domain = "mg.example.test";

async function seen(call) {
  try {
    return await call();
  } catch (error) {
    return { error: error.status, details: error.details };
  }
}

async function allEvents(api, query) {
  const events = [];
  let page = await api.events.get(domain, query);
  for (; page.items.length > 0; page = await api.events.get(domain, { page: page.pages.next.page })) events.push(...page.items);
  return events.map((event) => [event.event, event.recipient, event.message.headers.subject]);
}

async function main() {
  const api = new Mailgun(formData).client({ username: "api", key, url });
  const send = (fields) => seen(() => api.messages.create(domain, fields));
  const brief = (subject, more = {}) => ({ from: "App <app@example.test>", to: "a@example.net", subject, text: "Text", ...more });
  const full = {
    from: "App <app@example.test>", to: ["Zoë <a@example.net>", "b@example.net"], cc: "c@example.net", bcc: "d@example.net", subject: "mailgun full – Grüße 🎉",
    text: "schlicht\n.\n", html: "<p>größer</p><img src=cid:logo.png>", "h:Reply-To": "r@example.test", "h:X-Order": "5", "v:order": "5", "o:tag": ["one", "two"],
    "o:tracking": false, "o:testmode": false,
    attachment: [{ filename: "Rechnung Nr. 1 – Ä.pdf", data: Buffer.from([0, 1, 2, 255]), contentType: "application/pdf" }, { filename: "zwei.txt", data: "zwei" }],
    inline: { filename: "logo.png", data: Buffer.from("PNG"), contentType: "image/png" },
  };
  const variables = { "a@example.net": { name: "Ada", id: 1 }, "b@example.net": { name: "Bob", id: 2 } };
  const mime = "From: App <app@example.test>\r\nTo: list@example.net\r\nSubject: mailgun mime\r\nMessage-ID: <mime-1@example.test>\r\n\r\nAs it is.\r\n";
  const results = {
    full: await send(full),
    batch: await send({ ...brief("mailgun batch %recipient.name%"), to: ["a@example.net", "b@example.net"], text: "Number %recipient.id%.", "recipient-variables": JSON.stringify(variables) }),
    mime: await send({ from: "app@example.test", to: ["a@example.net", "b@example.net"], subject: "mailgun mime", message: Buffer.from(mime) }),
    mimeText: await send({ to: "a@example.net", message: mime.replace("mime-1", "mime-2") }),
    testMode: await send(brief("mailgun test", { "o:testmode": true })),
    scheduled: await send(brief("mailgun later", { "o:deliverytime": new Date(Date.now() + 3600000).toUTCString() })),
    template: await send(brief("bad", { template: "welcome" })),
    tracking: await send(brief("bad", { "o:tracking": true })),
    badAddress: await send(brief("bad", { to: ["a@example.net", "nobody"] })),
    badSender: await send(brief("bad", { from: "app@other.test" })),
    injection: await send(brief("bad", { "h:X-A": "b\r\nBcc: x@example.net" })),
    badDomain: await seen(() => api.messages.create("a..b", brief("bad"))),
    badKey: await seen(() => new Mailgun(formData).client({ username: "api", key: "wrong", url }).messages.create(domain, brief("bad"))),
  };
  const begin = String(Math.floor(Date.now() / 1000) - 3600);
  results.events = await allEvents(api, { begin, ascending: "yes", limit: 3, event: "accepted", subject: "mailgun" });
  results.latest = await allEvents(api, { limit: 2, event: "accepted", subject: "batch" });
  results.badEvents = await seen(() => api.events.get(domain, { size: ">10" }));
  return results;
}

main().then((result) => console.log(JSON.stringify(result)));
