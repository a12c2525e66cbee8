"""Several upstreams that work: who takes which message, how the operator sees and steers them, limits, and guards."""
import email
import email.policy
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from fleet import Load, asked, copies, shown, submit, submit_many, upstream, upstream_events, wait_event
from harness import PATIENCE, ROOT, Relay, Sink, wait_until

sys.path.insert(0, str(ROOT / "tests/fakes"))
from postmark import FakePostmark  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
QUICK = 'retry_interval = "1s"\nprobe_interval = "200ms"\nopen_after = 3'
PASSWORD = "wald und wiese"
LOGINS = "[access]\nallow_plaintext_auth_from_loopback = true\n"


def capture(name: str, directory, more: str = "") -> str:
    return f'[[upstream]]\nname = "{name}"\ntype = "capture"\ndirectory = "{directory}"\n{more}\n'


def captured(directory) -> list[bytes]:
    return [file.read_bytes() for file in sorted(pathlib.Path(directory).glob("new/*"))]


def add_user(relay: Relay, name: str, *options: str) -> tuple[str, str]:
    relay.command("user", "add", name, "--password-stdin", *options, stdin=PASSWORD + "\n")
    return name, PASSWORD


def explained(relay: Relay, **question: str) -> dict:
    return relay.api("/v1/route/explain?" + "&".join(f"{name}={value}" for name, value in question.items()))


class Two(unittest.TestCase):
    """Each test with a primary and a backup that work."""

    more = ("", "")
    delivery = QUICK

    def script(self, stage, text):
        return None

    def setUp(self):
        self.primary, self.backup = Sink(self.script), Sink()
        self.addCleanup(self.primary.close)
        self.addCleanup(self.backup.close)
        self.relay = Relay(upstream("primary", self.primary.port, self.more[0]) + upstream("backup", self.backup.port, self.more[1]), delivery=self.delivery)
        self.relay.start()
        self.addCleanup(shutil.rmtree, self.relay.directory, ignore_errors=True)
        self.addCleanup(self.relay.stop)

    def goes_to(self, name: str):
        message = self.relay.wait_state(submit(self.relay), "sent")
        self.assertEqual(asked(message), [(name, "sent")])
        return message


