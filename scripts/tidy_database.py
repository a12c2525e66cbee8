#!/usr/bin/env python3
"""Takes the flags of GCC that clang-tidy cannot take (precompiled headers) out of the compilation database of a build directory."""
import json
import pathlib
import re
import sys


def main(build: pathlib.Path) -> None:
    database = build / "compile_commands.json"
    entries = json.loads(database.read_text())
    for entry in entries:
        command = re.sub(r"-include \S*cmake_pch\.hxx", "", entry["command"])
        command = re.sub(r"-Winvalid-pch|-fpch-preprocess|-Wno-tsan|-Wno-(stringop-over\w+|restrict|maybe-uninitialized|dangling-pointer|mismatched-new-delete)", "", command)
        entry["command"] = re.sub(r"^.*?(\S*(?:g|c)\+\+)\s", r"\1 ", command)
    database.write_text(json.dumps(entries))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
