"""Upstreams that take the octets: Mailgun and Amazon SES. Each vendor's own SDK and the real relay speak to the same fake, which checks every
request as the vendor documents it: so fake and transport cannot agree on a mistake."""
import json
import pathlib
import re
import smtplib
import subprocess
import sys
import unittest

from harness import PATIENCE, QUEUED_AS, Relay

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "fakes"))
from mailgun import FakeMailgun  # noqa: E402
from ses import FakeSes  # noqa: E402

# Header fields that a rebuilt message would lose or change, a signature's field among them, and 8-bit text.
MESSAGE = (
    b"DKIM-Signature: v=1; a=rsa-sha256; d=example.test; b=\r\n abc\r\nFrom: The App <app@example.test>\r\nTo: undisclosed-recipients:;\r\n"
    b"X-Twice: one\r\nX-Twice: two\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.test>\r\nDate: Sun, 22 Nov 2026 08:00:00 +0000\r\n"
    b"\r\n.dot\r\ngr\xc3\xbc\xc3\x9fe\r\n"
)


def client(script: str, *arguments: str):
    done = subprocess.run(["node", str(HERE / script), *arguments], capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0:
        raise AssertionError(f"{script}: {done.stderr}")
    return json.loads(done.stdout)


def mailgun_upstream(fake, name="mg", key="key-test", more="") -> str:
    return f'[[upstream]]\nname = "{name}"\ntype = "mailgun"\napi_base = "{fake.url}"\napi_key = "{key}"\ndomain = "{fake.domain}"\n{more}\n'


def ses_upstream(fake, name="amazon", secret="secret/test+key", more="") -> str:
    return (
        f'[[upstream]]\nname = "{name}"\ntype = "ses"\napi_base = "{fake.url}"\naccess_key = "{fake.access_key}"\nsecret_key = "{secret}"\n'
        f'region = "{fake.region}"\n{more}\n'
    )


def send(relay, *recipients: str, message: bytes = MESSAGE, sender: str = "app@example.test") -> str:
    """Our id."""
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as smtp:
        smtp.ehlo()
        smtp.mail(sender)
        for recipient in recipients:
            smtp.rcpt(recipient)
        code, text = smtp.data(message)
    assert code == 250, (code, text)
    return QUEUED_AS.search(text.decode())[1]


def states(message) -> dict[str, str]:
    return {recipient["address"]: recipient["state"] for recipient in message["recipients"]}


def without_trace(octets: bytes) -> bytes:
    """The message without the Received field that the relay puts on top."""
    assert octets.startswith(b"Received: "), octets[:80]
    return re.sub(rb"\AReceived: .*?\r\n(?![ \t])", b"", octets, count=1, flags=re.S)


class FakesAndSdks(unittest.TestCase):
    def test_mailguns_sdk_is_served_as_by_mailgun(self):
        with FakeMailgun() as fake:
            seen = client("mailgun_client.js", fake.url, fake.key, fake.domain)
            built, raw = fake.accepted
        self.assertEqual(seen["built"], {"status": 200, "id": f"<{built['id']}>", "message": "Queued. Thank you."})
        self.assertEqual(seen["raw"]["id"], f"<{raw['id']}>")
        self.assertEqual((built["recipients"], built["tags"], built["testmode"]), (["a@example.test", "b@example.test"], ["one", "two"], True))
        self.assertEqual(built["variables"], {"order": "5"})
        self.assertEqual(raw["recipients"], ["b@example.test"])
        self.assertTrue(raw["message"].startswith(b"From: app@example.test\r\n"))
        self.assertEqual([seen[call]["error"] for call in ("badAddress", "badKey", "badDomain")], [400, 401, 404])
        self.assertEqual(seen["badPath"]["details"], "Mailgun Magnificent API")  # the SDK makes an error of this 200

    def test_amazons_sdk_is_served_as_by_ses(self):
        with FakeSes(session_token="token==") as fake:
            seen = client("ses_client.js", fake.url, fake.region, fake.access_key, fake.secret_key, fake.session_token)
            raw, built = fake.accepted
        self.assertEqual((seen["raw"]["MessageId"], seen["built"]["MessageId"]), (raw["id"], built["id"]))
        self.assertEqual((raw["recipients"], raw["tags"]), (["b@example.test", "c@example.test"], {"order": "5"}))
        self.assertTrue(raw["message"].startswith(b"From: app@example.test\r\n"))
        self.assertEqual((seen["unverified"]["error"], seen["unverified"]["status"]), ("MessageRejected", 400))
        self.assertEqual((seen["unknownSet"]["error"], seen["unknownSet"]["status"]), ("NotFoundException", 404))
        self.assertEqual((seen["badSecret"]["error"], seen["badSecret"]["status"]), ("InvalidSignatureException", 403))
        self.assertIs(seen["account"]["SendingEnabled"], True)


class Mailgun(unittest.TestCase):
    def test_gets_the_octets_and_the_envelope(self):
        with FakeMailgun() as fake, Relay(mailgun_upstream(fake)) as relay:
            identifier = send(relay, "a@example.test", "b@example.test")
            message = relay.wait_state(identifier, "sent")
            (taken,) = fake.wait_accepted(1)
            (request,) = fake.requests
        self.assertEqual(without_trace(taken["message"]), MESSAGE)
        self.assertEqual(taken["recipients"], ["a@example.test", "b@example.test"])
        self.assertEqual((taken["variables"], taken["testmode"]), ({"postrider_id": identifier}, False))
        self.assertEqual((request.method, request.target), ("POST", "/v3/mg.example.test/messages.mime"))
        self.assertEqual([part.name for part in request.parts()], ["to", "to", "v:postrider_id", "message"])
        self.assertEqual(request.parts()[-1].filename, "message.mime")
        self.assertEqual({recipient["remote_id"] for recipient in message["recipients"]}, {taken["id"]})

    def test_sandbox_is_test_mode(self):
        with FakeMailgun() as fake, Relay(mailgun_upstream(fake, more="sandbox = true")) as relay:
            send(relay, "a@example.test")
            (taken,) = fake.wait_accepted(1)
        self.assertTrue(taken["testmode"])

    def test_one_bad_address_does_not_bounce_the_others(self):
        recipients = [f"user{i}@example.test" for i in range(9)]
        with FakeMailgun(bad_addresses=["user5@example.test"]) as fake, Relay(mailgun_upstream(fake)) as relay:
            identifier = send(relay, *recipients)
            message = relay.wait_state(identifier, "bounced")
            ours = [taken for taken in fake.accepted if taken["variables"]["postrider_id"] == identifier]  # not the notice to the sender
            reached = sorted(address for taken in ours for address in taken["recipients"])
        self.assertEqual(states(message), {r: "bounced" if r == "user5@example.test" else "sent" for r in recipients})
        self.assertEqual(reached, sorted(set(recipients) - {"user5@example.test"}))  # each once

    def test_a_wrong_key_goes_to_the_next_upstream_in_the_same_try(self):
        with FakeMailgun() as first, FakeSes() as second:
            with Relay(mailgun_upstream(first, key="rotated") + ses_upstream(second)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
        self.assertEqual([(a["upstream"], a["outcome"]) for a in message["attempts"]], [("mg", "deferred"), ("amazon", "sent")])
        self.assertEqual((message["attempts"][0]["code"], message["recipients"][0]["tries"]), (401, 1))

    def test_a_200_that_is_not_the_apis_sends_nothing_and_bounces_nothing(self):
        with FakeMailgun() as first, FakeSes() as second:
            first.fail("answer", status=200, body="Mailgun Magnificent API")
            with Relay(mailgun_upstream(first) + ses_upstream(second)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
        self.assertEqual([a["upstream"] for a in message["attempts"]], ["mg", "amazon"])
        self.assertIn("Magnificent", message["attempts"][0]["text"])

    def test_a_throttle_pauses_and_spends_no_try(self):
        with FakeMailgun() as fake:
            fake.fail("answer", status=429, headers={"Retry-After": "1"}, body='{"message":"too many requests"}')
            with Relay(mailgun_upstream(fake)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
        self.assertEqual([a["outcome"] for a in message["attempts"]], ["deferred", "sent"])
        self.assertEqual(message["recipients"][0]["tries"], 1)

    def test_a_throttle_without_an_end_pauses_as_well(self):
        with FakeMailgun() as first, FakeSes() as second:
            first.fail("answer", status=429, body='{"message":"too many requests"}')
            with Relay(mailgun_upstream(first) + ses_upstream(second)) as relay:
                for recipient in ("a@example.test", "b@example.test"):
                    message = relay.wait_state(send(relay, recipient), "sent")
            self.assertEqual(len(first.requests), 1)
        self.assertEqual([a["upstream"] for a in message["attempts"]], ["amazon"])

    def test_a_kept_connection_that_dies_after_the_body_is_uncertain(self):
        with FakeMailgun() as fake:
            fake.fail("close_after_body", taken=True, kept_only=True)
            with Relay(mailgun_upstream(fake), delivery='on_uncertain = "hold"') as relay:
                relay.wait_state(send(relay, "a@example.test"), "sent")
                message = relay.wait_state(send(relay, "b@example.test"), "held")
                second = [request for request in fake.requests if b"b@example.test" in request.body]
        self.assertEqual(message["attempts"][0]["outcome"], "uncertain")
        self.assertEqual(len(second), 1)  # nobody sent it again behind our back
        self.assertGreater(second[0].number, 1)

    def test_answers_that_do_not_come(self):
        rows = [
            ("hang_before_body", "deferred"), ("hang_after_body", "uncertain"), ("close_after_body", "uncertain"), ("garbage", "uncertain"),
            ("cut", "uncertain"),
        ]  # fmt: skip
        for kind, outcome in rows:
            with self.subTest(kind=kind), FakeMailgun() as first, FakeSes() as second:
                first.fail(kind, times=2)
                quick = 'stage_timeout = "500ms"\nfinal_timeout = "500ms"'
                upstreams = mailgun_upstream(first, more=quick) + ses_upstream(second)
                # Larger than what the kernel takes from a sender whose reader has stopped.
                large = MESSAGE + b"x" * 70 + (b"x" * 70 + b"\r\n") * 120_000
                with Relay(upstreams, delivery='on_uncertain = "hold"') as relay:
                    message = relay.wait_state(send(relay, "a@example.test", message=large), "held" if outcome == "uncertain" else "sent")
                self.assertEqual(message["attempts"][0]["outcome"], outcome)

    def test_a_slow_answer_is_an_answer(self):
        with FakeMailgun() as fake:
            fake.fail("trickle")
            with Relay(mailgun_upstream(fake)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
            self.assertEqual(message["recipients"][0]["remote_id"], fake.accepted[0]["id"])

    def test_upstream_test_tells_a_good_key_from_a_bad_one(self):
        with FakeMailgun() as fake:
            with Relay(mailgun_upstream(fake, "good") + mailgun_upstream(fake, "bad", key="other")) as relay:
                good = relay.command("upstream", "test", "good", check=False)
                bad = relay.command("upstream", "test", "bad", check=False)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertNotEqual(bad.returncode, 0)
        self.assertEqual(fake.accepted, [])


class Ses(unittest.TestCase):
    def test_gets_the_octets_and_the_envelope_signed(self):
        with FakeSes(session_token="token==", configuration_sets=["events"]) as fake:
            more = 'session_token = "token=="\nconfiguration_set = "events"'
            with Relay(ses_upstream(fake, more=more)) as relay:
                identifier = send(relay, "a@example.test", "b@example.test")
                message = relay.wait_state(identifier, "sent")
                (taken,) = fake.wait_accepted(1)
        self.assertEqual(without_trace(taken["message"]), MESSAGE)
        self.assertEqual((taken["recipients"], taken["tags"]), (["a@example.test", "b@example.test"], {"postrider_id": identifier}))
        self.assertEqual(taken["configuration_set"], "events")
        self.assertEqual(set(taken["asked"]), {"Content", "Destination", "EmailTags", "ConfigurationSetName"})
        self.assertEqual({recipient["remote_id"] for recipient in message["recipients"]}, {taken["id"]})

    def test_fifty_recipients_a_call(self):
        recipients = [f"user{i}@example.test" for i in range(120)]
        with FakeSes() as fake, Relay(ses_upstream(fake)) as relay:
            relay.wait_state(send(relay, *recipients), "sent")
            calls = [taken["recipients"] for taken in fake.accepted]
        self.assertEqual(sorted(len(call) for call in calls), [20, 50, 50])
        self.assertEqual(sorted(address for call in calls for address in call), sorted(recipients))

    def test_one_bad_address_does_not_bounce_the_others(self):
        recipients = [f"user{i}@example.test" for i in range(5)]
        with FakeSes(bad_addresses=["user0@example.test"]) as fake, Relay(ses_upstream(fake)) as relay:
            message = relay.wait_state(send(relay, *recipients), "bounced")
        self.assertEqual(states(message), {r: "bounced" if r == "user0@example.test" else "sent" for r in recipients})

    def test_an_unverified_sender_is_the_upstreams_fault(self):
        with FakeSes(verified=["other.test"]) as first, FakeMailgun() as second:
            with Relay(ses_upstream(first) + mailgun_upstream(second)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
        self.assertEqual([(a["upstream"], a["outcome"]) for a in message["attempts"]], [("amazon", "deferred"), ("mg", "sent")])

    def test_a_wrong_secret_is_told_without_the_session_token(self):
        with FakeSes(session_token="token-of-ours") as first, FakeMailgun() as second:
            with Relay(ses_upstream(first, secret="rotated", more='session_token = "token-of-ours"') + mailgun_upstream(second)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
                log = relay.log()
        self.assertIn("InvalidSignatureException", message["attempts"][0]["text"])
        self.assertNotIn("token-of-ours", json.dumps(message) + log)

    def test_a_used_up_quota_goes_to_the_next_upstream(self):
        with FakeSes() as first, FakeMailgun() as second:
            refusal = {"x-amzn-ErrorType": "ThrottlingException", "Content-Type": "application/json"}
            first.fail("answer", status=400, headers=refusal, body='{"message":"Daily message quota exceeded"}')
            with Relay(ses_upstream(first) + mailgun_upstream(second)) as relay:
                relay.wait_state(send(relay, "a@example.test"), "sent")
                message = relay.wait_state(send(relay, "b@example.test"), "sent")
            self.assertEqual(len(first.requests), 1)  # it is paused
        self.assertEqual([a["upstream"] for a in message["attempts"]], ["mg"])

    def test_the_sending_rate_is_waited_for(self):
        with FakeSes() as fake:
            refusal = {"x-amzn-ErrorType": "ThrottlingException", "Content-Type": "application/json"}
            fake.fail("answer", status=400, headers=refusal, body='{"message":"Maximum sending rate exceeded"}')
            with Relay(ses_upstream(fake)) as relay:
                message = relay.wait_state(send(relay, "a@example.test"), "sent")
        self.assertEqual(message["recipients"][0]["tries"], 1)

    def test_upstream_test_tells_a_good_key_from_a_bad_one(self):
        with FakeSes() as fake:
            with Relay(ses_upstream(fake, "good") + ses_upstream(fake, "bad", secret="other")) as relay:
                good = relay.command("upstream", "test", "good", check=False)
                bad = relay.command("upstream", "test", "bad", check=False)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertNotEqual(bad.returncode, 0)


if __name__ == "__main__":
    unittest.main()
