"""Our own trouble: a full disk, a damaged record, a second daemon, a name server that never answers, a stop in the middle."""
import socket
import smtplib
import subprocess
import unittest

from harness import PATIENCE, Relay, Sink, free_port, send_until_refused, smtp_upstream, try_send, wait_until


class DiskFull(unittest.TestCase):
    def limit_file_size(self, relay, octets):
        subprocess.run(["prlimit", "--pid", str(relay.process.pid), f"--fsize={octets}:unlimited"], check=True)

    def test_452_nothing_lost_recovers(self):
        down = free_port()
        with Relay(smtp_upstream(down), delivery='retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"') as relay:
            accepted = [try_send(relay.smtp_port) for _ in range(5)]
            used = max(p.stat().st_size for p in relay.data_dir.rglob("*.mdb"))
            self.limit_file_size(relay, used + (1 << 20))
            more, refusal = send_until_refused(relay.smtp_port, 100_000, most=200)
            accepted += more
            self.assertEqual(refusal[0], 452, refusal)
            status, body = relay.request("GET", "/readyz", token=None)
            self.assertEqual(status, 503, body)
            with Sink(port=down) as sink:  # delivery goes on with a full disk
                wait_until("mail flows out", lambda: len(sink.received) >= len(accepted))
                self.limit_file_size(relay, "unlimited")
                again = wait_until("it accepts again", lambda: (lambda a: a if isinstance(a, str) else None)(try_send(relay.smtp_port)))
                for message in [*accepted, again]:
                    relay.wait_state(message, "sent")
                self.assertEqual({m.id for m in sink.received}, {*accepted, again})

    def test_spool_over_its_high_water_mark(self):
        with Relay(smtp_upstream(free_port()), spool='max_size = "64MiB"') as relay:
            _, refusal = send_until_refused(relay.smtp_port, 1_000_000, most=200)
            self.assertEqual(refusal[0], 452, refusal)
            self.assertEqual(relay.request("GET", "/health", token=None)[0], 200)


    def test_failed_mail_that_is_kept_makes_room_for_new_mail(self):
        small = 'max_size = "64MiB"\nreserve = "4MiB"'
        with Relay(smtp_upstream(free_port()), delivery="retries = 0\nopen_after = 1000\nopen_rate = 0", spool=small) as relay:
            limit = relay.api("/v1/retention")["policy"]["history_max_bytes"]
            self.assertEqual(limit, 28 << 20)
            for _ in range(30):
                message = try_send(relay.smtp_port, 2_000_000)
                self.assertIsInstance(message, str, message)
                relay.wait_state(message, "failed")
                wait_until("there is room", lambda: relay.api("/v1/stats")["spool"]["finished_bytes"] <= limit)
            self.assertEqual(relay.message(message)["state"], "failed")  # the newest stay
            self.assertIn("at most 28 MiB", relay.command("retention", "show").stdout.replace("28.0", "28"))


class Damage(unittest.TestCase):
    def test_damaged_record_is_quarantined_and_the_rest_flows(self):
        down = free_port()
        delivery = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "1s"'
        with Relay(smtp_upstream(down), delivery=delivery) as relay:
            ids = [try_send(relay.smtp_port) for _ in range(5)]
            relay.stop()
            data = next(p for p in relay.data_dir.rglob("data.mdb"))
            octets = bytearray(data.read_bytes())
            # Every copy of the third message's sender, wherever LMDB keeps old pages: the record's checksum cannot hold.
            victim = self.raw_id(ids[2])
            position, hits = octets.find(victim), 0
            while position >= 0:
                at = octets.find(b"example.test", position, position + 400)
                if at >= 0:
                    octets[at] ^= 0x20
                    hits += 1
                position = octets.find(victim, position + 1)
            self.assertGreater(hits, 0)
            data.write_bytes(octets)
            relay.start()
            with Sink(port=down) as sink:
                sink.wait_count(4)
                for message in ids[:2] + ids[3:]:
                    relay.wait_state(message, "sent")
            self.assertNotEqual(relay.request("GET", f"/v1/messages/{ids[2]}")[0], 200)
            stat = relay.command("spool", "stat", "--data-dir", str(relay.data_dir), "--json")
            self.assertIn('"quarantined"', stat.stdout)
            self.assertNotIn('"quarantined":0', stat.stdout.replace(" ", ""))

    @staticmethod
    def raw_id(text: str) -> bytes:
        number = 0
        for letter in text:
            number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(letter)
        return number.to_bytes(17, "big")[1:]


class Life(unittest.TestCase):
    def test_second_daemon_is_refused(self):
        with Relay(smtp_upstream(free_port())) as relay:
            twin = relay.command("serve", "--config", str(relay.config), check=False)
            self.assertNotEqual(twin.returncode, 0)
            self.assertIn(str(relay.data_dir), twin.stderr + twin.stdout)

    def test_stops_with_an_idle_and_a_half_done_session_and_a_name_server_that_never_answers(self):
        silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        silent.bind(("127.0.0.1", 0))
        upstream = '[[upstream]]\nname = "primary"\ntype = "smtp"\nhost = "mail.never.invalid"\nport = 25\ntls = "none"\n'
        with silent, Relay(upstream) as relay:
            message = try_send(relay.smtp_port)
            idle = smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE)
            half = smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE)
            half.ehlo()
            half.mail("app@example.test")
            self.assertEqual(relay.stop(), 0)
            relay.start()
            self.assertIn(relay.message(message)["state"], ("queued", "deferred", "sending"))
            idle.close()
            half.close()

    def test_without_any_configuration(self):
        import os
        import pathlib
        import tempfile
        from harness import BINARY, wait_for_port
        with tempfile.TemporaryDirectory() as directory:
            smtp, api = free_port(), free_port()
            environment = {**os.environ, "POSTRIDER_SMTP__LISTENER__0__ADDRESS": f"127.0.0.1:{smtp}", "POSTRIDER_MGMT__LISTENER__0__ADDRESS": f"127.0.0.1:{api}"}
            process = subprocess.Popen([BINARY, "serve"], cwd=directory, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            try:
                wait_for_port(smtp, process)
                message = try_send(smtp)
                self.assertIsInstance(message, str)
                kept = wait_until("the capture keeps it", lambda: list(pathlib.Path(directory).rglob("new/*")))
                self.assertIn(message.encode(), kept[0].read_bytes())
                token = pathlib.Path(directory, "postrider-data/operator.token")
                self.assertEqual(token.stat().st_mode & 0o777, 0o600)
            finally:
                process.terminate()
                output = process.communicate(timeout=PATIENCE)[0]
            self.assertEqual(process.returncode, 0, output)
            self.assertIn(str(smtp), output)


if __name__ == "__main__":
    unittest.main()