class Steering(Two):
    def test_prefer_sends_all_mail_there_until_taken_back_and_survives_a_restart(self):
        self.goes_to("primary")
        said = self.relay.command("upstream", "prefer", "backup").stdout
        self.assertIn("backup is in service; it is preferred for all mail", said)
        self.assertIn("preferred", self.goes_to("backup")["attempts"][0]["why"])
        self.assertIn("backup is preferred for all mail", self.relay.command("upstream", "list").stdout)
        self.relay.kill()
        self.relay.start()
        self.goes_to("backup")
        self.relay.command("upstream", "prefer", "--none")
        self.goes_to("primary")
        self.assertEqual([event["type"] for event in upstream_events(self.relay)], ["upstream_preferred", "upstream_rolled_back"])

    def test_pause_and_resume(self):
        said = self.relay.command("upstream", "pause", "primary").stdout
        self.assertIn("primary is stopped", said)
        self.goes_to("backup")
        self.assertEqual(self.relay.request("POST", "/v1/upstreams/primary/pause")[0], 409)
        self.relay.kill()
        self.relay.start()
        self.assertTrue(shown(self.relay, "primary")["stopped"], "a pause survives a crash")
        self.goes_to("backup")
        self.assertEqual(self.relay.api("/v1/upstreams/primary/resume", "POST")["state"], "in service")
        self.goes_to("primary")
        self.assertEqual([event["type"] for event in upstream_events(self.relay)], ["upstream_paused", "upstream_resumed"])
        self.assertEqual({event["actor"] for event in upstream_events(self.relay)}, {"operator"})

    def test_mail_waits_while_all_are_paused_and_a_dry_run_counts_it(self):
        for name in ("primary", "backup"):
            self.relay.command("upstream", "pause", name)
        ids = submit_many(self.relay, 30)
        wait_until("all are counted", lambda: [u["waiting"] for u in self.relay.api("/v1/upstreams")["upstreams"]] == [30, 30])
        foreseen = self.relay.api("/v1/upstreams/backup/prefer", "POST", {"dry_run": True})
        self.assertEqual((foreseen["waiting"], foreseen["eligible"], foreseen["would_move"], foreseen["in_service"]), (30, 30, 0, False))
        self.assertIn("all are paused by an operator", explained(self.relay, to="user@example.test")["summary"])
        self.assertEqual({self.relay.message(message_id)["recipients"][0]["tries"] for message_id in ids}, {0})
        self.relay.command("upstream", "resume", "backup")
        for message_id in ids:
            self.assertEqual(asked(self.relay.wait_state(message_id, "sent")), [("backup", "sent")])

    def test_test_connects_and_sends_nothing(self):
        self.assertIn("primary works", self.relay.command("upstream", "test", "primary").stdout)
        self.primary.close()
        done = self.relay.command("upstream", "test", "primary", "--json", check=False)
        answer = json.loads(done.stdout)
        self.assertEqual((done.returncode, answer["ok"], answer["stage"]), (os.EX_UNAVAILABLE, False, "connect"))
        self.assertEqual(self.primary.received, [])
        self.assertEqual(self.relay.request("POST", "/v1/upstreams/nobody/test")[0], 404)

    def test_explain_says_who_and_why_not_the_others(self):
        self.relay.command("upstream", "pause", "primary")
        answer = explained(self.relay, to="user@example.test", **{"from": "app@example.test"})
        self.assertEqual(answer["chosen"]["upstream"], "backup")
        rows = {one["upstream"]: (one["eligible"], one["in_service"], one["why"]) for one in answer["upstreams"]}
        self.assertEqual(rows, {"primary": (True, False, "paused by an operator"), "backup": (True, True, "priority 2")})
        told = self.relay.command("upstream", "explain", "--to", "user@example.test").stdout
        self.assertRegex(told, r"(?m)^primary +not now +- +paused by an operator$")
        self.assertRegex(told, r"(?m)^backup +yes +- +priority 2$")
        self.assertEqual(json.loads(self.relay.command("upstream", "explain", "--to", "user@example.test", "--json").stdout)["chosen"], answer["chosen"])
        self.assertEqual(json.loads(self.relay.command("upstream", "list", "--json").stdout)["upstreams"][0]["state"], "stopped")

    def test_nobody_steers_without_a_key(self):
        self.assertEqual(self.relay.request("GET", "/v1/upstreams", token=None)[0], 401)
        self.assertEqual(self.relay.request("POST", "/v1/upstreams/primary/pause", token="not-a-key")[0], 401)


class Canary(Two):
    delivery = QUICK.replace("open_after = 3", "open_after = 1000\nopen_rate = 0")  # it is the canary that is judged, not the circuit
    refuses = True

    def setUp(self):
        super().setUp()
        self.backup.script = lambda stage, text: "554 5.3.0 out of order" if stage == "greeting" and self.refuses else None

    def test_a_canary_that_does_worse_is_rolled_back(self):
        said = self.relay.command("upstream", "prefer", "backup", "--canary", "100").stdout
        self.assertRegex(said, "preferred for .*100 messages")
        ids = submit_many(self.relay, 60)
        rolled_back = wait_event(self.relay, "upstream_rolled_back", "backup")
        self.assertRegex(rolled_back["reason_detail"]["text"], r"^100% of \d+ hand-overs failed")
        for message_id in ids:
            message = self.relay.wait_state(message_id, "sent")
            self.assertEqual((asked(message)[-1], message["recipients"][0]["tries"]), (("primary", "sent"), 1))
        self.assertIsNone(self.relay.api("/v1/upstreams")["preference"])
        self.goes_to("primary")

    def test_a_canary_that_does_well_takes_all_mail(self):
        self.refuses = False
        self.relay.api("/v1/upstreams/backup/prefer", "POST", {"canary": 30})
        submit_many(self.relay, 60)
        wait_event(self.relay, "upstream_promoted", "backup")
        self.goes_to("backup")
        self.assertIn("backup did well as a canary and takes all mail", self.relay.command("events", "--type", "upstream_*").stdout)

    def test_a_share_goes_there_and_the_rest_stays(self):
        self.refuses = False
        self.relay.api("/v1/upstreams/backup/prefer", "POST", {"canary": "25%"})
        submit_many(self.relay, 200)
        self.relay.wait_idle()
        self.assertGreaterEqual(len(self.backup.received), 30)
        self.assertLessEqual(len(self.backup.received), 70)
        score = self.relay.api("/v1/upstreams")["preference"]["score"]
        self.assertEqual((score["here"], score["elsewhere"]), (len(self.backup.received), len(self.primary.received)))


