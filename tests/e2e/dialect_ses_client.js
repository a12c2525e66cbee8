// node dialect_ses_client.js URL ACCESS_KEY SECRET_KEY CUT_URL: an application on AWS's own SDK and on nodemailer's SES transport sends
// through URL; CUT_URL leads to the same, but its first answer is lost. Prints what the application sees, as JSON.
const { SESv2Client, SendEmailCommand, SendBulkEmailCommand } = require("@aws-sdk/client-sesv2");
const nodemailer = require("nodemailer-10");
const [endpoint, accessKeyId, secretAccessKey, cutEndpoint] = process.argv.slice(2);
const client = (credentials = {}, more = {}) =>
  new SESv2Client({ endpoint, region: "eu-central-1", maxAttempts: 1, credentials: { accessKeyId, secretAccessKey, ...credentials }, ...more });
const simple = (Subject, more = {}) => ({
  FromEmailAddress: "App <app@example.test>", Destination: { ToAddresses: ["a@example.net"] },
  Content: { Simple: { Subject: { Data: Subject }, Body: { Text: { Data: "Text" } } } }, ...more,
});
const full = simple("", {
  Destination: { ToAddresses: ["Zoe <a@example.net>"], CcAddresses: ["c@example.net"], BccAddresses: ["d@example.net"] },
  ReplyToAddresses: ["r@example.test"], ConfigurationSetName: "events", EmailTags: [{ Name: "order", Value: "5" }],
  Content: { Simple: {
    Subject: { Data: "ses full – Grüße 🎉", Charset: "UTF-8" },
    Body: { Text: { Data: "schlicht\n.\n" }, Html: { Data: "<p>größer</p><img src=cid:logo>", Charset: "UTF-8" } }, Headers: [{ Name: "X-Order", Value: "5" }],
    Attachments: [
      { FileName: "Rechnung Nr. 1 – Ä.pdf", RawContent: Buffer.from([0, 1, 2, 255]), ContentType: "application/pdf" },
      { FileName: "logo.png", RawContent: Buffer.from("PNG"), ContentType: "image/png", ContentDisposition: "INLINE", ContentId: "logo" },
    ],
  } },
});
const raw = Buffer.from(
  "From: App <app@example.test>\r\nTo: shown@example.net\r\nSubject: ses raw\r\nX-Twice: 1\r\nX-Twice: 2\r\n" +
    "Date: Sun, 22 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n.dot\r\nText\r\n",
);

async function seen(api, command) {
  try {
    const { $metadata, ...rest } = await api.send(command);
    return { ...rest, status: $metadata.httpStatusCode, attempts: $metadata.attempts };
  } catch (error) {
    return { error: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
}

async function mailed() {
  const transport = nodemailer.createTransport({ SES: { sesClient: client(), SendEmailCommand } });
  const wrong = nodemailer.createTransport({ SES: { sesClient: client({ secretAccessKey: "wrong" }), SendEmailCommand } });
  const sent = await transport.sendMail({
    from: "Größe, die App <app@example.test>", to: "a@example.net", cc: "c@example.net", bcc: "d@example.net", subject: "from nodemailer – ü",
    text: "hallo\n.\nwelt", html: "<p>hallo</p><img src=cid:logo>",
    attachments: [{ filename: "Ä.txt", content: "Betrag: 1 €" }, { filename: "logo.png", content: Buffer.from("PNG"), cid: "logo" }],
  });
  return { id: sent.response, messageId: sent.messageId, verified: await transport.verify(), wrong: await wrong.verify().catch((error) => error.name) };
}

async function main() {
  const api = client();
  const send = (input) => seen(api, new SendEmailCommand(input));
  return {
    full: await send(full),
    octets: raw.toString(),
    raw: await send({ Content: { Raw: { Data: raw } }, Destination: { ToAddresses: ["b@example.net"] } }),
    template: await send({ ...full, Content: { Template: { TemplateName: "x", TemplateData: "{}" } } }),
    bulk: await seen(api, new SendBulkEmailCommand({ DefaultContent: { Template: { TemplateName: "x", TemplateData: "{}" } }, BulkEmailEntries: [] })),
    badAddress: await send(simple("bad", { Destination: { ToAddresses: ["nobody"] } })),
    badSender: await send(simple("bad", { FromEmailAddress: "app@other.test" })),
    badSecret: await seen(client({ secretAccessKey: "wrong" }), new SendEmailCommand(simple("bad"))),
    badKey: await seen(client({ accessKeyId: "PRAAAAAAAAAAAAAAAA" }), new SendEmailCommand(simple("bad"))),
    retried: await seen(client({}, { endpoint: cutEndpoint, maxAttempts: 3 }), new SendEmailCommand(simple("ses retried"))),
    nodemailer: await mailed(),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
