"""Lanes, appointed times and expiry: who overtakes whom, what waits until when, and that what steers never leaves."""
import datetime
import smtplib
import unittest

from fleet import asked, submit, submit_many, upstream
from harness import Relay, Sink, free_port

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
