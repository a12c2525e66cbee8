"""What no client should send, sent to every route of docs/openapi.json that takes it: each ends with an answer or a closed connection,
never with a 5xx of ours, a header field that nobody asked for, or a daemon that serves nobody else."""
import contextlib
import copy
import email
import email.policy
import gzip
import json
import re
import selectors
import socket
import threading
import time
import unittest

import api_document as document
from api_world import LETTER, Tenant, example_places
from harness import PATIENCE, Relay, Sink, smtp_upstream, wait_until

BREAKS = ("\r\n", "\n", "\r", "\r\n\r\n", "\0\r\n")
INJECTED = "X-Injected: yes"
# Where a member is the message itself: what stands in it is the client's business.
WHOLE_MESSAGES = {"raw", "Data", "message"}


def leaves(value, at=()):
    """Paths of all texts in a body."""
    if isinstance(value, str):
        yield at
    elif isinstance(value, (dict, list)):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*at, name))


def changed(value, at, change):
    value = copy.deepcopy(value)
    inner = value
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1]] = change(inner[at[-1]])
    return value


def renamed(value, at, suffix):
    """The member at `at` under a name with `suffix` behind it."""
    value = copy.deepcopy(value)
    inner = value
    for name in at[:-1]:
        inner = inner[name]
    inner[at[-1] + suffix] = inner.pop(at[-1])
    return value


