"""The vendors that rebuild a message: each fake is driven by the vendor's own SDK, so that fake and transport cannot agree on a mistake,
and then by the relay."""
import email.message
import email.policy
import json
import os
import pathlib
import smtplib
import subprocess
import sys
import tempfile
import unittest

from harness import PATIENCE, ROOT, Relay

sys.path.insert(0, str(ROOT / "tests/fakes"))
from mailjet import FIRST_ID, FakeMailjet  # noqa: E402
from postmark import FakePostmark  # noqa: E402
from resend import FakeResend  # noqa: E402
from sendgrid import FakeSendgrid  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
SENDERS = {"example.test"}


def run_sdk(client: str, *arguments: str, **environment: str):
    done = subprocess.run(
        ["node", str(HERE / client), *arguments], capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **environment}
    )
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"{client}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


class Sdks(unittest.TestCase):
    def test_sendgrid(self):
        with FakeSendgrid(senders=SENDERS, bad_addresses={"nobody@bad.test"}) as fake:
            seen = run_sdk("sendgrid_client.js", fake.url, "SG.test")
        self.assertEqual(seen["full"], {"status": 202, "id": fake.accepted[0]["id"]})
        self.assertEqual(fake.accepted[0]["letters"], [["a@example.test", "b@example.test", "c@example.test", "d@example.test"]])
        self.assertEqual(fake.accepted[1]["letters"], [["a@example.test"], ["b@example.test"]])
        self.assertEqual(fake.accepted[0]["mail"]["custom_args"], {"order": "5"})
        self.assertEqual(seen["sandbox"], {"status": 200})
        self.assertEqual(len(fake.accepted), 2)
        self.assertEqual({name: seen[name]["error"] for name in ("twice", "badAddress", "noSubject", "reserved")},
                         {"twice": 400, "badAddress": 400, "noSubject": 400, "reserved": 400})  # fmt: skip
        self.assertEqual(seen["badAddress"]["errors"][0]["field"], "personalizations.0.to.0.email")
        self.assertEqual((seen["badSender"]["error"], seen["badKey"]["error"]), (403, 401))

    def test_mailjet(self):
        with tempfile.TemporaryDirectory(prefix="postrider-tls-") as directory:
            certificate, key = f"{directory}/cert.pem", f"{directory}/key.pem"
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                 "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True,
            )  # fmt: skip
            with FakeMailjet(tls=(certificate, key), senders=SENDERS, bad_addresses={"nobody@bad.test"}) as fake:
                seen = run_sdk("mailjet_client.js", f"127.0.0.1:{fake.port}", "mj-key", "mj-secret", NODE_EXTRA_CA_CERTS=certificate)
        self.assertEqual(seen["full"], {"status": 200, "ids": [[str(FIRST_ID), str(FIRST_ID + 1)]], "customId": "order-5"})
        self.assertEqual(seen["sandbox"]["status"], 200)
        self.assertEqual([message["Status"] for message in seen["partly"]["body"]["Messages"]], ["success", "error"])
        self.assertEqual(len(fake.accepted), 2, "the good message of a call that was refused in part is sent")
        self.assertEqual([seen[name]["error"] for name in ("partly", "onlyCc", "reserved", "badSender", "badSecret")], [400, 400, 400, 403, 401])

    def test_postmark(self):
        with FakePostmark(senders=SENDERS, inactive={"Gone@example.test"}) as fake:
            seen = run_sdk("postmark_client.js", f"127.0.0.1:{fake.port}", "pm-token")
        self.assertEqual(seen["server"]["ID"], 1)
        self.assertEqual((seen["full"]["ErrorCode"], seen["full"]["MessageID"]), (0, fake.accepted[0]["id"]))
        self.assertIn("gone@example.test", seen["partly"]["Message"])
        self.assertEqual(fake.accepted[1]["recipients"], ["a@example.test", "b@example.test", "d@example.test"])
        self.assertEqual(seen["inactive"]["recipients"], ["gone@example.test"])
        self.assertEqual([(seen[name]["code"], seen[name]["status"]) for name in ("inactive", "badAddress", "badSender", "badStream", "badToken")],
                         [(406, 422), (300, 422), (400, 422), (1235, 422), (10, 401)])  # fmt: skip

    def test_resend(self):
        with FakeResend(senders=SENDERS) as fake:
            seen = run_sdk("resend_client.js", fake.url, "re_test")
        self.assertEqual(seen["domains"]["data"], [])
        self.assertEqual([seen["full"]["id"], seen["first"]["id"]], [message["id"] for message in fake.accepted])
        self.assertEqual(seen["again"], seen["first"], "one key, one mail")
        self.assertEqual({name: (seen[name]["name"], seen[name]["statusCode"]) for name in ("other", "badAddress", "badName", "badSender", "badTag", "badKey")}, {
            "other": ("invalid_idempotent_request", 409), "badAddress": ("validation_error", 422), "badName": ("validation_error", 422),
            "badSender": ("validation_error", 403), "badTag": ("validation_error", 422), "badKey": ("invalid_api_key", 403),
        })  # fmt: skip


