"""What providers report: each vendor's callbacks, signed as the vendor signs, to a running relay that handed a message over to the vendor's
fake; what becomes of the message, and who is not believed. And telling a provider where to report to."""
import base64
import hashlib
import hmac
import http.client
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import PATIENCE, ROOT, Relay, wait_until

sys.path.insert(0, str(ROOT / "tests/fakes"))
from fake_provider import Answer, Request, json_answer  # noqa: E402
from mailgun import FakeMailgun  # noqa: E402
from mailjet import FakeMailjet  # noqa: E402
from postmark import FakePostmark  # noqa: E402
from resend import FakeResend  # noqa: E402
from sendgrid import FakeSendgrid  # noqa: E402

USER = "user@example.net"
LOGIN = ("hooks", "wald und wiese")
KEY = "key of the hooks, 32 octets long"
MONTH = 30 * 24 * 3600
LINK = "https://shop.example/orders/4711"


def basic(user: str, password: str) -> dict:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# ---- the vendors ----------------------------------------------------------------------------------------------------


class Vendor:
    """`report(kind, ...)`: body and headers of a callback. `refused`: the status for one that is forged."""

    refused = 403
    signs = True

    def body(self, kind: str, message_id: str, provider_id: str, at: int):
        raise NotImplementedError

    def sign(self, body: bytes, at: int) -> dict:
        raise NotImplementedError

    def report(self, kind: str, message_id: str, provider_id: str, at: int | None = None, signed_at: int | None = None):
        now = int(time.time())
        body = json.dumps(self.body(kind, message_id, provider_id, at or now)).encode()
        return body, self.sign(body, signed_at or now)

    def forge(self, body: bytes, headers: dict):
        """The same, of somebody who does not know the key."""
        return body, {name: value[:-6] + ("AAAA==" if not value.endswith("AAAA==") else "BBBB==") for name, value in headers.items()}


class Mailgun(Vendor):
    fake, refused = FakeMailgun, 406
    config = f'api_key = "key-test"\ndomain = "mg.example.test"\nwebhook_key = "{KEY}"'
    names = {"delivered": "delivered", "opened": "opened", "clicked": "clicked", "bounced": "failed"}

    def __init__(self):
        self.tokens = 0

    def body(self, kind, message_id, provider_id, at):
        event = {
            "event": self.names[kind], "id": f"{kind}-{at}", "timestamp": float(at), "recipient": USER, "severity": "permanent", "url": LINK,
            "delivery-status": {"code": 550, "message": "5.1.1 no such user"}, "user-variables": {"postrider_id": message_id},
            "message": {"headers": {"message-id": provider_id}},
        }  # fmt: skip
        return {"event-data": event}

    def report(self, kind, message_id, provider_id, at=None, signed_at=None):
        """The signature is in the body."""
        now = int(time.time())
        self.tokens += 1
        stamp, token = str(signed_at or now), f"{self.tokens:050}"
        signature = hmac.new(KEY.encode(), (stamp + token).encode(), hashlib.sha256).hexdigest()
        signed = {"signature": {"timestamp": stamp, "token": token, "signature": signature}}
        return json.dumps(signed | self.body(kind, message_id, provider_id, at or now)).encode(), {}

    def forge(self, body, headers):
        forged = json.loads(body)
        forged["signature"]["signature"] = "0" * 64
        return json.dumps(forged).encode(), headers


