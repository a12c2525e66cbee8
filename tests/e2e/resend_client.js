// node resend_client.js URL KEY: Resend's own SDK sends a full message, the same again under one idempotency key, and ones that are
// refused. Prints what an application would see, as JSON.
const { Resend } = require("resend");
const [baseUrl, key] = process.argv.slice(2);

async function main() {
  const api = new Resend(key, { baseUrl });
  const full = {
    from: "App <app@example.test>", to: ["A <a@example.test>", "b@example.test"], cc: "c@example.test", bcc: ["d@example.test"], replyTo: "r@example.test",
    subject: "Grüße 🎉", text: "plain", html: "<img src=cid:logo>", headers: { "X-Order": "5" }, tags: [{ name: "order", value: "5" }],
    attachments: [{ filename: "logo.png", content: Buffer.from("PNG").toString("base64"), contentType: "image/png", contentId: "logo" }],
  };
  const seen = async (call) => {
    const { data, error } = await call();
    return data || error;
  };
  return {
    domains: await seen(() => api.domains.list()),
    full: await seen(() => api.emails.send(full)),
    first: await seen(() => api.emails.send(full, { idempotencyKey: "once" })),
    again: await seen(() => api.emails.send(full, { idempotencyKey: "once" })),
    other: await seen(() => api.emails.send({ ...full, subject: "other" }, { idempotencyKey: "once" })),
    badAddress: await seen(() => api.emails.send({ ...full, to: "nobody" })),
    badName: await seen(() => api.emails.send({ ...full, to: '"Doe, A" <a@example.test>' })),
    badSender: await seen(() => api.emails.send({ ...full, from: "app@other.test" })),
    badTag: await seen(() => api.emails.send({ ...full, tags: [{ name: "a b", value: "5" }] })),
    badKey: await seen(() => new Resend("re_wrong", { baseUrl }).emails.send(full)),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
