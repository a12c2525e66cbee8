"""What an operator does with a running relay: sees why mail waits, steers it by the hundred, follows events, asks for retention and
figures. The real daemon, the real commands, an upstream that comes and goes."""
import contextlib
import fcntl
import json
import os
import pty
import re
import signal
import smtplib
import struct
import subprocess
import termios
import threading
import unittest

from harness import BINARY, PATIENCE, QUEUED_AS, Relay, Sink, free_port, smtp_upstream, wait_until

SLOW = 'retry_interval = "1h"\nretries = 3\nprobe_interval = "1s"'  # what is deferred stays so for the length of a test


def send(relay, sender="app@shop.test", recipients=("user@example.test",), subject="test") -> str:
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        client.mail(sender)
        for recipient in recipients:
            client.rcpt(recipient)
        _, text = client.data(f"Subject: {subject}\r\n\r\nhello\r\n")
    return QUEUED_AS.search(text.decode()).group(1)


class Follower:
    """`postrider events --follow --json`, its lines as they come."""

    def __init__(self, relay, *arguments):
        environment = {**os.environ, "POSTRIDER_URL": f"http://127.0.0.1:{relay.api_port}", "POSTRIDER_TOKEN": relay.token}
        self.process = subprocess.Popen(
            [BINARY, "events", "--follow", "--json", *arguments],
            env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        self.events, self.said = [], []
        self.readers = [
            threading.Thread(target=lambda: self.events.extend(json.loads(line) for line in self.process.stdout)),
            threading.Thread(target=lambda: self.said.extend(self.process.stderr)),
        ]
        self.started = False
        for reader in self.readers:
            reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()

    def wait(self, what, check):
        return wait_until(f"{what}; so far {self.events} {self.said}", lambda: check(self))

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)


