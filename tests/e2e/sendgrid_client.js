// node sendgrid_client.js URL KEY: SendGrid's own SDK sends a full message, then ones that are refused. Prints what an application
// would see, as JSON.
const mail = require("@sendgrid/mail");
const [url, key] = process.argv.slice(2);

async function seen(call) {
  try {
    const [answer] = await call();
    return { status: answer.statusCode, id: answer.headers["x-message-id"] };
  } catch (error) {
    return { error: error.code, errors: error.response.body.errors };
  }
}

function use(apiKey) {
  mail.setApiKey(apiKey);
  mail.client.setDefaultRequest("baseUrl", `${url}/`); // setApiKey sets it back
}

async function main() {
  const full = {
    from: { email: "app@example.test", name: "App" }, to: [{ email: "a@example.test", name: "Doe, A" }, "b@example.test"], cc: "c@example.test",
    bcc: "d@example.test", replyTo: "reply@example.test", subject: "Grüße 🎉", text: "plain", html: "<img src=cid:logo>", headers: { "X-Order": "5" },
    customArgs: { order: "5" }, categories: ["one", "two"],
    attachments: [{ content: Buffer.from("PNG").toString("base64"), filename: "logo.png", type: "image/png", disposition: "inline", content_id: "logo" }],
  };
  use(key);
  const results = {
    full: await seen(() => mail.send({ ...full })), // the SDK writes into what it is given
    multiple: await seen(() => mail.sendMultiple({ ...full, cc: undefined, bcc: undefined })),
    sandbox: await seen(() => mail.send({ ...full, mailSettings: { sandboxMode: { enable: true } } })),
    twice: await seen(() => mail.send({ ...full, cc: "b@example.test" })),
    badAddress: await seen(() => mail.send({ ...full, to: "nobody@bad.test" })),
    noSubject: await seen(() => mail.send({ ...full, subject: "" })),
    reserved: await seen(() => mail.send({ ...full, headers: { Received: "x" } })),
    badSender: await seen(() => mail.send({ ...full, from: "app@other.test" })),
  };
  use("SG.wrong");
  return { ...results, badKey: await seen(() => mail.send({ ...full })) };
}

main().then((result) => console.log(JSON.stringify(result)));
