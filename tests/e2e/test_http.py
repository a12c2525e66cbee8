"""The HTTP side of the real daemon: what each listener serves, client certificates and their reload, web pages, packed bodies, and
uploads that nobody asked for."""
import gzip
import http.client
import json
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

from harness import PATIENCE, Relay, Sink, free_port, smtp_upstream, wait_for_port, wait_until


def make_client(directory: pathlib.Path, name: str):
    """Certificate and key; signed by itself, so that the certificate is its own CA."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", f"/CN={name}",
         "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )
    return certificate, key


class Answer:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()


def ask(connection, path="/", headers=None, method="GET", body=None) -> Answer:
    try:
        connection.request(method, path, body, headers or {})
        return Answer(connection.getresponse())
    finally:
        connection.close()


class Listeners(unittest.TestCase):
    def test_each_answers_what_it_serves(self):
        ports = {what: free_port() for what in ("api", "console", "metrics")}
        extra = "".join(f'[[mgmt.listener]]\naddress = "127.0.0.1:{port}"\nserve = ["{what}"]\n' for what, port in ports.items())
        with Relay(extra=extra) as relay:
            page = {"Accept": "text/html"}
            key = {"Authorization": f"Bearer {relay.token}"}
            statuses = {
                "api": [("/v1/messages", key, 200), ("/metrics", key, 404), ("/ui/console.js", {}, 404)],
                "console": [("/v1/messages", key, 404), ("/metrics", key, 404), ("/ui/console.js", {}, 200)],
                "metrics": [("/v1/messages", key, 404), ("/metrics", key, 200), ("/ui/console.js", {}, 404)],
            }
            for what, port in ports.items():
                wait_for_port(port, relay.process)
                for path, headers, status in [*statuses[what], ("/health", {}, 200)]:
                    with self.subTest(what, path=path):
                        self.assertEqual(ask(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), path, headers).status, status)
                answer = ask(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), "/", {"Accept": "*/*"})
                self.assertEqual(json.loads(answer.body), {"hello": "world"})
                answer = ask(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE), "/", page)
                self.assertEqual((answer.status, answer.headers["Content-Type"]), (200, "text/html; charset=utf-8") if what == "console" else (406, "application/problem+json"))


class ClientCertificates(unittest.TestCase):
    def connection(self, client=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if client:
            context.load_cert_chain(*client)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)

    def is_let_in(self, client) -> bool:
        try:
            return ask(self.connection(client), "/health").status == 200
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return False

    def test_only_those_of_the_ca_are_let_in_and_a_reload_changes_the_ca(self):
        directory = pathlib.Path(tempfile.mkdtemp(prefix="postrider-e2e-ca-"))
        self.addCleanup(shutil.rmtree, directory, ignore_errors=True)
        first, second = make_client(directory, "first"), make_client(directory, "second")
        trusted = directory / "clients.pem"
        shutil.copy(first[0], trusted)
        self.port = free_port()
        with Relay(extra=f'[[mgmt.listener]]\naddress = "127.0.0.1:{self.port}"\ntls = "on"\nclient_ca = "{trusted}"\n') as relay:
            wait_for_port(self.port, relay.process)
            self.assertEqual([self.is_let_in(c) for c in (first, second, None)], [True, False, False])
            self.assertEqual(ask(self.connection(first), "/v1/messages").status, 401)  # a certificate is no key
            shutil.copy(second[0], trusted)
            relay.process.send_signal(signal.SIGHUP)
            wait_until("the second is let in", lambda: self.is_let_in(second))
            self.assertEqual([self.is_let_in(c) for c in (first, None)], [False, False])
            trusted.write_text("no certificate\n")
            before = len(relay.log())
            relay.process.send_signal(signal.SIGHUP)
            wait_until("the file is refused", lambda: " config.refused " in relay.log()[before:])
            self.assertTrue(self.is_let_in(second))


class Requests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.relay = Relay(smtp_upstream(cls.sink.port), extra='[mgmt]\ncors_origins = ["https://app.example.com"]\n').start()

    @classmethod
    def tearDownClass(cls):
        cls.relay.__exit__(None, None, None)
        cls.sink.close()

    def ask(self, *arguments, **named) -> Answer:
        return ask(http.client.HTTPConnection("127.0.0.1", self.relay.api_port, timeout=PATIENCE), *arguments, **named)

    @property
    def key(self):
        return {"Authorization": f"Bearer {self.relay.token}"}

    def test_a_packed_message_is_sent_and_a_packed_answer_given(self):
        mail = {"from": "app@example.com", "to": "user@example.net", "subject": "packed", "text": "packed\n" * 10_000}
        octets = gzip.compress(json.dumps(mail).encode())
        headers = {**self.key, "Content-Type": "application/json", "Content-Encoding": "gzip"}
        answer = self.ask("/v1/messages", headers, "POST", octets)
        self.assertEqual(answer.status, 202, answer.body)
        self.relay.wait_state(json.loads(answer.body)["id"], "sent")
        shown = self.ask("/metrics", {**self.key, "Accept": "application/json", "Accept-Encoding": "gzip"})
        self.assertEqual(shown.headers["Content-Encoding"], "gzip")
        self.assertIn("metrics", json.loads(gzip.decompress(shown.body)))

    def test_a_listed_page_may_ask_and_no_other(self):
        asks = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
        for origin, allowed in (("https://app.example.com", "https://app.example.com"), ("https://app.example.net", None)):
            before = self.ask("/v1/messages", {"Origin": origin, **asks}, "OPTIONS")
            self.assertEqual((before.status, before.headers["Access-Control-Allow-Origin"]), (204, allowed))
            answer = self.ask("/v1/messages", {"Origin": origin, **self.key})
            self.assertEqual((answer.status, answer.headers["Access-Control-Allow-Origin"]), (200, allowed))

    def test_without_a_key_nothing_large_is_taken(self):
        with socket.create_connection(("127.0.0.1", self.relay.api_port), timeout=PATIENCE) as client:
            client.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 30000000\r\n\r\n{")
            self.assertRegex(client.makefile("rb").readline(), rb"^HTTP/1.1 401 ")


if __name__ == "__main__":
    unittest.main()
