"""The five services that Postrider takes over from: for each a client as its users wrote it, with nothing changed but the address, against
the real daemon. Each knows its own service's requests, answers and errors, and nothing of Postrider."""
import contextlib
import email
import email.policy
import json
import pathlib
import re
import shutil
import subprocess
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, Relay, Sink, free_port, smtp_upstream, wait_until
from test_hooks import Postmark, PostmarkWithHooks, upstream

HERE = pathlib.Path(__file__).resolve().parent
SLOW = 'retry_interval = "1h"\nretries = 3\nprobe_interval = "1s"'


class Failed(Exception):
    def __init__(self, status, headers, body):
        super().__init__(f"{status} {body}")
        self.status, self.headers, self.body = status, headers, body


class Client:
    """HTTP and JSON, as every one of the five clients has it."""

    def __init__(self, relay, token=None):
        self.base, self.token = f"http://127.0.0.1:{relay.api_port}", token

    def ask(self, method, path, body=None, headers=None):
        request = urllib.request.Request(self.base + path, method=method, headers={"Accept": "application/json", **(headers or {})})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                raise Failed(error.code, error.headers, json.loads(error.read() or b"null")) from None


class Babygun(Client):
    def log_in(self, username, password):
        self.token = self.ask("POST", "/tokens", {"username": username, "password": password})["token"]

    def token_is_valid(self):
        try:
            return self.ask("GET", "/tokens")["valid"]
        except Failed as refused:
            if refused.status == 401:
                return False
            raise

    def send(self, **mail):
        return self.ask("POST", "/emails", mail)["id"]

    def email(self, identifier):
        return self.ask("GET", f"/emails/{identifier}")


class Limbo(Client):
    def submit(self, **mail):
        """None, or the problem."""
        try:
            answer = self.ask("POST", "/v1/mail", mail)
        except Failed as refused:
            if refused.status != 400 or refused.body["Message"] != "not submitted":
                raise
            return refused.body["Problem"]
        if answer != {"Message": "submitted"}:
            raise AssertionError(answer)
        return None


class Mailman(Client):
    def send(self, priority, **mail):
        return self.ask("POST", "/v1/messages", {**mail, "lane": priority})["id"]

    def trail(self, identifier):
        return [event["type"] for event in self.ask("GET", f"/v1/messages/{identifier}")["events"]]


class Mailer(Client):
    def queue(self, **job):
        return self.ask("POST", "/queue", job)["job_id"]

    def status(self, job):
        answer = self.ask("GET", "/status?" + urllib.parse.urlencode({"job_id": job}))
        assert answer["job_id"] == job
        return answer["status"]


class WoowUp(Client):
    def send(self, sender, destinations, subject, text, **more):
        answer = self.ask("POST", "/emails/send", {"from": sender, "destinations": destinations, "subject": subject, "plainContent": text, **more})
        return answer["batchId"], answer["ids"]

    def stored(self, identifier):
        return self.ask("GET", f"/emails/{identifier}")

    def batch(self, identifier):
        return self.ask("GET", f"/v1/batches/{identifier}")


def parsed(received):
    return email.message_from_bytes(received.data, policy=email.policy.default)


class OneRelay(unittest.TestCase):
    """A relay with an upstream that takes everything but for refused@example.test."""

    @classmethod
    def setUpClass(cls):
        refuse = lambda stage, text: "550 5.1.1 no such user" if stage == "rcpt" and "refused@" in text else None
        cls.sink = Sink(refuse)
        cls.relay = Relay(smtp_upstream(cls.sink.port), '[retention]\nsent_bodies = "0"').start()
        cls.relay.command("user", "add", "shop", "--password-stdin", stdin="wald und wiese\n")
        made = cls.relay.command("token", "create", "shop", "--scopes", "send,read").stdout
        cls.key = re.search(r"pr_[A-Za-z0-9_-]+", made)[0]

    @classmethod
    def tearDownClass(cls):
        cls.relay.stop()
        cls.sink.close()
        shutil.rmtree(cls.relay.directory)

    def setUp(self):
        with self.sink.changed:
            self.sink.received.clear()

    def refused(self, status, call, *arguments, **named):
        with self.assertRaises(Failed) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.status, status, caught.exception)
        return caught.exception.body


