"""Amazon SES, Mailjet and Resend as their own SDKs, unmodified, and nodemailer's SES transport call them: against the real daemon, which
hands everything to a capture upstream. What the application is told and what arrives in the Maildir are compared with what it sent."""
import email
import email.policy
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import unittest

from harness import PATIENCE, Relay, free_port

HERE = pathlib.Path(__file__).resolve().parent


class FirstAnswerLost:
    """A way to a port on which the first answer is lost: it is waited for, and then the connection is cut."""

    def __init__(self, port: int):
        self.port, self.connections = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(PATIENCE)

    def _serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._carry, args=(client, self.connections == 1), daemon=True).start()

    def _carry(self, client, lose: bool):
        with client, socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as server:
            threading.Thread(target=self._pump, args=(client, server), daemon=True).start()
            if lose:
                server.recv(65536)
                client.shutdown(socket.SHUT_RDWR)
            else:
                self._pump(server, client)

    @staticmethod
    def _pump(source, sink):
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
        except OSError:
            pass


class Dialects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tls_port = free_port()
        cls.relay = Relay()
        directory = cls.relay.directory
        cls.maildir, cls.certificate = directory / "maildir", directory / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key.pem", "-out", cls.certificate], check=True, capture_output=True,
        )  # fmt: skip
        cls.relay.config.write_text(
            cls.relay.config.read_text()
            + f'[[mgmt.listener]]\naddress = "127.0.0.1:{cls.tls_port}"\ntls = "on"\n[tls]\ncertificate = "{cls.certificate}"\nkey = "{directory}/key.pem"\n'
            + f'[[upstream]]\nname = "keep"\ntype = "capture"\ndirectory = "{cls.maildir}"\n'
        )
        cls.relay.start()
        made = cls.relay.command("token", "create", "app", "--scopes", "send,read,steer", "--senders", "*@example.test")
        cls.key = made.stdout.strip()
        cls.aws = re.search(r"AWS_ACCESS_KEY_ID=(\S+)", made.stderr)[1], re.search(r"AWS_SECRET_ACCESS_KEY=(\S+)", made.stderr)[1]

    @classmethod
    def tearDownClass(cls):
        cls.relay.stop()
        shutil.rmtree(cls.relay.directory)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.relay.api_port}"

    def application(self, script: str, *arguments: str, **environment: str):
        done = subprocess.run(
            ["node", str(HERE / script), *arguments], capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **environment}
        )
        if done.returncode != 0:
            raise AssertionError(f"{script}: {done.stderr}")
        return json.loads(done.stdout)

    def arrived(self, identifier: str):
        """The message as it was handed over: octets, parsed, and its record."""
        record = self.relay.wait_state(identifier, "sent")
        found = [text for text in (path.read_bytes() for path in (self.maildir / "new").iterdir()) if record["id"].encode() in text.split(b"\r\n\r\n", 1)[0]]
        self.assertEqual(len(found), 1, identifier)
        return found[0], email.message_from_bytes(found[0], policy=email.policy.default), record

    def subjects(self, prefix: str):
        return sorted(message["subject"] for message in self.relay.messages() if message["subject"].startswith(prefix))

    def check_full(self, parsed, subject: str, to: str):
        """The message that every vendor's client sends with everything in it."""
        self.assertEqual((parsed["From"], parsed["To"], parsed["Cc"], parsed["Bcc"]), ("App <app@example.test>", to, "c@example.net", None))
        self.assertEqual((parsed["Reply-To"], parsed["Subject"], parsed["X-Order"]), ("r@example.test", subject, "5"))
        self.assertEqual(parsed.get_body(("plain",)).get_content().splitlines(), ["schlicht", "."])
        self.assertEqual(parsed.get_body(("html",)).get_content().strip(), "<p>größer</p><img src=cid:logo>")
        files = {part.get_filename(): part for part in parsed.walk() if part.get_filename()}
        self.assertEqual(files["Rechnung Nr. 1 – Ä.pdf"].get_content(), b"\x00\x01\x02\xff")
        self.assertEqual(files["Rechnung Nr. 1 – Ä.pdf"].get_content_disposition(), "attachment")
        logo = files["logo.png"]
        self.assertEqual((logo["Content-ID"], logo.get_content(), logo.get_content_disposition()), ("<logo>", b"PNG", "inline"))

    def recipients(self, record):
        return [recipient["address"] for recipient in record["recipients"]]

    # ---- Amazon SES

    def test_amazons_sdk_and_nodemailers_transport(self):
        lossy = FirstAnswerLost(self.relay.api_port)
        self.addCleanup(lossy.close)
        seen = self.application("dialect_ses_client.js", self.url, *self.aws, lossy.url)
        _, parsed, record = self.arrived(seen["full"]["MessageId"])
        self.check_full(parsed, "ses full – Grüße 🎉", "Zoe <a@example.net>")
        self.assertEqual(self.recipients(record), ["a@example.net", "c@example.net", "d@example.net"])
        self.assertEqual(record["metadata"], {"ses:configuration-set": "events", "order": "5"})

        octets, parsed, record = self.arrived(seen["raw"]["MessageId"])
        self.assertTrue(octets.endswith(b"\r\n" + seen["octets"].encode()), octets)
        self.assertEqual((parsed["To"], self.recipients(record)), ("shown@example.net", ["b@example.net"]))

        refused = {name: (seen[name]["error"], seen[name]["status"]) for name in seen if name != "octets" and "error" in seen[name]}
        self.assertEqual(refused, {
            "template": ("BadRequestException", 400), "bulk": ("BadRequestException", 400), "badAddress": ("BadRequestException", 400),
            "badSender": ("MessageRejected", 400), "badSecret": ("SignatureDoesNotMatch", 403), "badKey": ("InvalidClientTokenId", 403),
        })  # fmt: skip
        self.assertIn("Content.Template", seen["template"]["message"])
        self.assertIn("Destination.ToAddresses.0", seen["badAddress"]["message"])

        self.assertEqual((seen["retried"]["attempts"], lossy.connections), (2, 2))
        self.arrived(seen["retried"]["MessageId"])
        self.assertEqual(self.subjects("ses retried"), ["ses retried"], "two attempts at one call are one message")

        mailer = seen["nodemailer"]
        self.assertEqual((mailer["verified"], mailer["wrong"]), (True, "SignatureDoesNotMatch"))
        _, parsed, record = self.arrived(mailer["id"])
        self.assertEqual((parsed["From"], parsed["To"], parsed["Cc"], parsed["Bcc"]), ('"Größe, die App" <app@example.test>', "a@example.net", "c@example.net", None))
        self.assertEqual((parsed["Subject"], self.recipients(record)), ("from nodemailer – ü", ["a@example.net", "c@example.net", "d@example.net"]))
        files = {part.get_filename(): part for part in parsed.walk() if part.get_filename()}
        self.assertEqual((files["Ä.txt"].get_content(), files["logo.png"]["Content-ID"]), ("Betrag: 1 €", "<logo>"))
        self.assertEqual(self.subjects("bad"), [])

    # ---- Mailjet

    def test_mailjets_sdk(self):
        seen = self.application("dialect_mailjet_client.js", f"127.0.0.1:{self.tls_port}", self.key, NODE_EXTRA_CA_CERTS=str(self.certificate))
        message = seen["full"]["body"]["Messages"][0]
        self.assertEqual((message["Status"], message["CustomID"], len(message["To"]), len(message["Cc"]), len(message["Bcc"])), ("success", "order-5", 2, 1, 1))
        numbers = {str(one["MessageID"]) for kind in ("To", "Cc", "Bcc") for one in message[kind]}
        self.assertEqual(len(numbers), 4, "a number for each recipient")
        _, parsed, record = self.arrived(message["To"][0]["MessageUUID"])
        self.check_full(parsed, "mailjet full – Grüße 🎉", "Zoë <a@example.net>, b@example.net")
        self.assertEqual(self.recipients(record), ["a@example.net", "b@example.net", "c@example.net", "d@example.net"])
        self.assertEqual(record["metadata"], {"CustomID": "order-5", "EventPayload": '{"n":5}'})
        self.assertEqual(message["To"][0]["MessageHref"], f"https://127.0.0.1:{self.tls_port}/v1/messages/{record['id']}")

        self.assertEqual((seen["partly"]["error"], [one["Status"] for one in seen["partly"]["body"]["Messages"]]), (400, ["success", "error", "success"]))
        self.assertEqual(self.subjects("mailjet batch"), ["mailjet batch 1", "mailjet batch 2"])
        self.assertEqual(self.arrived(seen["globals"]["body"]["Messages"][0]["To"][0]["MessageUUID"])[1]["From"], "Global <app@example.test>")
        self.assertEqual((seen["sandbox"]["status"], seen["sandbox"]["body"]["Messages"][0]["Status"]), (200, "success"))
        self.assertEqual([seen[name]["error"] for name in ("template", "badSender", "badSecret", "olderVars")], [400, 403, 401, 400])
        self.assertEqual(seen["template"]["body"]["Messages"][0]["Errors"][0]["ErrorCode"], "send-0010")

        each = seen["older"]["body"]["Sent"]
        self.assertEqual([one["Email"] for one in each], ["a@example.net", "b@example.net"])
        self.assertEqual(self.arrived(each[0]["MessageUUID"])[1]["To"], "A <a@example.net>")
        self.assertEqual(self.arrived(each[1]["MessageUUID"])[1]["To"], "b@example.net")
        together = seen["olderTo"]["body"]["Sent"]
        self.assertEqual([one["Email"] for one in together], ["a@example.net", "b@example.net", "c@example.net", "d@example.net"])
        _, parsed, record = self.arrived(together[0]["MessageUUID"])
        self.assertEqual((parsed["To"], parsed["Cc"], record["metadata"]), ("A <a@example.net>, b@example.net", "c@example.net", {"CustomID": "order-6"}))
        files = {part.get_filename(): part for part in parsed.walk() if part.get_filename()}
        self.assertEqual((files["a.csv"].get_content(), files["logo.png"]["Content-ID"]), ("a,b", "<logo.png>"))
        self.assertEqual(self.subjects("bad"), [])

    # ---- Resend

    def test_resends_sdk(self):
        seen = self.application("dialect_resend_client.js", self.url, self.key)
        _, parsed, record = self.arrived(seen["full"]["id"])
        self.check_full(parsed, "resend full – Grüße 🎉", "Zoë <a@example.net>, b@example.net")
        self.assertEqual(self.recipients(record), ["a@example.net", "b@example.net", "c@example.net", "d@example.net"])
        self.assertEqual(record["metadata"], {"order": "5"})

        self.assertEqual(seen["first"], seen["again"])
        self.assertEqual(self.subjects("resend once"), ["resend once"])
        self.assertEqual(len(seen["batch"]["data"]), 2)
        self.assertEqual((len(seen["permissive"]["data"]), [error["index"] for error in seen["permissive"]["errors"]]), (1, [1]))
        self.assertEqual(self.subjects("resend batch"), ["resend batch 1", "resend batch 2", "resend batch 3"])

        identifier = seen["scheduled"]["id"]
        self.assertEqual(seen["moved"], {"object": "email", "id": identifier})
        self.assertEqual(seen["cancelled"], {"object": "email", "id": identifier})
        self.assertEqual((seen["shown"]["subject"], seen["shown"]["to"]), ("resend scheduled", ["a@example.net"]))
        self.assertEqual(self.relay.message(identifier)["state"], "cancelled")

        refused = {name: (answer["statusCode"], answer["name"]) for name, answer in seen.items() if "statusCode" in answer}
        self.assertEqual(refused, {
            "other": (409, "invalid_idempotent_request"), "strict": (422, "validation_error"), "cancelledTwice": (409, "validation_error"),
            "inWords": (422, "validation_error"), "template": (422, "validation_error"), "path": (422, "validation_error"),
            "badSender": (403, "validation_error"), "badKey": (401, "invalid_api_key"),
        })  # fmt: skip
        self.assertEqual(self.subjects("bad"), [])


if __name__ == "__main__":
    unittest.main()
