// node dialect_postmark_client.js HOST:PORT TOKEN: an application on Postmark's own SDK sends with files, in batches. Prints what the
// application sees, as JSON.
const postmark = require("postmark");
const [host, token] = process.argv.slice(2);

async function seen(call) {
  try {
    return await call();
  } catch (error) {
    return { error: error.name, code: error.code, status: error.statusCode, text: error.message };
  }
}

async function main() {
  const client = (key) => new postmark.ServerClient(key, { requestHost: host, useHttps: false, timeout: 60 });
  const api = client(token);
  const brief = (subject, more = {}) => ({ From: "App <app@example.test>", To: "a@example.net", Subject: subject, TextBody: "Text", ...more });
  const full = {
    From: "App <app@example.test>", To: "Zoë <a@example.net>, b@example.net", Cc: "c@example.net", Bcc: "d@example.net", ReplyTo: "r@example.test",
    Subject: "postmark full – Grüße 🎉", TextBody: "schlicht\n.\n", HtmlBody: "<p>größer</p><img src=cid:logo>", Tag: "one", Metadata: { order: "5" }, MessageStream: "outbound",
    Headers: [new postmark.Models.Header("X-Order", "5")],
    Attachments: [
      new postmark.Models.Attachment("Rechnung Nr. 1 – Ä.pdf", Buffer.from([0, 1, 2, 255]).toString("base64"), "application/pdf"),
      new postmark.Models.Attachment("logo.png", Buffer.from("PNG").toString("base64"), "image/png", "cid:logo"),
    ],
  };
  return {
    full: await seen(() => api.sendEmail(full)),
    batch: await seen(() => api.sendEmailBatch([brief("postmark batch 1"), brief("bad", { To: "nobody" }), brief("postmark batch 2"), brief("bad", { From: "app@other.test" })])),
    template: await seen(() => api.sendEmailWithTemplate({ From: "app@example.test", To: "a@example.net", TemplateAlias: "welcome", TemplateModel: {} })),
    tracking: await seen(() => api.sendEmail(brief("bad", { TrackOpens: true, TrackLinks: postmark.Models.LinkTrackingOptions.HtmlOnly }))),
    badStream: await seen(() => api.sendEmail(brief("bad", { MessageStream: "broadcast" }))),
    badAddress: await seen(() => api.sendEmail(brief("bad", { To: "nobody" }))),
    badSender: await seen(() => api.sendEmail(brief("bad", { From: "app@other.test" }))),
    injection: await seen(() => api.sendEmail(brief("bad", { Headers: [{ Name: "X-A", Value: "b\r\nBcc: x@example.net" }] }))),
    badToken: await seen(() => client("wrong").sendEmail(brief("bad"))),
    testToken: await seen(() => client("POSTMARK_API_TEST").sendEmail(brief("bad"))),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
