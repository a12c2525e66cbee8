"""What the end-to-end tests stand on: the real relay as a child process, a sink that can refuse, stall, drop and lie at every stage, a
Postfix of our own, and waits that end with the event. Everything listens on loopback and is ended by process id."""
import contextlib
import http.client
import json
import os
import pathlib
import random
import re
import select
import shutil
import signal
import smtplib
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = os.environ.get("POSTRIDER_BINARY", str(ROOT / "build/release/postrider"))
QUEUED_AS = re.compile(r"queued as ([0-9a-z]{26})")
PATIENCE = 60.0  # seconds until a wait for an event fails; nothing is asserted about how long things take


_ports_given: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, never the same twice, and out of the range from which the kernel gives ports to outgoing connections:
    one of those could take it before its listener does."""
    outgoing = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    first, last = (10_000, outgoing) if outgoing > 20_000 else (20_000, 65_000)
    for _ in range(1000):
        port = random.randrange(first, last)
        if port in _ports_given:
            continue
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("127.0.0.1", port))
            _ports_given.add(port)
            return port
    raise AssertionError(f"no free port among {first} to {last}")


def wait_until(what: str, check, patience: float = PATIENCE):
    """Returns check()'s first true value. For state that can only be asked for, not waited for."""
    end = time.monotonic() + patience
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain until {what}")
        select.select([], [], [], 0.02)


def wait_for_port(port: int, process=None):
    def open_now():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"process ended with {process.returncode} before it listened on {port}")
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    wait_until(f"port {port} listens", open_now)


# ---- the relay ------------------------------------------------------------------------------------------------------