class Quota(Two):
    more = ("daily_quota = 5", "")

    def test_what_is_over_the_quota_goes_to_the_next_and_a_crash_forgets_none_of_it(self):
        for name in ("primary",) * 5 + ("backup",):
            self.goes_to(name)
        self.assertEqual(shown(self.relay, "primary")["state"], "quota used up")
        self.assertEqual(shown(self.relay, "primary")["quota"]["day"]["left"], 0)
        self.relay.kill()
        self.relay.start()
        self.assertEqual(shown(self.relay, "primary")["state"], "quota used up")
        self.goes_to("backup")
        self.assertIn("its quota is used up", self.relay.command("upstream", "explain", "--to", "user@example.test").stdout)
        self.assertEqual((len(self.primary.received), upstream_events(self.relay, "upstream_opened")), (5, []))


class RateLimit(Two):
    more = ('rate = "5/s"', "")

    def setUp(self):
        self.times = []
        super().setUp()

    def script(self, stage, text):
        if stage == "mail":
            self.times.append(time.monotonic())

    def test_no_second_sees_more_than_the_rate_and_what_waits_spends_no_try(self):
        ids = submit_many(self.relay, 16)
        for message_id in ids:
            message = self.relay.wait_state(message_id, "sent")
            self.assertEqual((asked(message), message["recipients"][0]["tries"]), ([("primary", "sent")], 1))
        times = sorted(self.times)
        most = max(sum(start <= t < start + 1 for t in times) for start in times)
        self.assertLessEqual(most, 6, times)
        self.assertEqual(self.backup.received, [], "a full rate is no reason to go elsewhere")


class Spill(Two):
    more = ('rate = "1/m"\nspill_after = "1s"', "")

    def test_what_waited_for_long_enough_goes_to_the_next(self):
        ids = submit_many(self.relay, 6)
        for message_id in ids:
            self.assertEqual(self.relay.wait_state(message_id, "sent")["recipients"][0]["tries"], 1)
        self.assertEqual((len(self.primary.received), len(self.backup.received)), (1, 5))


