"""A real Postfix behind the relay, and in front of it."""
import smtplib
import unittest

from harness import PATIENCE, Postfix, Relay, Sink, smtp_upstream, wait_until


def send(port: int, subject: str, body: str = "hello\r\n") -> str:
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail("app@example.test")
        client.rcpt("user@example.test")
        code, text = client.data(f"Subject: {subject}\r\n\r\n{body}")
        assert code == 250, (code, text)
        return text.decode().rsplit(" ", 1)[-1]


class PostfixBehind(unittest.TestCase):
    def test_arrives_waits_while_it_is_down_survives_kill_and_arrives(self):
        with Postfix() as postfix, Relay(smtp_upstream(postfix.port), delivery='retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"') as relay:
            first = send(relay.smtp_port, "first")
            relay.wait_state(first, "sent")
            wait_until("the first is in the inbox", postfix.inbox)

            postfix.stop()
            second = send(relay.smtp_port, "second")
            waiting = relay.wait_state(second, "deferred")
            self.assertGreaterEqual(waiting["recipients"][0]["tries"], 1)
            self.assertEqual(waiting["attempts"][0]["stage"], "connect")
            self.assertIn("refused", waiting["attempts"][0]["text"].lower())
            self.assertIsNotNone(waiting["recipients"][0]["next_try_at"])

            relay.kill()
            relay.start()
            self.assertIn(relay.message(second)["state"], ("queued", "deferred", "sending"))
            postfix.start()
            relay.wait_state(second, "sent")
            inbox = wait_until("both are in the inbox", lambda: postfix.inbox() if len(postfix.inbox()) == 2 else None)
            self.assertEqual(sum(b"Subject: second" in mail for mail in inbox), 1)

    def test_postfix_refuses_for_good(self):
        with Postfix() as postfix, Relay(smtp_upstream(postfix.port)) as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                client.ehlo()
                client.mail("app@example.test")
                client.rcpt("user@example.test")
                client.rcpt("user@elsewhere.invalid\N{SNOWMAN}".encode("ascii", "ignore").decode())
                code, text = client.data("Subject: mixed\r\n\r\nhello\r\n")
                self.assertEqual(code, 250)
            story = relay.wait_state(text.decode().rsplit(" ", 1)[-1], "bounced", "deferred", "sent")
            self.assertEqual({r["address"]: r["state"] for r in story["recipients"]}["user@example.test"], "sent")


class PostfixInFront(unittest.TestCase):
    def test_postfix_relays_through_us(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay, Postfix(relay_port=relay.smtp_port) as postfix:
            with smtplib.SMTP("127.0.0.1", postfix.port, timeout=PATIENCE) as client:
                client.sendmail("app@example.test", ["one@example.test", "two@example.test"], "Subject: through both\r\n\r\n.dot\r\n")
            taken = sink.wait_count(1)[0]
            self.assertEqual(sorted(taken.recipients), ["one@example.test", "two@example.test"])
            self.assertTrue(taken.data.endswith(b"\r\n\r\n.dot\r\n"))
            wait_until("Postfix has heard our 250", lambda: "status=sent (250 2.0.0 Ok: queued as" in postfix.log())


if __name__ == "__main__":
    unittest.main()
