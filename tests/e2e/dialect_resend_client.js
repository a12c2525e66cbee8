// node dialect_resend_client.js URL KEY: an application on Resend's own SDK sends, in batches too, schedules, moves and cancels. Prints what
// the application sees, as JSON.
const { Resend } = require("resend");
const [baseUrl, key] = process.argv.slice(2);

async function main() {
  const api = new Resend(key, { baseUrl });
  const brief = (subject, more = {}) => ({ from: "App <app@example.test>", to: "a@example.net", subject, text: "Text", ...more });
  const full = {
    from: "App <app@example.test>", to: ["Zoë <a@example.net>", "b@example.net"], cc: "c@example.net", bcc: ["d@example.net"], replyTo: "r@example.test",
    subject: "resend full – Grüße 🎉", text: "schlicht\n.\n", html: "<p>größer</p><img src=cid:logo>", headers: { "X-Order": "5" }, tags: [{ name: "order", value: "5" }],
    attachments: [
      { filename: "Rechnung Nr. 1 – Ä.pdf", content: Buffer.from([0, 1, 2, 255]), contentType: "application/pdf" },
      { filename: "logo.png", content: "UE5H", contentType: "image/png", contentId: "logo" },
    ],
  };
  const seen = async (call) => {
    const { data, error } = await call();
    return data || error;
  };
  const inAnHour = (hours) => new Date(Date.now() + hours * 3600000).toISOString();
  const scheduled = await seen(() => api.emails.send(brief("resend scheduled", { scheduledAt: inAnHour(1) })));
  const again = brief("resend once");
  return {
    full: await seen(() => api.emails.send(full)),
    first: await seen(() => api.emails.send(again, { idempotencyKey: "once" })),
    again: await seen(() => api.emails.send(again, { idempotencyKey: "once" })),
    other: await seen(() => api.emails.send({ ...again, subject: "other" }, { idempotencyKey: "once" })),
    batch: await seen(() => api.batch.send([brief("resend batch 1"), brief("resend batch 2")])),
    strict: await seen(() => api.batch.send([brief("bad"), brief("bad", { to: "nobody" })])),
    permissive: await seen(() => api.batch.send([brief("resend batch 3"), brief("bad", { to: "nobody" })], { batchValidation: "permissive" })),
    scheduled,
    moved: await seen(() => api.emails.update({ id: scheduled.id, scheduledAt: inAnHour(2) })),
    shown: await seen(() => api.emails.get(scheduled.id)),
    cancelled: await seen(() => api.emails.cancel(scheduled.id)),
    cancelledTwice: await seen(() => api.emails.cancel(scheduled.id)),
    inWords: await seen(() => api.emails.send(brief("bad", { scheduledAt: "in 1 min" }))),
    template: await seen(() => api.emails.send({ from: "app@example.test", to: "a@example.net", subject: "bad", template: { id: "x" } })),
    path: await seen(() => api.emails.send(brief("bad", { attachments: [{ filename: "a", path: "https://example.test/a" }] }))),
    badSender: await seen(() => api.emails.send(brief("bad", { from: "app@other.test" }))),
    badKey: await seen(() => new Resend("re_wrong", { baseUrl }).emails.send(brief("bad"))),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
