#!/usr/bin/env python3
"""Runs Postfix and Postrider side by side and prints the performance budget as ratios with their spread (min / median / max over the rounds).

  bench/compare.py                 everything (about 15 minutes; needs root for Postfix, and a release build)
  bench/compare.py --rounds 5 throughput latency
"""
import argparse
import sys

import backlog
import idle
import large
import latency
import throughput
from common import spread

ROWS = []


def row(what: str, budget: str, measured: str, inside: bool):
    ROWS.append((what, budget, measured, "yes" if inside else "NO"))


def median(values):
    return sorted(values)[len(values) // 2]


def measure_throughput(options):
    results = throughput.run(options.rounds, options.scale)
    times = [r["postrider"] / r["postfix"] for r in results]
    share = [r["postrider"] / r["direct"] for r in results]
    cpu = [r["postfix_cpu"] / r["postrider_cpu"] for r in results]
    row("relayed end to end, times Postfix", ">= 8, or 0.6 of direct", f"{spread(times, 1)}; of direct {spread(share)}", median(times) >= 8 or median(share) >= 0.6)
    row("CPU a message, Postfix's over ours", ">= 20", f"{spread(cpu, 1)}  ({spread([r['postrider_cpu'] for r in results], 0)} us)", median(cpu) >= 20)


def measure_latency(options):
    results = latency.run(options.rounds)
    times = [r["reply_p99"] / r["disk_p99"] for r in results]
    row("250 after the dot at 200/s, p99 over fdatasync's", "<= 4", f"{spread(times, 1)}  ({spread([r['reply_p99'] for r in results])} ms)", median(times) <= 4)


def measure_backlog(options):
    r = backlog.run(options.backlog)
    what = f"{r['messages']:,} waiting: "
    row(what + "anonymous memory", "< 300 MB", f"{r['memory_mib']:.0f} MiB", r["memory_mib"] < 286)
    row(what + "first 220", "< 2 s", f"{r['first_220_s']:.2f} s", r["first_220_s"] < 2)
    row(what + "accept rate over empty", ">= 0.8", f"{r['accept_share']:.2f}", r["accept_share"] >= 0.8)
    row(what + "status by id, p99", "< 5 ms", f"{r['status_p99_ms']:.2f} ms", r["status_p99_ms"] < 5)


def measure_large(_options):
    r = large.run()
    row("100 x 25 MiB at once", "< 512 MB, none lost", f"{r['memory_mib']:.0f} MiB, {r['accepted']} of {r['connections']}", r["memory_mib"] < 488 and r["accepted"] == r["connections"])


def measure_idle(_options):
    r = idle.run()
    row(f"{r['connections']:,} idle connections", "< 200 MB", f"{r['memory_mib']:.0f} MiB", r["memory_mib"] < 190)


PARTS = {"throughput": measure_throughput, "latency": measure_latency, "large": measure_large, "idle": measure_idle, "backlog": measure_backlog}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="default: all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="messages a round, as a share of the usual")
    parser.add_argument("--backlog", type=int, default=1_000_000)
    options = parser.parse_args()
    for name in options.parts or PARTS:
        print(f"{name} ...", flush=True)
        PARTS[name](options)
    widths = [max(len(r[i]) for r in [*ROWS, ("what", "budget", "measured", "inside")]) for i in range(4)]
    print()
    for line in [("what", "budget", "measured", "inside"), *ROWS]:
        print(" | ".join(cell.ljust(width) for cell, width in zip(line, widths)))
    return 0 if all(r[3] == "yes" for r in ROWS) else 1


if __name__ == "__main__":
    sys.exit(main())
