"""250 after the final dot at 200 messages/s, against a bare fdatasync of 4 KB at the same pace on the same disk, in turn."""
import os
import socket
import threading
import time

from common import CountingSink, Relay, percentile, smtp_upstream

RATE, SENDERS = 200, 4
BODY = b"Subject: latency\r\n\r\n" + b"x" * 76 * 52 + b"\r\n.\r\n"


def paced(count: int, rate: float, action) -> list[float]:
    """Calls action() on an open-loop schedule; seconds each call reports."""
    times, start, pause = [], time.monotonic(), threading.Event()
    for number in range(count):
        wait = start + number / rate - time.monotonic()
        if wait > 0:
            pause.wait(wait)
        times.append(action())
    return times


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self._expect(b"220")
        self._ask(b"HELO bench", b"250")

    def _expect(self, code):
        line = self.file.readline()
        assert line.startswith(code), line

    def _ask(self, line, code):
        self.socket.sendall(line + b"\r\n")
        self._expect(code)

    def send(self) -> float:
        self._ask(b"MAIL FROM:<app@example.test>", b"250")
        self._ask(b"RCPT TO:<user@example.test>", b"250")
        self._ask(b"DATA", b"354")
        self.socket.sendall(BODY[:-3])
        started = time.perf_counter()
        self.socket.sendall(BODY[-3:])
        self._expect(b"250")
        return time.perf_counter() - started


def relay_times(port: int, seconds: float) -> list[float]:
    times, threads = [], []
    for _ in range(SENDERS):
        client = Client(port)
        threads.append(threading.Thread(target=lambda c=client: times.extend(paced(int(RATE / SENDERS * seconds), RATE / SENDERS, c.send))))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


def disk_times(directory, seconds: float) -> list[float]:
    path = directory / "fdatasync"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)

    def action():
        started = time.perf_counter()
        os.write(descriptor, BODY)
        os.fdatasync(descriptor)
        return time.perf_counter() - started

    try:
        return paced(int(RATE * seconds), RATE, action)
    finally:
        os.close(descriptor)
        path.unlink()


def run(rounds: int, seconds: float = 10.0):
    results = []
    with CountingSink() as sink, Relay(smtp_upstream(sink.port)) as relay:
        relay_times(relay.smtp_port, 1)
        for _ in range(rounds):
            row = {"disk_p99": percentile(disk_times(relay.directory, seconds), 0.99) * 1e3,
                   "reply_p99": percentile(relay_times(relay.smtp_port, seconds), 0.99) * 1e3}
            results.append(row)
            print("  " + ", ".join(f"{k} {v:.2f} ms" for k, v in row.items()), flush=True)
    return results
