"""Stopping: the first signal lets what is under way come to its end, the second ends the daemon at once. Neither loses mail."""
import signal
import smtplib
import socket
import threading
import unittest

from harness import PATIENCE, Relay, Sink, free_port, smtp_upstream, try_send, wait_until

EAGER = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"'


class Gate:
    """A script for the sink: the final dot of the first message is answered when the gate is opened, and not before."""

    def __init__(self):
        self.reached, self.opened = threading.Event(), threading.Event()

    def __call__(self, stage, text):
        if stage == "dot" and not self.reached.is_set():
            self.reached.set()
            self.opened.wait()
        return None


class Session(smtplib.SMTP):
    """A client that is somewhere in a session when the daemon stops."""

    def __init__(self, relay):
        super().__init__("127.0.0.1", relay.smtp_port, timeout=PATIENCE)
        self.ehlo()

    def begin(self) -> "Session":
        """Up to the middle of a message."""
        self.mail("app@example.test")
        self.rcpt("user@example.test")
        self.putcmd("data")
        code, text = self.getreply()
        assert code == 354, (code, text)
        self.send(b"Subject: half\r\n")
        return self

    def finish(self):
        self.send(b"\r\ntext\r\n.\r\n")
        return self.getreply()

    def ended(self) -> bool:
        return self.sock.recv(1) == b""


class Stop(unittest.TestCase):
    def ask_to_stop(self, relay, number):
        relay.process.send_signal(number)
        wait_until("the daemon is stopping", lambda: "daemon.stopping" in relay.log())

    def assert_refused(self, relay):
        with socket.socket() as late:
            self.assertNotEqual(late.connect_ex(("127.0.0.1", relay.smtp_port)), 0)

    def test_the_first_lets_sessions_finish_their_message(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name), Relay(smtp_upstream(free_port()), delivery=EAGER) as relay:
                idle, between, half = Session(relay), Session(relay), Session(relay).begin()
                before = try_send(relay.smtp_port)
                between.mail("app@example.test")
                self.ask_to_stop(relay, number)
                code, text = idle.getreply()
                self.assertEqual((code, text[:5]), (421, b"4.3.2"))
                self.assertTrue(idle.ended())
                self.assert_refused(relay)
                code, text = half.finish()
                self.assertEqual(code, 250, text)
                self.assertEqual(half.getreply()[0], 421)
                self.assertTrue(half.ended())
                self.assertEqual(between.rcpt("user@example.test")[0], 250)  # its transaction is under way, too
                self.assertEqual(between.rset()[0], 250)
                self.assertEqual(between.getreply()[0], 421)
                self.assertEqual(relay.process.wait(PATIENCE), 0)
                self.assertIn("daemon.stopped", relay.log())
                relay.start()
                kept = {message["id"] for message in relay.messages()}
                self.assertEqual(kept, {before, text.decode().rsplit(" ", 1)[-1]})

    def test_the_first_lets_a_handover_finish(self):
        gate = Gate()
        with Sink(gate) as sink, Relay(smtp_upstream(sink.port), delivery=EAGER) as relay:
            message = try_send(relay.smtp_port)
            self.assertTrue(gate.reached.wait(PATIENCE))
            self.ask_to_stop(relay, signal.SIGTERM)
            gate.opened.set()
            self.assertEqual(relay.process.wait(PATIENCE), 0)
            relay.start()
            story = relay.message(message)
            self.assertEqual(story["state"], "sent")
            self.assertEqual([attempt["outcome"] for attempt in story["attempts"]], ["sent"])
            self.assertEqual(len(sink.received), 1)

    def test_the_second_ends_it_at_once(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT), (signal.SIGINT, signal.SIGINT)):
            gate = Gate()
            with self.subTest(f"{first.name} {second.name}"), Sink(gate) as sink, Relay(smtp_upstream(sink.port), delivery=EAGER) as relay:
                half = Session(relay).begin()  # this one and the hand-over would both be waited for
                message = try_send(relay.smtp_port)
                self.assertTrue(gate.reached.wait(PATIENCE))
                self.ask_to_stop(relay, first)
                relay.process.send_signal(second)
                self.assertEqual(relay.process.wait(PATIENCE), 128 + second)
                self.assertNotIn("daemon.stopped", relay.log())
                self.assertTrue(half.ended())
                gate.opened.set()
                relay.start()
                self.assertEqual([m["id"] for m in relay.messages()], [message])
                story = relay.wait_state(message, "sent")  # again, for nobody has heard the answer
                self.assertEqual([attempt["outcome"] for attempt in story["attempts"]], ["uncertain", "sent"])
                self.assertEqual([m.id for m in sink.received], [message, message])


if __name__ == "__main__":
    unittest.main()
