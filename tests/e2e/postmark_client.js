// node postmark_client.js HOST:PORT TOKEN: Postmark's own SDK sends a full message, then ones that are refused, whole or in part. Prints
// what an application would see, as JSON.
const postmark = require("postmark");
const [host, token] = process.argv.slice(2);

async function seen(call) {
  try {
    return await call();
  } catch (error) {
    return { error: error.name, code: error.code, status: error.statusCode, text: error.message, recipients: error.recipients };
  }
}

async function main() {
  const client = (key) => new postmark.ServerClient(key, { requestHost: host, useHttps: false, timeout: 60 });
  const api = client(token);
  const full = {
    From: '"App, the" <app@example.test>', To: "A <a@example.test>, b@example.test", Cc: "c@example.test", Bcc: "d@example.test", ReplyTo: "r@example.test",
    Subject: "Grüße 🎉", TextBody: "plain", HtmlBody: "<img src=cid:logo>", Tag: "one", Metadata: { order: "5" }, MessageStream: "outbound",
    Headers: [{ Name: "X-Order", Value: "5" }, { Name: "X-Order", Value: "6" }],
    Attachments: [{ Name: "logo.png", Content: "UE5H", ContentType: "image/png", ContentID: "cid:logo" }],
  };
  return {
    server: await seen(() => api.getServer()),
    full: await seen(() => api.sendEmail(full)),
    partly: await seen(() => api.sendEmail({ ...full, Cc: "Gone@example.test" })),
    inactive: await seen(() => api.sendEmail({ ...full, To: "Gone@example.test", Cc: undefined, Bcc: undefined })),
    badAddress: await seen(() => api.sendEmail({ ...full, To: "nobody" })),
    badSender: await seen(() => api.sendEmail({ ...full, From: "app@other.test" })),
    badStream: await seen(() => api.sendEmail({ ...full, MessageStream: "nowhere" })),
    badToken: await seen(() => client("wrong").sendEmail(full)),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