class Matches(unittest.TestCase):
    def test_each_message_goes_where_its_domain_lane_tag_and_credential_say(self):
        rows = {  # upstream: its match, and a message that only it takes
            "partner": ('recipient_domain = ["partner.test", ".partner.test"]', {"to": "user@mail.partner.test"}),
            "shop": ('sender_domain = ["shop.test"]', {"sender": "app@shop.test"}),
            "bulk": ('lane = ["low"]', {"fields": "X-Postrider-Lane: low\r\n"}),
            "trial": ('tag = ["trial", "test"]', {"fields": "X-Postrider-Tag: welcome, trial\r\n"}),
            "crm": ('credential = ["crm"]', {"login": ("crm", PASSWORD)}),
            "rest": ("", {}),
        }
        sinks = {name: Sink() for name in rows}
        for sink in sinks.values():
            self.addCleanup(sink.close)
        text = "".join(upstream(name, sinks[name].port, f"match = {{ {match} }}" if match else "") for name, (match, _) in rows.items())
        with Relay(text, LOGINS, QUICK) as relay:
            add_user(relay, "crm")
            for name, (_, message) in rows.items():
                with self.subTest(name):
                    how = dict(message)
                    sent = relay.wait_state(submit(relay, how.pop("to", "user@example.test"), **how), "sent")
                    self.assertEqual(asked(sent), [(name, "sent")])
                    sinks[name].wait_count(1)
            asked_of = {"partner": {"to": "a@partner.test"}, "shop": {"from": "a@shop.test"}, "bulk": {"lane": "low"}, "trial": {"tag": "trial"}, "crm": {"credential": "crm"}, "rest": {}}
            for name, question in asked_of.items():
                self.assertEqual(explained(relay, **{"to": "user@example.test", **question})["chosen"]["upstream"], name)

    def test_recipients_of_one_message_go_different_ways(self):
        with Sink() as partner, Sink() as rest:
            text = upstream("partner", partner.port, 'match = { recipient_domain = ["partner.test"] }') + upstream("rest", rest.port)
            with Relay(text, delivery=QUICK) as relay:
                message = relay.wait_state(submit(relay, "a@partner.test", "b@example.test", "c@partner.test"), "sent")
                self.assertEqual({r["address"]: r["upstream"] for r in message["recipients"]}, {"a@partner.test": "partner", "b@example.test": "rest", "c@partner.test": "partner"})
                self.assertEqual((partner.received[0].recipients, rest.received[0].recipients), (["a@partner.test", "c@partner.test"], ["b@example.test"]))

    def test_what_no_upstream_takes_waits_and_is_told_of(self):
        with Sink() as sink, Relay(upstream("partner", sink.port, 'match = { recipient_domain = ["partner.test"] }'), delivery=QUICK) as relay:
            message_id = submit(relay)
            wait_until("it waits for nobody", lambda: relay.api("/v1/upstreams")["waiting"]["for_nobody"] == 1)
            self.assertIn("1 message of 1 that wait fit no upstream's match", relay.command("upstream", "list").stdout.replace("\n", " "))
            told = relay.command("upstream", "explain", message_id).stdout
            self.assertIn("no upstream takes it", told)
            self.assertIn("recipient_domain", told)
            self.assertEqual(relay.message(message_id)["recipients"][0]["tries"], 0)


    def test_equals_share_by_weight(self):
        with Sink() as large, Sink() as small:
            room = "priority = 1\nmax_connections = 200\n"  # who has none leaves its share to the other
            text = upstream("large", large.port, room + "weight = 3") + upstream("small", small.port, room)
            with Relay(text, delivery=QUICK) as relay:
                submit_many(relay, 200)
                relay.wait_idle()
                self.assertEqual((len(large.received), len(small.received)), (150, 50))

    def test_a_preference_holds_for_what_its_match_takes(self):
        with Sink() as partner, Sink() as rest:
            text = upstream("rest", rest.port) + upstream("partner", partner.port, 'match = { recipient_domain = ["partner.test"] }')
            with Relay(text, delivery=QUICK) as relay:
                relay.command("upstream", "prefer", "partner")
                for recipient, name in (("user@example.test", "rest"), ("user@partner.test", "partner")):
                    self.assertEqual(asked(relay.wait_state(submit(relay, recipient), "sent")), [(name, "sent")])


class Reload(unittest.TestCase):
    def reload(self, relay, text: str, says: str):
        before = relay.log().count(says)
        relay.config.write_text(text)
        relay.process.send_signal(signal.SIGHUP)
        wait_until(f"the log says {says}", lambda: relay.log().count(says) > before)

    def test_upstreams_come_and_go_under_load_and_nothing_is_lost_or_doubled(self):
        with Sink() as first, Sink() as second, Relay(upstream("first", first.port), delivery=QUICK) as relay:
            one = relay.config.read_text()
            other = one.replace('"first"', '"second"').replace(f"port = {first.port}", f"port = {second.port}")
            with Load(relay) as load:
                for text in (other, one) * 4:
                    load.wait_more(30)
                    self.reload(relay, text, " config.reloaded ")
                ids = load.stop()
            relay.wait_idle()
            self.assertEqual(copies(first, second), dict.fromkeys(ids, 1))
            self.assertGreater(min(len(first.received), len(second.received)), 0)

    def test_a_raised_limit_lets_go_what_waited_for_it(self):
        for tight, loose in (('rate = "1/h"', 'rate = "1000/s"'), ("daily_quota = 1", "daily_quota = 100")):
            with self.subTest(tight), Sink() as sink, Relay(upstream("primary", sink.port, tight), delivery=QUICK) as relay:
                ids = submit_many(relay, 4)
                states = lambda: sorted(relay.message(message_id)["state"] for message_id in ids)  # noqa: E731
                wait_until("one is sent", lambda: "sent" in states())  # whichever of them came first to its thread
                self.assertEqual(states(), ["queued", "queued", "queued", "sent"])
                self.reload(relay, relay.config.read_text().replace(tight, loose), " config.reloaded ")
                for message_id in ids:
                    self.assertEqual(asked(relay.wait_state(message_id, "sent")), [("primary", "sent")])

    def test_more_upstreams_than_there_can_be_are_refused_and_the_daemon_goes_on(self):
        with Sink() as sink, Relay(upstream("primary", sink.port), delivery=QUICK) as relay:
            most = relay.config.read_text() + "".join(upstream(f"more-{i}", sink.port) for i in range(63))
            self.reload(relay, most, " config.reloaded ")
            self.reload(relay, most + upstream("one-more", sink.port), " config.refused ")
            self.assertIn("there are 65 upstreams; there can be at most 64", relay.log())
            relay.wait_state(submit(relay), "sent")


