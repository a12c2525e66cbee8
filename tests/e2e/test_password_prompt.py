"""`user add` and `user passwd` on a terminal: the password is asked twice, never shown, and the terminal is as it was whatever happens."""
import contextlib
import fcntl
import os
import select
import signal
import smtplib
import subprocess
import termios
import unittest

from harness import BINARY, PATIENCE, Relay, free_port, smtp_upstream, wait_until

SECRET, OTHER = "correct horse", "battery staple"
INTERRUPT = "\x03"


class Terminal:
    """A program with a terminal of its own to read from, write to, and be interrupted by."""

    def __init__(self, arguments, environment):
        self.near, self.far = os.openpty()
        self.said = ""
        assert self.echoes(), "a new terminal shows what is typed"
        self.process = subprocess.Popen(
            [BINARY, *arguments], stdin=self.far, stdout=self.far, stderr=self.far, env={**os.environ, **environment},
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.near)
        os.close(self.far)

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.far)[3] & termios.ECHO)

    def read(self):
        while select.select([self.near], [], [], 0)[0]:
            self.said += os.read(self.near, 4096).decode()
        return self.said

    def answer(self, prompt: str, line: str):
        """Types as soon as it is asked; by then the terminal must be silent."""
        wait_until(f"it asks {prompt}", lambda: self.read().endswith(prompt))
        if self.echoes():
            raise AssertionError(f"the terminal shows what is typed at {prompt}")
        os.write(self.near, line.encode())

    def end(self) -> int:
        code = self.process.wait(PATIENCE)
        self.read()
        return code


class PasswordPrompt(unittest.TestCase):
    @contextlib.contextmanager
    def terminal(self, relay, *arguments):
        environment = {"POSTRIDER_URL": f"http://127.0.0.1:{relay.api_port}", "POSTRIDER_TOKEN": relay.token}
        with Terminal(["user", *arguments], environment) as terminal:
            yield terminal
            self.assertTrue(terminal.echoes(), "the terminal stays silent")
            for password in (SECRET, OTHER):
                self.assertNotIn(password, terminal.said)

    @staticmethod
    def login(relay, name: str, password: str) -> bool:
        with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
            client.starttls()
            try:
                return client.login(name, password)[0] == 235
            except smtplib.SMTPAuthenticationError:
                return False

    def names(self, relay):
        return [user["name"] for user in relay.api("/v1/users")["users"]]

    def relay(self):
        return Relay(smtp_upstream(free_port()))

    def test_add_and_passwd_ask_twice_and_show_nothing(self):
        with self.relay() as relay:
            with self.terminal(relay, "add", "app") as terminal:
                terminal.answer("Password: ", SECRET + "\n")
                terminal.answer("Again: ", SECRET + "\n")
                self.assertEqual(terminal.end(), 0, terminal.said)
            self.assertTrue(self.login(relay, "app", SECRET))
            with self.terminal(relay, "passwd", "app") as terminal:
                terminal.answer("Password: ", OTHER + "\n")
                terminal.answer("Again: ", OTHER + "\n")
                self.assertEqual(terminal.end(), 0, terminal.said)
            self.assertTrue(self.login(relay, "app", OTHER))
            self.assertFalse(self.login(relay, "app", SECRET))

    def test_two_that_differ_change_nothing(self):
        with self.relay() as relay:
            with self.terminal(relay, "add", "app") as terminal:
                terminal.answer("Password: ", SECRET + "\n")
                terminal.answer("Again: ", OTHER + "\n")
                self.assertEqual(terminal.end(), os.EX_DATAERR)
                self.assertIn("the two passwords differ", terminal.said)
            self.assertEqual(self.names(relay), [])

    def test_none_is_an_error(self):
        with self.relay() as relay:
            with self.terminal(relay, "add", "app") as terminal:
                terminal.answer("Password: ", "\n")
                self.assertEqual(terminal.end(), os.EX_DATAERR)
                self.assertIn("must not be empty", terminal.said)
            self.assertEqual(self.names(relay), [])

    def test_interrupted_at_either_question_it_leaves_the_terminal_as_it_was(self):
        with self.relay() as relay:
            for answers in (("Password: ", INTERRUPT),), (("Password: ", SECRET + "\n"), ("Again: ", INTERRUPT)):
                with self.subTest(answers[-1][0]), self.terminal(relay, "add", "app") as terminal:
                    for prompt, line in answers:
                        terminal.answer(prompt, line)
                    self.assertEqual(terminal.end(), -signal.SIGINT)
            self.assertEqual(self.names(relay), [])

    def test_ended_by_another_signal_it_leaves_the_terminal_as_it_was(self):
        with self.relay() as relay:
            for number in (signal.SIGTERM, signal.SIGHUP):
                with self.subTest(number.name), self.terminal(relay, "add", "app") as terminal:
                    terminal.answer("Password: ", "")
                    terminal.process.send_signal(number)
                    self.assertEqual(terminal.end(), -number)


if __name__ == "__main__":
    unittest.main()
