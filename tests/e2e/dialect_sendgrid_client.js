// node dialect_sendgrid_client.js URL KEY: an application on SendGrid's own SDK sends with files, one by one to many, in sandbox mode.
// Prints what the application sees, as JSON.
const mail = require("@sendgrid/mail");
const [url, key] = process.argv.slice(2);

async function seen(call) {
  try {
    const [answer] = await call();
    return { status: answer.statusCode, id: answer.headers["x-message-id"], body: answer.body };
  } catch (error) {
    return { error: error.code, errors: error.response.body.errors };
  }
}

function use(apiKey) {
  mail.setApiKey(apiKey);
  mail.client.setDefaultRequest("baseUrl", `${url}/`); // setApiKey sets it back
}

async function main() {
  const brief = (subject, more = {}) => ({ from: "App <app@example.test>", to: "a@example.net", subject, text: "Text", ...more });
  const full = {
    from: { email: "app@example.test", name: "App" }, to: [{ email: "a@example.net", name: "Zoë" }, "b@example.net"], cc: "c@example.net", bcc: "d@example.net",
    replyTo: "r@example.test", subject: "sendgrid full – Grüße 🎉", text: "schlicht\n.\n", html: "<p>größer</p><img src=cid:logo>", headers: { "X-Order": "5" },
    customArgs: { order: "5" }, categories: ["one", "two"],
    attachments: [
      { content: Buffer.from([0, 1, 2, 255]).toString("base64"), filename: "Rechnung Nr. 1 – Ä.pdf", type: "application/pdf" },
      { content: Buffer.from("PNG").toString("base64"), filename: "logo.png", type: "image/png", disposition: "inline", content_id: "logo" },
    ],
    trackingSettings: { clickTracking: { enable: false }, openTracking: { enable: false } },
  };
  const several = { ...brief("sendgrid each"), to: ["a@example.net", "b@example.net"] };
  const personal = {
    ...brief("sendgrid for {{name}}"), to: undefined, text: "Dear {{name}}",
    personalizations: [{ to: "a@example.net", substitutions: { name: "Ada" } }, { to: "b@example.net", substitutions: { name: "Bob" }, subject: "sendgrid own for {{name}}" }],
  };
  use(key);
  const results = {
    full: await seen(() => mail.send({ ...full })), // the SDK writes into what it is given
    multiple: await seen(() => mail.sendMultiple(several)),
    personal: await seen(() => mail.send(personal)),
    scheduled: await seen(() => mail.send(brief("sendgrid later", { sendAt: Math.floor(Date.now() / 1000) + 3600 }))),
    sandbox: await seen(() => mail.send(brief("bad", { mailSettings: { sandboxMode: { enable: true } } }))),
    badSandbox: await seen(() => mail.send(brief("bad", { to: "nobody", mailSettings: { sandboxMode: { enable: true } } }))),
    template: await seen(() => mail.send(brief("bad", { templateId: "d-1", dynamicTemplateData: { a: 1 } }))),
    tracking: await seen(() => mail.send(brief("bad", { trackingSettings: { clickTracking: { enable: true } } }))),
    badAddress: await seen(() => mail.send(brief("bad", { to: "nobody" }))),
    badSender: await seen(() => mail.send(brief("bad", { from: "app@other.test" }))),
    injection: await seen(() => mail.send(brief("bad", { headers: { "X-A": "b\r\nBcc: x@example.net" } }))),
    twice: await seen(() => mail.send(brief("bad", { cc: "a@example.net" }))),
  };
  use("SG.wrong");
  return { ...results, badKey: await seen(() => mail.send(brief("bad"))) };
}

main().then((result) => console.log(JSON.stringify(result)));
