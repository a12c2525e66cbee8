"""Relayed end to end, durable, 4 KB, 20 connections, one message a connection: smtp-source -> relay -> smtp-sink; Postfix, Postrider and
no relay at all in turn, and the CPU each relay spent until its queue was empty."""
import subprocess
import time

from common import CountingSink, Postfix, Relay, cpu_seconds, smtp_upstream, tree_cpu_seconds, wait_until


def source(port: int, messages: int):
    subprocess.run(["/usr/sbin/smtp-source", "-s", "20", "-l", "4096", "-m", str(messages), "-f", "app@example.test", "-t", "user@example.test",
                    f"127.0.0.1:{port}"], check=True)


def timed(sink: CountingSink, port: int, messages: int) -> float:
    target, started = sink.count + messages, time.monotonic()
    source(port, messages)
    sink.wait(target)
    return messages / (time.monotonic() - started)


def postfix_idle(postfix: Postfix) -> bool:
    queue = postfix.directory / "queue"
    return not any(p.is_file() for name in ("maildrop", "incoming", "active", "deferred") for p in (queue / name).rglob("*"))


def relay_idle(relay: Relay) -> bool:
    counts = relay.api("/v1/stats")["spool"]["messages"]
    return counts["queued"] + counts["sending"] + counts["deferred"] == 0


def run(rounds: int, scale: float = 1.0):
    """Per round: messages/s of direct, Postfix, Postrider; CPU microseconds a message of Postfix, Postrider."""
    few, many = int(2000 * scale), int(16000 * scale)
    results = []
    with CountingSink() as sink, Postfix(relay_port=sink.port) as postfix, Relay(smtp_upstream(sink.port)) as relay:
        timed(sink, postfix.port, few // 4)
        timed(sink, relay.smtp_port, many // 8)
        for _ in range(rounds):
            row = {"direct": timed(sink, sink.port, many)}
            before = tree_cpu_seconds(postfix.master_pid)
            row["postfix"] = timed(sink, postfix.port, few)
            wait_until("Postfix is idle", lambda: postfix_idle(postfix))
            row["postfix_cpu"] = (tree_cpu_seconds(postfix.master_pid) - before) / few * 1e6
            wait_until("Postrider is idle", lambda: relay_idle(relay))
            before = cpu_seconds(relay.process.pid)
            row["postrider"] = timed(sink, relay.smtp_port, many)
            wait_until("Postrider is idle", lambda: relay_idle(relay))
            row["postrider_cpu"] = (cpu_seconds(relay.process.pid) - before) / many * 1e6
            results.append(row)
            print("  " + ", ".join(f"{k} {v:.0f}" for k, v in row.items()), flush=True)
    return results
