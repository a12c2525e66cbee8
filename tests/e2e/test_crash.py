"""kill -9 at random moments under load: what was acknowledged arrives; what arrives twice has an `uncertain` attempt on record."""
import collections
import random
import re
import smtplib
import threading
import unittest

from harness import PATIENCE, QUEUED_AS, Relay, Sink, smtp_upstream

KILLS = 32
CLIENTS = 6
BETWEEN = 40  # acknowledged messages after which the next kill is due, more or less


class Load:
    """Clients that send without a pause; a message whose reply was lost counts as not acknowledged."""

    def __init__(self, relay):
        self.relay, self.acknowledged, self.ended = relay, [], False
        self.progress = threading.Condition()
        self.threads = [threading.Thread(target=self._client, args=(n,), daemon=True) for n in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def _client(self, number):
        pause = threading.Event()
        serial = 0
        body = "x" * (number * 9000)
        while not self.ended:
            try:
                with smtplib.SMTP("127.0.0.1", self.relay.smtp_port, timeout=PATIENCE) as client:
                    for _ in range(5):
                        serial += 1
                        client.ehlo_or_helo_if_needed()
                        client.mail("app@example.test")
                        client.rcpt("user@example.test")
                        code, text = client.data(f"Subject: {number}-{serial}\r\nX-Load: {number}-{serial}\r\n\r\n{body}\r\n")
                        if code != 250:
                            raise smtplib.SMTPException(text)
                        with self.progress:
                            self.acknowledged.append((f"{number}-{serial}", QUEUED_AS.search(text.decode()).group(1)))
                            self.progress.notify_all()
            except (OSError, smtplib.SMTPException):
                pause.wait(0.02)  # the relay is down: knock again

    def wait_more(self, count):
        with self.progress:
            target = len(self.acknowledged) + count
            if not self.progress.wait_for(lambda: len(self.acknowledged) >= target, PATIENCE):
                raise AssertionError("the load makes no progress\n" + self.relay.log()[-3000:])

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(PATIENCE)


class Crash(unittest.TestCase):
    def test_kill_nine(self):
        dice = random.Random(20)
        delivery = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"'
        with Sink() as sink, Relay(smtp_upstream(sink.port), delivery=delivery) as relay:
            load = Load(relay)
            for _ in range(KILLS):
                load.wait_more(dice.randint(1, BETWEEN))
                relay.kill()
                relay.start()
            load.end()
            # A message that was under way in three crashes is held for a person to look at: so say we yes.
            for message in relay.messages("&state=held"):
                relay.api(f"/v1/messages/{message['id']}/release", "POST", {})
            relay.wait_idle()
            arrivals = collections.Counter(m.id for m in sink.received)
            marks = {re.search(rb"X-Load: (\S+)", m.data).group(1).decode() for m in sink.received}
            lost = [mark for mark, _ in load.acknowledged if mark not in marks]
            self.assertEqual(lost, [], f"lost of {len(load.acknowledged)} acknowledged")
            self.assertGreater(len(load.acknowledged), KILLS)
            doubled = [message for message, count in arrivals.items() if count > 1]
            for message in doubled:
                outcomes = [a["outcome"] for a in relay.message(message)["attempts"]]
                self.assertGreaterEqual(outcomes.count("uncertain"), arrivals[message] - 1, (message, outcomes))
            print(f"{KILLS} kills, {len(load.acknowledged)} acknowledged, {len(doubled)} arrived twice and say so ", end="")


if __name__ == "__main__":
    unittest.main()