class Sendgrid(Vendor):
    fake = FakeSendgrid
    names = {"delivered": "delivered", "opened": "open", "clicked": "click", "bounced": "bounce"}

    def __init__(self, directory: pathlib.Path):
        self.key = directory / "sendgrid.pem"
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key], check=True, capture_output=True)
        public = subprocess.run(["openssl", "ec", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.config = f'api_key = "SG.test"\nwebhook_public_key = "{base64.b64encode(public).decode()}"'

    def body(self, kind, message_id, provider_id, at):
        return [{
            "email": USER, "timestamp": at, "event": self.names[kind], "sg_event_id": f"{kind}-{at}", "sg_message_id": f"{provider_id}.filter0001.16648.5515E0B88.0",
            "postrider_id": message_id, "url": LINK, "type": "bounce", "status": "5.1.1", "reason": "550 5.1.1 no such user",
        }]  # fmt: skip

    def sign(self, body, at):
        done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=str(at).encode() + body, check=True, capture_output=True)
        prefix = "X-Twilio-Email-Event-Webhook-"
        return {prefix + "Signature": base64.b64encode(done.stdout).decode(), prefix + "Timestamp": str(at)}

    def forge(self, body, headers):
        return body.replace(b'"open"', b'"spamreport"').replace(b'"delivered"', b'"bounce"'), headers


class Mailjet(Vendor):
    fake, refused, signs = FakeMailjet, 401, False
    config = f'api_key = "mj-key"\napi_secret = "mj-secret"\nwebhook_username = "{LOGIN[0]}"\nwebhook_password = "{LOGIN[1]}"'
    names = {"delivered": "sent", "opened": "open", "clicked": "click", "bounced": "bounce"}

    def body(self, kind, message_id, provider_id, at):
        return {
            "event": self.names[kind], "time": at, "MessageID": int(provider_id), "email": USER, "CustomID": message_id, "url": LINK,
            "hard_bounce": True, "error_related_to": "recipient", "error": "user unknown", "comment": "550 5.1.1 no such user",
        }  # fmt: skip

    def sign(self, body, at):
        return basic(*LOGIN)

    def forge(self, body, headers):
        return body, basic(LOGIN[0], "guessed")


class Postmark(Vendor):
    fake, refused, signs = FakePostmark, 401, False
    config = f'server_token = "pm-token"\nwebhook_username = "{LOGIN[0]}"\nwebhook_password = "{LOGIN[1]}"'
    names = {"delivered": "Delivery", "opened": "Open", "clicked": "Click", "bounced": "Bounce"}

    def body(self, kind, message_id, provider_id, at):
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
        return {
            "RecordType": self.names[kind], "Type": "HardBounce", "ID": 42, "MessageID": provider_id, "Recipient": USER, "Email": USER,
            "DeliveredAt": when, "BouncedAt": when, "ReceivedAt": when, "OriginalLink": LINK, "Details": "550 5.1.1 no such user",
            "Metadata": {"postrider_id": message_id},
        }  # fmt: skip

    def sign(self, body, at):
        return basic(*LOGIN)

    def forge(self, body, headers):
        return body, basic("other", LOGIN[1])


class Resend(Vendor):
    fake = FakeResend
    config = f'api_key = "re_test"\nwebhook_secret = "whsec_{base64.b64encode(KEY.encode()).decode()}"'
    names = {"delivered": "email.delivered", "opened": "email.opened", "clicked": "email.clicked", "bounced": "email.bounced"}

    def body(self, kind, message_id, provider_id, at):
        when = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))
        return {"type": self.names[kind], "created_at": when, "data": {
            "email_id": provider_id, "to": [USER], "created_at": when, "tags": {"postrider_id": message_id}, "click": {"link": LINK, "timestamp": when},
            "bounce": {"message": "550 5.1.1 no such user", "type": "Permanent", "subType": "General"},
        }}  # fmt: skip

    def sign(self, body, at):
        identity = "msg_" + hashlib.sha256(body).hexdigest()[:20]
        text = f"{identity}.{at}.".encode() + body
        signature = base64.b64encode(hmac.new(KEY.encode(), text, hashlib.sha256).digest()).decode()
        return {"svix-id": identity, "svix-timestamp": str(at), "svix-signature": f"v1,{signature}"}

    def forge(self, body, headers):
        return body, headers | {"svix-signature": "v1," + base64.b64encode(b"0" * 32).decode()}


# ---- the relay ------------------------------------------------------------------------------------------------------


