// node ses_client.js URL REGION ACCESS_KEY SECRET_KEY [SESSION_TOKEN]: AWS's own SDK sends a raw message, a built one, one that is
// refused, one with a wrong key, and asks for the account. Prints what an application would see, as JSON.
const { SESv2Client, SendEmailCommand, GetAccountCommand } = require("@aws-sdk/client-sesv2");
const [endpoint, region, accessKeyId, secretAccessKey, sessionToken] = process.argv.slice(2);
const raw = Buffer.from("From: app@example.test\r\nTo: b@example.test\r\nSubject: raw\r\n\r\nText\r\n");
const client = (secret) =>
  new SESv2Client({ endpoint, region, maxAttempts: 1, credentials: { accessKeyId, secretAccessKey: secret, sessionToken } });

async function seen(api, command) {
  try {
    const { $metadata, ...rest } = await api.send(command);
    return rest;
  } catch (error) {
    return { error: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
}

async function main() {
  const api = client(secretAccessKey);
  const envelope = { Destination: { ToAddresses: ["b@example.test"], BccAddresses: ["c@example.test"] } };
  const built = { Simple: { Subject: { Data: "built" }, Body: { Text: { Data: "Text" } } } };
  const send = (input) => new SendEmailCommand({ ...envelope, ...input });
  const result = {
    raw: await seen(api, send({ Content: { Raw: { Data: raw } }, EmailTags: [{ Name: "order", Value: "5" }] })),
    built: await seen(api, send({ Content: built, FromEmailAddress: "app@example.test" })),
    unverified: await seen(api, send({ Content: built, FromEmailAddress: "app@elsewhere.test" })),
    unknownSet: await seen(api, send({ Content: { Raw: { Data: raw } }, ConfigurationSetName: "none" })),
    badSecret: await seen(client("wrong"), send({ Content: { Raw: { Data: raw } } })),
    account: await seen(api, new GetAccountCommand({})),
  };
  return result;
}

main().then((result) => console.log(JSON.stringify(result)));
