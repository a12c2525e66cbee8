"""Upstreams that fail: mail goes to the next and comes back, nothing is lost or bounced, nothing doubles but what was uncertain, and every
change is on record with its cause."""
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from fleet import Load, Mortal, asked, copies, shown, submit, submit_many, upstream, upstream_events, wait_event
from harness import ROOT, Relay, Sink, wait_until

sys.path.insert(0, str(ROOT / "tests/fakes"))
from postmark import FakePostmark  # noqa: E402

QUICK = 'retry_interval = "1s"\nretries = 500\nprobe_interval = "200ms"\nopen_after = 3'


def only_uncertain_doubles(test: unittest.TestCase, relay: Relay, ids, arrived):
    test.assertEqual(set(ids) - set(arrived), set(), "lost")
    for message_id in ids:
        if arrived[message_id] > 1:
            outcomes = [outcome for _, outcome in asked(relay.message(message_id))]
            test.assertGreaterEqual(outcomes.count("uncertain") + 1, arrived[message_id], f"{message_id} doubled: {outcomes}")


class Death(unittest.TestCase):
    def test_the_primary_dies_under_load_and_comes_back(self):
        primary, backup = Mortal(), Mortal()
        with backup, Relay(upstream("primary", primary.port) + upstream("backup", backup.port), delivery=QUICK) as relay:
            with Load(relay) as load:
                primary.wait_count(100)
                self.assertEqual(backup.received, [])
                primary.die()
                died = time.monotonic()
                backup.wait_count(1)
                swapped = time.monotonic() - died
                wait_event(relay, "upstream_opened", "primary")
                load.wait_more(200)
                with primary.rise() as risen:
                    rose = time.monotonic()
                    risen.wait_count(1)
                    back = time.monotonic() - rose
                    wait_event(relay, "upstream_closed", "primary")
                    load.wait_more(100)
                    ids = load.stop()
                    relay.wait_idle()
                    self.assertEqual(len(relay.messages("&state=sent")), len(ids))
                    only_uncertain_doubles(self, relay, ids, copies(primary, backup, risen))
            opened = wait_event(relay, "upstream_opened", "primary")
            self.assertIn(opened["reason_detail"]["cause"], ("route", "uncertain"), opened)
            self.assertEqual([(u["name"], u["state"]) for u in relay.api("/v1/upstreams")["upstreams"]], [("primary", "in service"), ("backup", "in service")])
            told = relay.command("events", "--type", "upstream_*").stdout
            self.assertIn("primary out of service: ", told)
            self.assertIn("primary in service again", told)
            listed = relay.command("upstream", "list").stdout
            self.assertRegex(listed, r"(?m)^primary +smtp +1 +in service +0 ")
            print(f"\n  swapped after {swapped * 1000:.0f} ms, back after {back * 1000:.0f} ms, {len(ids)} messages", file=sys.stderr)

    def test_all_die_and_come_back_and_what_failed_is_revived(self):
        first, second = Mortal(), Mortal()
        dying = QUICK.replace("retries = 500", "retries = 1")
        with Relay(upstream("first", first.port) + upstream("second", second.port), delivery=dying) as relay:
            relay.wait_state(submit(relay), "sent")
            first.die()
            second.die()
            ids = submit_many(relay, 60)
            for name in ("first", "second"):
                wait_event(relay, "upstream_opened", name)
            wait_until("some messages have failed", lambda: len(relay.messages("&state=failed")) >= 5)
            self.assertEqual(shown(relay, "first")["state"], "out of service")
            self.assertRegex(relay.command("upstream", "explain", "--to", "user@example.test").stdout, "None is in service; first is probed next")
            with first.rise() as risen, second.rise() as other:
                for message_id in ids:
                    relay.wait_state(message_id, "sent")
                arrived = copies(risen, other)
                self.assertEqual({message_id: arrived[message_id] for message_id in ids}, dict.fromkeys(ids, 1))
            revived = relay.api("/v1/events?type=revived&limit=1000")["events"]
            self.assertGreaterEqual(len(revived), 5)
            self.assertEqual(relay.api("/v1/events?type=bounced")["events"], [])