class BabygunTest(OneRelay):
    def client(self):
        client = Babygun(self.relay)
        client.log_in("shop", "wald und wiese")
        return client

    def test_a_token_is_given_for_the_password_and_told_to_be_valid(self):
        client = self.client()
        self.assertTrue(client.token_is_valid())
        client.token += "x"
        self.assertFalse(client.token_is_valid())
        self.refused(401, client.log_in, "shop", "wrong")

    def test_an_email_is_sent_and_its_data_model_told(self):
        client = self.client()
        identifier = client.send(Subject="Grüße", Body="Ein Satz.\nNoch einer.", Sender="app@shop.test", Recipient="Ann <ann@example.test>")
        taken = self.sink.wait_count(1)[0]
        self.assertEqual((taken.id, taken.recipients), (identifier, ["ann@example.test"]))
        self.assertEqual(parsed(taken)["Subject"], "Grüße")
        self.assertEqual(parsed(taken).get_content().splitlines(), ["Ein Satz.", "Noch einer."])
        self.relay.wait_state(identifier, "sent")
        stored = client.email(identifier)
        self.assertEqual(stored["Subject"], "Grüße")
        self.assertEqual(stored["Sender"], "app@shop.test")
        self.assertEqual(stored["Recipient"], "Ann <ann@example.test>")
        self.assertEqual((stored["Status"], stored["Tries"]), ("sent", 1))
        self.assertTrue(stored["Reason"].startswith("Sent: primary took it"), stored["Reason"])
        self.assertIsNone(stored["Body"])  # removed once sent
        self.assertLess(stored["CreatedAt"], stored["UpdatedAt"])

    def test_what_is_refused_is_told_with_its_reason(self):
        client = self.client()
        identifier = client.send(Subject="s", Body="kept while it may be needed", Sender="app@shop.test", Recipient="refused@example.test")
        self.relay.wait_state(identifier, "bounced")
        stored = client.email(identifier)
        self.assertEqual(stored["Status"], "bounced")
        self.assertIn("550 5.1.1 no such user", stored["Reason"])

    def test_errors(self):
        client = self.client()
        mail = {"Subject": "s", "Body": "b", "Sender": "app@shop.test", "Recipient": "a@example.test"}
        for wrong, named in (({"Recipient": "nobody"}, "Recipient"), ({"Sender": None}, "Sender"), ({"Attachment": "x"}, "Attachment")):
            body = self.refused(422, client.send, **{**mail, **wrong})
            self.assertIn(named, body["message"])
        self.refused(404, client.email, "01hf7yat00000000000000000z")
        self.refused(422, client.ask, "POST", "/emails", b'{"Subject": ')
        self.refused(401, Babygun(self.relay).send, **mail)
        self.assertEqual(self.sink.received, [])


