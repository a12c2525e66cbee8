#!/usr/bin/env python3
"""The API under load beside SMTP load, on one relay: percentiles of each alone, and of both at once.

  bench/api_load.py                   10 s a phase; 200 messages/s by SMTP; 100 messages/s and 50 reads/s by the API
  bench/api_load.py --seconds 60 --smtp 400 --send 200 --read 100
  bench/api_load.py --size 1000000    letters with an attachment of that size

Both loads are open loops: a slow answer does not slow down who asks next. Needs a release build and postfix's smtp-sink.
"""
import argparse
import base64
import contextlib
import http.client
import json
import os
import sys
import threading
import time

from common import CountingSink, Relay, cpu_seconds, percentile, smtp_upstream
from latency import Client, paced

CLIENTS = 8  # connections of each kind; together they keep the pace as long as answers take less than CLIENTS / rate


class ApiClient:
    def __init__(self, relay, key: str, letter: bytes):
        self.connection = http.client.HTTPConnection("127.0.0.1", relay.api_port, timeout=60)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.letter, self.ids, self.turn = letter, [], 0

    def _ask(self, method: str, path: str, expected: int, body=None):
        started = time.perf_counter()
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = time.perf_counter() - started
        if answer.status != expected:
            raise SystemExit(f"{method} {path}: {answer.status} {text[:300]}")
        return took, text

    def send(self) -> float:
        took, text = self._ask("POST", "/v1/messages", 202, self.letter)
        self.ids.append(json.loads(text)["id"])
        return took

    def read(self) -> float:
        """In turn: a message by its id, the newest page, the newest events."""
        if not self.ids:
            self.ids.append(json.loads(self._ask("GET", "/v1/messages?limit=1", 200)[1])["messages"][0]["id"])
        self.turn += 1
        paths = (f"/v1/messages/{self.ids[-1]}", "/v1/messages?limit=50", "/v1/events?limit=50")
        return self._ask("GET", paths[self.turn % len(paths)], 200)[0]


class Loads:
    def __init__(self, relay, key: str, options):
        letter = {"from": "app@example.test", "to": ["user@example.test"], "subject": "load", "text": "x" * 3000}
        if options.size:
            letter["attachments"] = [{"filename": "load.bin", "content": base64.b64encode(os.urandom(options.size)).decode()}]
        octets = json.dumps(letter).encode()
        self.rates = {"smtp": options.smtp, "send": options.send, "read": options.read}
        self.make = {
            "smtp": lambda: Client(relay.smtp_port).send, "send": lambda: ApiClient(relay, key, octets).send,
            "read": lambda: ApiClient(relay, key, octets).read,
        }

    def run(self, kinds: tuple[str, ...], seconds: float) -> dict[str, list[float]]:
        """Seconds of each answer, by kind; the kinds at once."""
        times = {kind: [] for kind in kinds}
        threads = []
        for kind in kinds:
            rate = self.rates[kind] / CLIENTS
            for _ in range(CLIENTS):
                action = self.make[kind]()
                threads.append(threading.Thread(target=lambda a=action, k=kind, r=rate: times[k].extend(paced(int(r * seconds), r, a))))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return times


def show(phase: str, times: dict[str, list[float]], cpu: float):
    for kind, values in times.items():
        points = "  ".join(f"p{share * 100:g} {percentile(values, share) * 1e3:8.2f}" for share in (0.5, 0.9, 0.99, 0.999))
        print(f"{phase:12} {kind:5} {len(values):7,} answers  {points}  max {max(values) * 1e3:8.2f} ms")
    print(f"{'':12} the relay used {cpu:.1f} s of CPU", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--smtp", type=float, default=200, help="messages a second")
    parser.add_argument("--send", type=float, default=100, help="messages a second")
    parser.add_argument("--read", type=float, default=50, help="requests a second")
    parser.add_argument("--size", type=int, default=0, help="octets of an attachment")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        sink = stack.enter_context(CountingSink())
        relay = stack.enter_context(Relay(smtp_upstream(sink.port)))
        key = json.loads(relay.command("token", "create", "load", "--scopes", "send,read", "--json").stdout)["key"]
        loads = Loads(relay, key, options)
        warm = loads.run(("smtp", "send", "read"), 1)
        sent = len(warm["smtp"]) + len(warm["send"])
        for phase, kinds in (("SMTP alone", ("smtp",)), ("API alone", ("send", "read")), ("both", ("smtp", "send", "read"))):
            before = cpu_seconds(relay.process.pid)
            times = loads.run(kinds, options.seconds)
            show(phase, times, cpu_seconds(relay.process.pid) - before)
            sent += sum(len(times.get(kind, ())) for kind in ("smtp", "send"))
        sink.wait(sent)
        print(f"all {sent:,} messages arrived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
