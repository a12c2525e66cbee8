#!/usr/bin/env python3
"""Runs the end-to-end tests (all, or those whose name contains an argument) and writes a JUnit file."""
import argparse
import os
import pathlib
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree

HERE = pathlib.Path(__file__).resolve().parent


class Recorder(unittest.TextTestResult):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.cases, self.begun = [], 0.0

    def startTest(self, test):
        self.begun = time.monotonic()
        super().startTest(test)

    def _note(self, test, tag=None, text=""):
        case = ElementTree.Element("testcase", name=test.id(), time=f"{time.monotonic() - self.begun:.3f}")
        if tag:
            ElementTree.SubElement(case, tag).text = text
        self.cases.append(case)

    def addSuccess(self, test):
        super().addSuccess(test)
        self._note(test)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._note(test, "failure", self._exc_info_to_string(err, test))

    def addError(self, test, err):
        super().addError(test, err)
        self._note(test, "error", self._exc_info_to_string(err, test))

    # unittest tells of a failed part of a test here, and of the test itself then nothing at all.
    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._note(subtest, "failure", self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._note(test, "skipped", reason)


def flatten(suite):
    for item in suite:
        yield from flatten(item) if isinstance(item, unittest.TestSuite) else (item,)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default=str(HERE.parent.parent / "build/release/postrider"))
    parser.add_argument("--junit")
    parser.add_argument("only", nargs="*")
    options = parser.parse_args()
    os.environ["POSTRIDER_BINARY"] = str(pathlib.Path(options.binary).resolve())
    sys.path.insert(0, str(HERE))
    tests = [t for t in flatten(unittest.TestLoader().discover(str(HERE), "test_*.py")) if not options.only or any(o in t.id() for o in options.only)]
    result = unittest.TextTestRunner(resultclass=Recorder, verbosity=2, stream=sys.stdout).run(unittest.TestSuite(tests))
    if options.junit:
        root = ElementTree.Element("testsuite", name="e2e", tests=str(len(result.cases)))
        root.extend(result.cases)
        ElementTree.ElementTree(root).write(options.junit)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
