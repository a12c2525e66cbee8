// node mailjet_client.js HOST:PORT KEY SECRET: Mailjet's own SDK, which speaks nothing but https (NODE_EXTRA_CA_CERTS names the
// authority), sends a full message, a batch in which one is refused, and ones that are refused whole. Prints what an application sees.
const Mailjet = require("node-mailjet");
const [host, key, secret] = process.argv.slice(2);

async function seen(apiSecret, payload) {
  try {
    const answer = await Mailjet.apiConnect(key, apiSecret, { config: { host } }).post("send", { version: "v3.1" }).request(payload);
    const ids = answer.body.Messages.map((message) => message.To.map((one) => String(one.MessageID)));
    return { status: answer.response.status, ids, customId: answer.body.Messages[0].CustomID };
  } catch (error) {
    return { error: error.statusCode, text: error.message, body: error.response && error.response.data };
  }
}

async function main() {
  const full = {
    From: { Email: "app@example.test", Name: "App" }, To: [{ Email: "a@example.test", Name: "A" }, { Email: "b@example.test" }],
    Cc: [{ Email: "c@example.test" }], Bcc: [{ Email: "d@example.test" }], ReplyTo: { Email: "reply@example.test" }, Subject: "Grüße 🎉",
    TextPart: "plain", HTMLPart: "<img src=cid:logo>", CustomID: "order-5", Headers: { "X-Order": "5" },
    Attachments: [{ ContentType: "text/csv", Filename: "a.csv", Base64Content: "YSxi" }],
    InlinedAttachments: [{ ContentType: "image/png", Filename: "logo.png", ContentID: "logo", Base64Content: "UE5H" }],
  };
  const send = (...Messages) => seen(secret, { Messages });
  return {
    full: await send(full),
    sandbox: await seen(secret, { Messages: [full], SandboxMode: true }),
    partly: await send(full, { ...full, To: [{ Email: "nobody@bad.test" }] }),
    onlyCc: await send({ ...full, To: [] }),
    reserved: await send({ ...full, Headers: { "Message-Id": "<1@x>" } }),
    badSender: await send({ ...full, From: { Email: "app@other.test" } }),
    badSecret: await seen("wrong", { Messages: [full] }),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
