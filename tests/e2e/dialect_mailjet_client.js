// node dialect_mailjet_client.js HOST:PORT KEY: an application on Mailjet's own SDK, which speaks nothing but https (NODE_EXTRA_CA_CERTS
// names the authority), sends with both versions of the Send API. Prints what the application sees, as JSON.
const Mailjet = require("node-mailjet");
const [host, key] = process.argv.slice(2);

async function seen(payload, version = "v3.1", secret = key) {
  try {
    const answer = await Mailjet.apiConnect("app", secret, { config: { host } }).post("send", { version }).request(payload);
    return { status: answer.response.status, body: JSON.parse(JSON.stringify(answer.body)) };
  } catch (error) {
    return { error: error.statusCode, text: error.message, body: error.response && error.response.data };
  }
}

const brief = (Subject, more = {}) => ({ From: { Email: "app@example.test" }, To: [{ Email: "a@example.net" }], Subject, TextPart: "Text", ...more });
const full = {
  From: { Email: "app@example.test", Name: "App" }, To: [{ Email: "a@example.net", Name: "Zoë" }, { Email: "b@example.net" }], Cc: [{ Email: "c@example.net" }],
  Bcc: [{ Email: "d@example.net" }], ReplyTo: { Email: "r@example.test" }, Subject: "mailjet full – Grüße 🎉", TextPart: "schlicht\n.\n",
  HTMLPart: "<p>größer</p><img src=cid:logo>", CustomID: "order-5", EventPayload: "{\"n\":5}", Headers: { "X-Order": "5" },
  Attachments: [{ ContentType: "application/pdf", Filename: "Rechnung Nr. 1 – Ä.pdf", Base64Content: Buffer.from([0, 1, 2, 255]).toString("base64") }],
  InlinedAttachments: [{ ContentType: "image/png", Filename: "logo.png", ContentID: "logo", Base64Content: "UE5H" }],
};
const older = (Subject, more) => ({ FromEmail: "app@example.test", FromName: "App", Subject, "Text-part": "Text", ...more });

async function main() {
  return {
    full: await seen({ Messages: [full] }),
    partly: await seen({ Messages: [brief("mailjet batch 1"), brief("bad", { To: [{ Email: "nobody" }] }), brief("mailjet batch 2")] }),
    globals: await seen({ Globals: { From: { Email: "app@example.test", Name: "Global" } }, Messages: [brief("mailjet globals", { From: undefined })] }),
    sandbox: await seen({ Messages: [brief("bad")], SandboxMode: true }),
    template: await seen({ Messages: [brief("bad", { TemplateID: 5, TemplateLanguage: true })] }),
    badSender: await seen({ Messages: [brief("bad", { From: { Email: "app@other.test" } })] }),
    badSecret: await seen({ Messages: [brief("bad")] }, "v3.1", "wrong"),
    older: await seen(older("mailjet v3 each", { Recipients: [{ Email: "a@example.net", Name: "A" }, { Email: "b@example.net" }] }), "v3"),
    olderTo: await seen(older("mailjet v3 all", {
      To: "A <a@example.net>, b@example.net", Cc: "c@example.net", Bcc: "d@example.net", "Html-part": "<img src=cid:logo.png>", "Mj-CustomID": "order-6",
      Attachments: [{ "Content-type": "text/csv", Filename: "a.csv", content: "YSxi" }], Inline_attachments: [{ "Content-type": "image/png", Filename: "logo.png", content: "UE5H" }],
    }), "v3"),
    olderVars: await seen(older("bad", { Recipients: [{ Email: "a@example.net", Vars: { day: "Monday" } }] }), "v3"),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
