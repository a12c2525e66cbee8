"""The sendmail and mailq programs: real mail clients hand in through the drop-in as an unprivileged user, while the daemon is up, and
while it is down and started later; a sink behind the relay must get it all the same."""
import contextlib
import email
import email.policy
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import tempfile
import unittest

from harness import BINARY, PATIENCE, QUEUED_AS, Relay, Sink, free_port, smtp_upstream, wait_until

ROOT = os.geteuid() == 0
DROP_GROUP = 54321 if ROOT else os.getegid()  # stands for "postdrop"; a number needs no entry in /etc/group
CLIENT_FILE = pathlib.Path("/etc/postrider/client.toml")

EX_USAGE, EX_DATAERR, EX_NOUSER, EX_UNAVAILABLE, EX_TEMPFAIL = 64, 65, 67, 69, 75


class Machine:
    """What a user's program sees: the binary under its two names, a home, a drop directory for a group, a relay, a sink behind it."""

    def __init__(self, smtp: str = ""):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="sendmail-e2e-"))
        self.directory.chmod(0o755)
        self.programs, self.home, self.drop = (self.directory / name for name in ("bin", "home", "drop"))
        for each in (self.programs, self.home, self.drop):
            each.mkdir()
            each.chmod(0o755)
        shutil.copy(BINARY, self.programs / "sendmail")
        (self.programs / "mailq").symlink_to("sendmail")
        self.sendmail = str(self.programs / "sendmail")
        if ROOT:
            shutil.chown(self.home, "nobody", "nogroup")
            os.chown(self.drop, 0, DROP_GROUP)
            self.drop.chmod(0o1730)
        self.sink = Sink()
        self.relay = Relay(smtp_upstream(self.sink.port), extra=f'[sendmail]\nmaildrop = "{self.drop}"\n', smtp=smtp)
        self.environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(self.home), "LC_ALL": "C.UTF-8", "TMPDIR": "/tmp",
            "POSTRIDER_SMTP": f"127.0.0.1:{self.relay.smtp_port}", "POSTRIDER_MAILDROP": str(self.drop),
        }

    def close(self):
        self.relay.stop()
        self.sink.close()
        shutil.rmtree(self.relay.directory, ignore_errors=True)
        shutil.rmtree(self.directory)

    def identity(self, in_group: bool = True) -> dict:
        """Arguments that make subprocess run a program as somebody who may do little. Who is no root may do little already."""
        return {"user": "nobody", "group": "nogroup", "extra_groups": [DROP_GROUP] if in_group else []} if ROOT else {}

    def run(self, *command, stdin: str | bytes = "", code: int | None = 0, environment=None, in_group: bool = True):
        octets = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run([str(c) for c in command], input=octets, capture_output=True, timeout=PATIENCE, cwd=self.home,
                              env={**self.environment, **(environment or {})}, **self.identity(in_group))
        done.stdout, done.stderr = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
        if code is not None and done.returncode != code:
            raise AssertionError(f"{command}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}")
        return done

    def file(self, name: str, text: str) -> pathlib.Path:
        path = self.home / name
        path.write_text(text)
        path.chmod(0o644)
        return path

    def waiting(self) -> list[pathlib.Path]:
        return [p for p in self.drop.iterdir() if p.name != "bad"]