class Guards(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="postrider-guards-"))
        self.addCleanup(shutil.rmtree, self.scratch)

    def world_got(self) -> set[str]:
        return {recipient for taken in self.sink.received for recipient in taken.recipients}

    def test_an_upstream_redirects_whom_it_may_not_mail(self):
        guard = 'allow_recipients = ["@inside.test"]\nredirect_to = "qa@inside.test"'
        with Relay(upstream("staging", self.sink.port, guard), delivery=QUICK) as relay:
            message = relay.wait_state(submit(relay, "world@example.com", "a@inside.test", "other@example.net"), "sent")
            self.assertEqual(self.world_got(), {"a@inside.test", "qa@inside.test"})
            self.assertEqual({r["state"] for r in message["recipients"]}, {"sent"})
            self.assertIn("smtp, guarded", relay.command("upstream", "list").stdout)

    def test_an_upstream_captures_whom_it_may_not_mail(self):
        kept = self.scratch / "kept"
        guard = f'allow_recipients = ["@inside.test"]\ncapture_to = "{kept}"'
        with Relay(upstream("staging", self.sink.port, guard), delivery=QUICK) as relay:
            relay.wait_state(submit(relay, "world@example.com", "a@inside.test"), "sent")
            self.assertEqual(self.world_got(), {"a@inside.test"})
            self.assertEqual(len(captured(kept)), 1)
            self.assertEqual(captured(kept)[0].split()[-1], b"hello")

    def test_a_users_mail_is_redirected_and_that_of_others_is_not(self):
        with Relay(upstream("primary", self.sink.port), LOGINS, QUICK) as relay:
            staging = add_user(relay, "staging", "--redirect-to", "qa@inside.test")
            message = relay.wait_state(submit(relay, "world@example.com", "other@example.net", login=staging), "sent")
            self.assertEqual(self.world_got(), {"qa@inside.test"})
            self.assertEqual(len(self.sink.received), 1)
            self.assertEqual([r["address"] for r in message["recipients"]], ["qa@inside.test"])
            self.assertIn("world@example.com", message["recipients"][0]["redirected_from"])
            answer = explained(relay, to="world@example.com", credential="staging")
            self.assertEqual((answer["to"], answer["redirected_from"]), ("qa@inside.test", "world@example.com"))
            relay.wait_state(submit(relay, "free@example.com"), "sent")
            self.assertEqual(self.world_got(), {"qa@inside.test", "free@example.com"})

    def test_a_users_mail_is_captured_or_refused(self):
        kept = self.scratch / "kept"
        with Relay(upstream("primary", self.sink.port) + capture("keep", kept), LOGINS, QUICK) as relay:
            trial = add_user(relay, "trial", "--allow-recipients", "*@inside.test", "--capture")
            self.assertEqual(asked(relay.wait_state(submit(relay, "world@example.com", login=trial), "sent")), [("keep", "sent")])
            self.assertEqual(asked(relay.wait_state(submit(relay, "a@inside.test", login=trial), "sent")), [("primary", "sent")])
            strict = add_user(relay, "strict", "--allow-recipients", "*@inside.test")
            with self.assertRaisesRegex(Exception, "550.*5.7.1"):
                submit(relay, "world@example.com", login=strict)
            self.assertEqual((self.world_got(), len(captured(kept))), ({"a@inside.test"}, 1))