class LimboTest(OneRelay):
    def client(self):
        return Limbo(self.relay, self.key)

    def test_one_mail_for_to_cc_and_bcc(self):
        mail = {"from": "app@shop.test", "to": ["a@example.test", "b@example.test"], "cc": ["c@example.test"], "bcc": ["d@example.test"]}
        self.assertIsNone(self.client().submit(**mail, subject="hello", message="line\n.\nline"))
        taken = self.sink.wait_count(1)[0]
        self.assertEqual(taken.recipients, ["a@example.test", "b@example.test", "c@example.test", "d@example.test"])
        self.assertEqual(parsed(taken)["To"], "a@example.test, b@example.test")
        self.assertEqual(parsed(taken)["Cc"], "c@example.test")
        self.assertNotIn(b"d@example.test", taken.data.split(b"\r\n\r\n")[0])
        self.assertEqual(parsed(taken).get_content().splitlines(), ["line", ".", "line"])

    def test_problems_are_described(self):
        client = self.client()
        self.assertIn("to", client.submit(**{"from": "app@shop.test", "to": ["nobody"], "subject": "s", "message": "m"}))
        self.assertIn("message", client.submit(**{"from": "app@shop.test", "to": ["a@example.test"], "subject": "s"}))
        self.assertIn("html", client.submit(**{"from": "app@shop.test", "to": ["a@example.test"], "subject": "s", "message": "m", "html": "<p>"}))
        self.assertIn("subject", client.submit(**{"from": "app@shop.test", "to": ["a@example.test"], "subject": "s\r\nBcc: x@example.test", "message": "m"}))
        body = self.refused(401, Limbo(self.relay, "pr_wrong").submit, **{"from": "a@shop.test", "to": ["a@example.test"], "subject": "s", "message": "m"})
        self.assertEqual(body["Message"], "not submitted")
        self.assertEqual(sorted(body), ["Message", "Problem"])
        self.assertEqual(self.sink.received, [])

    def test_greeting_health_and_metrics(self):
        client = Limbo(self.relay, self.relay.token)
        self.assertEqual(client.ask("GET", "/"), {"hello": "world"})
        self.assertEqual(client.ask("GET", "/health"), {"health": "ok"})
        self.assertTrue(client.ask("GET", "/metrics"))
        status, text = self.relay.request("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn(b"# TYPE ", text)


class MailmanTest(OneRelay):
    def test_the_id_travels_and_leads_back_to_the_trail(self):
        client = Mailman(self.relay, self.key)
        mail = {"from": {"email": "app@shop.test"}, "to": [{"email": "a@example.test"}], "subject": "Your password", "text": "reset"}
        identifier = client.send("high", **mail)
        self.assertEqual(self.sink.wait_count(1)[0].id, identifier)
        self.relay.wait_state(identifier, "sent")
        self.assertEqual(client.trail(identifier), ["accepted", "attempted", "sent"])
        self.assertEqual(self.relay.message(identifier)["lane"], "high")
        self.refused(422, client.send, "urgent", **mail)


class MailerTest(OneRelay):
    job = {"from": "app@shop.test", "subject": "s", "html_body": "<p>rich</p>", "text_body": "plain"}

    def client(self):
        return Mailer(self.relay, self.key)

    def test_a_job_is_queued_and_its_status_told(self):
        client = self.client()
        job = client.queue(to="a@example.test", **self.job)
        message = parsed(self.sink.wait_count(1)[0])
        self.assertEqual(message.get_body(("html",)).get_content().strip(), "<p>rich</p>")
        self.assertEqual(message.get_body(("plain",)).get_content().strip(), "plain")
        self.assertEqual(wait_until("the job is not queued any more", lambda: client.status(job) != "queued" and client.status(job)), "sent")

    def test_a_refused_job_has_failed(self):
        client = self.client()
        job = client.queue(to="refused@example.test", **self.job)
        self.assertEqual(wait_until("the job is not queued any more", lambda: client.status(job) != "queued" and client.status(job)), "failed")

    def test_errors(self):
        client = self.client()
        body = self.refused(422, client.queue, to=["a@example.test", "b"], **self.job)
        self.assertEqual([error["pointer"] for error in body["errors"]], ["/to/1"])
        body = self.refused(422, client.queue, to="a@example.test", track=True, **self.job)
        self.assertEqual([error["pointer"] for error in body["errors"]], ["/track"])
        self.refused(404, client.status, "01hf7yat00000000000000000z")
        self.refused(400, client.ask, "GET", "/status")
        self.refused(401, Mailer(self.relay).queue, to="a@example.test", **self.job)
        self.assertEqual(self.sink.received, [])


class WoowUpTest(OneRelay):
    sender = {"email": "app@shop.test", "name": "The shop"}

    def test_one_email_per_destination_under_a_batch_id(self):
        client = WoowUp(self.relay, self.key)
        people = [{"email": f"user{n}@example.test", "name": f"User {n}"} for n in range(5)]
        batch, ids = client.send(self.sender, people, "Sale", "Today only")
        self.assertEqual(len(set(ids)), 5)
        taken = self.sink.wait_count(5)
        self.assertEqual({m.id: m.recipients for m in taken}, {i: [p["email"]] for i, p in zip(ids, people)})
        self.assertEqual({parsed(m)["To"] for m in taken}, {f"User {n} <user{n}@example.test>" for n in range(5)})
        for identifier in ids:
            self.relay.wait_state(identifier, "sent")
        told = client.batch(batch)
        self.assertEqual((told["id"], told["total"], told["by_state"]), (batch, 5, {"sent": 5}))
        stored = client.stored(ids[0])
        self.assertEqual(stored["from"], self.sender)
        self.assertEqual(stored["destinations"], people[:1])
        self.assertEqual((stored["subject"], stored["status"], stored["sent"], stored["retries"]), ("Sale", "sent", True, 0))
        self.assertEqual(stored["batchId"], batch)

    def test_errors(self):
        client = WoowUp(self.relay, self.key)
        body = self.refused(422, client.send, self.sender, [{"email": "a@example.test"}, {"email": "b"}], "s", "t")
        self.assertIn("destinations.1", body["message"])
        body = self.refused(422, client.send, self.sender, [{"email": "a@example.test"}], "s", "t", htmlContent="<p>")
        self.assertIn("htmlContent", body["message"])
        self.refused(401, WoowUp(self.relay, "pr_wrong").send, self.sender, [{"email": "a@example.test"}], "s", "t")
        self.refused(404, client.batch, "01hf7yat00000000000000000z")
        self.assertEqual(self.sink.received, [])


class Trusted(unittest.TestCase):
    def test_limbo_and_the_mailer_service_need_no_key_on_a_private_network(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port), '[mgmt]\ntrusted_networks = ["127.0.0.0/8"]') as relay:
            self.assertIsNone(Limbo(relay).submit(**{"from": "app@shop.test", "to": ["a@example.test"], "subject": "s", "message": "m"}))
            mailer = Mailer(relay)
            job = mailer.queue(**{"from": "app@shop.test", "to": "b@example.test", "subject": "s", "text_body": "t"})
            self.assertEqual({r for m in sink.wait_count(2) for r in m.recipients}, {"a@example.test", "b@example.test"})
            self.assertEqual(wait_until("the job is not queued any more", lambda: mailer.status(job) != "queued" and mailer.status(job)), "sent")


