"""100 connections each sending 25 MiB at once: memory at its peak, and nothing lost."""
import socket
import threading

from common import LONG, CountingSink, Relay, anonymous_mib, smtp_upstream

LINE = b"x" * 76 + b"\r\n"
BLOCK = LINE * 800


def send(port: int, size: int, answers: list):
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as client:
        file = client.makefile("rb")
        file.readline()
        for line in (b"HELO bench", b"MAIL FROM:<app@example.test>", b"RCPT TO:<user@example.test>", b"DATA"):
            client.sendall(line + b"\r\n")
            file.readline()
        client.sendall(b"Subject: large\r\n\r\n")
        sent = 0
        while sent + len(BLOCK) < size:
            client.sendall(BLOCK)
            sent += len(BLOCK)
        client.sendall(b".\r\n")
        answers.append(file.readline())


def run(connections: int = 100, size: int = (25 << 20) - 4096):
    answers: list = []
    with CountingSink() as sink, Relay(smtp_upstream(sink.port)) as relay:
        threads = [threading.Thread(target=send, args=(relay.smtp_port, size, answers)) for _ in range(connections)]
        peak, done = 0.0, threading.Event()

        def watch():
            nonlocal peak
            while not done.wait(0.05):
                peak = max(peak, anonymous_mib(relay.process.pid))

        watcher = threading.Thread(target=watch)
        watcher.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        accepted = sum(a.startswith(b"250") for a in answers)
        sink.wait(accepted)
        done.set()
        watcher.join()
    return {"accepted": accepted, "connections": connections, "memory_mib": peak}