class Clients(unittest.TestCase):
    """Programs nobody here wrote, through a relay whose first upstream takes octets and whose second rebuilds them."""

    def setUp(self):
        self.raw, self.lossy = Sink(), FakePostmark(senders={"example.test"})
        self.addCleanup(self.raw.close)
        self.addCleanup(self.lossy.close)
        api = f'[[upstream]]\nname = "lossy"\ntype = "postmark"\napi_base = "{self.lossy.url}"\nserver_token = "pm-token"\n'
        self.relay = Relay(upstream("raw", self.raw.port) + api, LOGINS, QUICK).start()
        self.addCleanup(shutil.rmtree, self.relay.directory, ignore_errors=True)
        self.addCleanup(self.relay.stop)
        add_user(self.relay, "app")

    def both_ways(self, send):
        """What the program's message is at the raw upstream (parsed), and at the lossy one (its JSON)."""
        send()
        octets = self.raw.wait_count(1)[0].data
        self.relay.command("upstream", "prefer", "lossy")
        send()
        mail = self.lossy.wait_accepted(1)[0]["mail"]
        self.relay.wait_idle()
        self.assertEqual({(m["state"], m["recipients"][0]["upstream"]) for m in self.relay.messages()}, {("sent", "raw"), ("sent", "lossy")})
        return email.message_from_bytes(octets, policy=email.policy.default), mail

    def run_program(self, *command, stdin=None):
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_swaks(self):
        port = self.relay.smtp_port
        raw, lossy = self.both_ways(lambda: self.run_program(
            "swaks", "--server", f"127.0.0.1:{port}", "--from", "app@example.test", "--to", "user@example.test", "--header", "Subject: from swaks", "--body", "one\n.\ntwo"))  # fmt: skip
        self.assertEqual((raw["Subject"], lossy["Subject"]), ("from swaks", "from swaks"))
        self.assertEqual(raw.get_content().split(), ["one", ".", "two"])
        self.assertEqual((lossy["TextBody"].strip(), lossy["From"], lossy["To"]), ("one\n.\ntwo", "app@example.test", "user@example.test"))

    def test_msmtp(self):
        config = self.relay.directory / "msmtprc"
        config.write_text(f'account default\nhost 127.0.0.1\nport {self.relay.smtp_port}\nfrom app@example.test\ntls on\ntls_starttls on\ntls_certcheck off\nauth plain\nuser app\npassword "{PASSWORD}"\n')
        config.chmod(0o600)
        message = "From: app@example.test\nTo: user@example.test\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\nX-Postrider-Tag: spring\n\nGrüße aus dem Wald\n"
        raw, lossy = self.both_ways(lambda: self.run_program("msmtp", "-C", str(config), "user@example.test", stdin=message))
        self.assertEqual((raw["Subject"], raw["X-Postrider-Tag"]), ("grüße", None))
        self.assertIn("Grüße aus dem Wald".encode(), raw.get_payload(decode=True))
        self.assertEqual((lossy["Subject"], lossy["TextBody"].strip(), lossy["Tag"]), ("grüße", "Grüße aus dem Wald", "spring"))
        self.assertNotIn("x-postrider-", json.dumps(lossy).lower())

    def test_nodemailer(self):
        raw, lossy = self.both_ways(lambda: self.run_program("node", str(HERE / "nodemailer_client.js"), str(self.relay.smtp_port), "app", PASSWORD))
        self.assertEqual(raw["Subject"], "from nodemailer – ü")
        self.assertEqual([part.get_filename() for part in raw.walk() if part.get_filename()], ["Rechnung Nr. 1 – Ä.txt"])
        self.assertEqual((lossy["Subject"], lossy["From"]), ("from nodemailer – ü", 'Die App <app@example.test>'))
        self.assertEqual((lossy["TextBody"].strip(), lossy["HtmlBody"].strip()), ("hallo\n.\nwelt", "<p>hallo</p>"))
        self.assertEqual([file["Name"] for file in lossy["Attachments"]], ["Rechnung Nr. 1 – Ä.txt"])


if __name__ == "__main__":
    unittest.main()