# ---- the relay ------------------------------------------------------------------------------------------------------

MAKERS = {
    "sendgrid": (FakeSendgrid, 'api_key = "SG.test"'),
    "mailjet": (FakeMailjet, 'api_key = "mj-key"\napi_secret = "mj-secret"'),
    "postmark": (FakePostmark, 'server_token = "pm-token"'),
    "resend": (FakeResend, 'api_key = "re_test"'),
}


def upstream(kind: str, fake, more: str = "") -> str:
    return f'[[upstream]]\nname = "{kind}"\ntype = "{kind}"\napi_base = "{fake.url}"\n{MAKERS[kind][1]}\n{more}\n'


def rich() -> email.message.EmailMessage:
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Cc"] = "App <app@example.test>", '"Doe, Jo" <a@example.net>', "b@example.net"
    message["Subject"], message["X-Order"], message["List-Unsubscribe"] = "Grüße 🎉", "5", "<https://example.test/u>"
    message.set_content("Preis: 5 €\n")
    message.add_alternative("<p><img src=cid:logo>5 €</p>\n", subtype="html")
    message.get_payload()[1].add_related(b"PNG", "image", "png", cid="<logo>", filename="logo.png")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="Rechnung Ä.pdf")
    return message


def submit(relay: Relay, octets: bytes, *recipients: str) -> str:
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail("app@example.test")
        for recipient in recipients:
            client.rcpt(recipient)
        code, text = client.data(octets)
        assert code == 250, text
        return text.decode().rsplit(" ", 1)[-1]


def states(message) -> dict:
    return {recipient["address"]: recipient["state"] for recipient in message["recipients"]}


