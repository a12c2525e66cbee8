"""What the side-by-side runs share: processes, their CPU and memory read from /proc, and the sink that counts."""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))
from harness import PATIENCE, Postfix, Relay, free_port, smtp_upstream, wait_for_port, wait_until  # noqa: E402,F401

TICK = os.sysconf("SC_CLK_TCK")
LONG = 900.0


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of `pid`, and of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(int(f) for f in fields[11:15]) / TICK


def tree_cpu_seconds(pid: int) -> float:
    total = cpu_seconds(pid)
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            total += sum(int(f) for f in fields[11:15]) / TICK
    return total


def anonymous_mib(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


class CountingSink:
    """smtp-sink with its own counter; what it has taken so far, and a wait for more."""

    def __init__(self):
        self.port = free_port()
        self.process = subprocess.Popen(["/usr/sbin/smtp-sink", "-u", "nobody", "-c", f"127.0.0.1:{self.port}", "1024"], stdout=subprocess.PIPE)
        self.count, self.changed = 0, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        wait_for_port(self.port, self.process)

    def _read(self):
        tail = b""
        while part := os.read(self.process.stdout.fileno(), 65536):
            tail = (tail + part)[-4096:]
            found = re.findall(rb"mesg=(\d+)", tail)
            if found:
                with self.changed:
                    self.count = int(found[-1])
                    self.changed.notify_all()

    def wait(self, count: int, patience: float = LONG):
        with self.changed:
            if not self.changed.wait_for(lambda: self.count >= count, patience):
                raise AssertionError(f"sink has {self.count} messages, not {count}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def spread(values, digits=2) -> str:
    """min / median / max"""
    return " / ".join(f"{v:.{digits}f}" for v in (min(values), statistics.median(values), max(values)))


def percentile(values, share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