def member_paths(value, at=()):
    if isinstance(value, (dict, list)):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(name, str):
                yield (*at, name)
            yield from member_paths(inner, (*at, name))


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = cls.enterClassContext(Sink())
        cls.relay = cls.enterClassContext(Relay(smtp_upstream(cls.sink.port)))
        cls.tenant = Tenant.with_key(cls.relay, "shop", "send,read,steer")

    def operations(self, media: str | None = None):
        """With a body, and an example of it that works."""
        for operation in document.operations():
            for example in operation.examples():
                if example.status < 400 and example.body()[0] and media in (None, example.body()[0]):
                    yield operation, example

    def send(self, operation, request):
        key = self.relay.token if operation.scope == "admin" else None
        if key:
            request.authorize("key", key)
        elif not operation.is_open:
            self.tenant.authorize(request, operation)
        return request.send(self.relay.api_port)

    def request(self, example, octets: bytes, content_type=None):
        request = example.request(**example_places(example))
        request.octets = octets
        request.content_type = content_type or request.content_type
        return request

    def assert_refused(self, operation, answer, what):
        """With a 4xx, or with an answer that says so; and as the document describes it."""
        self.assertTrue(400 <= answer.status < 500 or names_a_fault(answer), f"{what}: {answer}")
        described = operation.answer(answer.status)
        self.assertIsNotNone(described, f"{what}: {answer.status} is not in the document: {answer}")
        self.assertIn(answer.media, described["content"], f"{what}: {answer}")
        document.check(described["content"][answer.media]["schema"], answer.json())

    def assert_alive(self):
        self.assertEqual(document.Request("GET", "/health").send(self.relay.api_port).status, 200)

    # ---- bodies that are no JSON ------------------------------------------------------------------------------------

    def test_malformed_json(self):
        bad = [
            b"{", b"{}{}", b'{"a":1,}', b"{'a':1}", b"nope", b"NaN", b'"\\ud800"', b'{"a":"\\x"}', b"\x00", b'{"a":\x01}', b'{"a":"\n"}',
            b"\xef\xbb\xbf{}", b"{}//", b'{"a":1,"a":2}',
        ]
        deep = [b"[" * 200_000, b'{"a":' * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}"]
        for operation, example in self.operations("application/json"):
            for octets in bad + deep:
                with self.subTest(f"{example}: {octets[:20]}"):
                    self.assert_refused(operation, self.send(operation, self.request(example, octets)), octets[:40])
        self.assert_alive()

    def test_bad_utf_8(self):
        for operation, example in self.operations("application/json"):
            _, body = example.body()
            for at in leaves(body):
                text = json.dumps(changed(body, at, lambda value: "MARK"), ensure_ascii=False).encode()
                for octets in (b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"):
                    with self.subTest(f"{example}: {octets} at {at}"):
                        self.assert_refused(operation, self.send(operation, self.request(example, text.replace(b"MARK", octets))), at)
        for operation, example in self.operations("multipart/form-data"):
            _, body = example.body()
            for name in body:
                content_type, octets = document.encoded("multipart/form-data", body | {name: "MARK"})
                answer = self.send(operation, self.request(example, octets.replace(b"MARK", b"\xff\xc0\xaf"), content_type))
                with self.subTest(f"{example}: {name}"):
                    self.assertLess(answer.status, 500, answer)
        self.relay.messages()  # is valid JSON, whatever was accepted

    def test_what_the_document_does_not_allow_is_refused(self):
        """Each member of each body with a value of every other type: where the schema says no, so does the daemon."""
        strangers = (None, True, -1, 1.5, 10**30, "", "x", [], ["x"], {}, {"x": "y"})
        for operation, example in self.operations("application/json"):
            schema = operation.body["application/json"]["schema"]
            _, body = example.body()
            for at in [*member_paths(body)]:
                for stranger in strangers:
                    wrong = changed(body, at, lambda value: stranger)
                    if document.accepts(schema, wrong):
                        continue
                    with self.subTest(f"{example}: {stranger!r} at {at}"):
                        answer = self.send(operation, self.request(example, json.dumps(wrong).encode()))
                        self.assert_refused(operation, answer, f"{stranger!r} at {at}")

    def test_parameters_that_the_document_does_not_allow_are_refused(self):
        strangers = ("", "x", "-1", "0", "100000", "true", "\x00", "é", "%zz", "2026-13-01T00:00:00Z", "a\r\nb")
        for operation in document.operations():
            example = operation.first_example()
            request = example.request(**example_places(example))
            request.target += ("&" if "?" in request.target else "?") + "colour=red"
            with self.subTest(f"{operation}: unknown"):
                self.assert_refused(operation, self.send(operation, request), "colour")
            for parameter in operation.parameters:
                if parameter["in"] != "query":
                    continue
                for stranger in strangers:
                    if document.accepts(parameter["schema"], typed(parameter["schema"], stranger)):
                        continue
                    request = example.request(**example_places(example) | {parameter["name"]: stranger})
                    with self.subTest(f"{operation}: {parameter['name']}={stranger!r}"):
                        self.assert_refused(operation, self.send(operation, request), stranger)

    # ---- header injection -------------------------------------------------------------------------------------------

    def test_header_injection_through_every_string(self):
        tried = 0
        for operation, example in self.operations():
            if not operation.sends:
                continue
            media, body = example.body()
            for octets, content_type, what in self.injections(media, body):
                answer = self.send(operation, self.request(example, octets, content_type))
                tried += 1
                with self.subTest(f"{example}: {what}"):
                    self.assertLess(answer.status, 500, answer)
                    self.assertNotIn("x-injected", answer.headers)
        self.assertGreater(tried, 100)
        self.send_what_is_scheduled()
        self.relay.wait_idle()
        for received in self.sink.received:
            self.check_received(received)

    def send_what_is_scheduled(self):
        cursor = ""
        while cursor is not None:
            cursor = self.relay.api(f"/v1/messages/retry?state=queued{cursor}", "POST")["next"]
            cursor = cursor and f"&cursor={cursor}"

    def injections(self, media, body):
        if isinstance(body, str):
            return
        for at in leaves(body):
            if at[-1] in WHOLE_MESSAGES:
                continue
            for line_break in BREAKS:
                wrong = changed(body, at, lambda value: value + line_break + INJECTED)
                yield *document.encoded(media, wrong)[::-1], f"{line_break!r} at {at}"
        for at in member_paths(body):
            wrong = renamed(body, at, "\r\n" + INJECTED)
            if media != "multipart/form-data":  # there it would be the client's own field of the form
                yield *document.encoded(media, wrong)[::-1], f"name of {at}"

    def check_received(self, received):
        message = email.message_from_bytes(received.data, policy=email.policy.compat32)
        for part in message.walk():
            self.assertNotIn("x-injected", {name.lower() for name in part.keys()}, received.data)
        head = received.data.partition(b"\r\n\r\n")[0]
        self.assertNotRegex(head, rb"(?mi)^x-injected")
        for address in (received.sender, *received.recipients):
            self.assertNotRegex(address, r"[\s\0]|Injected")

    def test_header_injection_through_request_headers(self):
        for value in ('"a"\tb', "a\tb", "é", "x" * 300, '"unended', '"a\\', "a,b" * 100):
            request = document.Request("POST", "/v1/messages", {"Idempotency-Key": value}, "application/json", json.dumps(LETTER).encode())
            answer = self.tenant.authorize(request).send(self.relay.api_port)
            with self.subTest(repr(value)):
                self.assertLess(answer.status, 500, answer)
        for value in ("a b", "é", "x" * 65, "a\tb", "<script>"):
            answer = document.Request("GET", "/health", {"X-Request-Id": value.encode().decode("latin-1")}).send(self.relay.api_port)
            self.assertEqual(answer.status, 200)
            self.assertNotEqual(answer.headers["x-request-id"], value)

    # ---- large ------------------------------------------------------------------------------------------------------

    def raw(self, octets: bytes):
        connection = socket.create_connection(("127.0.0.1", self.relay.api_port), PATIENCE)
        try:
            connection.sendall(octets)
        except OSError:
            connection.close()
            raise
        return connection

    def head(self, method: str, path: str, *fields: str) -> bytes:
        lines = (f"{method} {path} HTTP/1.1", "Host: relay.test", f"Authorization: Bearer {self.tenant.key}", *fields)
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def status(self, connection) -> int:
        line = connection.makefile("rb").readline()
        return int(line.split()[1]) if line else 0

    def test_a_body_that_is_declared_too_large_is_refused_before_it_is_sent(self):
        for operation, example in self.operations():
            request = example.request(**example_places(example))
            for length in ("99999999999", str(2**63), str(2**64), "9" * 40):
                head = self.head(request.method, request.target, f"Content-Type: {request.content_type}", f"Content-Length: {length}")
                with self.subTest(f"{operation}: {length}"), self.raw(head) as connection:
                    self.assertIn(self.status(connection), (400, 401, 403, 413))
        self.assert_alive()

    def test_a_chunked_body_without_end_is_cut(self):
        chunk = b"10000\r\n" + b"[" + b" " * 65535 + b"\r\n"
        for path in ("/v1/messages", "/v1/messages/hold?all=true"):
            with self.raw(self.head("POST", path, "Content-Type: application/json", "Transfer-Encoding: chunked")) as connection:
                connection.settimeout(PATIENCE)
                answered = threading.Event()
                statuses = []

                def listen():
                    statuses.append(self.status(connection))
                    answered.set()

                listener = threading.Thread(target=listen)
                listener.start()
                sent = 0
                try:
                    while not answered.is_set() and sent < 2000:  # 128 MiB, more than any route takes
                        connection.sendall(chunk)
                        sent += 1
                except OSError:
                    pass  # it closed while we sent
                listener.join(PATIENCE)
                with self.subTest(path):
                    self.assertLess(sent, 2000)
                    self.assertEqual(statuses, [413])
        self.assert_alive()

    def test_many_large_bodies_at_once_use_bounded_memory(self):
        """200 clients announce 30 MiB each and send a part of it: who finds no room is told, and nobody else waits."""
        head = self.head("POST", "/v1/messages", "Content-Type: application/json", f"Content-Length: {30 << 20}")
        connections = []
        try:
            for _ in range(200):
                connection = self.raw(head)
                connection.setblocking(False)
                connections.append(connection)
            self.push(connections, b'{"text":"' + b"x" * (2 << 20))
            self.assert_alive()
            self.assertLess(anonymous_mib(self.relay.process.pid), 400)
        finally:
            for connection in connections:
                connection.close()
        self.assertEqual(self.tenant.post("/v1/messages", LETTER).status, 202)

    def push(self, connections, octets: bytes):
        """Sends to all of them until each has taken all or was answered."""
        with selectors.DefaultSelector() as selector:
            for connection in connections:
                selector.register(connection, selectors.EVENT_READ | selectors.EVENT_WRITE, [0])
            while selector.get_map():
                ready = selector.select(PATIENCE)
                self.assertTrue(ready, "nobody may go on")
                for key, events in ready:
                    try:
                        if events & selectors.EVENT_READ:  # an answer, before all was sent
                            selector.unregister(key.fileobj)
                            continue
                        key.data[0] += key.fileobj.send(octets[key.data[0]:key.data[0] + 65536])
                    except OSError:
                        selector.unregister(key.fileobj)
                        continue
                    if key.data[0] == len(octets):
                        selector.unregister(key.fileobj)

    def test_gzip_bombs(self):
        bomb = gzip.compress(b'{"text":"' + b"x" * (200 << 20) + b'"}')
        twice = gzip.compress(bomb)
        whole = gzip.compress(json.dumps(LETTER).encode())
        bodies = {
            "a bomb": bomb, "two layers": twice, "cut off": whole[:-9], "a wrong check sum": whole[:-8] + b"\0" * 8, "no gzip": b"hello",
            "empty": b"", "behind its end": whole + b"x",
        }
        before = anonymous_mib(self.relay.process.pid)
        for what, octets in bodies.items():
            request = document.Request("POST", "/v1/messages", {"Content-Encoding": "gzip"}, "application/json", octets)
            answer = self.tenant.authorize(request).send(self.relay.api_port)
            with self.subTest(what):
                self.assertIn(answer.status, (400, 413, 422), answer)
        self.assertLess(anonymous_mib(self.relay.process.pid) - before, 200)
        for encoding in ("gzip, gzip", "br", "deflate", "x" * 100):
            request = document.Request("POST", "/v1/messages", {"Content-Encoding": encoding}, "application/json", whole)
            with self.subTest(encoding):
                self.assertEqual(self.tenant.authorize(request).send(self.relay.api_port).status, 415)
        request = document.Request("POST", "/v1/messages", {"Content-Encoding": "gzip"}, "application/json", whole)
        self.assertEqual(self.tenant.authorize(request).send(self.relay.api_port).status, 202)

    # ---- request smuggling ------------------------------------------------------------------------------------------

    def test_what_could_be_two_requests_is_one_refusal(self):
        inner = self.head("POST", "/v1/messages/cancel?all=true", "Content-Length: 0")
        size = len(inner)
        shapes = {
            "two lengths": (["Content-Length: 0", f"Content-Length: {size}"], inner),
            "two lengths in one": ([f"Content-Length: {size}, 0"], inner),
            "a length and chunks": ([f"Content-Length: {size}", "Transfer-Encoding: chunked"], b"0\r\n\r\n" + inner),
            "chunks and a length": (["Transfer-Encoding: chunked", "Content-Length: 4"], b"0\r\n\r\n" + inner),
            "chunked twice": (["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], b"0\r\n\r\n" + inner),
            "not chunked last": (["Transfer-Encoding: chunked, gzip"], b"0\r\n\r\n" + inner),
            "an unknown coding": (["Transfer-Encoding: xchunked"], b"0\r\n\r\n" + inner),
            "a space before the colon": (["Transfer-Encoding : chunked"], b"0\r\n\r\n" + inner),
            "a folded field": (["Transfer-Encoding:\r\n chunked", f"Content-Length: {size}"], b"0\r\n\r\n" + inner),
            "a signed length": (["Content-Length: +0"], inner),
            "a negative length": (["Content-Length: -1"], inner),
            "a hexadecimal length": (["Content-Length: 0x0"], inner),
            "a chunk too large for its number": (["Transfer-Encoding: chunked"], b"ffffffffffffffff1\r\n" + inner),
            "a signed chunk": (["Transfer-Encoding: chunked"], b"-1\r\n\r\n" + inner),
            "a chunk that ends wrong": (["Transfer-Encoding: chunked"], b"1\r\nxx\r\n0\r\n\r\n" + inner),
            "a NUL in a field": (["X-Field: a\0b", "Content-Length: 0"], inner),
            "a bare CR in a field": (["X-Field: a\rContent-Length: 0"], inner),
            "a field without a colon": (["Content-Length"], inner),
            "two hosts": (["Host: other.test", "Content-Length: 0"], inner),
        }
        with contextlib.ExitStack() as stack:  # all at once: each closes only after it was given time to read the refusal
            target = "/v1/messages/hold?all=true&dry_run=true"
            sent = {
                what: stack.enter_context(self.raw(self.head("POST", target, "Content-Type: application/json", *fields) + body))
                for what, (fields, body) in shapes.items()
            }
            for what, connection in sent.items():
                with self.subTest(what):
                    said = connection.makefile("rb").read()  # until it closes
                    self.assertEqual(len(re.findall(rb"HTTP/1\.1 \d\d\d ", said)), 1, said)
                    self.assertRegex(said, rb"^HTTP/1\.1 (400|413|415|501) ")
        self.assert_alive()

    # ---- slow -------------------------------------------------------------------------------------------------------

    def test_slow_clients_are_cut_and_hold_up_nobody(self):
        """Clients that send an octet now and then, inside request line, header and body, all at once: the daemon ends each of them by
        itself, and answers others meanwhile."""
        head = self.head("POST", "/v1/messages", "Content-Type: application/json", "Content-Length: 1000")
        starts = {"request line": b"GET /hea", "header": head[:60], "header without end": head[:-2], "body": head + b'{"subject":'}
        waiting = {}
        with selectors.DefaultSelector() as selector:
            for what, start in starts.items():
                for _ in range(25):
                    connection = self.raw(start)
                    connection.setblocking(False)
                    waiting[connection] = what
                    selector.register(connection, selectors.EVENT_READ)
            end = time.monotonic() + PATIENCE
            while waiting:
                self.assertLess(time.monotonic(), end, f"still open: {sorted(set(waiting.values()))}")
                for key, _ in selector.select(0.5):
                    try:
                        over = not key.fileobj.recv(4096)
                    except OSError:
                        over = True
                    if over:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                        del waiting[key.fileobj]
                for connection in waiting:  # a trickle keeps no connection alive
                    try:
                        connection.send(b"x")
                    except OSError:
                        pass  # the next select() tells
                self.assert_alive()

    def test_more_connections_than_allowed_are_told(self):
        connections = [self.raw(b"GET /health HT") for _ in range(600)]
        try:
            last = connections[-1]
            last.settimeout(PATIENCE)
            self.assertEqual(self.status(last), 503)
        finally:
            for connection in connections:
                connection.close()

        def served():
            with contextlib.suppress(OSError):
                return document.Request("GET", "/health").send(self.relay.api_port).status == 200

        wait_until("it has noticed that they are gone", served)


def names_a_fault(answer) -> bool:
    """Of routes where what is wrong with one message is an answer: /v1/validate, and batches, which answer for each message."""
    if answer.media != "application/json":
        return False
    value = answer.json()
    items = value if isinstance(value, list) else [value, *value.get("results", [])]
    return any(item.get("valid") is False or item.get("error") or item.get("errors") or item.get("ErrorCode") for item in items)


def typed(schema, text: str):
    """A parameter's text as its schema would read it."""
    kinds = str(document.follow(schema))
    if "integer" in kinds and re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if "boolean" in kinds else text


def anonymous_mib(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        return int(re.search(r"RssAnon:\s+(\d+)", status.read()).group(1)) / 1024


if __name__ == "__main__":
    unittest.main()