class LossyUpstreams(unittest.TestCase):
    def deliver(self, kind: str, octets: bytes, *recipients: str, until=("sent",), fake=None, **options):
        """The fake after the relay is done, the message as the API shows it, and its id."""
        with (fake or MAKERS[kind][0](senders=SENDERS, **options)) as vendor, Relay(upstream(kind, vendor)) as relay:
            message_id = submit(relay, octets, *recipients)
            return vendor, relay.wait_state(message_id, *until), message_id

    def test_each_vendor_takes_a_rich_message_field_by_field(self):
        for kind in MAKERS:
            with self.subTest(kind):
                fake, message, message_id = self.deliver(kind, rich().as_bytes(), "a@example.net", "b@example.net", "hidden@example.net")
                self.assertEqual(len(fake.accepted), 1)
                getattr(self, f"check_{kind}")(fake.accepted[0]["mail"], message_id)
                self.assertTrue(message["attempts"][0]["lossy"])
                self.assertEqual(message["attempts"][0]["remote_id"], fake.accepted[0]["id"])

    def check_sendgrid(self, mail, message_id):
        letter = {"to": [{"email": "a@example.net", "name": '"Doe, Jo"'}], "cc": [{"email": "b@example.net"}], "bcc": [{"email": "hidden@example.net"}]}
        self.assertEqual(mail["personalizations"], [letter])
        self.assertEqual((mail["subject"], mail["custom_args"]), ("Grüße 🎉", {"postrider_id": message_id}))
        self.assertEqual([part["type"] for part in mail["content"]], ["text/plain", "text/html"])
        self.assertEqual({file["filename"]: file["disposition"] for file in mail["attachments"]}, {"logo.png": "inline", "Rechnung Ä.pdf": "attachment"})
        self.assertEqual(mail["headers"]["List-Unsubscribe"], "<https://example.test/u>")

    def check_mailjet(self, mail, message_id):
        self.assertEqual((mail["To"], mail["Cc"], mail["Bcc"]), ([{"Email": "a@example.net", "Name": "Doe, Jo"}], [{"Email": "b@example.net"}], [{"Email": "hidden@example.net"}]))
        self.assertEqual((mail["Subject"], mail["CustomID"], mail["TextPart"]), ("Grüße 🎉", message_id, "Preis: 5 €\n"))
        self.assertEqual(mail["InlinedAttachments"][0]["ContentID"], "logo")
        self.assertEqual(mail["Headers"], {"X-Order": "5", "List-Unsubscribe": "<https://example.test/u>"})

    def check_postmark(self, mail, message_id):
        self.assertEqual((mail["To"], mail["Cc"], mail["Bcc"]), ('"Doe, Jo" <a@example.net>', "b@example.net", "hidden@example.net"))
        self.assertEqual((mail["Subject"], mail["Metadata"]), ("Grüße 🎉", {"postrider_id": message_id}))
        self.assertEqual(mail["Attachments"][0]["ContentID"], "cid:logo")

    def check_resend(self, mail, message_id):
        self.assertEqual((mail["cc"], mail["bcc"], mail["from"]), (["b@example.net"], ["hidden@example.net"], "App <app@example.test>"))
        self.assertEqual(mail["tags"], [{"name": "postrider_id", "value": message_id}, {"name": "postrider_recipients", "value": "3"}])
        self.assertEqual(mail["headers"]["X-Order"], "5")

    def test_one_bad_address_is_found_and_the_others_are_sent(self):
        recipients = [f"user{i}@example.net" for i in range(7)]
        octets = f"From: app@example.test\r\nTo: {', '.join(recipients)}\r\nSubject: s\r\n\r\nx\r\n".encode()
        for kind in MAKERS:
            with self.subTest(kind):
                fake, message, _ = self.deliver(kind, octets, *recipients, until=("bounced",), bad_addresses={"user3@example.net"})
                self.assertEqual(states(message), {recipient: "bounced" if recipient == "user3@example.net" else "sent" for recipient in recipients})

    def test_hidden_recipients_are_never_shown_to_each_other(self):
        hidden = [f"user{i}@example.net" for i in range(4)]
        octets = b"From: app@example.test\r\nTo: undisclosed-recipients:;\r\nSubject: s\r\n\r\nx\r\n"
        for kind in MAKERS:
            with self.subTest(kind):
                fake, message, _ = self.deliver(kind, octets, *hidden)
                self.assertEqual(set(states(message).values()), {"sent"})
                for accepted in fake.accepted:
                    seen = accepted["letters"] if kind == "sendgrid" else [accepted.get("recipients") or list(accepted["ids"])]
                    self.assertTrue(all(len(letter) == 1 for letter in seen), seen)

    def test_what_cannot_be_expressed_goes_to_the_next_upstream(self):
        signed = (
            b'From: app@example.test\r\nTo: a@example.net\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
            b"--b\r\n\r\nsigned\r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nMAC\r\n--b--\r\n"
        )
        for kind in MAKERS:
            with self.subTest(kind), MAKERS[kind][0]() as fake, tempfile.TemporaryDirectory(prefix="postrider-capture-") as maildir:
                raw = f'[[upstream]]\nname = "raw"\ntype = "capture"\npriority = 9\ndirectory = "{maildir}"\n'
                with Relay(upstream(kind, fake, "priority = 1") + raw) as relay:
                    message = relay.wait_state(submit(relay, signed, "a@example.net"), "sent")
                self.assertEqual([attempt["upstream"] for attempt in message["attempts"]], [kind, "raw"])
                self.assertIn("signed", message["attempts"][0]["text"])
                self.assertEqual(fake.requests, [])

    def test_postmark_bounces_only_those_that_it_does_not_deliver_to(self):
        octets = b"From: app@example.test\r\nTo: a@example.net, Gone@example.net\r\nSubject: s\r\n\r\nx\r\n"
        fake, message, _ = self.deliver("postmark", octets, "a@example.net", "Gone@example.net", until=("bounced",), inactive={"Gone@example.net"})
        self.assertEqual(states(message), {"a@example.net": "sent", "Gone@example.net": "bounced"})
        self.assertEqual(fake.accepted[0]["recipients"], ["a@example.net"])

    def test_resend_makes_one_mail_of_two_tries_after_a_lost_answer(self):
        octets = b"From: app@example.test\r\nTo: a@example.net\r\nSubject: s\r\n\r\nx\r\n"
        fake = FakeResend(senders=SENDERS)
        fake.fail("close_after_body", taken=True)
        with fake, Relay(upstream("resend", fake), delivery='retry_interval = "1s"') as relay:
            message = relay.wait_state(submit(relay, octets, "a@example.net"), "sent")
        self.assertEqual([attempt["outcome"] for attempt in message["attempts"]], ["uncertain", "sent"])
        self.assertEqual(len(fake.accepted), 1)
        keys = {request.header("Idempotency-Key") for request in fake.requests}
        self.assertEqual((len(fake.requests), len(keys)), (2, 1))

    def test_limits_pause_and_spend_no_try(self):
        octets = b"From: app@example.test\r\nTo: a@example.net\r\nSubject: s\r\n\r\nx\r\n"
        limits = {
            "sendgrid": {"status": 429, "body": '{"errors":[{"field":null,"message":"too many requests"}]}', "headers": {"Retry-After": "1"}},
            "mailjet": {"status": 429, "body": "Rate limit exceeded", "headers": {"Content-Type": "text/html", "Retry-After": "1"}},
            "postmark": {"status": 429, "body": '{"ErrorCode":429,"Message":"slow down"}', "headers": {"Retry-After": "1"}},
            "resend": {"status": 429, "body": '{"statusCode":429,"name":"rate_limit_exceeded","message":"slow"}', "headers": {"retry-after": "1"}},
        }
        for kind in MAKERS:
            with self.subTest(kind):
                fake = MAKERS[kind][0](senders=SENDERS)
                fake.fail("answer", **limits[kind])
                _, message, _ = self.deliver(kind, octets, "a@example.net", fake=fake)
                self.assertEqual([attempt["outcome"] for attempt in message["attempts"]], ["deferred", "sent"])
                self.assertEqual(message["recipients"][0]["tries"], 1)

    def test_a_wrong_key_is_the_upstreams_fault(self):
        octets = b"From: app@example.test\r\nTo: a@example.net\r\nSubject: s\r\n\r\nx\r\n"
        wrong = {"sendgrid": {"key": "SG.other"}, "mailjet": {"secret": "other"}, "postmark": {"token": "other"}, "resend": {"key": "re_other"}}
        for kind in MAKERS:
            with self.subTest(kind):
                _, message, _ = self.deliver(kind, octets, "a@example.net", until=("deferred",), **wrong[kind])
                self.assertEqual((message["attempts"][0]["outcome"], message["attempts"][0]["cause"]), ("deferred", "route"))


if __name__ == "__main__":
    unittest.main()
