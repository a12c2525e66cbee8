"""Programs nobody here wrote hand in mail; a sink behind the relay must get it whole."""
import email
import email.policy
import pathlib
import shutil
import smtplib
import subprocess
import tempfile
import unittest

from harness import PATIENCE, QUEUED_AS, Relay, Sink, smtp_upstream

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, stdin=None, check=True, **more):
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=PATIENCE, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[0]}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.relay = Relay(smtp_upstream(cls.sink.port)).start()
        cls.relay.command("user", "add", "app", "--password-stdin", stdin="wald und wiese\n")
        cls.relay.command("user", "add", "scram", "--scram", "--password-stdin", stdin="see\n")
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="clients-"))

    @classmethod
    def tearDownClass(cls):
        cls.relay.stop()
        cls.sink.close()
        shutil.rmtree(cls.relay.directory)
        shutil.rmtree(cls.scratch)

    def setUp(self):
        with self.sink.changed:
            self.sink.received.clear()

    def arrived(self, subject: str, sender="app@example.test", recipients=("user@example.test",)):
        taken = self.sink.wait_count(1)[0]
        parsed = email.message_from_bytes(taken.data, policy=email.policy.default)
        self.assertEqual(taken.sender, sender)
        self.assertEqual(taken.recipients, list(recipients))
        self.assertEqual(parsed["Subject"], subject)
        self.assertIn("Message-ID", parsed)
        self.assertIn("Date", parsed)
        self.assertTrue(taken.data.startswith(b"Received: from "))
        story = self.relay.wait_state(taken.id, "sent")
        self.assertEqual([e["type"] for e in story["events"]], ["accepted", "attempted", "sent"])
        self.assertEqual(story["attempts"][0]["upstream"], "primary")
        return parsed

    def swaks(self, *arguments, check=True):
        return run("swaks", "--server", f"127.0.0.1:{self.relay.smtp_port}", "--from", "app@example.test", "--to", "user@example.test", *arguments, check=check)

    def test_swaks_plain(self):
        done = self.swaks("--header", "Subject: from swaks", "--body", "line one\n.\n..two\nfrom here")
        self.assertRegex(done.stdout, QUEUED_AS)
        parsed = self.arrived("from swaks")
        self.assertIn("line one\n.\n..two\nfrom here", parsed.get_content().replace("\r\n", "\n"))

    def test_swaks_starttls_and_every_auth_mechanism(self):
        for number, mechanism in enumerate(("PLAIN", "LOGIN"), 1):
            done = self.swaks("--tls", "--auth", mechanism, "--auth-user", "app", "--auth-password", "wald und wiese", "--header", f"Subject: {mechanism}")
            self.assertIn("235 2.7.0", done.stdout)
            taken = self.sink.wait_count(number)[-1]
            self.assertIn(b"with ESMTPSA id", taken.data.replace(b"\r\n\t", b" ").replace(b"\r\n ", b" "))

    def test_swaks_wrong_password(self):
        done = self.swaks("--tls", "--auth", "PLAIN", "--auth-user", "app", "--auth-password", "no", check=False)
        self.assertIn("535 5.7.8", done.stdout)

    def test_swaks_without_tls_is_not_offered_auth(self):
        done = self.swaks("--auth", "PLAIN", "--auth-user", "app", "--auth-password", "wald und wiese", check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("AUTH PLAIN", done.stdout)

    def test_msmtp(self):
        config = self.scratch / "msmtprc"
        config.write_text(f"account default\nhost 127.0.0.1\nport {self.relay.smtp_port}\nfrom app@example.test\ntls on\ntls_starttls on\ntls_certcheck off\nauth plain\nuser app\npassword \"wald und wiese\"\n")
        config.chmod(0o600)
        run("msmtp", "-C", str(config), "user@example.test", stdin="Subject: from msmtp\n\nhello\n")
        self.arrived("from msmtp")

    def test_msmtp_scram(self):
        config = self.scratch / "msmtprc-scram"
        config.write_text(f"account default\nhost 127.0.0.1\nport {self.relay.smtp_port}\nfrom app@example.test\ntls on\ntls_starttls on\ntls_certcheck off\nauth scram-sha-256\nuser scram\npassword see\n")
        config.chmod(0o600)
        done = run("msmtp", "-C", str(config), "user@example.test", stdin="Subject: from scram\n\nhello\n")
        self.assertEqual(done.returncode, 0)
        self.arrived("from scram")

    def test_s_nail(self):
        run("s-nail", "-:/", "-Sv15-compat", f"-Smta=smtp://127.0.0.1:{self.relay.smtp_port}", "-Ssmtp-config=-all,ehlo", "-Ssmtp-auth=none",
            "-S", "from=app@example.test", "-s", "from s-nail", "user@example.test", stdin="Grüße aus dem Wald\n", env={"LC_ALL": "C.UTF-8", "HOME": str(self.scratch), "PATH": "/usr/bin:/bin"})
        parsed = self.arrived("from s-nail")
        self.assertIn("Grüße aus dem Wald", parsed.get_content())

    def test_curl(self):
        mail = self.scratch / "mail.eml"
        mail.write_bytes(b"From: app@example.test\r\nTo: user@example.test\r\nSubject: from curl\r\n\r\nhello\r\n")
        run("curl", "--silent", "--show-error", "--insecure", "--ssl-reqd", f"smtp://127.0.0.1:{self.relay.smtp_port}", "--mail-from", "app@example.test",
            "--mail-rcpt", "user@example.test", "--user", "app:wald und wiese", "--upload-file", str(mail))
        self.arrived("from curl")

    def test_nodemailer(self):
        done = run("node", str(HERE / "nodemailer_client.js"), str(self.relay.smtp_port), "app", "wald und wiese")
        self.assertRegex(done.stdout, QUEUED_AS)
        parsed = self.arrived("from nodemailer – ü")
        names = [part.get_filename() for part in parsed.walk() if part.get_filename()]
        self.assertEqual(names, ["Rechnung Nr. 1 – Ä.txt"])

    def test_php(self):
        done = run("php", str(HERE / "smtp_client.php"), str(self.relay.smtp_port), stdin="")
        self.assertRegex(done.stdout, QUEUED_AS)
        self.arrived("from PHP")

    def test_python_smtplib(self):
        with smtplib.SMTP("127.0.0.1", self.relay.smtp_port, timeout=PATIENCE) as client:
            self.assertTrue(client.has_extn("dsn") or client.ehlo() and client.has_extn("dsn"))
            client.sendmail("app@example.test", ["user@example.test"], "Subject: from smtplib\r\n\r\nhello\r\n",
                            mail_options=["RET=HDRS", "ENVID=a+2Bb"], rcpt_options=["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;user@example.test"])
        self.arrived("from smtplib")
        parameters = " ".join(self.sink.received[0].parameters)
        for wanted in ("RET=HDRS", "ENVID=a+2Bb", "NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;user@example.test"):
            self.assertIn(wanted, parameters)

    def test_smtplib_utf8_address(self):
        with smtplib.SMTP("127.0.0.1", self.relay.smtp_port, timeout=PATIENCE) as client:
            message = email.message.EmailMessage()
            message["Subject"], message["From"], message["To"] = "UTF-8", "app@example.test", "grüße@example.test"
            message.set_content("hallo\n")
            client.send_message(message)
        self.arrived("UTF-8", recipients=("grüße@example.test",))
        self.assertIn("SMTPUTF8", self.sink.received[0].parameters[0])


if __name__ == "__main__":
    unittest.main()
