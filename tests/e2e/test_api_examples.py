"""Every example of docs/openapi.json, run against the real daemon, most of them through a validating proxy: the request must be what its
schema allows, the answer what the document says, and the answer shown must have the members of the real one."""
import subprocess
import sys
import unittest

import api_document as document
from api_world import LETTER, Tenant, World
from harness import ROOT, Relay, free_port, smtp_upstream
from prism import TROUBLE, Prism

# Members whose names are the client's, or depend on what happened.
FREE = {"by_state", "skipped_because", "metadata", "labels", "user-variables"}
CUT_SHORT = {"getOpenApi"}  # whose answer the document shows the beginning of


def differences(shown, real, at: str = ""):
    """Where an answer in the document has other members than the real one."""
    if isinstance(shown, dict) and isinstance(real, dict):
        if at.rpartition("/")[2] in FREE:
            return
        for name in sorted(shown.keys() ^ real.keys()):
            yield f"{at}/{name} is in the {'document' if name in shown else 'answer'} only"
        for name in shown.keys() & real.keys():
            yield from differences(shown[name], real[name], f"{at}/{name}")
    elif isinstance(shown, list) and isinstance(real, list) and shown and real:
        yield from differences(shown[0], real[0], f"{at}/0")
    elif isinstance(shown, (dict, list)) and real is not None and type(shown) is not type(real):
        yield f"{at} is of another type"


class Document(unittest.TestCase):
    def test_is_laid_out_and_has_the_shared_schemas(self):
        done = subprocess.run([sys.executable, ROOT / "scripts/openapi.py", "--check"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

    def test_examples_fit_their_schemas(self):
        for operation in document.operations():
            for parameter in operation.parameters:
                for name, value in document.example_values(parameter).items():
                    with self.subTest(f"{operation} {parameter['name']} “{name}”"):
                        document.check(parameter["schema"], value)
            for status, answer in [(None, {"content": operation.body}), *operation.responses.items()]:
                for media, content in answer.get("content", {}).items():
                    for name, value in document.example_values(content).items():
                        with self.subTest(f"{operation} {status or 'body'} “{name}”"):
                            document.check(content["schema"], value)

    def test_every_request_example_has_an_answer(self):
        for operation in document.operations():
            answered = {example.name for example in operation.examples()}
            asked = {name for content in operation.body.values() for name in document.example_values(content)}
            asked |= {name for parameter in operation.parameters for name in document.example_values(parameter)}
            with self.subTest(str(operation)):
                self.assertLessEqual(asked, answered)

    def test_every_operation_has_an_example_that_works(self):
        """But for those whose only answer is a refusal that says why."""
        for operation in document.operations():
            with self.subTest(str(operation)):
                works = [example for example in operation.examples() if example.status < 400]
                self.assertEqual(bool(works), any(status.startswith("2") for status in operation.responses))
                self.assertTrue(list(operation.examples()))


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World())
        cls.prism = cls.enterClassContext(Prism(cls.world.relay.api_port))

    def run_example(self, example):
        places = self.world.prepare(example)
        request = example.request(**places)
        operation = example.operation
        if operation.scheme and example.status != 401:
            request.authorize(operation.scheme, *self.world.credentials(operation))
        # Not what the proxy would refuse itself, and not what is signed: the proxy sends another Host.
        through_proxy = example.status < 400 and operation.scheme != "aws"
        answer = request.send(self.prism.port if through_proxy else self.world.relay.api_port)
        if TROUBLE in answer.body:
            self.fail(f"{example}: the proxy says {answer.body.decode()}")
        self.assertEqual(answer.status, example.status, f"{example}: {answer}")
        described = {name.lower() for name in operation.answer(example.status)["headers"]}
        self.assertEqual(described - answer.headers.keys() - {"idempotency-replayed"}, set(), f"{example}: {answer.headers}")
        if example.media is None:
            self.assertEqual(answer.body, b"", example)
            return
        self.assertEqual(answer.media, example.media, f"{example}: {answer}")
        if not example.media.endswith("json"):
            self.assertTrue(answer.body)
            return
        real = answer.json()
        document.check(operation.answer(example.status)["content"][example.media]["schema"], real)
        if operation.id not in CUT_SHORT:
            self.assertEqual(list(differences(example.answer, real)), [], f"{example}: {answer}")

    def test_every_example(self):
        for operation in document.operations():
            for example in operation.examples():
                with self.subTest(str(example)):
                    self.run_example(example)

    def test_shared_refusals(self):
        """The answers that many routes have in common: one request for each, and the answer as the document shows it."""
        for name, make in self.world.refusals().items():
            shared = document.DOCUMENT["components"]["responses"][name]
            with self.subTest(name):
                answer = make()
                shown = shared["content"]["application/problem+json"]["examples"]["problem"]["value"]
                self.assertEqual(answer.status, shown["status"], answer)
                document.check({"$ref": "#/components/schemas/Problem"}, answer.json())
                self.assertEqual({k: v for k, v in answer.json().items() if k in ("type", "title")}, {k: shown[k] for k in ("type", "title")})
                for header in shared["headers"]:
                    self.assertIn(header.lower(), answer.headers)
        problem = {"$ref": "#/components/schemas/Problem"}
        shared = document.DOCUMENT["components"]["responses"].items()
        plain = {name for name, answer in shared if answer["content"].get("application/problem+json", {}).get("schema") == problem}
        self.assertEqual(set(self.world.refusals()), plain - {"Unavailable", "Refused"})  # FullSpool has the one, the other is any of them


class FullSpool(unittest.TestCase):
    def test_every_sending_route_says_so_in_its_own_words(self):
        with Relay(smtp_upstream(free_port()), spool='max_size = "64MiB"', delivery='retry_interval = "1h"') as relay:
            tenant = Tenant.with_key(relay, "shop", "send,read,steer")
            for size in (5_000_000, 500_000, 50_000, 5_000, 5):  # down to the last room
                while tenant.post("/v1/messages", LETTER | {"text": "x" * size}).status == 202:
                    pass
            accepted = len(relay.messages())
            self.assertGreater(accepted, 3)
            for operation in document.operations():
                if not operation.sends or not any(e.status < 300 for e in operation.examples()):
                    continue
                request = tenant.authorize(operation.first_example().request(**{name: "shop.example" for name in operation.path_names}), operation)
                answer = request.send(relay.api_port)
                with self.subTest(str(operation)):
                    if answer.status == 200 and "validate" in operation.path:
                        continue
                    self.check_refusal(operation, answer)
            self.assertEqual(len(relay.messages()), accepted)

    def check_refusal(self, operation, answer):
        self.assertTrue(answer.status == 503 or b"error" in answer.body, answer)  # of a batch: each of its messages
        content = operation.answer(answer.status)["content"]
        document.check(content[answer.media]["schema"], answer.json())
        if answer.status == 503:
            self.assertTrue(answer.headers.get("retry-after"), answer.headers)


if __name__ == "__main__":
    unittest.main()
