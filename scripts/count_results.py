#!/usr/bin/env python3
"""Adds up the JUnit files and the steps of one run of scripts/test.sh, and prints `N passed, N failed` as the last line.

Exit status 0 when nothing failed and something passed."""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def main(folder: pathlib.Path) -> int:
    passed, failed, names = 0, 0, []
    for path in sorted(folder.glob("*.xml")):
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
                failed += 1
                names.append(f"{path.stem}: {case.get('name')}")
            elif case.find("skipped") is None and case.get("status") not in ("notrun", "disabled"):
                passed += 1
    steps = folder / "steps.txt"
    for line in steps.read_text().splitlines() if steps.exists() else []:
        name, verdict = line.rsplit(" ", 1)
        if verdict == "pass":
            passed += 1
        else:
            failed += 1
            names.append(name)
    for name in names:
        print("failed:", name)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
