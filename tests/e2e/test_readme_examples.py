"""The code blocks of README.md, as they stand there, against a real relay."""
import os
import re
import shlex
import subprocess
import unittest

from api_world import Tenant
from harness import PATIENCE, ROOT, Relay, Sink, smtp_upstream, try_send

PROGRAMS = {"sh": ("example.sh", ["sh"]), "python": ("example.py", ["python3"]), "js": ("example.mjs", ["node"]), "php": ("example.php", ["php"])}
ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")


def blocks() -> dict[str, str]:
    """By language; those of the section on HTTP."""
    section = re.search(r"^## Over HTTP$(.*?)^## ", (ROOT / "README.md").read_text(), re.S | re.M).group(1)
    return dict(re.findall(r"^```(\w+)\n(.*?)^```$", section, re.S | re.M))


def tour() -> list[list[str]]:
    """The arguments of each `postrider` line of the ten; not of what goes on for ever or asks for a password."""
    section = re.search(r"^## Ten lines$(.*?)^## ", (ROOT / "README.md").read_text(), re.S | re.M).group(1)
    lines = [shlex.split(line, comments=True) for line in re.findall(r"^    postrider (.*)$", section, re.M)]
    return [line for line in lines if "--follow" not in line and line[:2] != ["user", "add"]]


class Tour(unittest.TestCase):
    def test_each_line_works_as_typed(self):
        with Relay() as relay:
            message = try_send(relay.smtp_port)
            relay.wait_state(message, "sent")
            names = {"<id>": message, "postrider-data": str(relay.data_dir), "copy": str(relay.directory / "copy")}
            self.assertGreater(len(tour()), 6)
            for line in tour():
                with self.subTest(" ".join(line)):
                    relay.command(*(names.get(word, word) for word in line))

    def test_the_header_stays_when_the_body_went(self):
        with Relay() as relay:
            message = try_send(relay.smtp_port)
            relay.wait_state(message, "sent")
            refused = relay.command("queue", "cat", message, check=False)
            self.assertEqual(refused.returncode, os.EX_NOINPUT)
            self.assertIn("its header is still there: --headers", refused.stderr)
            self.assertIn("Subject: test\n", relay.command("queue", "cat", message, "--headers").stdout)


class ReadmeExamples(unittest.TestCase):
    def test_each_language_has_one(self):
        self.assertEqual(set(blocks()), set(PROGRAMS))

    def test_they_send(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            key = Tenant.with_key(relay, "shop", "send").key
            for count, (language, code) in enumerate(blocks().items(), 1):
                with self.subTest(language):
                    first, again = self.run_block(relay, key, language, code), self.run_block(relay, key, language, code)
                    received = sink.wait_count(count)[-1]
                    self.assertEqual(received.id, first)
                    self.assertEqual(first, again, "the idempotency key made a second message")
                    self.assertEqual((received.sender, received.recipients), ("app@example.com", ["you@example.net"]))
                    self.assertRegex(received.data, rb"(?m)^Subject: Your invoice\r$")

    def test_they_notice_a_refusal(self):
        with Sink() as sink, Relay(smtp_upstream(sink.port)) as relay:
            for language, code in blocks().items():
                with self.subTest(language):
                    self.assertNotEqual(self.run_program(relay, "pr_wrong", language, code).returncode, 0)
            self.assertEqual(relay.messages(), [])

    def run_program(self, relay, key, language, code):
        name, program = PROGRAMS[language]
        file = relay.directory / name
        file.write_text(code)
        environment = {**os.environ, "POSTRIDER_URL": f"http://127.0.0.1:{relay.api_port}", "POSTRIDER_KEY": key}
        return subprocess.run([*program, file], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE)

    def run_block(self, relay, key, language, code) -> str:
        done = self.run_program(relay, key, language, code)
        self.assertEqual(done.returncode, 0, f"{language}: {done.stdout}{done.stderr}")
        return ID.search(done.stdout).group(0)


if __name__ == "__main__":
    unittest.main()
