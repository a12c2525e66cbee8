"""What tests of several upstreams share: their configuration, smarthosts that die and rise again, a load that remembers every id, and
waits for what upstreams do."""
import collections
import contextlib
import smtplib
import socket
import threading

from harness import PATIENCE, Relay, Sink, wait_until

SMTP_EXTENSIONS = ("PIPELINING", "8BITMIME", "SIZE 50000000", "ENHANCEDSTATUSCODES")


def upstream(name: str, port: int, more: str = "") -> str:
    return f'[[upstream]]\nname = "{name}"\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"\n{more}\n'


def submit(relay: Relay, *recipients: str, sender="app@example.test", fields="", parameters=(), login=None) -> str:
    """The id. `fields` are header lines, `parameters` those of MAIL, `login` a user and his password."""
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        if login:
            client.login(*login)
        answers = [client.mail(sender, list(parameters))]
        answers += [client.rcpt(recipient) for recipient in recipients or ("user@example.test",)]
        refused = [answer for answer in answers if answer[0] != 250]
        if refused:
            raise smtplib.SMTPResponseException(*refused[0])
        code, text = client.data(f"From: {sender}\r\nSubject: test\r\n{fields}\r\nhello\r\n")
        if code != 250:
            raise smtplib.SMTPResponseException(code, text)
        return text.decode().rsplit(" ", 1)[-1]


def submit_many(relay: Relay, count: int, recipient="user@example.test", fields="") -> list[str]:
    """On one connection."""
    ids = []
    with smtplib.SMTP("127.0.0.1", relay.smtp_port, timeout=PATIENCE) as client:
        client.ehlo()
        for i in range(count):
            client.mail("app@example.test")
            client.rcpt(recipient)
            code, text = client.data(f"From: app@example.test\r\nSubject: {i}\r\n{fields}\r\nhello\r\n")
            assert code == 250, (code, text)
            ids.append(text.decode().rsplit(" ", 1)[-1])
    return ids


class Load:
    """Clients that submit one message after the other until told to stop, and remember the ids that were acknowledged."""

    def __init__(self, relay: Relay, clients: int = 3):
        self.relay, self.ids, self.failure = relay, [], None
        self.changed, self.stopped = threading.Condition(), threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self) -> list[str]:
        self.stopped.set()
        for thread in self.threads:
            thread.join(PATIENCE)
        if self.failure:
            raise self.failure
        return self.ids

    def wait_more(self, count: int):
        """Until so many more were acknowledged than at the time of the call."""
        with self.changed:
            wanted = len(self.ids) + count
            assert self.changed.wait_for(lambda: len(self.ids) >= wanted or self.failure, PATIENCE), "the load got stuck"

    def _run(self):
        try:
            while not self.stopped.is_set():
                ids = submit_many(self.relay, 10)
                with self.changed:
                    self.ids += ids
                    self.changed.notify_all()
        except Exception as error:  # told by stop()
            with self.changed:
                self.failure = error
                self.changed.notify_all()


class Mortal(Sink):
    """A smarthost that can die: its port refuses, and every connection is cut, whatever was going on in it."""

    def __init__(self, script=None, port=0):
        self.open, self.dead = set(), False
        super().__init__(script, SMTP_EXTENSIONS, port)

    def _serve(self, handler):
        with self.changed:
            if self.dead:
                return
            self.open.add(handler.connection)
        try:
            super()._serve(handler)
        finally:
            with self.changed:
                self.open.discard(handler.connection)

    def die(self):
        self.close()
        with self.changed:
            self.dead, cut = True, list(self.open)
        for connection in cut:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def rise(self) -> "Mortal":
        """Another one, at the same port."""
        return Mortal(self.script, self.port)


def copies(*sinks: Sink) -> collections.Counter:
    """How often each message arrived, by our id."""
    return collections.Counter(taken.id for sink in sinks for taken in sink.received)


def upstream_events(relay: Relay, kind: str = "upstream_*", name: str = "") -> list[dict]:
    of_one = f"&upstream={name}" if name else ""
    return relay.api(f"/v1/events?limit=1000&type={kind}{of_one}")["events"]


def wait_event(relay: Relay, kind: str, name: str, count: int = 1) -> dict:
    """The count-th event of that kind."""

    def happened():
        found = upstream_events(relay, kind, name)
        return found[count - 1] if len(found) >= count else None

    return wait_until(f"{name} has {count} {kind}", happened)


def shown(relay: Relay, name: str) -> dict:
    return relay.api(f"/v1/upstreams/{name}")


def asked(message: dict) -> list[tuple[str, str]]:
    """Upstream and outcome of each attempt."""
    return [(attempt["upstream"], attempt["outcome"]) for attempt in message["attempts"]]
