#!/usr/bin/env python3
"""Runs every fuzz target of a build for a while from its committed corpus, and writes a JUnit file. A finding fails the target."""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent


def run(target: pathlib.Path, seconds: int) -> subprocess.CompletedProcess:
    corpus = HERE / "corpus" / target.name
    with tempfile.TemporaryDirectory(prefix="fuzz-") as found:
        command = [str(target), f"-max_total_time={seconds}", "-max_len=4096", "-timeout=10", f"-artifact_prefix={found}/", found]
        if corpus.is_dir():
            command.append(str(corpus))
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds * 10 + 60)
        if done.returncode != 0:
            for finding in pathlib.Path(found).glob("*-*"):
                print(f"{target.name}: {finding.name}: {finding.read_bytes()!r}")
        return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--junit")
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    targets = [t for t in sorted((options.build / "tests/fuzz").glob("*_fuzz")) if not options.only or t.name in options.only]
    suite, failed = ElementTree.Element("testsuite", name="fuzz"), 0
    for target in targets:
        done = run(target, options.seconds)
        case = ElementTree.SubElement(suite, "testcase", name=target.name)
        print(("ok    " if done.returncode == 0 else "FAIL  ") + target.name, flush=True)
        if done.returncode != 0:
            failed += 1
            print(done.stderr[-4000:])
            ElementTree.SubElement(case, "failure").text = done.stderr[-4000:]
    if options.junit:
        ElementTree.ElementTree(suite).write(options.junit)
    return 1 if failed or not targets else 0


if __name__ == "__main__":
    sys.exit(main())
