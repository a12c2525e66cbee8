"""Configuration on the real daemon: SIGHUP and its report, a file with faults, another certificate, and a start from an imported
Postfix configuration."""
import hashlib
import os
import pathlib
import re
import shutil
import signal
import smtplib
import ssl
import subprocess
import tempfile
import unittest

from harness import BINARY, PATIENCE, Relay, Sink, free_port, wait_for_port, wait_until


def make_certificate(directory: pathlib.Path, name: str) -> str:
    """The TOML that names it."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )
    return f'[tls]\ncertificate = "{certificate}"\nkey = "{key}"\n'


def shown_certificate(port: int) -> str:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.starttls(context=context)
        return hashlib.sha256(client.sock.getpeercert(binary_form=True)).hexdigest()


def answer_to_mail(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.ehlo()
        return client.mail("app@example.test")[0]


class Reload(unittest.TestCase):
    def reload(self, relay, more: str, ends_with: str = " config.reloaded ") -> str:
        """Writes the file with `more` at its end, sends SIGHUP, and returns the report."""
        before = len(relay.log())
        relay.config.write_text(self.base + more)
        relay.process.send_signal(signal.SIGHUP)

        def report():
            said = relay.log()[before:]
            return said if re.search(re.escape(ends_with) + ".*\n", said) else None

        return wait_until(f"the log says {ends_with}", report)

    def start(self, more: str = ""):
        relay = Relay('[[upstream]]\nname = "keep"\ntype = "capture"\n')
        self.base = relay.config.read_text()
        relay.config.write_text(self.base + more)
        return relay

    def test_log_level(self):
        with self.start() as relay:
            relay.api("/v1/messages")
            self.assertNotIn("http.request", relay.log())
            report = self.reload(relay, '[log]\nlevel = "debug"\n')
            self.assertIn(" info config.changed key=log.level from=info to=debug\n", report)
            relay.api("/v1/messages")
            wait_until("requests are logged", lambda: " debug http.request " in relay.log())

    def test_trusted_networks(self):
        with self.start() as relay:
            self.assertEqual(answer_to_mail(relay.smtp_port), 250)
            report = self.reload(relay, '[access]\ntrusted_networks = ["10.0.0.0/8"]\n')
            self.assertIn("config.changed key=access.trusted_networks ", report)
            self.assertIn("changed=1 needs_restart=0\n", report)
            wait_until("loopback is trusted no more", lambda: answer_to_mail(relay.smtp_port) == 530)
            self.reload(relay, "")
            wait_until("loopback is trusted again", lambda: answer_to_mail(relay.smtp_port) == 250)

    def test_certificate(self):
        with self.start() as relay:
            made = shown_certificate(relay.smtp_port)
            first = make_certificate(relay.directory, "first.test")
            self.assertIn('tls.certificate_changed subject="/CN=first.test"', self.reload(relay, first))
            wait_until("the first is shown", lambda: shown_certificate(relay.smtp_port) != made)
            shown = shown_certificate(relay.smtp_port)
            # Renewed in place, as certbot does: nothing in the file changes.
            make_certificate(relay.directory, "first.test")
            self.assertIn("tls.certificate_changed", self.reload(relay, first))
            wait_until("the renewed one is shown", lambda: shown_certificate(relay.smtp_port) != shown)

    def test_broken_certificate_keeps_the_old_one(self):
        with self.start() as relay:
            good = make_certificate(relay.directory, "good.test")
            self.reload(relay, good)
            shown = wait_until("it is shown", lambda: shown_certificate(relay.smtp_port))
            (relay.directory / "good.test.crt").write_text("half a certificate")
            report = self.reload(relay, good, " config.refused ")
            self.assertIn(f"tls.certificate: cannot use the certificate {relay.directory}/good.test.crt", report)
            self.assertEqual(shown_certificate(relay.smtp_port), shown)

    def test_faulty_file_changes_nothing(self):
        with self.start() as relay:
            report = self.reload(relay, '[access]\ntrusted_networks = ["10.0.0.0/8"]\n[smtp]\n', " config.refused ")  # [smtp] twice
            self.assertIn("not valid TOML", report)
            line = self.base.count("\n") + 4
            report = self.reload(relay, '[access]\ntrusted_networks = ["10.0.0.0/8"]\n[log]\nlevl = "debug"\n', " config.refused ")
            self.assertIn(f' error config.fault at={relay.config}:{line}:1 key=log.levl text="log.levl is not a known key; did you mean log.level?"\n', report)
            self.assertIn(f" error config.refused file={relay.config} faults=1\n", report)
            self.assertNotIn("config.changed", report)
            self.assertEqual(answer_to_mail(relay.smtp_port), 250)

    def test_what_needs_a_restart_waits_for_one(self):
        with self.start() as relay:
            report = self.reload(relay, '[[upstream]]\nname = "second"\ntype = "capture"\n[log]\nformat = "json"\n')
            self.assertIn(' info config.changed key=upstream.second from="" to=added\n', report)
            self.assertIn(" warn config.needs_restart key=log.format from=text to=json\n", report)
            self.assertIn("changed=1 needs_restart=1\n", report)
            self.assertIn("second", [upstream["name"] for upstream in relay.api("/v1/upstreams")["upstreams"]])
            relay.stop()
            relay.start()
            wait_until("it logs in JSON", lambda: '"event":"daemon.ready"' in relay.log())

    def test_many_signals_under_mail(self):
        with self.start() as relay:
            with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
                for i in range(20):
                    relay.process.send_signal(signal.SIGHUP)
                    client.sendmail("app@example.test", ["user@example.test"], f"Subject: {i}\r\n\r\nx\r\n")
            relay.wait_idle()
            self.assertEqual(len(relay.messages("&state=sent")), 20)


class Import(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postrider-import-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def postfix(self, upstream_port: int) -> tuple[pathlib.Path, int, int]:
        """An imported configuration, and the ports it listens on."""
        smtp, api = free_port(), free_port()
        (self.directory / "main.cf").write_text(
            f"""myhostname = app01.example.com
