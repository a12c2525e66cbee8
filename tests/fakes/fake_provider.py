"""A mail provider's HTTP API on loopback, played for tests: what every vendor's fake stands on. Keeps each request as it came, answers
as the vendor's subclass says, and fails on demand at every stage of an exchange. Standard library only.

In a test of Python: `with FakeMailgun() as fake: ... fake.url ... fake.wait_accepted(1)`. As a program (each vendor's file is one) it
prints its port, and is steered by HTTP: GET /_fake/requests, GET /_fake/accepted, POST /_fake/faults with a JSON list of faults."""
import argparse
import base64
import collections
import contextlib
import dataclasses
import http.server
import itertools
import json
import re
import socketserver
import ssl
import sys
import threading
import urllib.parse

PATIENCE = 60.0  # seconds until a wait for an event fails
MAX_BODY = 64 << 20


@dataclasses.dataclass
class Fault:
    """What goes wrong with a request, instead of the vendor's own answer or on the way to it.

    answer             `status`, `headers` and `body` are the answer
    hang_before_body   the body is not read, nothing is answered
    hang_after_body    the body is read, nothing is answered
    close_after_body   the body is read, then the connection is closed
    garbage            the body is read, then octets come that are no HTTP
    cut                half of the vendor's answer, then the connection is closed
    trickle            the vendor's answer octet by octet, `pace` seconds apart

    `taken`: the vendor works on the request all the same, so that only its answer is lost. `kept_only`: waits for a request that is not
    the first of its connection."""

    kind: str
    status: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    body: str = ""
    pace: float = 0.01
    taken: bool = False
    kept_only: bool = False

    KINDS = ("answer", "hang_before_body", "hang_after_body", "close_after_body", "garbage", "cut", "trickle")

    def __post_init__(self):
        if self.kind not in self.KINDS:
            raise ValueError(f"no such fault: {self.kind}")


@dataclasses.dataclass
class Part:
    """One field of a multipart/form-data body."""

    name: str
    value: bytes
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        return self.value.decode()


@dataclasses.dataclass
class Request:
    method: str
    target: str  # path and query as they came
    headers: list  # (name, value), as they came
    body: bytes = b""
    connection: int = 0
    number: int = 1  # on its connection
    status: int | None = None  # of the answer; None: there was none

    @property
    def path(self) -> str:
        return self.target.split("?", 1)[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """All values of that name, joined as RFC 9110 5.3 has it."""
        found = [value for n, value in self.headers if n.lower() == name.lower()]
        return ", ".join(found) if found else None

    def json(self):
        return json.loads(self.body)

    def basic_login(self) -> tuple[str, str] | None:
        scheme, _, value = (self.header("Authorization") or "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return None
        return (user, password) if colon else None

    def parts(self) -> list[Part]:
        """ValueError when it is not well-formed multipart/form-data (RFC 7578)."""
        return multipart(self.header("Content-Type") or "", self.body)


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)


def json_answer(status: int, value, **headers) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})


def text_answer(status: int, text: str) -> Answer:
    return Answer(status, text.encode(), {"Content-Type": "text/plain"})


def multipart(content_type: str, body: bytes) -> list[Part]:
    found = re.fullmatch(r'multipart/form-data;\s*boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))', content_type.strip())
    if not found:
        raise ValueError(f"not multipart/form-data with a boundary: {content_type!r}")
    mark = b"--" + (found[1] or found[2]).encode()
    if not body.startswith(mark + b"\r\n"):
        raise ValueError("the body does not begin with its boundary")
    pieces = body[len(mark) :].split(b"\r\n" + mark)
    if pieces[-1].strip(b"\r\n") != b"--":
        raise ValueError("the body does not end with its boundary")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, empty, value = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    fields = dict(re.findall(r"(?m)^([!-9;-~]+):[ \t]*(.*?)\r?$", head.decode()))
    fields = {name.lower(): text for name, text in fields.items()}
    disposition = fields.get("content-disposition", "")
    name = re.search(r'^form-data;.*?\bname="([^"]*)"', disposition)
    if not empty or not name:
        raise ValueError(f"a part without a name: {head!r}")
    filename = re.search(r'\bfilename="([^"]*)"', disposition)
    return Part(name[1], value, filename and filename[1], fields.get("content-type"))


class FakeProvider:
    """Subclasses give `answer(request)`, and put what they take into `accepted` by `self.accept(...)`."""

    name = "provider"

    def __init__(self, tls: tuple[str, str] | None = None, port: int = 0):
        self.requests: list[Request] = []
        self.accepted: list[dict] = []
        self.faults: collections.deque[Fault] = collections.deque()
        self.changed = threading.Condition()
        self.released = threading.Event()  # ends everything that hangs
        self.connections = itertools.count(1)
        self.scheme = "https" if tls else "http"
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
        self.server = _Server(("127.0.0.1", port), _handler_of(self, context))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: Request) -> Answer:
        raise NotImplementedError

    def accept(self, **message):
        with self.changed:
            self.accepted.append(message)
            self.changed.notify_all()

    def fail(self, kind: str, times: int = 1, **how):
        """The next `times` requests meet that fault."""
        with self.changed:
            self.faults.extend(Fault(kind, **how) for _ in range(times))

    def wait_accepted(self, count: int) -> list[dict]:
        return self._wait(lambda: self.accepted, count, "messages")

    def wait_requests(self, count: int) -> list[Request]:
        return self._wait(lambda: self.requests, count, "requests")

    def _wait(self, things, count: int, what: str):
        with self.changed:
            if not self.changed.wait_for(lambda: len(things()) >= count, PATIENCE):
                raise AssertionError(f"{self.name} has {len(things())} {what}, not {count}, after {PATIENCE} s")
            return list(things())

    def next_fault(self, number: int) -> Fault | None:
        with self.changed:
            if not self.faults or (self.faults[0].kept_only and number == 1):
                return None
            return self.faults.popleft()

    def record(self, request: Request):
        with self.changed:
            self.requests.append(request)
            self.changed.notify_all()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, request_queue_size = True, True, 256


