"""A large number of messages waiting for an upstream that is down: memory, the start beside it, accept rate, and status by id."""
import http.client
import socket
import time

from common import LONG, Relay, anonymous_mib, free_port, percentile, smtp_upstream, wait_for_port, wait_until
from throughput import source


def accept_rate(relay: Relay, messages: int) -> float:
    started = time.monotonic()
    source(relay.smtp_port, messages)
    return messages / (time.monotonic() - started)


def status_times(relay: Relay, ids) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", relay.api_port, timeout=LONG)
    headers, times = {"Authorization": f"Bearer {relay.token}"}, []
    for message in ids:
        started = time.perf_counter()
        connection.request("GET", f"/v1/messages/{message}", headers=headers)
        connection.getresponse().read()
        times.append((time.perf_counter() - started) * 1e3)
    return times


def first_220(relay: Relay) -> float:
    relay.process = None
    started = time.monotonic()
    relay.start()
    with socket.create_connection(("127.0.0.1", relay.smtp_port)) as client:
        assert client.recv(100).startswith(b"220")
    return time.monotonic() - started


def run(messages: int):
    delivery = 'retry_interval = "1d"\nretries = 3\nmax_age = "30d"'
    probe = 20000
    with Relay(smtp_upstream(free_port()), delivery=delivery) as empty:
        base = accept_rate(empty, probe)
    with Relay(smtp_upstream(free_port()), delivery=delivery, spool='max_size = "64GiB"') as relay:
        source(relay.smtp_port, messages)
        full = accept_rate(relay, probe)
        ids = [m["id"] for m in relay.api("/v1/messages?limit=1000")["messages"]]
        p99 = percentile(status_times(relay, ids), 0.99)
        before = anonymous_mib(relay.process.pid)
        assert relay.stop() == 0
        start = first_220(relay)
        wait_until("it has looked at what is due", lambda: relay.request("GET", "/readyz", token=None)[0] == 200)
        after = anonymous_mib(relay.process.pid)
    return {"messages": messages + probe, "accept_share": full / base, "status_p99_ms": p99, "memory_mib": max(before, after), "first_220_s": start}