def post(relay: Relay, path: str, body: bytes, headers: dict):
    connection = http.client.HTTPConnection("127.0.0.1", relay.api_port, timeout=PATIENCE)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def send(relay: Relay) -> tuple[str, str]:
    """Our id and the provider's, when the provider has it."""
    letter = {"from": "app@example.test", "to": USER, "subject": "Your invoice", "text": "It is attached."}
    message_id = relay.api("/v1/messages", "POST", letter)["id"]
    message = relay.wait_state(message_id, "sent")
    return message_id, message["recipients"][0]["provider_id"]


def upstream(name: str, kind: str, fake, config: str) -> str:
    return f'[[upstream]]\nname = "{name}"\ntype = "{kind}"\napi_base = "{fake.url}"\n{config}\n'


def events(message, kind: str) -> list[dict]:
    return [event for event in message["events"] if event["type"] == kind]


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        directory = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="postrider-keys-"))
        cls.vendors = {
            "mailgun": Mailgun(), "sendgrid": Sendgrid(pathlib.Path(directory)), "mailjet": Mailjet(), "postmark": Postmark(), "resend": Resend(),
        }  # fmt: skip

    def for_each(self, check):
        for kind, vendor in self.vendors.items():
            with self.subTest(kind), vendor.fake(senders={"example.test"}) if kind != "mailgun" else vendor.fake() as fake:
                with Relay(upstream("main", kind, fake, vendor.config)) as relay:
                    check(relay, vendor)

    def test_the_history_has_what_the_provider_reported(self):
        def check(relay, vendor):
            message_id, provider_id = send(relay)
            for kind, state in (("opened", "sent"), ("delivered", "delivered"), ("clicked", "delivered"), ("bounced", "bounced")):
                report = vendor.report(kind, message_id, provider_id)
                self.assertEqual(post(relay, "/hooks/main", *report), (200, b'{"recorded":1}'), kind)
                message = relay.message(message_id)
                self.assertEqual(message["state"], state, kind)
                self.assertEqual([event["upstream"] for event in events(message, kind)], ["main"])
            self.assertIn(LINK, events(message, "clicked")[0]["reason"])
            self.assertIn("no such user", message["recipients"][0]["reason"])

        self.for_each(check)

    def test_what_is_repeated_changes_nothing(self):
        def check(relay, vendor):
            message_id, provider_id = send(relay)
            at = int(time.time()) - 5
            first, again = (vendor.report("delivered", message_id, provider_id, at=at) for _ in range(2))
            self.assertEqual(post(relay, "/hooks/main", *first), (200, b'{"recorded":1}'))
            for report in (first, again):  # the same octets, and signed anew
                self.assertEqual(post(relay, "/hooks/main", *report), (200, b'{"recorded":0}'))
            self.assertEqual(len(events(relay.message(message_id), "delivered")), 1)

        self.for_each(check)

    def test_who_is_not_the_provider_is_not_believed(self):
        def check(relay, vendor):
            message_id, provider_id = send(relay)
            forged = vendor.forge(*vendor.report("delivered", message_id, provider_id))
            self.assertEqual(post(relay, "/hooks/main", *forged)[0], vendor.refused)
            self.assertEqual(post(relay, "/hooks/main", b'{"event": "delivered"}', {})[0], vendor.refused)
            if vendor.signs:
                stale = vendor.report("delivered", message_id, provider_id, signed_at=int(time.time()) - MONTH)
                self.assertEqual(post(relay, "/hooks/main", *stale)[0], vendor.refused)
            message = relay.message(message_id)
            self.assertEqual((message["state"], events(message, "delivered")), ("sent", []))
            self.assertIn("hook.rejected", relay.log())

        self.for_each(check)

    def test_a_message_is_found_by_the_providers_id_alone(self):
        def check(relay, vendor):
            message_id, provider_id = send(relay)
            self.assertEqual(post(relay, "/hooks/main", *vendor.report("delivered", "", provider_id))[1], b'{"recorded":1}')
            self.assertEqual(relay.message(message_id)["state"], "delivered")
            self.assertEqual(post(relay, "/hooks/main", *vendor.report("delivered", "", "70650219165029999")), (200, b'{"recorded":0}'))

        self.for_each(check)

    def test_a_report_outlives_a_crash(self):
        vendor = self.vendors["postmark"]
        with vendor.fake(senders={"example.test"}) as fake, Relay(upstream("main", "postmark", fake, vendor.config)) as relay:
            message_id, provider_id = send(relay)
            report = vendor.report("delivered", message_id, provider_id)
            self.assertEqual(post(relay, "/hooks/main", *report)[0], 200)
            relay.kill()
            relay.start()
            self.assertEqual(relay.message(message_id)["state"], "delivered")
            self.assertEqual(post(relay, "/hooks/main", *report), (200, b'{"recorded":0}'))

    def test_a_new_password_holds_after_a_reload(self):
        vendor = self.vendors["postmark"]
        with vendor.fake(senders={"example.test"}) as fake, Relay(upstream("main", "postmark", fake, 'server_token = "pm-token"')) as relay:
            message_id, provider_id = send(relay)
            report = vendor.report("delivered", message_id, provider_id)
            self.assertEqual(post(relay, "/hooks/main", *report)[0], 503)
            self.assertIn("webhook_password", relay.log())
            relay.config.write_text(relay.config.read_text().replace('server_token = "pm-token"', vendor.config))
            relay.process.send_signal(signal.SIGHUP)
            wait_until("the configuration is reloaded", lambda: "config.reloaded" in relay.log())
            self.assertEqual(post(relay, "/hooks/main", *report), (200, b'{"recorded":1}'))

    def test_the_mailer_service_hears_what_mailjet_says(self):
        vendor = self.vendors["mailjet"]
        with vendor.fake(senders={"example.test"}) as fake, Relay(upstream("jet", "mailjet", fake, vendor.config)) as relay:
            job = relay.api("/queue", "POST", {"from": "app@example.test", "to": USER, "subject": "hi", "text_body": "hello"})["job_id"]
            provider_id = relay.wait_state(job, "sent")["recipients"][0]["provider_id"]
            for kind, status in (("delivered", "sent"), ("opened", "opened"), ("clicked", "clicked")):
                body, headers = vendor.report(kind, "", provider_id)
                self.assertEqual(post(relay, "/events", b"[" + body + b"]", headers)[0], 200)
                self.assertEqual(relay.api(f"/status?job_id={job}")["status"], status)
            self.assertEqual(post(relay, "/events", *vendor.forge(body, headers))[0], 401)

    def test_what_was_reported_is_in_the_feed_and_the_metrics(self):
        vendor = self.vendors["postmark"]
        with vendor.fake(senders={"example.test"}) as fake, Relay(upstream("main", "postmark", fake, vendor.config)) as relay:
            message_id, provider_id = send(relay)
            post(relay, "/hooks/main", *vendor.report("opened", message_id, provider_id))
            feed = relay.api("/v1/events?type=opened&upstream=main")["events"]
            self.assertEqual([(event["message"], event["recipient"]) for event in feed], [(message_id, USER)])
            self.assertIn("says main", relay.command("events", "--type", "opened").stdout)
            metrics = relay.request("GET", "/metrics")[1].decode()
            self.assertIn('postrider_hook_events_total{upstream="main",type="opened"} 1', metrics)


