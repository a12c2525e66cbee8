"""Idle plain connections: what they cost in anonymous memory."""
import contextlib
import resource
import socket

from common import CountingSink, Relay, anonymous_mib, smtp_upstream


def run(connections: int = 10000):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, connections + 1000), hard))
    try:
        with CountingSink() as sink, Relay(smtp_upstream(sink.port), smtp="max_connections = 20000") as relay, contextlib.ExitStack() as stack:
            for number in range(connections):
                # Several source addresses: one has not ports enough for this many.
                client = stack.enter_context(socket.create_connection(("127.0.0.1", relay.smtp_port), source_address=(f"127.0.0.{2 + number // 5000}", 0)))
                assert client.recv(200).startswith(b"220")
            return {"connections": connections, "memory_mib": anonymous_mib(relay.process.pid)}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
