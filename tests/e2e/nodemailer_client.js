// node nodemailer_client.js PORT USER PASSWORD: one message over STARTTLS with AUTH and an attachment; prints the server's answer.
const nodemailer = require("nodemailer");
const [port, user, pass] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host: "127.0.0.1", port: Number(port), requireTLS: true, tls: { rejectUnauthorized: false }, auth: { user, pass },
});
transport
  .sendMail({
    from: "Die App <app@example.test>", to: "user@example.test", subject: "from nodemailer – ü", text: "hallo\n.\nwelt", html: "<p>hallo</p>",
    attachments: [{ filename: "Rechnung Nr. 1 – Ä.txt", content: "Betrag: 1 €" }],
  })
  .then((sent) => console.log(sent.response))
  .catch((error) => { console.error(error); process.exit(1); });
