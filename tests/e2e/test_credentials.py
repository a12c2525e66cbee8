"""Users, keys and sessions of the real daemon: made before it, through it and beside it, and what is left of them after a restart and
after kill -9."""
import base64
import json
import subprocess
import unittest

from harness import BINARY, PATIENCE, Relay

PASSWORD = "a long password"


def log_in(relay, name: str = "ann", password: str = PASSWORD):
    status, text = relay.request("POST", "/tokens", {"username": name, "password": password}, token=None)
    return status, json.loads(text)


def session(relay, name: str = "ann") -> str:
    status, answer = log_in(relay, name)
    assert status == 200, answer
    return answer["token"]


def is_valid(relay, token: str) -> bool:
    status, text = relay.request("GET", "/tokens", token=token)
    answer = json.loads(text)
    assert (status, answer["valid"]) in ((200, True), (401, False)), (status, answer)
    return answer["valid"]


def beside(relay, *arguments: str, stdin: str | None = None):
    """A command that finds the data directory by the configuration, whether a daemon runs or not."""
    done = subprocess.run([BINARY, *arguments, "--config", str(relay.config)], input=stdin, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def letter(*recipients: str):
    return {"from": "app@shop.test", "to": list(recipients), "subject": "hi", "text": "hello"}


class Credentials(unittest.TestCase):
    def test_bootstrap_makes_what_the_daemon_then_uses(self):
        relay = Relay()
        said = beside(relay, "bootstrap", "--admin", "root", "--password-stdin", stdin=PASSWORD + "\n").stdout
        self.assertIn("user root: made", said)
        secrets = {name: (relay.data_dir / name).read_bytes() for name in ("operator.token", "session.key", "aws.key", "certs/relay.crt")}
        with relay:
            token = session(relay, "root")
            self.assertEqual(relay.request("GET", "/v1/users", token=token)[0], 200)
            self.assertEqual(relay.request("GET", "/v1/keys")[0], 200)
            again = beside(relay, "bootstrap", "--admin", "root", "--password-stdin", stdin="another\n").stdout
            self.assertNotIn(": made", again)
            self.assertTrue(is_valid(relay, token))
            for name, octets in secrets.items():
                self.assertEqual((relay.data_dir / name).read_bytes(), octets, name)

    def test_keys_and_sessions_outlive_the_process(self):
        with Relay() as relay:
            relay.command("user", "add", "ann", "--password-stdin", stdin=PASSWORD + "\n")
            key = relay.command("token", "create", "app", "--scopes", "read").stdout.strip()
            token = session(relay)
            relay.kill()
            relay.start()
            self.assertEqual(relay.request("GET", "/v1/messages", token=key)[0], 200)
            self.assertTrue(is_valid(relay, token))
            relay.stop()
            relay.start()
            self.assertIsNotNone(relay.api("/v1/keys")["keys"][0]["last_used_at"])
            relay.command("token", "revoke", "app")
            relay.kill()
            relay.start()
            self.assertEqual(relay.request("GET", "/v1/messages", token=key)[0], 401)

    def test_sessions_end_when_the_key_is_rotated_with_and_without_a_daemon(self):
        with Relay() as relay:
            relay.command("user", "add", "ann", "--password-stdin", stdin=PASSWORD + "\n")
            first = session(relay)
            relay.command("token", "rotate")
            self.assertFalse(is_valid(relay, first))
            second = session(relay)
            relay.stop()
            relay.start()
            self.assertTrue(is_valid(relay, second), "the rotated key is the one that was kept")
            relay.stop()
            beside(relay, "token", "rotate")
            relay.start()
            self.assertFalse(is_valid(relay, second))

    def test_keys_are_made_beside_a_daemon_and_without_one(self):
        relay = Relay()
        before = beside(relay, "token", "create", "before", "--scopes", "read").stdout.strip()
        with relay:
            self.assertEqual(relay.request("GET", "/v1/messages", token=before)[0], 200)
            beside_it = beside(relay, "token", "create", "beside", "--scopes", "read").stdout.strip()
            self.assertEqual(relay.request("GET", "/v1/messages", token=beside_it)[0], 200)
            listed = json.loads(beside(relay, "token", "list", "--json").stdout)["keys"]
            self.assertEqual([key["name"] for key in listed], ["before", "beside"])

    def test_who_guesses_is_slowed_down_and_nobody_else(self):
        with Relay() as relay:
            relay.command("user", "add", "ann", "--password-stdin", stdin=PASSWORD + "\n")
            key = relay.command("token", "create", "app", "--scopes", "read").stdout.strip()
            statuses = [log_in(relay, password="wrong")[0] for _ in range(12)]
            self.assertEqual(statuses, [401] * 10 + [429] * 2)
            self.assertEqual(log_in(relay)[0], 429, "no password is looked at any more")
            self.assertIn("login.blocked", relay.log())
            for _ in range(25):
                relay.request("GET", "/v1/messages", token="pr_wrong")
            self.assertEqual(relay.request("GET", "/v1/messages", token="pr_wrong")[0], 429)
            self.assertEqual(relay.request("GET", "/v1/messages", token=key)[0], 200, "a right key is let in")
            relay.command("queue", "list")

    def test_a_day_s_limit_holds_over_a_restart(self):
        with Relay() as relay:
            key = relay.command("token", "create", "app", "--scopes", "send", "--per-day", "3").stdout.strip()
            self.assertEqual(relay.request("POST", "/v1/messages", letter("a@example.test", "b@example.test"), token=key)[0], 202)
            relay.stop()
            relay.start()
            self.assertEqual(relay.request("POST", "/v1/messages", letter("a@example.test", "b@example.test"), token=key)[0], 429)
            self.assertEqual(relay.request("POST", "/v1/messages", letter("c@example.test"), token=key)[0], 202)
            self.assertEqual(relay.request("POST", "/v1/messages", letter("d@example.test"), token=key)[0], 429)
            self.assertEqual(relay.api("/v1/keys")["keys"][0]["recipients_today"], 3)

    def test_basic_authentication_by_password_and_by_key(self):
        with Relay() as relay:
            relay.command("user", "add", "ann", "--password-stdin", stdin=PASSWORD + "\n")
            key = relay.command("token", "create", "app", "--scopes", "read").stdout.strip()
            for pair in (f"ann:{PASSWORD}", f"api:{key}"):
                encoded = base64.b64encode(pair.encode()).decode()
                done = subprocess.run(
                    ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"Authorization: Basic {encoded}", f"http://127.0.0.1:{relay.api_port}/v1/messages"],
                    capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(done.stdout, "200", pair.split(":")[0])


if __name__ == "__main__":
    unittest.main()
