#!/usr/bin/env python3
"""Reads every #include and fails on an edge that docs/architecture.md does not allow. Also keeps coroutine spawning and mutexes
where they belong, and coroutines clear of a fault of the compiler. Run from anywhere; prints one line a fault."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# folder -> folders whose headers it may include (besides its own)
ALLOWED = {
    "core": set(),
    "net": {"core"},
    "storage": {"core"},
    "providers": {"core"},
    "relay/smtp": {"core"},
    "relay": {"core", "net", "providers", "relay/smtp"},
    "mgmt": {"core", "net", "providers"},
    "cmd": {"core", "net", "storage", "providers", "relay", "relay/smtp", "mgmt"},
}
# single headers allowed across an edge that is closed otherwise
ALSO = {
    "relay": {"storage/store.h"},
    "mgmt": {
        "storage/store.h",
        "relay/inbound/submission.h",
        "relay/inbound/password.h",
        "relay/outbound/dispatcher.h",
        "relay/outbound/routes.h",
        "relay/outbound/upstream_control.h",
    },
}
# header or token -> folders that may use it
ONLY_IN = {
    r"#include [<\"]lmdb\.h": ("storage/lmdb",),
    r"#include [<\"]curl/": ("net",),
    r"#include [<\"]ares": ("net",),
    r"#include <boost/beast": ("mgmt",),
    r"#include <boost/asio": ("net", "relay/inbound", "relay/outbound", "mgmt", "cmd"),
    r"\bco_spawn\b|asio::detached\b": ("net",),
    r"std::mutex\b|std::shared_mutex\b|#include <mutex>": ("net", "storage"),
}
INCLUDE = re.compile(r'^\s*#include "([^"]+)"')


def folder_of(path: str) -> str:
    if path.startswith("relay/smtp/"):
        return "relay/smtp"
    return path.split("/")[0]


def co_await_traps(name: str, text: str) -> list[str]:
    """What GCC 12 miscompiles: a co_await in the condition of a branch or loop, and one whose operand stands in parentheses."""
    text, found = re.sub(r"//.*", "", text), []
    for match in re.finditer(r"\b(?:if|while) \(|\bco_await \(", text):
        end, depth = match.end(), 1
        while depth > 0 and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        if match[0].startswith("co_await") or "co_await" in text[match.end() : end]:
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{name}:{line}: co_await into a local first, GCC 12 miscompiles this form")
    return found


def faults_in(path: pathlib.Path) -> list[str]:
    name = path.relative_to(ROOT).as_posix()
    mine, found = folder_of(name), []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        code = line.split("//")[0]
        match = INCLUDE.match(code)
        if match:
            target = match.group(1)
            theirs = folder_of(target)
            if "/" not in target:
                found.append(f"{name}:{number}: include {target} by its path from the root")
            elif theirs != mine and theirs not in ALLOWED[mine] and target not in ALSO.get(mine, ()):
                found.append(f"{name}:{number}: {mine} may not include {target}")
        for pattern, folders in ONLY_IN.items():
            if re.search(pattern, code) and not name.startswith(tuple(f + "/" for f in folders)):
                found.append(f"{name}:{number}: only {', '.join(folders)} may use {pattern}")
    return found + co_await_traps(name, path.read_text())


def main() -> int:
    sources = [p for top in {k.split("/")[0] for k in ALLOWED} for e in ("h", "cpp") for p in (ROOT / top).rglob(f"*.{e}")]
    faults = sorted(fault for path in sources for fault in faults_in(path))
    print("\n".join(faults) if faults else f"{len(sources)} files, every include edge is allowed")
    return 1 if faults or not sources else 0


if __name__ == "__main__":
    sys.exit(main())