class Waiting(unittest.TestCase):
    def test_a_stopped_upstream_is_seen_and_steered_in_bulk(self):
        down = free_port()
        with Relay(smtp_upstream(down), delivery=SLOW) as relay:
            shop = [send(relay, "app@shop.test") for _ in range(5)]
            bank = [send(relay, "app@bank.test") for _ in range(3)]
            for message in shop + bank:
                relay.wait_state(message, "deferred")

            listed = relay.command("queue", "list", "--state", "deferred").stdout
            for message in shop + bank:
                self.assertIn(message, listed)
            self.assertIn("nothing listens" if "nothing listens" in listed else "refused", listed)
            self.assertEqual(len(relay.command("queue", "list", "--limit", "3").stdout.splitlines()), 1 + 3 + 1)

            dry = relay.command("queue", "hold", "--sender", "@shop.test", "--dry-run").stdout
            self.assertEqual(dry, "5 messages fit (deferred 5); 5 would be held\n")
            self.assertEqual(relay.message(shop[0])["state"], "deferred")
            held = relay.command("queue", "hold", "--sender", "@shop.test", "--reason", "upstream is down").stdout
            self.assertEqual(held, "5 messages fit (deferred 5); 5 held\n")
            self.assertEqual({relay.message(m)["state"] for m in shop}, {"held"})
            self.assertEqual({relay.message(m)["state"] for m in bank}, {"deferred"})
            event = relay.message(shop[0])["events"][-1]
            self.assertEqual((event["type"], event["actor"], event["reason_detail"]["text"]), ("held", "operator", "upstream is down"))

            cancelled = relay.command("queue", "cancel", shop[4]).stdout
            self.assertIn("Cancelled at ", cancelled)
            # Up before the release: what is being tried in vain at the moment of the retry is not made due by it.
            with Sink(port=down) as sink:
                skipped = relay.command("queue", "release", "--sender", "@shop.test").stdout
                self.assertIn("4 released, 1 skipped (cancelled 1)", skipped)
                retried = relay.command("queue", "retry", "--all").stdout
                self.assertRegex(retried, r"^8 messages fit \(.*\); \d made due now")
                sink.wait_count(7)
                for message in shop[:4] + bank:
                    relay.wait_state(message, "sent")
            self.assertNotIn(shop[4], {m.id for m in sink.received})

    def test_many_are_steered_step_by_step(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                for _ in range(1100):
                    client.sendmail("app@shop.test", "user@example.test", "Subject: x\r\n\r\nx\r\n")
            first = relay.api("/v1/messages/hold?all=true", "POST")
            self.assertEqual(first["matched"], 1000)
            self.assertIsNotNone(first["next"])
            released = json.loads(relay.command("queue", "release", "--state", "held", "--json").stdout)
            self.assertEqual(released["changed"], first["changed"])
            rest = json.loads(relay.command("queue", "cancel", "--all", "--json").stdout)
            self.assertEqual(rest["matched"], 1100)
            self.assertEqual(rest["changed"], 1100)

    def test_without_a_filter_nothing_is_steered(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            refused = relay.command("queue", "cancel", check=False)
            self.assertEqual(refused.returncode, os.EX_USAGE)
            self.assertIn("--all", refused.stderr)
            self.assertEqual(relay.request("POST", "/v1/messages/cancel")[0], 400)


class Sentences(unittest.TestCase):
    def sentence(self, relay, message):
        return relay.command("queue", "show", message).stdout.splitlines()[0]

    def test_queue_show_says_where_a_message_is_and_why(self):
        def script(stage, text):
            if stage != "rcpt":
                return None
            for word, reply in (("later@", "451 4.7.1 try again later"), ("nobody@", "550 5.1.1 no such user")):
                if word in text:
                    return reply
            return None

        with Sink(script) as sink, Relay(smtp_upstream(sink.port), delivery=SLOW) as relay:
            sent, later, nobody = (send(relay, recipients=[f"{who}@example.test"]) for who in ("user", "later", "nobody"))
            both = send(relay, recipients=["user@example.test", "nobody@example.test"])
            relay.wait_state(sent, "sent")
            self.assertRegex(self.sentence(relay, sent), r"^Sent by primary at \d\d:\d\d UTC \(.*\): Ok: taken\.$")
            relay.wait_state(later, "deferred")
            self.assertRegex(
                self.sentence(relay, later),
                r"^Waiting for its 2nd try at .*UTC \(in .*\): 127\.0\.0\.1 said 451 4\.7\.1 try again later\.$",
            )
            relay.wait_state(nobody, "bounced")
            self.assertRegex(self.sentence(relay, nobody), r"^Bounced at .* 127\.0\.0\.1 said 550 5\.1\.1 no such user\.$")
            wait_until("both recipients are done", lambda: all(r["state"] in ("sent", "bounced") for r in relay.message(both)["recipients"]))
            self.assertTrue(self.sentence(relay, both).endswith("Of 2 recipients: 1 sent, 1 bounced."), self.sentence(relay, both))
            relay.command("queue", "hold", later, "--reason", "asked by support")
            self.assertRegex(self.sentence(relay, later), rf"^Held at .*: by request: asked by support \(to let it go: postrider queue release {later}\)\.$")
            relay.command("queue", "cancel", later)
            self.assertRegex(self.sentence(relay, later), r"^Cancelled at ")
            story = relay.command("queue", "show", later).stdout
            places = [story.index(word, story.index("Story")) for word in ("accepted", "attempted", "deferred", "held", "cancelled")]
            self.assertEqual(places, sorted(places))

    def test_failed_and_its_way_back(self):
        down = free_port()
        with Relay(smtp_upstream(down), delivery='retry_interval = "1s"\nretries = 1\nrevive_failed = false') as relay:
            message = send(relay)
            relay.wait_state(message, "failed")
            self.assertRegex(self.sentence(relay, message), rf"^Failed at .* after 2 tries; .*\(to try again: postrider queue retry {message}\)\.$")
            with Sink(port=down) as sink:
                relay.command("queue", "retry", message)
                sink.wait_count(1)
                relay.wait_state(message, "sent")


class Events(unittest.TestCase):
    def test_follow_sees_everything_in_order_across_a_restart(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            before = send(relay)
            relay.wait_state(before, "deferred")
            with Follower(relay, "--since", "1h") as follower:
                follower.wait("the past is shown", lambda f: any(e["type"] == "deferred" for e in f.events))
                first = send(relay)
                follower.wait("it sees a new message", lambda f: any(e["message"] == first and e["type"] == "deferred" for e in f.events))
                self.assertEqual(relay.stop(), 0)
                follower.wait("it says that the daemon is gone", lambda f: any("lost the daemon" in line for line in f.said))
                relay.start()
                second = send(relay)
                relay.command("queue", "cancel", before)
                follower.wait("it sees what came after the restart", lambda f: any(e["message"] == second for e in f.events) and any(e["type"] == "cancelled" for e in f.events))
                self.assertTrue(any("answers again; going on after event" in line for line in follower.said), follower.said)
                self.assertEqual(follower.interrupt(), 0)
                numbers = [e["seq"] for e in follower.events]
            self.assertEqual(numbers, sorted(set(numbers)))
            told = relay.api(f"/v1/events?limit=1000")["events"]
            self.assertEqual([e["seq"] for e in told][: len(numbers)], numbers)

    def test_filters_and_the_table_for_people(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            message, other = send(relay), send(relay)
            for each in (message, other):
                relay.wait_state(each, "sent")
            lines = relay.command("events", "--message", message).stdout.splitlines()
            self.assertEqual([line.split()[1] for line in lines], [e["type"] for e in relay.message(message)["events"]])
            self.assertTrue(all(message in line for line in lines))
            kinds = relay.command("events", "--type", "sent", "--json").stdout.splitlines()
            self.assertEqual({json.loads(line)["message"] for line in kinds}, {message, other})
            self.assertEqual(relay.command("events", "--until", "2000-01-01T00:00:00Z").stdout, "")

    def test_a_waiting_request_does_not_hold_up_the_stop(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            answered = []
            waiting = threading.Thread(target=lambda: answered.append(relay.request("GET", "/v1/events?after=end&wait=60")))
            waiting.start()
            wait_until("the request is there", lambda: relay.api("/v1/stats")["uptime_seconds"] >= 0)
            self.assertEqual(relay.stop(), 0)
            waiting.join(PATIENCE)
            self.assertFalse(waiting.is_alive())


class Figures(unittest.TestCase):
    def test_stats(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            for _ in range(3):
                relay.wait_state(send(relay), "sent")
            stats = relay.api("/v1/stats")
            self.assertEqual(stats["hostname"], "relay.test")
            self.assertEqual(stats["since_start"]["accepted"], 3)
            self.assertEqual(stats["since_start"]["attempts"], 3)
            self.assertEqual(stats["spool"]["messages"]["sent"], 3)
            self.assertEqual(stats["log_dropped_lines"], 0)
            self.assertGreaterEqual(stats["threads"]["relay"], 1)

    def test_retention_tells_before_it_acts(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW, extra='[retention]\nhistory = "1s"') as relay:
            live = send(relay)
            relay.wait_state(live, "deferred")
            finished = send(relay)
            relay.wait_state(finished, "deferred")
            relay.command("queue", "cancel", finished)
            would = wait_until("the history is old enough", lambda: (lambda r: r if r["next_run"]["messages"] else None)(relay.api("/v1/retention")))
            self.assertEqual(would["next_run"]["messages"], 1)
            self.assertEqual(would["policy"]["history_seconds"], 1)
            self.assertIn("would remove 1 message ", relay.command("retention", "run", "--dry-run").stdout)
            self.assertEqual(relay.message(finished)["state"], "cancelled")
            self.assertIn("removed 1 message ", relay.command("retention", "run").stdout)
            self.assertEqual(relay.request("GET", f"/v1/messages/{finished}")[0], 404)
            self.assertEqual(relay.message(live)["state"], "deferred")
            self.assertEqual(relay.api("/v1/retention")["last_removal"]["messages"], 1)
            self.assertIn("last that removed", relay.command("retention", "show").stdout)


def on_terminal(relay, *arguments, columns=80, typed="", no_colour=False):
    """What a person sees: the command with a terminal of its own for input, output and errors."""
    screen, command = pty.openpty()
    fcntl.ioctl(command, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {**os.environ, "POSTRIDER_URL": f"http://127.0.0.1:{relay.api_port}", "POSTRIDER_TOKEN": relay.token, "TERM": "xterm"}
    environment.pop("NO_COLOR", None)
    if no_colour:
        environment["NO_COLOR"] = "1"
    process = subprocess.Popen([BINARY, *arguments], env=environment, stdin=command, stdout=command, stderr=command)
    os.close(command)
    os.write(screen, typed.encode())
    seen = b""
    with contextlib.suppress(OSError):  # the end of a terminal is EIO
        while part := os.read(screen, 65536):
            seen += part
    os.close(screen)
    return process.wait(PATIENCE), seen.decode()


class Terminal(unittest.TestCase):
    def test_tables_fit_and_colours_are_a_choice(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            message = send(relay, recipients=[f"{'long' * 12}@example.test", "b@example.test"])
            relay.wait_state(message, "deferred")
            code, coloured = on_terminal(relay, "queue", "list", columns=90)
            self.assertEqual(code, 0)
            self.assertIn("\033[33mdeferred\033[0m", coloured)
            for arguments in (("queue", "list"), ("queue", "show", message), ("events",)):
                code, plain = on_terminal(relay, *arguments, columns=90, no_colour=True)
                self.assertEqual(code, 0, plain)
                self.assertNotIn("\033", plain)
                self.assertIn(message, plain)
                for line in plain.splitlines():
                    self.assertLessEqual(len(line), 90, line)
            self.assertIn("\u2026", on_terminal(relay, "queue", "list", columns=90)[1])
            self.assertNotIn("\u2026", relay.command("queue", "list").stdout)

    def test_long_commands_show_how_far_they_are(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            relay.wait_state(send(relay), "deferred")
            data, made = ("--data-dir", str(relay.data_dir)), str(relay.directory / "made")
            beside = [("verify", "verifying"), ("export", "exporting", "--output", made + "-export"), ("backup", "copying", "--output", made + "-backup")]
            stopped = [("compact", "comparing"), ("salvage", "scanning", "--output", made + "-salvage")]
            for commands in (beside, stopped):
                for verb, phase, *rest in commands:
                    with self.subTest(verb):
                        code, seen = on_terminal(relay, "spool", verb, *data, *rest)
                        self.assertEqual(code, 0, seen)
                        bar = next((line for line in re.split("[\r\n]", seen) if phase in line), "")
                        self.assertRegex(bar, r"\d", seen)
                        self.assertLessEqual(len(bar), 80)
                if commands is beside:
                    relay.stop()

    def test_asks_before_it_changes_many(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                for _ in range(101):
                    client.sendmail("app@shop.test", "user@example.test", "Subject: x\r\n\r\nx\r\n")
            code, seen = on_terminal(relay, "queue", "hold", "--all", typed="n\n")
            self.assertEqual(code, 0)
            self.assertIn("101 messages would be held. Go on? [y/N]", seen)
            self.assertIn("nothing was changed", seen)
            self.assertEqual(relay.messages("&state=held"), [])
            code, seen = on_terminal(relay, "queue", "hold", "--all", "--yes")
            self.assertNotIn("Go on?", seen)
            self.assertIn("101 held", seen)


class Trouble(unittest.TestCase):
    def test_errors_say_what_to_do(self):
        with Relay(smtp_upstream(free_port()), delivery=SLOW) as relay:
            message = send(relay)
            nobody = relay.command("queue", "show", "0" * 26, check=False)
            self.assertEqual(nobody.returncode, os.EX_NOINPUT)
            self.assertIn(f"no message '{'0' * 26}'", nobody.stderr)
            wrong = relay.command("queue", "show", message, "--token", "pr_wrong", check=False)
            self.assertEqual(wrong.returncode, os.EX_NOPERM)
            self.assertIn("the key from --token", wrong.stderr)
            relay.stop()
            gone = relay.command("queue", "list", check=False)
            self.assertEqual(gone.returncode, os.EX_UNAVAILABLE)
            self.assertRegex(gone.stderr, re.escape(f"http://127.0.0.1:{relay.api_port} (from POSTRIDER_URL)") + r".*nothing listens.*is it running\?")


if __name__ == "__main__":
    unittest.main()