class Relay:
    """postrider serve in a directory of its own. `upstreams` and `extra` are TOML text; `options` fill dotted keys of a section."""

    def __init__(self, upstreams: str = "", extra: str = "", delivery: str = "", smtp: str = "", spool: str = "", directory=None, data_dir=None):
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="postrider-e2e-"))
        self.smtp_port, self.api_port = free_port(), free_port()
        self.data_dir = pathlib.Path(data_dir or self.directory / "data")
        self.config = self.directory / "postrider.toml"
        self.log_path = self.directory / "log"
        self.process = None
        self.prefix: list[str] = []  # a command that becomes the relay, such as unshare(1)
        self.config.write_text(
            f"""[server]
hostname = "relay.test"
data_dir = "{self.data_dir}"
[[smtp.listener]]
address = "127.0.0.1:{self.smtp_port}"
tls = "starttls"
[[mgmt.listener]]
address = "127.0.0.1:{self.api_port}"
[smtp]
{smtp}
[delivery]
{delivery}
[spool]
{spool}
{upstreams}
{extra}
"""
        )

    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.prefix, BINARY, "serve", "--config", str(self.config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        try:
            wait_for_port(self.smtp_port, self.process)
            wait_for_port(self.api_port, self.process)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log()}") from None
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        if self.process is None or self.process.poll() is not None:
            return self.process.returncode if self.process else 0
        self.process.terminate()
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"did not stop on SIGTERM\n{self.log()}") from None

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        try:
            if self.process is not None and self.process.poll() is None:
                self.stop()
        finally:
            if failure[0] is None:
                shutil.rmtree(self.directory, ignore_errors=True)
            else:
                print(f"--- log of the relay ({self.log_path})\n{self.log()[-4000:]}")

    def log(self) -> str:
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def token(self) -> str:
        return (self.data_dir / "operator.token").read_text().strip()

    def request(self, method: str, path: str, body=None, token: str | None = "operator"):
        connection = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=PATIENCE)
        headers = {}
        if token is not None:
            headers["Authorization"] = f"Bearer {self.token if token == 'operator' else token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()

    def api(self, path: str, method: str = "GET", body=None):
        status, text = self.request(method, path, body)
        if status >= 400:
            raise AssertionError(f"{method} {path}: {status} {text.decode(errors='replace')}")
        return json.loads(text)

    def message(self, message_id: str):
        return self.api(f"/v1/messages/{message_id}")

    def messages(self, query: str = ""):
        found, cursor = [], ""
        while True:
            page = self.api(f"/v1/messages?limit=500{query}{cursor}")
            found += page["messages"]
            if not page["next"]:
                return found
            cursor = f"&cursor={page['next']}"

    def wait_state(self, message_id: str, *states: str):
        def reached():
            message = self.message(message_id)
            return message if message["state"] in states else None

        return wait_until(f"{message_id} is {' or '.join(states)}", reached)

    def wait_idle(self, patience: float = PATIENCE):
        """Until no message is queued, sending or deferred: all three of one moment, or one that goes from state to state is missed."""

        def idle():
            counts = self.api("/v1/stats")["spool"]["messages"]
            return counts["queued"] + counts["sending"] + counts["deferred"] == 0

        wait_until("the spool is idle", idle, patience)

    def command(self, *arguments: str, stdin: str | None = None, check: bool = True):
        done = subprocess.run(
            [BINARY, *arguments], input=stdin, capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, "POSTRIDER_URL": f"http://127.0.0.1:{self.api_port}", "POSTRIDER_TOKEN": self.token if (self.data_dir / "operator.token").exists() else ""},
        )
        if check and done.returncode != 0:
            raise AssertionError(f"postrider {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done


def try_send(port: int, size: int = 1000):
    """The id, or the (code, text) of the refusal."""
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        client.ehlo()
        for answer in (client.mail("app@example.test"), client.rcpt("user@example.test")):
            if answer[0] >= 400:
                return answer
        try:
            code, text = client.data("Subject: test\r\n\r\n" + ("x" * 70 + "\r\n") * (size // 72))
        except smtplib.SMTPDataError as refused:
            return refused.smtp_code, refused.smtp_error
        return text.decode().rsplit(" ", 1)[-1] if code == 250 else (code, text)


def send_until_refused(port: int, size: int, most: int):
    """The ids of what was accepted, and the (code, text) of the first refusal."""
    accepted = []
    for _ in range(most):
        answer = try_send(port, size)
        if isinstance(answer, tuple):
            return accepted, answer
        accepted.append(answer)
    raise AssertionError(f"{most} messages of {size} octets were accepted and none refused")


@contextlib.contextmanager
def small_disk(megabytes: int):
    """A filesystem of that size. Mounting takes root; where it is not to be had, POSTRIDER_E2E_WITHOUT_MOUNT=1 skips the test."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="postrider-disk-"))
    try:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tmpfs", str(directory)], capture_output=True, text=True)
        if done.returncode != 0:
            if os.environ.get("POSTRIDER_E2E_WITHOUT_MOUNT") == "1":
                raise unittest.SkipTest(f"no small filesystem: {done.stderr.strip()}")
            raise AssertionError(
                f"this test needs a small filesystem, and mount said: {done.stderr.strip()}\n"
                "Run it as root with CAP_SYS_ADMIN, or set POSTRIDER_E2E_WITHOUT_MOUNT=1 to do without."
            )
        try:
            yield directory
        finally:
            subprocess.run(["umount", str(directory)], check=True)
    finally:
        directory.rmdir()


def smtp_upstream(port: int, more: str = "") -> str:
    return f'[[upstream]]\nname = "primary"\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n{more}\n'


# ---- the sink -------------------------------------------------------------------------------------------------------


class Received:
    def __init__(self, sender, recipients, parameters, data):
        self.sender, self.recipients, self.parameters, self.data = sender, recipients, parameters, data

    @property
    def id(self) -> str:
        """Postrider's id, from its Received field."""
        found = re.search(rb"^Received:.*?\bid ([0-9a-z]{26})", self.data, re.S)
        return found.group(1).decode() if found else ""


class Sink:
    """An SMTP server that keeps what it takes. `script(stage, text)` may answer for it at `greeting`, `ehlo`, `auth`, `mail`, `rcpt`,
    `data`, `dot`: a reply string, "drop" (close without a word), "stall" (say nothing until released), "lie" (take it, then close unanswered)."""

    def __init__(self, script=None, extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "SIZE 50000000", "ENHANCEDSTATUSCODES"), port=0):
        self.script, self.extensions = script or (lambda stage, text: None), extensions
        self.received: list[Received] = []
        self.changed = threading.Condition()
        self.released = threading.Event()
        self.connections = 0
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    sink._serve(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 256

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def wait_count(self, count: int, patience: float = PATIENCE):
        with self.changed:
            if not self.changed.wait_for(lambda: len(self.received) >= count, patience):
                raise AssertionError(f"sink has {len(self.received)} messages, not {count}, after {patience} s")
            return list(self.received)

    class _Drop(Exception):
        pass

    def _answer(self, handler, stage, text, default):
        said = self.script(stage, text)
        if said == "drop":
            raise self._Drop
        if said == "stall":
            self.released.wait()
            raise self._Drop
        reply = said if said not in (None, "lie") else default
        if said != "lie":
            handler.wfile.write(reply.encode() + b"\r\n")
        return reply, said

    def _serve(self, handler):
        with self.changed:
            self.connections += 1
        try:
            self._answer(handler, "greeting", "", "220 sink ESMTP")
            sender, parameters, recipients = None, [], []
            while line := handler.rfile.readline():
                text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
                verb = text.split(" ")[0].upper()
                if verb in ("EHLO", "HELO"):
                    lines = ["sink", *self.extensions] if verb == "EHLO" else ["sink"]
                    default = "\r\n".join(f"250{'-' if i < len(lines) - 1 else ' '}{l}" for i, l in enumerate(lines))
                    self._answer(handler, "ehlo", text, default)
                elif verb == "AUTH":
                    self._answer(handler, "auth", text, "235 2.7.0 Ok")
                elif verb == "MAIL":
                    sender = None
                    reply, _ = self._answer(handler, "mail", text, "250 2.1.0 Ok")
                    if reply[0] == "2":
                        sender, recipients = re.search(r"<(.*?)>", text).group(1), []
                        parameters = [text.split(">", 1)[1].strip()]
                elif verb == "RCPT" and sender is None:  # pipelined behind a refused MAIL
                    handler.wfile.write(b"503 5.5.1 MAIL first\r\n")
                elif verb == "RCPT":
                    reply, _ = self._answer(handler, "rcpt", text, "250 2.1.5 Ok")
                    if reply[0] == "2":
                        recipients.append(re.search(r"<(.*?)>", text).group(1))
                        parameters.append(text.split(">", 1)[1].strip())
                elif verb == "DATA":
                    if not recipients:
                        handler.wfile.write(b"503 5.5.1 no recipients\r\n")
                        continue
                    reply, _ = self._answer(handler, "data", text, "354 go on")
                    if reply[0] != "3":
                        continue
                    lines = []
                    while (part := handler.rfile.readline()) != b".\r\n":
                        if not part:
                            return
                        lines.append(part[1:] if part.startswith(b".") else part)
                    taken = Received(sender, recipients, parameters, b"".join(lines))
                    said = self.script("dot", taken)
                    if said is None or said == "lie" or said[0] == "2":
                        with self.changed:
                            self.received.append(taken)
                            self.changed.notify_all()
                    if said in ("drop", "lie"):
                        raise self._Drop
                    if said == "stall":
                        self.released.wait()
                        return
                    handler.wfile.write((said or "250 2.0.0 Ok: taken").encode() + b"\r\n")
                    sender, recipients = None, []
                elif verb == "QUIT":
                    handler.wfile.write(b"221 2.0.0 Bye\r\n")
                    return
                elif verb in ("RSET", "NOOP"):
                    handler.wfile.write(b"250 2.0.0 Ok\r\n")
                else:
                    handler.wfile.write(b"502 5.5.2 unknown\r\n")
        except self._Drop:
            with contextlib.suppress(OSError):
                handler.connection.shutdown(socket.SHUT_RDWR)


# ---- Postfix --------------------------------------------------------------------------------------------------------


class Postfix:
    """A Postfix instance of our own (needs root, as Postfix does): takes mail for example.test into a Maildir, or relays to a port."""

    def __init__(self, relay_port: int | None = None, port: int | None = None):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="postfix-e2e-"))
        self.directory.chmod(0o755)
        self.port = port or free_port()
        etc, self.mail = self.directory / "etc", self.directory / "mail"
        for name in ("etc", "queue", "data", "mail"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        shutil.chown(self.mail, "nobody")
        (etc / "main.cf").write_text(
            f"""compatibility_level = 3.6
queue_directory = {self.directory}/queue
data_directory = {self.directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {self.directory}/log
maillog_file_prefixes = {self.directory}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = postfix.test
mydestination =
alias_maps =
smtpd_relay_restrictions = permit_mynetworks, reject
mynetworks = 127.0.0.0/8
smtpd_tls_security_level = none
smtp_tls_security_level = none
smtputf8_enable = yes
message_size_limit = 52428800
smtpd_client_connection_count_limit = 0
"""
            + (
                f"relayhost = [127.0.0.1]:{relay_port}\ndefault_destination_concurrency_limit = 20\n"
                if relay_port
                else f"""virtual_mailbox_domains = example.test
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = static:inbox/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_mailbox_limit = 0
"""
            )
        )
        master = ["smtp inet n - n - - smtpd".replace("smtp inet", f"127.0.0.1:{self.port} inet", 1)]
        for name, kind, wake, command in (
            ("pickup", "unix", "60", "pickup"), ("cleanup", "unix", "0", "cleanup"), ("qmgr", "unix", "300", "qmgr"),
            ("rewrite", "unix", "-", "trivial-rewrite"), ("bounce", "unix", "0", "bounce"), ("defer", "unix", "0", "bounce"),
            ("trace", "unix", "0", "bounce"), ("verify", "unix", "-", "verify"), ("flush", "unix", "1000?", "flush"),
            ("smtp", "unix", "-", "smtp"), ("relay", "unix", "-", "smtp"), ("error", "unix", "-", "error"), ("retry", "unix", "-", "error"),
            ("discard", "unix", "-", "discard"), ("virtual", "unix", "-", "virtual"), ("anvil", "unix", "-", "anvil"),
            ("scache", "unix", "-", "scache"), ("proxymap", "unix", "-", "proxymap"), ("postlog", "unix-dgram", "-", "postlogd"),
        ):
            limit = "1" if name in ("pickup", "qmgr", "anvil", "scache", "postlog", "verify", "rewrite") else "-"
            limit = "0" if name in ("cleanup", "bounce", "defer", "trace", "flush") else limit
            private = "n" if name in ("pickup", "cleanup", "qmgr", "flush", "postlog") else "-"
            unprivileged = "n" if name in ("virtual", "postlog") else "-"
            master.append(f"{name} {kind} {private} {unprivileged} n {wake} {limit} {command}")
        (etc / "master.cf").write_text("\n".join(master) + "\n")
        self.started = False

    def run(self, command: str):
        done = subprocess.run(["/usr/sbin/postfix", "-c", str(self.directory / "etc"), command], capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode != 0 and command == "start":
            raise AssertionError(f"postfix {command}: {done.stdout}{done.stderr}{self.log()}")

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self):
        self.run("start")
        self.started = True
        wait_for_port(self.port)
        return self

    def stop(self):
        if self.started:
            self.run("stop")
            self.started = False

    @property
    def master_pid(self) -> int:
        return int((self.directory / "queue/pid/master.pid").read_text())

    def inbox(self) -> list[bytes]:
        return [p.read_bytes() for p in sorted((self.mail / "inbox/new").glob("*"))] if (self.mail / "inbox/new").exists() else []

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