# ---- registration ---------------------------------------------------------------------------------------------------


class PostmarkWithHooks(FakePostmark):
    def __init__(self):
        self.hooks: list[dict] = []
        super().__init__(senders={"example.test"})

    def answer(self, request: Request) -> Answer:
        if not request.path.startswith("/webhooks") or request.header("X-Postmark-Server-Token") != self.token:
            return super().answer(request)
        if request.method == "GET":
            return json_answer(200, {"Webhooks": self.hooks})
        if request.method == "POST":
            self.hooks.append({"ID": len(self.hooks) + 1, **request.json()})
            return json_answer(200, self.hooks[-1])
        hook = next(hook for hook in self.hooks if hook["ID"] == int(request.path.rpartition("/")[2]))
        hook |= request.json()
        return json_answer(200, hook)


class Registration(unittest.TestCase):
    def test_a_provider_is_told_where_to_report_to(self):
        with PostmarkWithHooks() as fake, Relay(upstream("main", "postmark", fake, Postmark.config), extra='[mgmt]\npublic_url = "https://hooks.example.com"') as relay:
            fake.hooks.append({"ID": 1, "Url": "https://elsewhere.example/", "MessageStream": "outbound", "Triggers": {}})
            dry = relay.command("upstream", "hooks", "main", "--register", "--dry-run", "--json")
            self.assertEqual((json.loads(dry.stdout)["registered"], len(fake.hooks)), (False, 1))
            relay.command("upstream", "hooks", "main", "--register")
            self.assertEqual([hook["Url"] for hook in fake.hooks], ["https://elsewhere.example/", "https://hooks.example.com/hooks/main"])
            self.assertEqual(fake.hooks[1]["HttpAuth"], {"Username": LOGIN[0], "Password": LOGIN[1]})
            shown = relay.command("upstream", "hooks", "main")
            self.assertIn("main reports events to https://hooks.example.com/hooks/main", shown.stdout)
            self.assertNotIn(LOGIN[1], shown.stdout + relay.log())
            relay.command("upstream", "hooks", "main", "--register")
            self.assertEqual(len(fake.hooks), 2, "what is there already is not made again")

    def test_what_was_registered_works(self):
        """The address and the login that the provider was given are those that the relay takes."""
        with PostmarkWithHooks() as fake, Relay(upstream("main", "postmark", fake, Postmark.config)) as relay:
            message_id, provider_id = send(relay)
            url = f"http://127.0.0.1:{relay.api_port}/hooks/main"
            relay.command("upstream", "hooks", "main", "--register", "--report-to", url)
            [hook] = fake.hooks
            body, _ = Postmark().report("delivered", message_id, provider_id)
            login = basic(hook["HttpAuth"]["Username"], hook["HttpAuth"]["Password"])
            self.assertEqual(post(relay, hook["Url"].removeprefix(f"http://127.0.0.1:{relay.api_port}"), body, login)[0], 200)
            self.assertEqual(relay.message(message_id)["state"], "delivered")

    def test_a_wrong_token_is_said(self):
        config = Postmark.config.replace("pm-token", "other")
        with PostmarkWithHooks() as fake, Relay(upstream("main", "postmark", fake, config)) as relay:
            failed = relay.command("upstream", "hooks", "main", "--register", "--report-to", "https://hooks.example.com/", check=False)
            self.assertEqual(failed.returncode, 69)  # EX_UNAVAILABLE
            self.assertIn("Server Token", failed.stdout)
            self.assertEqual(fake.hooks, [])


