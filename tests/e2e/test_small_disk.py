"""A disk that is really full, on a filesystem of its own: mail is refused for now, what was acknowledged is kept and sent, and all is
as before when there is room again."""
import os
import unittest

from harness import Relay, Sink, free_port, send_until_refused, small_disk, smtp_upstream, try_send, wait_until

DISK = 64  # MiB
MESSAGE = 250_000
MOST = DISK * (1 << 20) // MESSAGE
EAGER = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"'


class SmallDisk(unittest.TestCase):
    def assert_full(self, relay, refusal):
        self.assertEqual(refusal[0], 452, refusal)
        self.assertIn(b"4.3.1", refusal[1])
        self.assertEqual(relay.request("GET", "/readyz", token=None)[0], 503)
        self.assertEqual(relay.request("GET", "/health", token=None)[0], 200)

    def accepted_again(self, relay) -> str:
        """The id of the first message taken after the shortage. Until then each answer is 452."""

        def taken():
            answer = try_send(relay.smtp_port, MESSAGE)
            if isinstance(answer, tuple):
                self.assertEqual(answer[0], 452, answer)
                return None
            return answer

        return wait_until("mail is accepted again", taken)

    def assert_all_sent(self, relay, sink, messages):
        for message in messages:
            relay.wait_state(message, "sent")
        self.assertEqual(sorted(m.id for m in sink.received), sorted(messages))  # each of them once

    @staticmethod
    def reserve(relay):
        return relay.data_dir / "spool/reserve"

    @staticmethod
    def fill(path):
        """Takes all that is left, as another program may."""
        with open(path, "wb", buffering=0) as ballast:
            for piece in (1 << 20, 4096, 1):
                try:
                    while True:
                        ballast.write(b"x" * piece)
                except OSError:
                    pass

    def drains_and_accepts_again(self, relay, down, accepted):
        with Sink(port=down) as sink:
            self.assert_all_sent(relay, sink, accepted)
            again = self.accepted_again(relay)
            self.assert_all_sent(relay, sink, [*accepted, again])
            wait_until("the reserve is back", self.reserve(relay).exists)
            self.assertEqual(relay.request("GET", "/readyz", token=None)[0], 200)

    def test_full_of_queued_mail(self):
        """The data file never shrinks: what was sent makes room inside of it, and that must do."""
        down = free_port()
        with small_disk(DISK) as disk, Relay(smtp_upstream(down), delivery=EAGER, data_dir=disk / "data") as relay:
            self.assertTrue(self.reserve(relay).exists())
            accepted, refusal = send_until_refused(relay.smtp_port, MESSAGE, MOST)
            self.assert_full(relay, refusal)
            wait_until("the spool has looked for room", lambda: "reserve" in relay.request("GET", "/readyz", token=None)[1].decode())
            self.drains_and_accepts_again(relay, down, accepted)

    def test_killed_and_started_on_the_full_disk(self):
        down = free_port()
        with small_disk(DISK) as disk, Relay(smtp_upstream(down), delivery=EAGER, data_dir=disk / "data") as relay:
            accepted, _ = send_until_refused(relay.smtp_port, MESSAGE, MOST)
            relay.kill()
            relay.start()
            self.assertEqual({m["id"] for m in relay.messages()}, set(accepted))
            more, refusal = send_until_refused(relay.smtp_port, MESSAGE, MOST)
            self.assert_full(relay, refusal)
            self.drains_and_accepts_again(relay, down, accepted + more)

    def test_filled_by_something_else(self):
        down = free_port()
        with small_disk(DISK) as disk, Relay(smtp_upstream(down), delivery=EAGER, data_dir=disk / "data") as relay:
            ballast = disk / "ballast"
            accepted = [try_send(relay.smtp_port, MESSAGE) for _ in range(20)]
            self.fill(ballast)
            more, refusal = send_until_refused(relay.smtp_port, MESSAGE, MOST)
            accepted += more
            self.assert_full(relay, refusal)
            self.fill(ballast.with_name("more"))  # what the reserve gave back goes the same way
            self.assertEqual(os.statvfs(disk).f_bavail, 0)
            with Sink(port=down) as sink:  # every settle is a commit on a disk without a free block
                self.assert_all_sent(relay, sink, accepted)
                self.assertFalse(self.reserve(relay).exists())
                ballast.unlink()
                ballast.with_name("more").unlink()
                again = self.accepted_again(relay)
                wait_until("the reserve is back", self.reserve(relay).exists)
                self.assert_all_sent(relay, sink, [*accepted, again])


if __name__ == "__main__":
    unittest.main()