class Clients:
    """One test a program. `handed_in` of the subclass says what stands between the program's end and the arrival."""

    machine: Machine

    def setUp(self):
        with self.machine.sink.changed:
            self.machine.sink.received.clear()
        self.assertEqual(self.machine.waiting(), [])

    def arrived(self, subject, sender="app@example.test", recipients=("user@example.test",)):
        self.handed_in()
        taken = self.machine.sink.wait_count(1)[0]
        parsed = email.message_from_bytes(taken.data, policy=email.policy.default)
        self.assertEqual(parsed["Subject"], subject)
        self.assertEqual(taken.sender, sender)
        self.assertEqual(sorted(taken.recipients), sorted(recipients))
        for wanted in ("From", "Date", "Message-ID"):
            self.assertEqual(len(parsed.get_all(wanted, [])), 1, wanted)
        self.assertNotIn("Bcc", parsed)
        self.assertNotIn(b"\n", taken.data.replace(b"\r\n", b""))
        self.machine.relay.wait_state(taken.id, "sent")
        self.assertEqual(len(self.machine.sink.received), 1)
        return parsed, taken

    def body(self, parsed) -> str:
        return parsed.get_body(("plain",)).get_content().replace("\r\n", "\n")

    def test_mutt(self):
        rc = self.machine.file("muttrc", f'set sendmail="{self.machine.sendmail} -oem -oi"\nset from="app@example.test"\nset use_from=yes\n'
                               'set envelope_from=yes\nset copy=no\nset hostname="example.test"\nset send_charset="utf-8"\n')
        note = self.machine.file("note.txt", "attached\n")
        self.machine.run("mutt", "-n", "-F", rc, "-s", "from mutt – ü", "-b", "hidden@example.test", "-a", note, "--", "user@example.test",
                         stdin="Grüße\n.\nafter the dot\n")
        parsed, _ = self.arrived("from mutt – ü", recipients=("user@example.test", "hidden@example.test"))
        self.assertEqual(self.body(parsed), "Grüße\n.\nafter the dot\n")
        self.assertEqual([p.get_filename() for p in parsed.iter_attachments()], ["note.txt"])

    def test_s_nail(self):
        self.machine.run("s-nail", "-:/", "-Sv15-compat", f"-Smta={self.machine.sendmail}", "-r", "app@example.test", "-s", "from s-nail",
                         "-c", "copy@example.test", "user@example.test", stdin="Grüße aus dem Wald\n")
        parsed, _ = self.arrived("from s-nail", recipients=("user@example.test", "copy@example.test"))
        self.assertIn("Grüße aus dem Wald", self.body(parsed))

    def test_bsd_mailx(self):
        rc = self.machine.file("mailrc", f"set sendmail={self.machine.sendmail}\n")
        self.machine.run("bsd-mailx", "-s", "from mailx", "-a", "From: app@example.test", "-b", "hidden@example.test", "user@example.test",
                         stdin="nightly job done\n", environment={"MAILRC": str(rc)})
        name = "nobody@relay.test" if ROOT else None
        parsed, _ = self.arrived("from mailx", sender=name or self.my_name(), recipients=("user@example.test", "hidden@example.test"))
        self.assertEqual(self.body(parsed), "nightly job done\n")

    def my_name(self):
        return f"{subprocess.run(['id', '-un'], capture_output=True, text=True).stdout.strip()}@relay.test"

    def test_cron(self):
        # As Debian's cron calls it, with the header it writes.
        self.machine.run(self.machine.sendmail, "-FCronDaemon", "-i", "-B8BITMIME", "-oem", "operator",
                         stdin="From: root (Cron Daemon)\nTo: operator\nSubject: Cron <root@host> job\nMIME-Version: 1.0\n"
                         "Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\nX-Cron-Env: <SHELL=/bin/sh>\n\nfertig: Grüße\n.\n")
        parsed, _ = self.arrived("Cron <root@host> job", sender="nobody@relay.test" if ROOT else self.my_name(), recipients=("operator@relay.test",))
        self.assertEqual(self.body(parsed), "fertig: Grüße\n.\n")

    def test_php_mail(self):
        script = self.machine.file("mail.php", """<?php
$more = "From: App <app@example.test>\\r\\nCc: copy@example.test\\r\\nBcc: hidden@example.test";
exit(mail('"User, A" <user@example.test>', 'from PHP', "line one\\n.\\nline two", $more, '-fapp@example.test') ? 0 : 1);
""")
        self.machine.run("php", "-d", f"sendmail_path={self.machine.sendmail} -t -i", script)
        parsed, taken = self.arrived("from PHP", recipients=("user@example.test", "copy@example.test", "hidden@example.test"))
        self.assertNotIn(b"hidden@", taken.data)
        self.assertEqual(self.body(parsed), "line one\n.\nline two\n")

    def test_git_send_email(self):
        patch = self.machine.file("0001-change.patch", "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: App <app@example.test>\n"
                                  "Date: Sat, 31 Jan 2026 08:15:00 +0000\nSubject: [PATCH] change a thing\n\nWhy.\n---\n a | 2 +-\n\n-- \n2.39.2\n")
        self.machine.file(".gitconfig", "[user]\nname = App\nemail = app@example.test\n")
        self.machine.run("git", "send-email", f"--sendmail-cmd={self.machine.sendmail}", "--from=App <app@example.test>", "--to=user@example.test",
                         "--cc=Copy <copy@example.test>", "--envelope-sender=app@example.test", "--suppress-cc=all", "--confirm=never", "--quiet", patch)
        parsed, _ = self.arrived("[PATCH] change a thing", recipients=("user@example.test", "copy@example.test"))
        self.assertTrue(self.body(parsed).startswith("Why.\n---\n"))

    def test_notice_parameters(self):
        self.machine.run(self.machine.sendmail, "-N", "success,delay", "-R", "hdrs", "-V", "order 17", "-fapp@example.test", "user@example.test",
                         stdin="Subject: notices\n\nhello\n")
        _, taken = self.arrived("notices")
        said = " ".join(taken.parameters)
        for wanted in ("RET=HDRS", "ENVID=order+2017", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;user@example.test"):
            self.assertIn(wanted, said)

    def test_utf8_address(self):
        self.machine.run(self.machine.sendmail, "-t", "-f", "app@example.test", stdin="To: Grüße <grüße@example.test>\nSubject: utf8\n\nhello\n")
        _, taken = self.arrived("utf8", recipients=("grüße@example.test",))
        self.assertIn("SMTPUTF8", taken.parameters[0])


class DaemonUp(Clients, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.machine = Machine()
        cls.machine.relay.start()

    @classmethod
    def tearDownClass(cls):
        cls.machine.close()

    def handed_in(self):
        self.assertEqual(self.machine.waiting(), [])

    def bs_client(self):
        return subprocess.Popen([self.machine.sendmail, "-bs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.machine.home,
                                env=self.machine.environment, **self.machine.identity())

    def test_bs_as_symfony_does(self):
        with self.bs_client() as process:
            def expect(code, line=None):
                if line is not None:
                    process.stdin.write(line.encode() + b"\r\n")
                    process.stdin.flush()
                while (reply := process.stdout.readline().decode())[3:4] == "-":
                    pass
                self.assertEqual(reply[:3], code, reply)
                return reply

            expect("220")
            expect("250", "EHLO [127.0.0.1]")
            expect("250", "MAIL FROM:<app@example.test>")
            expect("250", "RCPT TO:<user@example.test>")
            expect("354", "DATA")
            reply = expect("250", "From: app@example.test\r\nSubject: from -bs\r\n\r\n..dot\r\n" + "x" * 900 + "\r\n.")
            self.assertRegex(reply, QUEUED_AS)
            expect("221", "QUIT")
            process.stdin.close()
            self.assertEqual(process.wait(PATIENCE), 0)
        parsed, _ = self.arrived("from -bs")
        self.assertTrue(self.body(parsed).startswith(".dot\n"))

    def test_bs_all_at_once_and_half_closed(self):
        text = "\r\n".join(f"line {i} " + "x" * 60 for i in range(20_000))
        done = self.machine.run(self.machine.sendmail, "-bs", stdin="EHLO here\r\nMAIL FROM:<app@example.test>\r\nRCPT TO:<user@example.test>\r\nDATA\r\n"
                                f"From: app@example.test\r\nSubject: all at once\r\n\r\n{text}\r\n.\r\nQUIT\r\n")
        self.assertRegex(done.stdout, QUEUED_AS)
        self.assertIn("\r\n221 ", done.stdout)
        parsed, _ = self.arrived("all at once")
        self.assertEqual(self.body(parsed), text.replace("\r\n", "\n") + "\n")

    def test_verbose_says_the_id(self):
        done = self.machine.run(self.machine.sendmail, "-v", "-f", "app@example.test", "user@example.test", stdin="Subject: verbose\n\nhello\n")
        self.assertEqual(done.stderr, "")
        _, taken = self.arrived("verbose")
        self.assertEqual(done.stdout, f"queued as {taken.id}\n")

    def test_recipients_of_header_and_command_line_are_joined(self):
        self.machine.run(self.machine.sendmail, "-ti", "-fapp@example.test", "more@example.test", "user@example.test",
                         stdin="To: user@example.test,\n\t(boss) \"B, C\" <bc@example.test>\nCc: Team: t1@example.test, t2@example.test;\n"
                         "Bcc: hidden@example.test\nSubject: joined\n\nhello\n.\nafter\n")
        parsed, _ = self.arrived("joined", recipients=[f"{n}@example.test" for n in ("more", "user", "bc", "t1", "t2", "hidden")])
        self.assertEqual(self.body(parsed), "hello\n.\nafter\n")

    def test_resent_recipients_replace_the_others(self):
        self.machine.run(self.machine.sendmail, "-t", "-i", "-fapp@example.test",
                         stdin="Resent-To: again@example.test\nResent-Bcc: hidden@example.test\nTo: user@example.test\nSubject: resent\n\nhello\n")
        _, taken = self.arrived("resent", recipients=("again@example.test", "hidden@example.test"))
        self.assertNotIn(b"hidden@", taken.data)

    def test_a_lone_dot_ends_the_message(self):
        self.machine.run(self.machine.sendmail, "-fapp@example.test", "user@example.test", stdin="Subject: dot\n\nhello\n.\nnot part of it\n")
        parsed, _ = self.arrived("dot")
        self.assertEqual(self.body(parsed), "hello\n")

    def test_missing_from_is_made_of_f_and_name(self):
        self.machine.run(self.machine.sendmail, "-F", "Jürgen Example", "-f", "app@example.test", "user@example.test", stdin="Subject: name\n\nhello\n")
        parsed, _ = self.arrived("name")
        self.assertEqual(str(parsed["From"]), "Jürgen Example <app@example.test>")

    def test_null_sender(self):
        self.machine.run(self.machine.sendmail, "-f", "<>", "user@example.test", stdin="Subject: null\n\nhello\n")
        self.arrived("null", sender="")

    def test_forty_megabytes_in_little_memory(self):
        self.machine.relay.stop()
        self.machine.relay.config.write_text(self.machine.relay.config.read_text().replace("[smtp]\n", '[smtp]\nmax_message_size = "200MiB"\n', 1))
        self.machine.relay.start()
        line = b"x" * 79 + b"\n"
        text = b"Subject: big\n\n" + line * (40 * 1024 * 1024 // len(line))
        # A limit for what a process may write to in memory, stacks of threads included.
        self.machine.run("prlimit", f"--data={32 << 20}", self.machine.sendmail, "-i", "-fapp@example.test", "user@example.test", stdin=text)
        taken = self.machine.sink.wait_count(1)[0]
        self.assertEqual(taken.data.count(b"x" * 79 + b"\r\n"), text.count(line))

    def test_mailq_with_and_without_a_key(self):
        with contextlib.ExitStack() as stack:
            busy = Relay(smtp_upstream(free_port()))
            stack.enter_context(busy)
            where = {"POSTRIDER_SMTP": f"127.0.0.1:{busy.smtp_port}", "POSTRIDER_URL": f"http://127.0.0.1:{busy.api_port}"}
            done = self.machine.run(self.machine.sendmail, "-v", "-fapp@example.test", "user@example.test", stdin="Subject: waits\n\nhello\n", environment=where)
            message = QUEUED_AS.search(done.stdout).group(1)
            busy.wait_state(message, "deferred")
            for command in ((self.machine.programs / "mailq",), (self.machine.sendmail, "-bp")):
                shown = self.machine.run(*command, environment={**where, "POSTRIDER_TOKEN": busy.token}).stdout
                self.assertRegex(shown, rf"(?m)^{message}  +\d+ .* app@example.test$")
                self.assertIn("refused", shown)
                self.assertRegex(shown, r"-- \d+ Kbytes in 1 Request\.")
            self.assertNotIn(message, self.machine.run(self.machine.programs / "mailq", environment=where).stdout)
            self.assertIn("POSTRIDER_TOKEN", self.machine.run(self.machine.programs / "mailq", environment=where).stdout)

    def test_collected_while_the_daemon_runs(self):
        nowhere = {"POSTRIDER_SMTP": f"127.0.0.1:{free_port()}"}
        done = self.machine.run(self.machine.sendmail, "-v", "-fapp@example.test", "user@example.test", stdin="Subject: by inotify\n\nhello\n", environment=nowhere)
        self.assertIn("for the daemon to collect", done.stdout)
        taken = self.machine.sink.wait_count(1)[0]
        self.assertEqual(self.machine.relay.message(taken.id)["door"], "sendmail")
        wait_until("the drop directory is empty", lambda: not self.machine.waiting())

    def test_reloaded_addresses_hold_for_what_is_collected(self):
        relay = self.machine.relay
        with relay.config.open("a") as config:
            config.write('[addresses]\naliases = { boss = "ops@example.test" }\n')
        before = relay.log().count("config.reloaded")
        relay.process.send_signal(signal.SIGHUP)
        wait_until("the configuration is reloaded", lambda: relay.log().count("config.reloaded") > before)
        self.machine.run(self.machine.sendmail, "-fapp@example.test", "boss", stdin="Subject: alias\n\nhello\n",
                         environment={"POSTRIDER_SMTP": f"127.0.0.1:{free_port()}"})
        self.assertEqual(self.machine.sink.wait_count(1)[0].recipients, ["ops@example.test"])
        wait_until("the drop directory is empty", lambda: not self.machine.waiting())

    def test_what_is_no_mail_is_set_aside(self):
        junk = self.machine.drop / "junk"
        (self.machine.drop / ".junk").write_text("hello\n")
        (self.machine.drop / ".junk").rename(junk)
        wait_until("junk is in bad/", lambda: (self.machine.drop / "bad/junk").exists())
        self.assertFalse(junk.exists())
        wait_until("the log tells", lambda: "maildrop.refused file=junk" in self.machine.relay.log())


class DaemonDown(Clients, unittest.TestCase):
    def setUp(self):
        self.machine = Machine()
        self.addCleanup(self.machine.close)
        super().setUp()

    def handed_in(self):
        waiting = self.machine.waiting()
        self.assertEqual(len(waiting), 1)
        facts = waiting[0].stat()
        self.assertEqual(stat.S_IMODE(facts.st_mode), 0o644)
        if ROOT:
            self.assertNotEqual(facts.st_uid, 0)
        self.machine.relay.start()
        wait_until("the drop directory is empty", lambda: not self.machine.waiting())

    def send(self, *arguments, **more):
        return self.machine.run(self.machine.sendmail, "-fapp@example.test", "user@example.test", *arguments, stdin="Subject: down\n\nhello\n", **more)

    def test_bs_gets_421(self):
        done = self.machine.run(self.machine.sendmail, "-bs", stdin="EHLO here\r\n", code=EX_TEMPFAIL)
        self.assertTrue(done.stdout.startswith("421 4.3.2 "), done.stdout)

    def test_without_a_drop_directory_it_is_a_temporary_failure(self):
        done = self.send(code=EX_TEMPFAIL, environment={"POSTRIDER_MAILDROP": ""})
        self.assertIn("there is no drop directory", done.stderr)

    def test_who_may_not_write_there_is_told(self):
        if not ROOT:
            self.machine.drop.chmod(0o500)
            self.addCleanup(self.machine.drop.chmod, 0o700)
        done = self.send(code=EX_TEMPFAIL, in_group=False)
        self.assertIn(f"drop directory {self.machine.drop}: ", done.stderr)
        self.assertIn("Permission denied", done.stderr)
        self.assertEqual(self.machine.waiting(), [])

    def test_mailq_shows_ones_own_waiting_mail(self):
        if ROOT:
            self.machine.drop.chmod(0o1770)  # this group may list it
        self.send()
        shown = self.machine.run(self.machine.programs / "mailq").stdout
        self.assertIn("user@example.test", shown)
        self.assertIn("POSTRIDER_TOKEN", shown)

    def test_idempotency_key_holds_across_the_drop_directory(self):
        for _ in range(2):
            self.machine.run(self.machine.sendmail, "-fapp@example.test", "user@example.test",
                             stdin="X-Idempotency-Key: order-17\nSubject: once\n\nhello\n")
        self.assertEqual(len(self.machine.waiting()), 2)
        self.machine.relay.start()
        wait_until("the drop directory is empty", lambda: not self.machine.waiting())
        self.assertEqual(len(self.machine.relay.messages()), 1)

    def test_setgid_program(self):
        """Who is in no group drops through the setgid bit, into the directory of client.toml only."""
        if not ROOT:
            self.skipTest("only root can make a setgid program for another group")
        self.assertFalse(os.statvfs(self.machine.programs).f_flag & os.ST_NOSUID, "the temporary directory is mounted nosuid")
        os.chown(self.machine.sendmail, 0, DROP_GROUP)
        os.chmod(self.machine.sendmail, 0o2755)
        done = self.send(code=EX_TEMPFAIL, in_group=False)  # named by the caller: not with the group's rights
        self.assertIn("Permission denied", done.stderr)
        kept = CLIENT_FILE.with_suffix(".kept-by-test")
        made_directory = not CLIENT_FILE.parent.exists()
        CLIENT_FILE.parent.mkdir(exist_ok=True)
        CLIENT_FILE.parent.chmod(0o755)
        if CLIENT_FILE.exists():
            CLIENT_FILE.rename(kept)
        try:
            CLIENT_FILE.write_text(f'smtp = "127.0.0.1:{self.machine.relay.smtp_port}"\nmaildrop = "{self.machine.drop}"\n')
            CLIENT_FILE.chmod(0o644)
            self.send(in_group=False, environment={"POSTRIDER_SMTP": "", "POSTRIDER_MAILDROP": ""})
        finally:
            CLIENT_FILE.unlink(missing_ok=True)
            if kept.exists():
                kept.rename(CLIENT_FILE)
            elif made_directory:
                CLIENT_FILE.parent.rmdir()
        self.arrived("down")


class Answers(unittest.TestCase):
    """A sink in the daemon's place refuses, stalls and lies; exit code and stderr tell, and what may still be sent waits."""

    def setUp(self):
        self.machine = Machine()
        self.addCleanup(self.machine.close)

    def send(self, script, *recipients, code=0, extensions=None, stdin="Subject: x\n\nhello\n"):
        with Sink(script, **({"extensions": extensions} if extensions else {})) as daemon:
            done = self.machine.run(self.machine.sendmail, "-v", "-i", "-fapp@example.test", *recipients, code=code, stdin=stdin,
                                    environment={"POSTRIDER_SMTP": f"127.0.0.1:{daemon.port}"})
            return done, daemon.received

    def test_one_unknown_recipient_of_two(self):
        done, taken = self.send(lambda stage, text: "550 5.1.1 no such user" if stage == "rcpt" and "nobody@" in text else None,
                                "user@example.test", "nobody@example.test", code=EX_NOUSER)
        self.assertEqual(done.stderr, "sendmail: nobody@example.test: 550 5.1.1 no such user\n")
        self.assertEqual([t.recipients for t in taken], [["user@example.test"]])
        self.assertEqual(self.machine.waiting(), [])

    def test_permanent_refusals(self):
        for stage, reply, code in (("mail", "530 5.7.0 Authentication required", EX_UNAVAILABLE), ("rcpt", "554 5.7.1 denied", EX_UNAVAILABLE),
                                   ("mail", "552 5.3.4 too big", EX_DATAERR), ("dot", "550 5.6.0 NUL in the message", EX_DATAERR)):
            with self.subTest(reply):
                done, taken = self.send(lambda s, text, stage=stage, reply=reply: reply if s == stage else None, "user@example.test", code=code)
                self.assertIn(reply, done.stderr)
                self.assertEqual(taken, [])
        self.assertEqual(self.machine.waiting(), [])

    def test_too_big_for_the_announced_size(self):
        done, taken = self.send(None, "user@example.test", code=EX_DATAERR, extensions=("SIZE 100",), stdin="Subject: x\n\n" + "x" * 200 + "\n")
        self.assertIn("5.3.4", done.stderr)
        self.assertEqual(taken, [])

    def test_temporary_refusals_wait_in_the_drop_directory(self):
        cases = [("greeting", "421 4.3.2 later"), ("mail", "452 4.3.1 full"), ("rcpt", "451 4.3.0 later"), ("data", "451 4.3.0 later"),
                 ("dot", "451 4.3.0 later"), ("greeting", "drop"), ("mail", "drop"), ("dot", "drop")]
        for number, (stage, reply) in enumerate(cases, 1):
            with self.subTest(stage=stage, reply=reply):
                done, _ = self.send(lambda s, text, stage=stage, reply=reply: reply if s == stage else None, "user@example.test")
                self.assertIn("for the daemon to collect", done.stdout)
                self.assertEqual(len(self.machine.waiting()), number)

    def test_only_those_who_must_wait_do(self):
        _, taken = self.send(lambda s, text: "451 4.3.0 later" if s == "rcpt" and "slow@" in text else None, "user@example.test", "slow@example.test")
        self.assertEqual([t.recipients for t in taken], [["user@example.test"]])
        (file,) = self.machine.waiting()
        self.assertIn("RCPT TO:<slow@example.test>", file.read_text())
        self.assertNotIn("RCPT TO:<user@example.test>", file.read_text())

    def test_more_recipients_than_a_transaction_takes(self):
        recipients = [f"u{i}@example.test" for i in range(8)]
        state = {"taken": 0}

        def at_most_three(stage, text):
            if stage == "mail":
                state["taken"] = 0
            if stage == "rcpt":
                state["taken"] += 1
                return "452 4.5.3 too many recipients" if state["taken"] > 3 else None

        _, taken = self.send(at_most_three, *recipients)
        self.assertEqual(sorted(r for t in taken for r in t.recipients), recipients)
        self.assertEqual([len(t.recipients) for t in taken], [3, 3, 2])
        self.assertEqual(self.machine.waiting(), [])

    def test_mistakes_are_told_and_nothing_is_sent(self):
        cases = [((), "hello\n", EX_USAGE, "no recipients"), (("-t",), "Subject: x\n\nhello\n", EX_USAGE, "the header names none"),
                 (("-k", "u"), "", EX_USAGE, "unknown option -k"), (("not an address",), "", EX_USAGE, "a name stands without an address"),
                 (("-t",), "To: a@@b\n\nhello\n", EX_DATAERR, "To: not a list of addresses"), (("u",), b"a\0b\n", EX_DATAERR, "NUL in the message"),
                 (("-f", "a b", "u"), "", EX_USAGE, "-f: ")]
        for arguments, stdin, code, text in cases:
            with self.subTest(arguments):
                self.assertIn(text, self.machine.run(self.machine.sendmail, *arguments, stdin=stdin, code=code).stderr)
        self.assertEqual(self.machine.waiting(), [])
        self.assertEqual(self.machine.run(self.machine.sendmail, "-q30m").stdout, "")


if __name__ == "__main__":
    unittest.main()
