"""Races for one idempotency key: whoever wins, there is one message, and everybody else is told its id or that it is on its way."""
import collections
import json
import threading
import unittest

import api_document as document
from api_world import Tenant, deferring_sink
from harness import Relay, smtp_upstream

PARALLEL = 50
LETTER = {"from": "app@shop.example", "to": ["user@example.net"], "subject": "Your invoice", "text": "Hello"}
SCOPES = "send,read"


def at_once(count: int, action) -> list:
    """What `count` threads got that began together."""
    barrier, results = threading.Barrier(count), [None] * count

    def run(number: int):
        barrier.wait()
        results[number] = action(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class Races(unittest.TestCase):
    def setUp(self):
        self.sink = self.enterContext(deferring_sink())
        self.relay = self.enterContext(Relay(smtp_upstream(self.sink.port), delivery='retry_interval = "1h"'))
        self.tenant = Tenant.with_key(self.relay, "shop", SCOPES)

    def send(self, key: str, letter: dict, path: str = "/v1/messages", tenant=None):
        request = document.Request("POST", path, {"Idempotency-Key": key}, "application/json", json.dumps(letter).encode())
        return (tenant or self.tenant).authorize(request).send(self.relay.api_port)

    def race(self, path: str, letter: dict, ids_of):
        answers = at_once(PARALLEL, lambda _: self.send('"race-1"', letter, path))
        by_status = collections.Counter(answer.status for answer in answers)
        self.assertLessEqual(set(by_status), {202, 409}, by_status)
        self.assertGreaterEqual(by_status[202], 1)
        self.assertEqual(len({ids_of(answer) for answer in answers if answer.status == 202}), 1)
        for answer in answers:
            if answer.status == 409:
                self.assertEqual(answer.json()["type"], "/problems/idempotency-key-in-flight")
        return next(ids_of(answer) for answer in answers if answer.status == 202)

    def test_one_message(self):
        winner = self.race("/v1/messages", LETTER, lambda answer: answer.json()["id"])
        self.assertEqual([m["id"] for m in self.relay.messages()], [winner])
        replayed = self.send('"race-1"', LETTER)
        self.assertEqual((replayed.status, replayed.json()["id"]), (202, winner))

    def test_one_batch(self):
        batch = {"messages": [LETTER | {"to": [f"user{number}@example.net"]} for number in range(20)]}
        self.race("/v1/messages/batch", batch, lambda answer: answer.json()["batch_id"])
        self.assertEqual(len(self.relay.messages()), 20)

    def test_different_payloads_make_one_message_and_the_others_are_refused(self):
        answers = at_once(PARALLEL, lambda number: self.send("race-2", LETTER | {"subject": f"Invoice {number % 5}"}))
        by_status = collections.Counter(answer.status for answer in answers)
        self.assertLessEqual(set(by_status), {202, 409, 422}, by_status)
        self.assertEqual(len({answer.json()["id"] for answer in answers if answer.status == 202}), 1)
        self.assertEqual(len(self.relay.messages()), 1)
        won = self.relay.messages()[0]["subject"]
        for number in range(5):
            again = self.send("race-2", LETTER | {"subject": f"Invoice {number}"})
            if won == f"Invoice {number}":
                self.assertEqual(again.status, 202)
            else:
                self.assertEqual((again.status, again.json()["type"]), (422, "/problems/idempotency-key-reused"))

    def test_a_key_belongs_to_its_tenant(self):
        other = Tenant.with_key(self.relay, "bakery", SCOPES)
        answers = at_once(PARALLEL, lambda number: self.send("race-3", LETTER, tenant=(self.tenant, other)[number % 2]))
        self.assertEqual({answer.status for answer in answers} - {202, 409}, set())
        self.assertEqual({m["tenant"] for m in self.relay.messages()}, {"shop", "bakery"})
        self.assertEqual(len(self.relay.messages()), 2)

    def test_a_key_survives_a_crash(self):
        first = self.send("race-4", LETTER)
        self.assertEqual(first.status, 202)
        self.relay.kill()
        self.relay.start()
        again = at_once(10, lambda _: self.send("race-4", LETTER))
        self.assertEqual({answer.status for answer in again} - {202, 409}, set())
        self.assertEqual({answer.json()["id"] for answer in again if answer.status == 202}, {first.json()["id"]})
        self.assertEqual(len(self.relay.messages()), 1)

    def test_a_crash_in_the_middle_of_the_race_leaves_one_message_at_most_twice_asked(self):
        """Whoever was cut off asks again, as a client would: still one message."""

        def send_or_nothing(number):
            if number == 0:
                self.relay.kill()
                return None
            try:
                return self.send("race-5", LETTER)
            except OSError:
                return None

        before = [answer for answer in at_once(PARALLEL, send_or_nothing) if answer is not None and answer.status == 202]
        self.relay.start()
        again = self.send("race-5", LETTER)
        self.assertEqual(again.status, 202, again)
        self.assertEqual([m["id"] for m in self.relay.messages()], [again.json()["id"]])
        self.assertLessEqual({answer.json()["id"] for answer in before}, {again.json()["id"]})

    def test_what_is_refused_keeps_no_key(self):
        refused = self.send("race-6", LETTER | {"to": ["nobody"]})
        self.assertEqual(refused.status, 422, refused)
        self.assertEqual(self.send("race-6", LETTER).status, 202)

    def test_every_sending_route_that_names_the_header_honours_it(self):
        for operation in document.operations():
            if not operation.sends or "Idempotency-Key" not in {p["name"] for p in operation.parameters}:
                continue
            example = operation.first_example()
            places = {name: "shop.example" for name in operation.path_names}
            count = len(self.relay.messages())

            def send(_, example=example, operation=operation, places=places):
                request = example.request(**places)
                request.headers["Idempotency-Key"] = f"route-{operation.id}"
                return self.tenant.authorize(request, operation).send(self.relay.api_port)

            once = send(0)
            made = len(self.relay.messages()) - count
            with self.subTest(str(operation)):
                self.assertLess(once.status, 300, once)
                self.assertGreater(made, 0)
                answers = at_once(10, send)
                under_way = {409, 429}  # the latter where the vendor's SDK tries again on it alone
                self.assertEqual({answer.status for answer in answers} - {once.status} - under_way, set(), answers)
                self.assertEqual(len(self.relay.messages()) - count, made)


if __name__ == "__main__":
    unittest.main()
