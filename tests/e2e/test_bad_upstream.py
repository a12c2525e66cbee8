"""Upstreams that refuse, stall, drop and lie at every stage: what the relay makes of each, and that nothing is lost."""
import contextlib
import smtplib
import subprocess
import unittest

from harness import PATIENCE, Relay, Sink, free_port, smtp_upstream, wait_for_port

QUICK = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"'
IMPATIENT = 'connect_timeout = "2s"\nstage_timeout = "1s"\nfinal_timeout = "1s"'


def send(port: int, recipients=("user@example.test",), body="hello\r\n") -> str:
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail("app@example.test")
        for recipient in recipients:
            client.rcpt(recipient)
        code, text = client.data("Subject: test\r\n\r\n" + body)
        assert code == 250, (code, text)
        return text.decode().rsplit(" ", 1)[-1]


class Scripted:
    """Answers `reply` at `stage` for the first `times` times, then behaves."""

    def __init__(self, stage, reply, times=1):
        self.stage, self.reply, self.left = stage, reply, times

    def __call__(self, stage, text):
        if stage == self.stage and self.left > 0:
            self.left -= 1
            return self.reply
        return None


class EachStage(unittest.TestCase):
    def deferred_then_sent(self, stage, reply, outcome="deferred", copies=1, cause_stage=None):
        with Sink(Scripted(stage, reply)) as sink, Relay(smtp_upstream(sink.port, IMPATIENT), delivery=QUICK) as relay:
            message = send(relay.smtp_port)
            story = relay.wait_state(message, "sent")
            self.assertEqual(len(sink.received), copies)
            self.assertEqual(story["attempts"][0]["outcome"], outcome, story["attempts"][0])
            self.assertEqual(story["attempts"][-1]["outcome"], "sent")
            if cause_stage:
                self.assertEqual(story["attempts"][0]["stage"], cause_stage)
            return story

    def test_greeting_refused(self):
        self.deferred_then_sent("greeting", "554 5.3.2 not today")

    def test_greeting_dropped(self):
        self.deferred_then_sent("greeting", "drop")

    def test_greeting_stalled(self):
        self.deferred_then_sent("greeting", "stall", cause_stage="greeting")

    def test_greeting_garbage(self):
        self.deferred_then_sent("greeting", "\x00\x01 what is this")

    def test_ehlo_dropped(self):
        self.deferred_then_sent("ehlo", "drop")

    def test_mail_refused_for_now(self):
        self.deferred_then_sent("mail", "451 4.3.0 try later")

    def test_mail_throttled_spends_no_try(self):
        story = self.deferred_then_sent("mail", "421 4.7.0 too many messages")
        self.assertEqual(story["recipients"][0]["tries"], 1)

    def test_rcpt_greylisted(self):
        self.deferred_then_sent("rcpt", "450 4.2.0 greylisted")

    def test_data_dropped(self):
        self.deferred_then_sent("data", "drop")

    def test_data_stalled(self):
        self.deferred_then_sent("data", "stall")

    def test_dot_refused_for_now(self):
        self.deferred_then_sent("dot", "451 4.3.0 disk full")

    def test_dot_taken_and_connection_lost_is_uncertain_and_on_record(self):
        self.deferred_then_sent("dot", "lie", outcome="uncertain", copies=2, cause_stage="final_dot")

    def test_dot_stalled_is_uncertain(self):
        self.deferred_then_sent("dot", "stall", outcome="uncertain", cause_stage="final_dot")

    def test_rcpt_refused_for_good_bounces_at_once_and_the_rest_is_sent(self):
        def script(stage, text):
            return "550 5.1.1 no such user" if stage == "rcpt" and "nobody@" in text else None

        with Sink(script) as sink, Relay(smtp_upstream(sink.port)) as relay:
            message = send(relay.smtp_port, ("nobody@example.test", "user@example.test"))
            story = relay.wait_state(message, "bounced")
            states = {r["address"]: r["state"] for r in story["recipients"]}
            self.assertEqual(states, {"nobody@example.test": "bounced", "user@example.test": "sent"})
            self.assertIn("no such user", story["recipients"][0]["reason"])
            self.assertEqual(sink.received[0].recipients, ["user@example.test"])

    def test_on_uncertain_hold(self):
        with Sink(Scripted("dot", "lie")) as sink, Relay(smtp_upstream(sink.port, IMPATIENT), delivery='on_uncertain = "hold"') as relay:
            message = send(relay.smtp_port)
            relay.wait_state(message, "held")
            self.assertEqual(len(sink.received), 1)
            relay.api(f"/v1/messages/{message}/release", "POST", {})
            relay.wait_state(message, "sent")

    def test_retries_used_up_parks_with_the_body_and_retry_sends(self):
        sink = Sink(Scripted("rcpt", "450 4.2.0 not yet", 3))
        with sink, Relay(smtp_upstream(sink.port), delivery='retries = 2\nretry_interval = "1s"') as relay:
            message = send(relay.smtp_port)
            story = relay.wait_state(message, "failed")
            self.assertEqual(story["recipients"][0]["tries"], 3)
            self.assertEqual(len(story["attempts"]), 3)
            relay.api(f"/v1/messages/{message}/retry", "POST", {})
            story = relay.wait_state(message, "sent")
            self.assertEqual(story["recipients"][0]["tries"], 1)