class Faults(unittest.TestCase):
    def test_three_upstreams_with_faults_at_random_and_every_message_accounted_for(self):
        dice, dice_lock = random.Random(7), threading.Lock()
        rows = {  # stage: what it does, and how often in a thousand
            "greeting": [("554 5.3.2 no", 30)],
            "mail": [("451 4.3.0 not now", 20), ("drop", 10)],
            "rcpt": [("451 4.3.0 not now", 20)],
            "dot": [("451 4.3.0 later", 20), ("lie", 10)],
        }

        def script(stage, text):
            with dice_lock:
                thrown = dice.randrange(1000)
            for fault, share in rows.get(stage, ()):
                if thrown < share:
                    return fault
                thrown -= share
            return None

        sinks = [Sink(script) for _ in range(3)]
        for sink in sinks:
            self.addCleanup(sink.close)
        text = "".join(upstream(f"u{i}", sink.port, f"priority = {1 + i // 2}\nweight = {1 + i}") for i, sink in enumerate(sinks))
        with Relay(text, delivery=QUICK) as relay:
            with Load(relay, clients=4) as load:
                load.wait_more(1500)
                ids = load.stop()
            relay.wait_idle()
            self.assertEqual(len(relay.messages("&state=sent")), len(ids))
            only_uncertain_doubles(self, relay, ids, copies(*sinks))


class Silence(unittest.TestCase):
    def test_who_accepts_connections_and_says_nothing_holds_only_its_own_mail(self):
        with Sink(lambda stage, text: "stall") as mute, Sink() as good:
            upstreams = upstream("mute", mute.port, 'match = { recipient_domain = ["mute.test"] }\npriority = 1') + upstream("good", good.port, 'match = { recipient_domain = ["good.test"] }\npriority = 2')
            with Relay(upstreams, delivery=QUICK) as relay:
                waiting = submit_many(relay, 300, "user@mute.test")
                for _ in range(20):
                    relay.wait_state(submit(relay, "user@good.test"), "sent")
                self.assertTrue(all(relay.message(message_id)["state"] in ("queued", "sending", "deferred") for message_id in waiting[:20]))

    def test_who_says_nothing_is_out_of_service_long_before_the_time_out(self):
        with Sink(lambda stage, text: "stall") as mute, Sink() as good:
            patient = 'stage_timeout = "1h"\nconnect_timeout = "1h"'
            upstreams = upstream("mute", mute.port, patient) + upstream("good", good.port)
            with Relay(upstreams, delivery=QUICK + '\nstall_after = "1s"') as relay:
                stuck = submit_many(relay, 5)
                opened = wait_event(relay, "upstream_opened", "mute")
                self.assertIn("have had no answer for 1s", opened["reason_detail"]["text"])
                later = submit(relay)
                self.assertEqual(asked(relay.wait_state(later, "sent"))[-1], ("good", "sent"))
                self.assertEqual(shown(relay, "mute")["stalled"], 5)
                mute.close()  # cuts them off: they had not been handed over
                for message_id in stuck:
                    self.assertEqual(asked(relay.wait_state(message_id, "sent")), [("mute", "deferred"), ("good", "sent")])

    def test_who_falls_silent_after_the_dot_is_uncertain_and_out_of_service(self):
        silent = {"yes": True}
        with Sink(lambda stage, text: "stall" if stage == "dot" and silent["yes"] else None) as primary, Sink() as backup:
            upstreams = upstream("primary", primary.port, 'final_timeout = "500ms"') + upstream("backup", backup.port)
            with Relay(upstreams, delivery=QUICK + '\non_uncertain = "hold"') as relay:
                ids = submit_many(relay, 3)
                for message_id in ids:
                    message = relay.wait_state(message_id, "held")
                    self.assertEqual(asked(message), [("primary", "uncertain")])
                    self.assertEqual(message["attempts"][0]["stage"], "final_dot")
                opened = wait_event(relay, "upstream_opened", "primary")
                self.assertEqual(opened["reason_detail"]["stage"], "final_dot")
                silent["yes"] = False  # a hand-over is what brings it back, nothing less
                wait_until("primary is back", lambda: submit(relay) and shown(relay, "primary")["state"] == "in service")
                self.assertEqual(copies(backup).keys() & set(ids), set(), "nobody else was given what may have arrived")


