"""Lanes, appointed times and expiry: who overtakes whom, what waits until when, and that what steers never leaves."""
import base64
import datetime
import http.client
import os
import re
import signal
import smtplib
import subprocess
import unittest
import urllib.parse

from fleet import asked, submit, submit_many, upstream
from harness import BINARY, PATIENCE, Relay, Sink, free_port, wait_until

QUICK = 'retry_interval = "1s"\nprobe_interval = "200ms"'


def instant(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def accepted_at(message) -> datetime.datetime:
    return instant(message["events"][0]["at"])


class Lanes(unittest.TestCase):
    def setUp(self):
        self.sink = Sink(extensions=("8BITMIME", "SIZE 50000000", "DSN", "ENHANCEDSTATUSCODES"))
        self.addCleanup(self.sink.close)

    def lane_of(self, relay, **how) -> str:
        return relay.wait_state(submit(relay, **how), "sent")["lane"]

    def test_a_lane_comes_from_the_priority_or_the_field_and_the_field_wins(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK) as relay:
            rows = [
                ("normal", {}),
                ("high", {"parameters": ["MT-PRIORITY=4"]}),
                ("low", {"parameters": ["MT-PRIORITY=-3"]}),
                ("normal", {"parameters": ["MT-PRIORITY=0"]}),
                ("high", {"fields": "X-Postrider-Lane: high\r\n"}),
                ("low", {"fields": "x-postrider-lane: LOW\r\n", "parameters": ["MT-PRIORITY=9"]}),
            ]
            for lane, how in rows:
                with self.subTest(how):
                    self.assertEqual(self.lane_of(relay, **how), lane)

    def test_one_high_message_overtakes_two_thousand_low_ones_at_a_slow_upstream(self):
        with Relay(upstream("slow", self.sink.port, 'rate = "50/s"'), delivery=QUICK) as relay:
            submit_many(relay, 2000, fields="X-Postrider-Lane: low\r\n")
            before = len(self.sink.received)
            high = submit(relay, fields="X-Postrider-Lane: high\r\n")
            relay.wait_state(high, "sent")
            order = [taken.id for taken in self.sink.received]
            overtakers = order.index(high) - before
            self.assertLess(before, 1900, "the low ones did not wait, so that nothing was shown")
            self.assertLess(overtakers, 100, "it waited behind the low ones")
            relay.kill()  # 2000 at 50/s is longer than anyone cares to wait

    def test_low_mail_moves_while_high_mail_keeps_coming(self):
        with Relay(upstream("slow", self.sink.port, 'rate = "100/s"'), delivery=QUICK) as relay:
            low = submit_many(relay, 50, fields="X-Postrider-Lane: low\r\n")
            submit_many(relay, 300, fields="X-Postrider-Lane: high\r\n")
            taken = self.sink.wait_count(200)
            self.assertGreater(len({one.id for one in taken[:200]} & set(low)), 0)
            relay.kill()


class Rules(unittest.TestCase):
    """[[lane]]: the lane of mail whose submitter names none."""

    RULES = """
[[lane]]
lane = "high"
match = { tag = "password-reset" }
[[lane]]
lane = "low"
match = { credential = "newsletter" }
[[lane]]
lane = "low"
match = { sender_domain = ".news.test", recipient_domain = ["bulk.test", "other.test"] }
[[lane]]
lane = "high"
match = { recipient_domain = "vip.test" }
"""

    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def relay(self, rules: str = RULES) -> Relay:
        return Relay(upstream("primary", self.sink.port), delivery=QUICK, extra=rules + "[access]\nallow_plaintext_auth_from_loopback = true\n")

    def lane_of(self, relay, *recipients, **how) -> str:
        return relay.wait_state(submit(relay, *recipients, **how), "sent")["lane"]

    def test_the_first_that_fits_decides_where_the_submitter_names_none(self):
        with self.relay() as relay:
            relay.command("user", "add", "newsletter", "--password-stdin", stdin="wald und wiese\n")
            login = ("newsletter", "wald und wiese")
            rows = [
                ("normal", ["user@example.test"], {}),
                ("normal", ["user@bulk.test"], {}),
                ("low", ["user@bulk.test"], {"sender": "app@daily.news.test"}),
                ("low", ["user@example.test", "user@other.test"], {"sender": "app@news.test"}),
                ("high", ["user@VIP.test"], {}),
                ("low", ["user@vip.test"], {"login": login}),
                ("high", ["user@example.test"], {"login": login, "fields": "X-Postrider-Tag: password-reset\r\n"}),
                # What the submitter names goes before every rule, normal too.
                ("normal", ["user@vip.test"], {"parameters": ["MT-PRIORITY=0"]}),
                ("low", ["user@vip.test"], {"parameters": ["MT-PRIORITY=-1"]}),
                ("normal", ["user@vip.test"], {"fields": "X-Postrider-Lane: normal\r\n"}),
            ]
            for lane, recipients, how in rows:
                with self.subTest(lane=lane, recipients=recipients, **how):
                    self.assertEqual(self.lane_of(relay, *recipients, **how), lane)

    def test_every_door_asks_them(self):
        with self.relay() as relay:
            self.assertEqual(self.lane_of(relay, "user@vip.test"), "high")
            mail = {"from": "app@example.test", "to": "user@vip.test", "subject": "x", "text": "x"}
            for body, lane in ((mail, "high"), ({**mail, "lane": "low"}, "low"), ({**mail, "lane": "normal"}, "normal"),
                               ({"raw": "From: app@example.test\r\nTo: user@vip.test\r\n\r\nx\r\n"}, "high"),
                               ({"raw": "From: app@example.test\r\nTo: user@vip.test\r\nX-Postrider-Lane: low\r\n\r\nx\r\n"}, "low")):
                with self.subTest(body=body):
                    self.assertEqual(relay.message(relay.api("/v1/messages", "POST", body)["id"])["lane"], lane)
            self.assertEqual(self.by_mailgun(relay, "user@vip.test")["lane"], "high")
            self.assertEqual(self.by_sendmail(relay, "user@vip.test")["lane"], "high")

    def found(self, relay, subject: str):
        return wait_until(f"{subject} is there", lambda: next((m for m in relay.messages() if m["subject"] == subject), None))

    def by_mailgun(self, relay, recipient: str):
        key = relay.command("token", "create", "app", "--scopes", "send").stdout.strip()
        form = urllib.parse.urlencode({"from": "app@example.test", "to": recipient, "subject": "by form", "text": "x"})
        connection = http.client.HTTPConnection("127.0.0.1", relay.api_port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        connection.request("POST", "/v3/example.test/messages", form, {
            "Authorization": "Basic " + base64.b64encode(f"api:{key}".encode()).decode(),
            "Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        self.assertEqual(answer.status, 200, answer.read())
        return self.found(relay, "by form")

    def by_sendmail(self, relay, recipient: str):
        """By the drop directory: the daemon is down when the program is run."""
        relay.stop()
        drop = relay.data_dir / "maildrop"
        subprocess.run([BINARY, "sendmail", "-i", "-f", "app@example.test", recipient], input="Subject: dropped\n\nx\n", text=True, check=True,
                       timeout=PATIENCE, env={**os.environ, "POSTRIDER_SMTP": f"127.0.0.1:{relay.smtp_port}", "POSTRIDER_MAILDROP": str(drop)})
        relay.start()
        return self.found(relay, "dropped")

    def test_a_reload_changes_them_for_what_comes_after(self):
        with self.relay() as relay:
            self.assertEqual(self.lane_of(relay, "user@vip.test"), "high")
            before = len(relay.log())
            config = relay.config.read_text()
            relay.config.write_text(config.replace('lane = "high"\nmatch = { recipient_domain', 'lane = "low"\nmatch = { recipient_domain'))
            relay.process.send_signal(signal.SIGHUP)
            report = wait_until("it is reloaded", lambda: re.search("(?s).* config.reloaded .*\n", relay.log()[before:])).group()
            self.assertIn('config.changed key=lane.3.lane from=high to=low\n', report)
            self.assertIn("needs_restart=0\n", report)
            wait_until("mail is low", lambda: self.lane_of(relay, "user@vip.test") == "low")

    def test_the_route_of_a_lane_is_foretold(self):
        """By validate, for the message as it would be stored: upstreams that match by lane see the lane of the rule."""
        two = upstream("fast", self.sink.port, 'match = { lane = "high" }') + upstream("slow", self.sink.port)
        with Relay(two, delivery=QUICK, extra=self.RULES) as relay:
            mail = {"from": "app@example.test", "to": "user@vip.test", "subject": "x", "text": "x"}
            for body, name in ((mail, "fast"), ({**mail, "lane": "normal"}, "slow"), ({**mail, "to": "user@example.test"}, "slow")):
                with self.subTest(body=body):
                    foretold = relay.api("/v1/validate", "POST", body)["recipients"][0]["route"]["chosen"]["upstream"]
                    sent = relay.wait_state(relay.api("/v1/messages", "POST", body)["id"], "sent")
                    self.assertEqual((foretold, asked(sent)), (name, [(name, "sent")]))


class Times(unittest.TestCase):
    def setUp(self):
        self.sink = Sink()
        self.addCleanup(self.sink.close)

    def test_mail_is_held_until_its_time(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK) as relay:
            ways = [{"parameters": ["HOLDFOR=2"]}, {"fields": "X-Postrider-Send-At: +2s\r\n"}]
            ids = [submit(relay, **how) for how in ways]
            at_once = submit(relay)
            relay.wait_state(at_once, "sent")
            for message_id in ids:
                message = relay.wait_state(message_id, "sent")
                waited = instant(message["attempts"][0]["started_at"]) - accepted_at(message)
                self.assertGreaterEqual(waited, datetime.timedelta(seconds=1.9))
                self.assertEqual(message["recipients"][0]["tries"], 1)
            self.assertEqual(self.sink.received[0].id, at_once)

    def test_mail_is_held_until_an_instant(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK) as relay:
            until = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + datetime.timedelta(seconds=3)
            text = until.strftime("%Y-%m-%dT%H:%M:%SZ")
            for how in ({"parameters": [f"HOLDUNTIL={text}"]}, {"fields": f"X-Postrider-Send-At: {text}\r\n"}):
                message = relay.wait_state(submit(relay, **how), "sent")
                self.assertGreaterEqual(instant(message["attempts"][0]["started_at"]), until)

    def test_an_appointment_survives_a_crash(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK) as relay:
            held = submit(relay, parameters=["HOLDFOR=3600"])
            due = relay.message(held)["next_try_at"]
            relay.kill()
            relay.start()
            message = relay.message(held)
            self.assertEqual((message["state"], message["next_try_at"]), ("queued", due))
            self.assertGreater(instant(due) - accepted_at(message), datetime.timedelta(minutes=59))
            relay.api(f"/v1/messages/{held}/retry", "POST", {})  # an operator need not wait
            relay.wait_state(held, "sent")

    def test_what_is_too_far_ahead_is_refused(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK + '\nmax_hold = "1h"') as relay:
            for how in ({"parameters": ["HOLDFOR=3601"]}, {"fields": "X-Postrider-Send-At: +2h\r\n"}):
                with self.subTest(how), self.assertRaisesRegex(smtplib.SMTPResponseException, "held for at most 1h"):
                    submit(relay, **how)
            self.assertEqual(relay.messages(), [])

    def test_mail_that_outlives_its_time_expires_while_the_upstream_is_down(self):
        port = free_port()
        with Relay(upstream("primary", port), delivery=QUICK + "\nretries = 500") as relay:
            mortal = submit(relay, fields="X-Postrider-Expires-In: 2s\r\n")
            patient = submit(relay)
            message = relay.wait_state(mortal, "expired")
            expired = next(event for event in message["events"] if event["type"] == "expired")
            self.assertGreaterEqual(instant(expired["at"]) - accepted_at(message), datetime.timedelta(seconds=2))
            with Sink(port=port) as sink:
                relay.wait_state(patient, "sent")
                self.assertNotIn(mortal, [taken.id for taken in sink.received])

    def test_mail_that_waits_uncounted_expires_too(self):
        with Relay(upstream("primary", self.sink.port), delivery=QUICK) as relay:
            relay.command("upstream", "pause", "primary")
            mortal = submit(relay, fields="X-Postrider-Expires-In: 1s\r\n")
            message = relay.wait_state(mortal, "expired")
            self.assertEqual((asked(message), message["recipients"][0]["tries"]), ([], 0))


class WhatSteers(unittest.TestCase):
    STEERING = "X-Postrider-Lane: high\r\nX-Postrider-Tag: a, b\r\nX-Postrider-Retries: 7\r\nX-Postrider-Retry-Interval: 30s\r\nX-Postrider-Expires-In: 1h\r\nX-Postrider-Made-Up: x\r\n y\r\n"

    def test_it_is_believed_and_never_leaves(self):
        with Sink() as sink, Relay(upstream("primary", sink.port), delivery=QUICK) as relay:
            message = relay.wait_state(submit(relay, fields=self.STEERING + "X-Kept: yes\r\n"), "sent")
            self.assertEqual((message["lane"], message["tags"], message["retry"]["retries"]), ("high", ["a", "b"], 7))
            data = sink.wait_count(1)[0].data
            self.assertNotIn(b"x-postrider-", data.lower())
            self.assertIn(b"X-Kept: yes\r\n", data)
            self.assertIn(b"Subject: test\r\nX-Kept", data)

    def test_nonsense_is_refused_with_what_it_may_be(self):
        with Sink() as sink, Relay(upstream("primary", sink.port), delivery=QUICK) as relay:
            for field in ("Lane: fast", "Retries: 101", "Send-At: tomorrow", "Expires-In: 0s", "Lane: low\r\nX-Postrider-Lane: low"):
                with self.subTest(field), self.assertRaises(smtplib.SMTPResponseException) as refused:
                    submit(relay, fields=f"X-Postrider-{field}\r\n")
                self.assertEqual(refused.exception.smtp_code, 554)
                self.assertIn(b"5.6.0 X-Postrider-", refused.exception.smtp_error)
            with self.assertRaises(smtplib.SMTPResponseException) as refused:
                submit(relay, parameters=["MT-PRIORITY=10"])
            self.assertEqual(refused.exception.smtp_code, 501)
            self.assertEqual(relay.messages(), [])

    def test_a_message_keeps_its_own_retries(self):
        with Sink(lambda stage, text: "451 4.3.0 not now" if stage == "mail" else None) as sink:
            with Relay(upstream("primary", sink.port), delivery=QUICK + '\nmin_retry_interval = "1s"\nopen_after = 1000\nopen_rate = 0') as relay:
                none = submit(relay, fields="X-Postrider-Retries: 0\r\n")
                one = submit(relay, fields="X-Postrider-Retries: 1\r\nX-Postrider-Retry-Interval: 1s\r\n")
                self.assertEqual(relay.wait_state(none, "failed")["recipients"][0]["tries"], 1)
                self.assertEqual(relay.wait_state(one, "failed")["recipients"][0]["tries"], 2)


if __name__ == "__main__":
    unittest.main()
