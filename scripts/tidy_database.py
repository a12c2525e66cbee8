#!/usr/bin/env python3
"""Copies a compilation database without the flags of GCC that clang-tidy cannot take (precompiled headers)."""
import json
import pathlib
import re
import sys


def main(build: pathlib.Path, out: pathlib.Path) -> None:
    entries = json.loads((build / "compile_commands.json").read_text())
    for entry in entries:
        command = re.sub(r"-include \S*cmake_pch\.hxx", "", entry["command"])
        command = re.sub(r"-Winvalid-pch|-fpch-preprocess|-Wno-tsan|-Wno-(stringop-over\w+|restrict|maybe-uninitialized|dangling-pointer|mismatched-new-delete)", "", command)
        entry["command"] = re.sub(r"^.*?(\S*(?:g|c)\+\+)\s", r"\1 ", command)
    out.mkdir(parents=True, exist_ok=True)
    (out / "compile_commands.json").write_text(json.dumps(entries))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
