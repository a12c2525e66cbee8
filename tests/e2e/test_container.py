"""What the Dockerfile is made of, on this machine: the start script with the container's configuration, twice on one volume, and the list
of packages that run what was built."""
import json
import os
import pathlib
import re
import signal
import smtplib
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

from harness import BINARY, PATIENCE, ROOT, free_port, wait_for_port

PASSWORD = "a-password-of-this-test"


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Container(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="postrider-e2e-")
        self.addCleanup(self.directory.cleanup)
        home = pathlib.Path(self.directory.name)
        (home / "bin").mkdir()
        (home / "bin/postrider").symlink_to(BINARY)
        self.data, self.log = home / "data", home / "log"
        self.smtp_port, self.api_port = free_port(), free_port()
        self.environment = {
            "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
            "POSTRIDER_CONFIG": str(ROOT / "config/container.toml"),
            "POSTRIDER_SERVER__DATA_DIR": str(self.data),
            "POSTRIDER_SMTP__LISTENER__0__ADDRESS": f"127.0.0.1:{self.smtp_port}",
            "POSTRIDER_MGMT__LISTENER__0__ADDRESS": f"127.0.0.1:{self.api_port}",
        }

    def start(self, **more):
        with open(self.log, "ab") as log:
            process = subprocess.Popen([str(ROOT / "scripts/container-start.sh"), "serve"], env={**self.environment, **more},
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        try:
            wait_for_port(self.api_port, process)
            wait_for_port(self.smtp_port, process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}") from None
        return process

    def stop(self, process):
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE), 0, self.log.read_text())

    def session(self) -> str:
        request = urllib.request.Request(f"https://127.0.0.1:{self.api_port}/tokens", method="POST", headers={"Content-Type": "application/json"},
                                         data=json.dumps({"username": "admin", "password": PASSWORD}).encode())
        with urllib.request.urlopen(request, context=unverified(), timeout=PATIENCE) as answer:
            return json.load(answer)["token"]

    def test_the_first_start_makes_the_credentials_and_a_later_one_finds_them(self):
        process = self.start(POSTRIDER_ADMIN_PASSWORD=PASSWORD)
        self.assertTrue(self.session())
        token = (self.data / "operator.token").read_text()
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=PATIENCE) as client:
            client.ehlo()
            self.assertEqual(client.mail("app@example.test")[0] // 100, 5)  # nobody is trusted by address
            client.starttls(context=unverified())
            client.login("admin", PASSWORD)
            client.sendmail("app@example.test", ["user@example.net"], "Subject: hello\r\n\r\nhello\r\n")
        listed = subprocess.run([BINARY, "queue", "list", "--json", "--config", self.environment["POSTRIDER_CONFIG"]], env=self.environment,
                                capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(listed.returncode, 0, listed.stderr)  # over TLS, with the certificate that was made
        self.assertEqual(json.loads(listed.stdout)["messages"][0]["sender"], "app@example.test")
        self.stop(process)

        process = self.start(POSTRIDER_ADMIN_PASSWORD="another-password-that-changes-nothing")
        self.assertTrue(self.session())
        self.assertEqual((self.data / "operator.token").read_text(), token)
        self.stop(process)
        process = self.start()
        self.assertTrue(self.session())
        self.stop(process)

    def test_other_commands_are_run_as_they_are(self):
        said = subprocess.run([str(ROOT / "scripts/container-start.sh"), "config", "check", "--config", str(ROOT / "config/container.toml")],
                              env=self.environment, capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_the_image_has_the_libraries_of_the_program(self):
        script = '. scripts/packages.sh; printf "%s\\n" "${run_packages[@]}"'
        listed = set(subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split())
        linked = subprocess.run(["readelf", "-d", BINARY], check=True, capture_output=True, text=True).stdout
        needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", linked))
        self.assertGreater(len(needed), 10)
        files = subprocess.run(["/sbin/ldconfig", "-p"], check=True, capture_output=True, text=True).stdout
        of_every_image = {"libc6", "libgcc-s1", "libstdc++6"}
        for library in needed:
            path = re.search(rf"^\s*{re.escape(library)} .*=> (\S+)$", files, re.MULTILINE)
            self.assertIsNotNone(path, library)
            paths = {path[1], os.path.realpath(path[1]), "/usr" + path[1]}
            owners = subprocess.run(["dpkg", "-S", *paths], capture_output=True, text=True).stdout
            packages = {line.split(":")[0] for line in owners.splitlines()}
            # What brings another library of the list with it.
            packages |= {"libgmime-3.0-0"} if "libglib2.0-0" in packages else set()
            self.assertTrue(packages & (listed | of_every_image), f"{library} is of {packages}, which the image lacks")
