"""Mailgun, SendGrid and Postmark as their own SDKs, unmodified, call them: against the real daemon, which hands everything to a capture
upstream. What the application is told and what arrives in the Maildir are compared with what it sent."""
import email
import email.policy
import json
import pathlib
import shutil
import subprocess
import unittest
import uuid

from harness import PATIENCE, Relay

HERE = pathlib.Path(__file__).resolve().parent
FULL_TO = "Zoë <a@example.net>, b@example.net"


class Dialects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = Relay()
        cls.maildir = cls.relay.directory / "maildir"
        cls.relay.config.write_text(cls.relay.config.read_text() + f'[[upstream]]\nname = "keep"\ntype = "capture"\ndirectory = "{cls.maildir}"\n')
        cls.relay.start()
        cls.key = cls.relay.command("token", "create", "app", "--scopes", "send,read", "--senders", "*@example.test").stdout.strip()

    @classmethod
    def tearDownClass(cls):
        cls.relay.stop()
        shutil.rmtree(cls.relay.directory)

    @property
    def address(self):
        return f"127.0.0.1:{self.relay.api_port}"

    def application(self, script: str, *arguments: str):
        done = subprocess.run(["node", str(HERE / script), *arguments], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0:
            raise AssertionError(f"{script}: {done.stderr}")
        return json.loads(done.stdout)

    def messages(self, prefix: str):
        """By subject; nothing that was refused is among them."""
        found = {}
        for message in self.relay.messages():
            self.assertNotEqual(message["subject"], "bad")
            if message["subject"].startswith(prefix):
                found.setdefault(message["subject"], []).append(message)
        return found

    def arrived(self, identifier: str):
        """The message as it was handed over: octets, parsed, and its record."""
        record = self.relay.wait_state(identifier, "sent")
        found = [text for text in (path.read_bytes() for path in (self.maildir / "new").iterdir()) if record["id"].encode() in text.split(b"\r\n\r\n", 1)[0]]
        self.assertEqual(len(found), 1, identifier)
        return found[0], email.message_from_bytes(found[0], policy=email.policy.default), record

    def check_full(self, identifier: str, subject: str, logo_id: str = "<logo>"):
        """The message that every vendor's client sends with everything in it."""
        _, parsed, record = self.arrived(identifier)
        self.assertEqual((parsed["From"], parsed["To"], parsed["Cc"], parsed["Bcc"]), ("App <app@example.test>", FULL_TO, "c@example.net", None))
        self.assertEqual((parsed["Reply-To"], parsed["Subject"], parsed["X-Order"]), ("r@example.test", subject, "5"))
        self.assertEqual(parsed.get_body(("plain",)).get_content().splitlines(), ["schlicht", "."])
        self.assertTrue(parsed.get_body(("html",)).get_content().startswith("<p>größer</p><img src=cid:logo"))
        files = {part.get_filename(): part for part in parsed.walk() if part.get_filename()}
        self.assertEqual(files["Rechnung Nr. 1 – Ä.pdf"].get_content(), b"\x00\x01\x02\xff")
        self.assertEqual(files["Rechnung Nr. 1 – Ä.pdf"].get_content_disposition(), "attachment")
        logo = files["logo.png"]
        self.assertEqual((logo["Content-ID"], logo.get_content(), logo.get_content_disposition()), (logo_id, b"PNG", "inline"))
        self.assertEqual(sorted(r["address"] for r in record["recipients"]), [f"{x}@example.net" for x in "abcd"])
        self.assertEqual(record["metadata"], {"order": "5"})
        return parsed, record

    # ---- Mailgun ----

    def test_mailgun(self):
        seen = self.application("dialect_mailgun_client.js", f"http://{self.address}", self.key)
        found = self.messages("mailgun")
        ids = {subject: [message["id"] for message in messages] for subject, messages in found.items()}

        self.assertEqual((seen["full"]["status"], seen["full"]["message"]), (200, "Queued. Thank you."))
        self.assertRegex(seen["full"]["id"], r"^<.+@mg\.example\.test>$")
        parsed, record = self.check_full(ids["mailgun full – Grüße 🎉"][0], "mailgun full – Grüße 🎉", "<logo.png>")
        self.assertEqual((parsed["Message-ID"], record["tags"]), (seen["full"]["id"], ["one", "two"]))
        self.assertEqual([part.get_content() for part in parsed.walk() if part.get_filename() == "zwei.txt"], ["zwei"])

        for name, number in (("Ada", "1"), ("Bob", "2")):
            _, parsed, _ = self.arrived(ids[f"mailgun batch {name}"][0])
            self.assertEqual((parsed["To"], parsed["Message-ID"]), (f"{'ab'[int(number) - 1]}@example.net", seen["batch"]["id"]))
            self.assertEqual(parsed.get_content().strip(), f"Number {number}.")

        self.assertEqual((seen["mime"]["id"], seen["mimeText"]["id"]), ("<mime-1@example.test>", "<mime-2@example.test>"))
        octets, parsed, record = self.arrived(next(m["id"] for m in found["mailgun mime"] if m["message_id"] == "<mime-1@example.test>"))
        self.assertTrue(octets.endswith(b"\r\n\r\nAs it is.\r\n"))
        self.assertEqual((parsed["To"], [r["address"] for r in record["recipients"]]), ("list@example.net", ["a@example.net", "b@example.net"]))

        self.assertTrue(found["mailgun test"][0]["capture_only"])
        self.assertEqual(self.relay.message(ids["mailgun later"][0])["state"], "queued")
        self.check_mailgun_refusals(seen)
        self.check_mailgun_events(seen)

    def check_mailgun_refusals(self, seen):
        statuses = {name: seen[name]["error"] for name in ("template", "tracking", "badAddress", "badSender", "injection", "badDomain", "badKey", "badEvents")}
        self.assertEqual(statuses, {"template": 400, "tracking": 400, "badAddress": 400, "badSender": 403, "injection": 400, "badDomain": 404, "badKey": 401, "badEvents": 400})
        self.assertIn("'template' parameter: ", seen["template"]["details"])
        self.assertIn("'o:tracking' parameter: ", seen["tracking"]["details"])
        self.assertIn("'to' parameter: ", seen["badAddress"]["details"])
        self.assertIn("'h:X-A' parameter: ", seen["injection"]["details"])

    def check_mailgun_events(self, seen):
        accepted = [["accepted", f"{x}@example.net", "mailgun full – Grüße 🎉"] for x in "abcd"]
        self.assertEqual([event for event in seen["events"] if event[2].startswith("mailgun")][:4], accepted)
        self.assertEqual(len(seen["events"]), len({json.dumps(event) for event in seen["events"]}) + 1, "only the two MIME messages look the same")
        self.assertEqual(sorted(seen["latest"]), [["accepted", "a@example.net", "mailgun batch Ada"], ["accepted", "b@example.net", "mailgun batch Bob"]])

    # ---- SendGrid ----

    def test_sendgrid(self):
        seen = self.application("dialect_sendgrid_client.js", f"http://{self.address}", self.key)
        found = self.messages("sendgrid")
        self.assertEqual((seen["full"]["status"], seen["full"]["body"]), (202, ""))
        _, record = self.check_full(seen["full"]["id"], "sendgrid full – Grüße 🎉")
        self.assertEqual(record["tags"], ["one", "two"])

        each = found["sendgrid each"]
        self.assertEqual({message["batch"] for message in each}, {seen["multiple"]["id"]})
        self.assertEqual(sorted(self.arrived(message["id"])[1]["To"] for message in each), ["a@example.net", "b@example.net"])
        for subject, text in (("sendgrid for Ada", "Dear Ada"), ("sendgrid own for Bob", "Dear Bob")):
            self.assertEqual(self.arrived(found[subject][0]["id"])[1].get_content().strip(), text)

        self.assertEqual(self.relay.message(seen["scheduled"]["id"])["state"], "queued")
        self.assertEqual((seen["sandbox"]["status"], seen["badSandbox"]["error"]), (200, 400))
        statuses = {name: seen[name]["error"] for name in ("template", "tracking", "badAddress", "badSender", "injection", "twice", "badKey")}
        self.assertEqual(statuses, {"template": 400, "tracking": 400, "badAddress": 400, "badSender": 403, "injection": 400, "twice": 400, "badKey": 401})
        fields = {name: {error["field"] for error in seen[name]["errors"]} for name in ("template", "tracking", "badAddress", "injection", "badKey")}
        self.assertLessEqual({"template_id", "personalizations.0.dynamic_template_data"}, fields["template"])
        self.assertEqual(fields["tracking"], {"tracking_settings.click_tracking.enable"})
        self.assertEqual(fields["badAddress"], {"personalizations.0.to.0.email"})
        self.assertEqual(fields["injection"], {"headers.X-A"})
        self.assertEqual(fields["badKey"], {None})

    # ---- Postmark ----

    def test_postmark(self):
        seen = self.application("dialect_postmark_client.js", self.address, self.key)
        found = self.messages("postmark")
        self.assertEqual((seen["full"]["ErrorCode"], seen["full"]["Message"], seen["full"]["To"]), (0, "OK", FULL_TO))
        self.assertEqual(str(uuid.UUID(seen["full"]["MessageID"])), seen["full"]["MessageID"])
        _, record = self.check_full(seen["full"]["MessageID"], "postmark full – Grüße 🎉")
        self.assertEqual(record["tags"], ["one"])

        self.assertEqual([result["ErrorCode"] for result in seen["batch"]], [0, 300, 0, 400])
        for number, result in ((1, seen["batch"][0]), (2, seen["batch"][2])):
            self.assertEqual(self.arrived(result["MessageID"])[1]["Subject"], f"postmark batch {number}")
        self.assertEqual(len(found["postmark batch 1"]), 1)

        refused = {name: (seen[name]["error"], seen[name]["code"], seen[name]["status"]) for name in seen if name not in ("full", "batch")}
        self.assertEqual(refused, {
            "template": ("ApiInputError", 1101, 422), "tracking": ("InvalidEmailRequestError", 300, 422), "badStream": ("ApiInputError", 1235, 422),
            "badAddress": ("InvalidEmailRequestError", 300, 422), "badSender": ("ApiInputError", 400, 422), "injection": ("InvalidEmailRequestError", 300, 422),
            "badToken": ("InvalidAPIKeyError", 10, 401), "testToken": ("InvalidAPIKeyError", 10, 401),
        })  # fmt: skip
        self.assertIn("TrackOpens: ", seen["tracking"]["text"])
        self.assertIn("TrackLinks: ", seen["tracking"]["text"])


if __name__ == "__main__":
    unittest.main()