class SmtpSink(unittest.TestCase):
    """Postfix's smtp-sink with its fault flags."""

    @contextlib.contextmanager
    def sink(self, *flags):
        port = free_port()
        process = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", *flags, f"127.0.0.1:{port}", "256"], stderr=subprocess.DEVNULL)
        try:
            wait_for_port(port, process)
            yield port
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def test_soft_reject_every_command_some_of_the_time(self):
        for command in ("mail", "rcpt", "data", "."):
            with self.subTest(command), self.sink("-r", command) as port, Relay(smtp_upstream(port), delivery=QUICK) as relay:
                story = relay.wait_state(send(relay.smtp_port), "deferred")
                self.assertEqual(story["attempts"][0]["code"] // 100, 4)

    def test_hard_reject(self):
        for command, state in (("rcpt", "bounced"), (".", "bounced")):
            with self.subTest(command), self.sink("-f", command) as port, Relay(smtp_upstream(port), delivery=QUICK) as relay:
                story = relay.wait_state(send(relay.smtp_port), state)
                self.assertEqual(story["attempts"][0]["code"] // 100, 5)

    def test_disconnects(self):
        for command in ("ehlo", "mail", "rcpt", "data"):
            with self.subTest(command), self.sink("-q", command) as port, Relay(smtp_upstream(port), delivery=QUICK) as relay:
                story = relay.wait_state(send(relay.smtp_port), "deferred")
                self.assertEqual(story["attempts"][0]["outcome"], "deferred")

    def test_slow_and_without_esmtp(self):
        with self.sink("-e", "-w", "1") as port, Relay(smtp_upstream(port), delivery=QUICK) as relay:
            relay.wait_state(send(relay.smtp_port), "sent")

    def test_without_pipelining_and_8bitmime_8bit_bounces_with_56x_or_waits_named(self):
        with self.sink("-8", "-p") as port, Relay(smtp_upstream(port), delivery=QUICK) as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                client.sendmail("app@example.test", "user@example.test", "Subject: x\r\n\r\nGrüße\r\n".encode())
            message = relay.messages()[0]["id"]
            story = relay.wait_state(message, "bounced")
            self.assertTrue(story["recipients"][0]["reason_detail"]["enhanced_code"].startswith("5.6."), story["recipients"])


class Connections(unittest.TestCase):
    def test_reused_up_to_the_limit(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port, "messages_per_connection = 10\nmax_connections = 1")) as relay:
            for _ in range(30):
                send(relay.smtp_port)
            sink.wait_count(30)
            self.assertLessEqual(sink.connections, 6)
            self.assertGreaterEqual(sink.connections, 3)

    def test_large_message_with_dots_over_every_border(self):
        line = ".".join("x" * n for n in range(1, 60)) + "\r\n"
        body = "".join((".", "..", "")[i % 3] + line for i in range(1200))
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                client.sendmail("app@example.test", "user@example.test", "Subject: big\r\n\r\n" + body)
            taken = sink.wait_count(1)[0]
            self.assertTrue(taken.data.endswith(b"\r\n\r\n" + body.encode()))


if __name__ == "__main__":
    unittest.main()
