// node mailgun_client.js URL KEY DOMAIN: Mailgun's own SDK sends a built message and a raw one, then one with a wrong key. Prints what
// an application would see, as JSON.
const formData = require("form-data");
const { default: Mailgun } = require("mailgun.js");
const [url, key, domain] = process.argv.slice(2);
const raw = "From: app@example.test\r\nTo: b@example.test\r\nSubject: raw\r\n\r\nText\r\n";

async function seen(call) {
  try {
    return await call();
  } catch (error) {
    return { error: error.status, details: error.details };
  }
}

async function main() {
  const api = new Mailgun(formData).client({ username: "api", key, url });
  const stranger = new Mailgun(formData).client({ username: "api", key: "wrong", url });
  const built = { from: "App <app@example.test>", to: ["a@example.test", "b@example.test"], subject: "built", text: "Text", "o:testmode": true, "o:tag": ["one", "two"], "v:order": "5" };
  return {
    built: await seen(() => api.messages.create(domain, built)),
    raw: await seen(() => api.messages.create(domain, { to: "b@example.test", message: Buffer.from(raw) })),
    badAddress: await seen(() => api.messages.create(domain, { ...built, to: ["a@example.test", "nobody"] })),
    badKey: await seen(() => stranger.messages.create(domain, built)),
    badDomain: await seen(() => api.messages.create("other.test", built)),
    badPath: await seen(() => api.messages.create("a/b", built)),
  };
}

main().then((result) => console.log(JSON.stringify(result)));
