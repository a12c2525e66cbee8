"""Prism as a validating proxy in front of a relay: it holds what passes against docs/openapi.json, and answers what breaks the
document with a problem of its own instead of passing it on."""
import os
import signal
import subprocess
import tempfile

from harness import PATIENCE, ROOT, free_port, wait_for_port

PROGRAM = ROOT / "tests/e2e/node_modules/.bin/prism"
TROUBLE = b"stoplight.io/prism"  # in the `type` of its own problems


class Prism:
    def __init__(self, upstream_port: int):
        self.port = free_port()
        self.output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [PROGRAM, "proxy", ROOT / "docs/openapi.json", f"http://127.0.0.1:{upstream_port}", "--errors", "--host", "127.0.0.1", "--port", str(self.port)],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output, start_new_session=True, env={**os.environ, "NO_COLOR": "1"},
        )

    def __enter__(self):
        try:
            wait_for_port(self.port, self.process)
        except AssertionError as error:
            self.close()
            raise AssertionError(f"{error}\n{self.said()}") from None
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)  # it starts workers of its own
            self.process.wait(PATIENCE)

    def said(self) -> str:
        self.output.seek(0)
        return self.output.read().decode(errors="replace")[-4000:]