mydomain = example.com
myorigin = $mydomain
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8,
    [::1]/128
relayhost = [127.0.0.1]:{upstream_port}
smtp_tls_security_level = none
message_size_limit = 2048000
maximal_queue_lifetime = 1d
biff = no
"""
        )
        (self.directory / "master.cf").write_text(f"{smtp} inet n - y - - smtpd\n")
        (self.directory / "aliases").write_text("root: ops@example.com\n")
        output = self.directory / "postrider.toml"
        done = subprocess.run(
            [BINARY, "import", "postfix", str(self.directory / "main.cf"), "--aliases", str(self.directory / "aliases"), "--output", str(output)],
            capture_output=True, text=True, timeout=PATIENCE,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        checked = subprocess.run([BINARY, "config", "check", "--config", str(output)], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        return output, smtp, api

    def serve(self, config: pathlib.Path, smtp: int, api: int):
        environment = {**os.environ, "POSTRIDER_SERVER__DATA_DIR": str(self.directory / "data"), "POSTRIDER_MGMT__LISTENER__ADDRESS": f"127.0.0.1:{api}"}
        log = open(self.directory / "log", "wb")
        self.addCleanup(log.close)
        process = subprocess.Popen([BINARY, "serve", "--config", str(config)], env=environment, stdout=log, stderr=log)

        def stop():
            process.terminate()
            process.wait(PATIENCE)

        self.addCleanup(stop)
        wait_for_port(smtp, process)
        return process

    def test_daemon_starts_with_an_imported_postfix_and_delivers(self):
        with Sink() as sink:
            self.serve(*self.postfix(sink.port))
            with smtplib.SMTP("127.0.0.1", int(re.search(r":(\d+)\"", (self.directory / "postrider.toml").read_text()).group(1)), timeout=PATIENCE) as client:
                client.sendmail("cron", ["root"], "Subject: nightly\r\n\r\ndone\r\n")
                self.assertEqual(client.esmtp_features["size"], "2048000")
            taken = sink.wait_count(1)[0]
            self.assertEqual((taken.sender, taken.recipients), ("cron@example.com", ["ops@example.com"]))
            self.assertIn(b"by app01.example.com", taken.data)

    @unittest.skipUnless(shutil.which("smtp-sink") or pathlib.Path("/usr/sbin/smtp-sink").exists(), "smtp-sink is not installed")
    def test_and_to_smtp_sink(self):
        port = free_port()
        dump = self.directory / "dump"
        command = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
        user = ["-u", "root"] if os.geteuid() == 0 else []
        sink = subprocess.Popen([command, *user, "-D", str(dump), f"127.0.0.1:{port}", "10"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sink.wait)
        self.addCleanup(sink.terminate)
        wait_for_port(port, sink)
        config, smtp, api = self.postfix(port)
        self.serve(config, smtp, api)
        with smtplib.SMTP("127.0.0.1", smtp, timeout=PATIENCE) as client:
            client.sendmail("app@example.com", ["user@example.net"], "Subject: through smtp-sink\r\n\r\nx\r\n")
        wait_until("smtp-sink has it", lambda: dump.exists() and b"through smtp-sink" in dump.read_bytes())


if __name__ == "__main__":
    unittest.main()