class NoAnswerOfTheNameServer(unittest.TestCase):
    """The daemon in a mount namespace of its own, in which resolv.conf names a server that takes every question and answers none."""

    @contextlib.contextmanager
    def mute_name_server(self):
        with contextlib.ExitStack() as stack:
            asked_it = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            address = f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.53"  # the port is given: resolv.conf knows no other
            try:
                asked_it.bind((address, 53))
            except PermissionError as error:
                self.skipTest(f"port 53 takes root: {error}")
            directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postrider-dns-")))
            resolv = directory / "resolv.conf"
            resolv.write_text(f"nameserver {address}\noptions timeout:30 attempts:3\n")
            prefix = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(resolv)]
            done = subprocess.run([*prefix, "true"], capture_output=True, text=True)
            if done.returncode != 0:
                if os.environ.get("POSTRIDER_E2E_WITHOUT_MOUNT") == "1":
                    self.skipTest(f"no mount namespace: {done.stderr.strip()}")
                self.fail(f"this test needs a mount namespace, and unshare said: {done.stderr.strip()}\nRun it as root, or set POSTRIDER_E2E_WITHOUT_MOUNT=1.")
            yield asked_it, prefix

    def test_the_next_upstream_takes_over_from_a_smarthost_and_an_api_with_a_name(self):
        with self.mute_name_server() as (server, prefix), Sink() as good:
            named = '[[upstream]]\nname = "smarthost"\ntype = "smtp"\nhost = "smtp.nowhere.example"\nport = 25\ntls = "none"\nconnect_timeout = "1s"\n'
            api = '[[upstream]]\nname = "api"\ntype = "mailgun"\napi_base = "http://api.nowhere.example"\napi_key = "k"\ndomain = "d.example"\nconnect_timeout = "1s"\n'
            relay = Relay(named + api + upstream("good", good.port), delivery=QUICK)
            relay.prefix = prefix
            with relay:
                ids = submit_many(relay, 10)
                for message_id in ids:
                    self.assertEqual(asked(relay.wait_state(message_id, "sent"))[-1], ("good", "sent"))
                story = relay.message(ids[0])
                self.assertEqual([attempt["stage"] for attempt in story["attempts"][:-1]], ["resolve", "resolve"], story["attempts"])
                self.assertEqual(story["recipients"][0]["tries"], 1)
                for name in ("smarthost", "api"):
                    wait_event(relay, "upstream_opened", name)
                server.setblocking(False)
                self.assertIn(b"nowhere", server.recv(512))


class Rotation(unittest.TestCase):
    """Credentials change at the provider first; here later, with SIGHUP."""

    def waits_until_reloaded(self, relay, secret: pathlib.Path, good: str, name: str):
        ids = submit_many(relay, 20)
        opened = wait_event(relay, "upstream_opened", name)
        self.assertEqual(opened["reason_detail"]["cause"], "route")
        self.assertEqual(relay.api("/v1/events?type=bounced,failed")["events"], [])
        secret.write_text(good)
        relay.process.send_signal(signal.SIGHUP)
        for message_id in ids:
            message = relay.wait_state(message_id, "sent")
        wait_event(relay, "upstream_closed", name)
        self.assertNotIn(good, relay.log() + json.dumps(message))
        return opened

    def test_a_refused_login_and_a_reload_with_the_good_password(self):
        good = "AGFwcABuZXctc2VjcmV0"  # \0app\0new-secret
        with tempfile.TemporaryDirectory(prefix="postrider-secret-") as directory:
            secret = pathlib.Path(directory) / "password"
            secret.write_text("old-secret")
            login = lambda stage, text: "535 5.7.8 wrong password" if stage == "auth" and good not in text else None  # noqa: E731
            with Sink(login, ("AUTH PLAIN", "8BITMIME", "ENHANCEDSTATUSCODES")) as sink:
                # An hour between probes: it is the reload that makes it go.
                slow = 'probe_interval = "1h"\nretry_interval = "1s"\nopen_after = 1'
                more = f'username = "app"\npassword = {{ file = "{secret}" }}'
                with Relay(upstream("primary", sink.port, more), delivery=slow) as relay:
                    opened = self.waits_until_reloaded(relay, secret, "new-secret", "primary")
                    self.assertEqual((opened["reason_detail"]["stage"], opened["reason_detail"]["code"]), ("auth", 535))

    def test_a_refused_key_and_a_reload_with_the_good_one(self):
        with tempfile.TemporaryDirectory(prefix="postrider-secret-") as directory, FakePostmark(token="new-token", senders={"example.test"}) as fake:
            secret = pathlib.Path(directory) / "token"
            secret.write_text("old-token")
            api = f'[[upstream]]\nname = "api"\ntype = "postmark"\napi_base = "{fake.url}"\nserver_token = {{ file = "{secret}" }}\n'
            with Relay(api, delivery='probe_interval = "1h"\nretry_interval = "1s"\nopen_after = 1') as relay:
                opened = self.waits_until_reloaded(relay, secret, "new-token", "api")
                self.assertEqual(opened["reason_detail"]["code"], 401)
            self.assertEqual(len(fake.accepted), 20)


class Restart(unittest.TestCase):
    def test_who_is_out_of_service_is_so_after_a_crash(self):
        primary = Mortal()
        with Sink() as backup, Relay(upstream("primary", primary.port) + upstream("backup", backup.port), delivery=QUICK.replace("200ms", "1h")) as relay:
            primary.die()
            submit_many(relay, 4)
            wait_event(relay, "upstream_opened", "primary")
            relay.kill()
            relay.start()
            self.assertEqual(shown(relay, "primary")["state"], "out of service")
            self.assertEqual(len(upstream_events(relay, "upstream_opened", "primary")), 1)
            relay.wait_idle()


if __name__ == "__main__":
    unittest.main()
