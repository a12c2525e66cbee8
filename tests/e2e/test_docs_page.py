"""/openapi.json and the page that shows it: as built into the program, for everybody, with nothing from elsewhere."""
import json
import re
import subprocess
import unittest

import api_document as document
from harness import PATIENCE, ROOT, Relay

CLIENT = ROOT / "tests/e2e/docs_page_client.js"


class DocsPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.relay = cls.enterClassContext(Relay())

    def get(self, path: str) -> document.Answer:
        return document.Request("GET", path).send(self.relay.api_port)

    def test_gives_the_document_without_a_key(self):
        self.assertEqual(self.get("/openapi.json").body, (ROOT / "docs/openapi.json").read_bytes())

    def test_asks_nobody_else(self):
        for path in ("/docs", "/docs/api.js", "/docs/api.css"):
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual(answer.status, 200)
                policy = answer.headers["content-security-policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertNotRegex(policy, r"unsafe|https?:|\*")
                self.assertNotRegex(answer.body.decode(), r"""(src|href|url|import)\s*[=(]\s*["']?(https?:)?//""")
        page = self.get("/docs").body.decode()
        self.assertEqual(re.findall(r"<script(?![^>]*\bsrc=)|\son\w+=|<style|\sstyle=", page), [], "nothing stands in the page itself")

    def test_shows_every_operation(self):
        done = subprocess.run(["node", CLIENT, f"http://127.0.0.1:{self.relay.api_port}"], capture_output=True, text=True, timeout=PATIENCE)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        operations = len(document.operations())
        self.assertEqual(seen["errors"], [])
        self.assertEqual(seen["all"], f"{operations} of {operations}")
        self.assertEqual(seen["drawn"], operations)
        self.assertEqual(seen["schemas"], len(document.DOCUMENT["components"]["schemas"]))
        self.assertEqual(seen["found"], ["sesSend"])
        self.assertEqual(seen["links"], ["#sesSend"])
        self.assertEqual(seen["nothing"], [])
        self.assertEqual(seen["markup"], 0)
        for text in ("Idempotency-Key", "attachments", "Käseladen", "/problems/validation", "RateLimit-Remaining"):
            self.assertIn(text, seen["send"])
        self.assertIn("-H \"Authorization: Bearer $KEY\"", seen["curl"])
        self.assertIn("/v1/messages'", seen["curl"])


if __name__ == "__main__":
    unittest.main()