class Suppression(unittest.TestCase):
    def test_who_is_on_the_list_gets_no_mail(self):
        with FakePostmark(senders={"example.test"}) as fake, Relay(upstream("main", "postmark", fake, Postmark.config)) as relay:
            relay.command("suppression", "add", USER.upper(), "--reason", "asked us to stop")
            letter = {"from": "app@example.test", "to": [USER, "other@example.net"], "subject": "hi", "text": "hello"}
            checked = relay.api("/v1/validate", "POST", letter)["recipients"]
            self.assertEqual([(one["suppressed"], one["suppressed_because"]) for one in checked], [(True, "asked us to stop"), (False, None)])
            message_id = relay.api("/v1/messages", "POST", letter)["id"]
            message = relay.wait_state(message_id, "suppressed")
            wait_until("the other is sent", lambda: {r["address"]: r["state"] for r in relay.message(message_id)["recipients"]} == {USER: "suppressed", "other@example.net": "sent"})
            self.assertIn("asked us to stop", message["recipients"][0]["reason"])
            self.assertEqual([mail["recipients"] for mail in fake.accepted], [["other@example.net"]])
            relay.command("suppression", "remove", USER)
            relay.command("queue", "release", message_id)
            relay.wait_state(message_id, "sent")
            self.assertEqual(fake.accepted[1]["recipients"], [USER])


if __name__ == "__main__":
    unittest.main()