class Trouble(unittest.TestCase):
    """What the five promise when a provider is down."""

    def test_babyguns_email_waits_with_its_body_and_goes_when_the_provider_is_back(self):
        down = free_port()
        with Relay(smtp_upstream(down), delivery=SLOW) as relay:
            client = Babygun(relay, relay.token)
            identifier = client.send(Subject="s", Body="Ein Satz.", Sender="app@shop.test", Recipient="ann@example.test")
            relay.wait_state(identifier, "deferred")
            stored = client.email(identifier)
            self.assertEqual((stored["Status"], stored["Tries"], stored["Body"]), ("deferred", 1, "Ein Satz."))
            self.assertRegex(stored["Reason"], r"^Try 1 did not succeed: upstream trouble at connect: .*\. The next try is at 2.*Z\.$")
            with Sink(port=down) as sink:
                relay.api(f"/v1/messages/{identifier}/retry", "POST")
                sink.wait_count(1)
                relay.wait_state(identifier, "sent")
            self.assertEqual(client.email(identifier)["Status"], "sent")

    def test_woowups_next_provider_takes_over_and_a_retry_is_counted(self):
        with Sink() as sink:
            second = smtp_upstream(sink.port).replace('"primary"', '"second"')
            with Relay(smtp_upstream(free_port()) + second) as relay:
                client = WoowUp(relay, relay.token)
                _, (identifier,) = client.send({"email": "app@shop.test"}, [{"email": "a@example.test"}], "s", "t")
                sink.wait_count(1)
                relay.wait_state(identifier, "sent")
                stored = client.stored(identifier)
                self.assertEqual((stored["status"], stored["retries"]), ("sent", 1))

    def test_woowups_time_to_live(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            client = WoowUp(relay, relay.token)
            _, (identifier,) = client.send({"email": "app@shop.test"}, [{"email": "a@example.test"}], "s", "t", ttl=1)
            relay.wait_state(identifier, "expired")
            stored = client.stored(identifier)
            self.assertEqual((stored["status"], stored["sent"]), ("expired", False))


class Console(unittest.TestCase):
    def test_a_browser_gets_a_page_that_loads_nothing_from_elsewhere(self):
        with Relay() as relay:
            pages = {}
            for path in ("/", "/ui/console.css", "/ui/console.js"):
                request = urllib.request.Request(f"http://127.0.0.1:{relay.api_port}{path}", headers={"Accept": "text/html,text/css,*/*;q=0.8"})
                with contextlib.closing(urllib.request.urlopen(request, timeout=PATIENCE)) as answer:
                    pages[path] = answer.headers.get_content_type(), answer.read().decode()
            self.assertEqual([kind for kind, _ in pages.values()], ["text/html", "text/css", "text/javascript"])
            html = pages["/"][1]
            self.assertEqual(set(re.findall(r'(?:src|href)="([^"#]+)"', html)), {"/ui/console.css", "/ui/console.js", "/openapi.json"})
            self.assertNotRegex(html, r"<script(?![^>]*\bsrc=)|\son\w+=|style=")
            for _, text in pages.values():
                self.assertNotRegex(text, r"https?://")
                self.assertNotIn("innerHTML", text)

    def test_its_script_names_what_is_on_the_page(self):
        folder = HERE.parent.parent / "mgmt/ui"
        subprocess.run(["node", "--check", str(folder / "console.js")], check=True)
        script, html = (folder / "console.js").read_text(), (folder / "console.html").read_text()
        ids = set(re.findall(r'\bid="([^"]+)"', html))
        self.assertLessEqual(set(re.findall(r'\bat\("([^"]+)"\)', script)), ids)
        self.assertLessEqual({f"view-{name}" for name in re.findall(r'href="#(\w+)"', html) if name != "main"}, ids)

    def test_somebody_signs_in_sends_and_looks(self):
        with Sink() as sink, PostmarkWithHooks() as fake, Relay(smtp_upstream(sink.port) + upstream("mail", "postmark", fake, Postmark.config)) as relay:
            relay.command("user", "add", "shop", "--password-stdin", stdin="wald und wiese\n")
            batch, ids = WoowUp(relay, relay.token).send({"email": "app@shop.test"}, [{"email": f"user{n}@example.test"} for n in range(3)], "Sale", "t")
            for identifier in ids:
                relay.wait_state(identifier, "sent")
            given = {"key": relay.token, "username": "shop", "password": "wald und wiese", "batch": batch}
            done = subprocess.run(
                ["node", str(HERE / "console_client.js"), f"http://127.0.0.1:{relay.api_port}"],
                input=json.dumps(given), capture_output=True, text=True, timeout=2 * PATIENCE,
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            seen = json.loads(done.stdout)
            self.assertEqual((seen["first"], seen["menu"]), (["view-sign-in"], False))
            self.assertTrue(seen["wrongKey"])
            self.assertFalse(seen["keptWrongKey"])
            self.assertEqual((seen["who"], seen["upstreamsForUser"]), ("shop", False))
            self.assertIn("/text: ", seen["refused"])
            letter = sink.wait_count(4)[3]
            self.assertEqual((seen["news"], seen["link"]), (f"Accepted as {letter.id}.", f"#message/{letter.id}"))
            self.assertEqual(relay.message(letter.id)["lane"], "high")
            self.assertEqual(sorted(letter.recipients), ["ann@example.test", "bob@example.test"])
            for part in (letter.id, "<b>hello</b>", "ann@example.test", "accepted"):
                self.assertIn(part, seen["message"])
            (row,) = seen["messages"]  # the others are the operator's
            self.assertEqual(row[2:5], ["app@shop.test", "ann@example.test and 1 more", "<b>hello</b>"])
            self.assertEqual(seen["afterSignOut"], [0, 0, True])
            self.assertEqual([(r[0], r[1], r[3]) for r in seen["upstreams"]], [("primary", "smtp", "closed"), ("mail", "postmark", "closed")])
            self.assertEqual([(r[0], r[1]) for r in seen["hooks"]], [("mail", "yes")])
            self.assertIn(": done", seen["hooks"][0][2])
            self.assertEqual([hook["Url"] for hook in fake.hooks], [f"http://127.0.0.1:{relay.api_port}/hooks/mail"])
            self.assertIn(f"Batch{batch}Messages3", seen["batch"])
            self.assertIn("sent3", seen["batch"])


if __name__ == "__main__":
    unittest.main()