class _Hangup(Exception):
    """Close the connection and say nothing more."""


def _handler_of(fake: FakeProvider, context: ssl.SSLContext | None):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = PATIENCE

        def setup(self):
            if context:
                self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()
            self.connection_id, self.number, self.waits_for_100 = next(fake.connections), 0, False

        def log_message(self, *_):
            pass

        def handle(self):
            with contextlib.suppress(OSError, _Hangup):
                super().handle()

        def handle_expect_100(self):
            self.waits_for_100 = True  # said when the body is read: a fault may come first
            return True

        def do_any(self):
            if self.path.startswith("/_fake/"):
                return self._steer()
            self.number += 1
            request = Request(self.command, self.path, list(self.headers.items()), connection=self.connection_id, number=self.number)
            fault = fake.next_fault(self.number)
            if fault and fault.kind == "hang_before_body":
                fake.record(request)
                self._hang()
            request.body = self._read_body()
            self._answer(request, fault)

        do_GET = do_POST = do_PUT = do_DELETE = do_any

        def _answer(self, request: Request, fault: Fault | None):
            works = fault is None or fault.taken or fault.kind in ("cut", "trickle")
            answer = fake.answer(request) if works else None
            if fault and fault.kind == "answer":
                answer = Answer(fault.status, fault.body.encode(), dict(fault.headers))
            if fault is None or fault.kind in ("answer", "cut", "trickle"):
                request.status = answer.status
            fake.record(request)
            if fault and fault.kind == "hang_after_body":
                self._hang()
            if fault and fault.kind == "close_after_body":
                raise _Hangup
            if fault and fault.kind == "garbage":
                self.wfile.write(b"\x00\x01\x02 this is not HTTP\r\n\r\n" * 3)
                raise _Hangup
            self._write(self._octets(answer), fault)

        def _octets(self, answer: Answer) -> bytes:
            reason = http.server.BaseHTTPRequestHandler.responses.get(answer.status, ("",))[0]
            head = [f"HTTP/1.1 {answer.status} {reason}", f"Content-Length: {len(answer.body)}"]
            head += [f"{name}: {value}" for name, value in answer.headers.items()]
            return "\r\n".join(head).encode() + b"\r\n\r\n" + answer.body

        def _write(self, octets: bytes, fault: Fault | None):
            if fault and fault.kind == "cut":
                self.wfile.write(octets[: len(octets) - 1 - len(octets) // 8])
                raise _Hangup
            if fault and fault.kind == "trickle":
                for i in range(len(octets)):
                    self.wfile.write(octets[i : i + 1])
                    fake.released.wait(fault.pace)
                return
            self.wfile.write(octets)

        def _hang(self):
            fake.released.wait()
            raise _Hangup

        def _read_body(self) -> bytes:
            if self.waits_for_100:
                self.waits_for_100 = False
                self.send_response_only(100)
                self.end_headers()
            if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
                return self._read_chunks()
            length = int(self.headers.get("Content-Length") or 0)
            if length > MAX_BODY:
                raise _Hangup
            body = self.rfile.read(length)
            if len(body) < length:
                raise _Hangup
            return body

        def _read_chunks(self) -> bytes:
            body = b""
            while size := int(self.rfile.readline(100).split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline(3)
                if len(body) > MAX_BODY:
                    raise _Hangup
            while self.rfile.readline(1000) not in (b"\r\n", b""):
                pass
            return body

        def _steer(self):
            body = self._read_body()
            if self.path == "/_fake/faults" and self.command == "POST":
                with fake.changed:
                    fake.faults.extend(Fault(**fault) for fault in json.loads(body))
                answer = json_answer(200, {})
            elif self.path == "/_fake/accepted":
                answer = json_answer(200, _readable(fake.accepted))
            elif self.path == "/_fake/requests":
                answer = json_answer(200, _readable([dataclasses.asdict(request) for request in fake.requests]))
            else:
                answer = json_answer(404, {})
            self.wfile.write(self._octets(answer))

    return Handler


def _readable(value):
    return json.loads(json.dumps(value, default=lambda octets: octets.decode("utf-8", "backslashreplace")))


def path_part(text: str) -> str:
    return urllib.parse.unquote(text)


def run_alone(make, description: str, **options: str):
    """The program around a fake: prints its port and serves until its input ends. `options` are --names and their defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--tls", nargs=2, metavar=("CERTIFICATE", "KEY"))
    for name, default in options.items():
        parser.add_argument("--" + name.replace("_", "-"), default=default)
    given = vars(parser.parse_args())
    with make(**given) as fake:
        print(fake.port, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            for _ in sys.stdin:
                pass
