"""Two tenants who try to see, count, steer, reschedule and cancel each other's mail by every route of docs/openapi.json, once with API keys
and once as users who logged in. Routes that are added to the document are tried without a change here."""
import json
import re
import unittest

import api_document as document
from api_world import Tenant, deferring_sink, random_id
from harness import Relay, smtp_upstream

SCOPES = "send,read,steer"
# What a query parameter may be used for to get at the mail of somebody else.
BAIT = {
    "message": lambda owner: owner.ids[0],
    "cursor": lambda owner: owner.ids[0],
    "job_id": lambda owner: owner.ids[0],
    "batch": lambda owner: owner.batch,
    "sender": lambda owner: owner.sender,
    "recipient": lambda owner: owner.recipient,
    "from": lambda owner: owner.sender,
    "to": lambda owner: owner.recipient,
    "tag": lambda owner: owner.marker,
    "tags": lambda owner: owner.marker,
    "subject": lambda owner: owner.marker,
    "credential": lambda owner: owner.name,
    "all": lambda owner: True,
    "state": lambda owner: "deferred",
    "type": lambda owner: "accepted",
    "event": lambda owner: "accepted",
    "after": lambda owner: 0,
}
HARMLESS = {
    "limit", "dry_run", "since", "until", "wait", "upstream", "headers", "canary", "lane", "url", "begin", "end", "ascending", "pretty",
    "message-id", "severity",
}


def bait_in_body(value, owner):
    """The body of an example with what names a message or a recipient replaced by the other tenant's."""
    if isinstance(value, dict):
        known = {"message": owner.ids[0], "id": owner.ids[0], "ids": owner.ids, "recipient": owner.recipient, "batch": owner.batch}
        return {name: known[name] if name in known else bait_in_body(inner, owner) for name, inner in value.items()}
    return [bait_in_body(item, owner) for item in value] if isinstance(value, list) else value


def without_ids(text: bytes) -> str:
    return re.sub(r"[0-9a-z]{26}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text.decode(errors="replace"))


class Attempt:
    """One operation, tried by one tenant against the mail of the other."""

    def __init__(self, relay, operation, intruder, owner):
        self.relay, self.operation, self.intruder, self.owner = relay, operation, intruder, owner
        self.page = owner.events_page() if "page" in operation.path_names else ""

    def places(self, message_id: str, batch: str) -> dict:
        in_path = {"id": batch if "batches" in self.operation.path else message_id, "domain": "shop.example", "page": self.page}
        return {name: in_path.get(name, self.owner.name) for name in self.operation.path_names}

    def requests(self, **places):
        for example in self.operation.examples():
            if example.status >= 400:
                continue
            yield example.request(**places)
            if self.operation.sends:
                continue  # what it names there is the intruder's own mail then
            for parameter in self.operation.parameters:
                if parameter["in"] == "query" and parameter["name"] in BAIT:
                    bait = BAIT[parameter["name"]](self.owner)
                    yield example.request(**places, **{parameter["name"]: bait})
            media, body = example.body()
            if media and "json" in media:
                request = example.request(**places)
                request.octets = json.dumps(bait_in_body(body, self.owner)).encode()
                yield request

    def send(self, request):
        return self.intruder.authorize(request, self.operation).send(self.relay.api_port)


class TwoTenants(unittest.TestCase):
    def setUp(self):
        self.sink = self.enterContext(deferring_sink())
        self.relay = self.enterContext(Relay(smtp_upstream(self.sink.port), delivery='retry_interval = "1h"'))

    def try_everything(self, first: Tenant, second: Tenant):
        for tenant in (first, second):
            tenant.submit_some()
        before = {tenant: self.snapshot(tenant) for tenant in (first, second)}
        for intruder, owner in ((first, second), (second, first)):
            for operation in document.operations():
                with self.subTest(f"{intruder.name}: {operation}"):
                    self.try_one(Attempt(self.relay, operation, intruder, owner))
        for tenant in (first, second):
            self.assertEqual(before[tenant], self.snapshot(tenant), f"the mail of {tenant.name} changed")

    def try_one(self, attempt: Attempt):
        owner, operation = attempt.owner, attempt.operation
        about_other = attempt.requests(**attempt.places(owner.ids[0], owner.batch))
        about_nothing = attempt.requests(**attempt.places(random_id(), random_id()))
        names_message = "id" in operation.path_names
        for request, blind in zip(about_other, about_nothing, strict=True):
            answer = attempt.send(request)
            shown = f"{request.method} {request.target}: {answer}"
            self.assertLess(answer.status, 500, shown)
            self.assertNotIn(owner.marker.encode(), answer.body, shown)
            if operation.scope == "admin":
                self.assertEqual(answer.status, 403, shown)
            elif names_message:
                self.assertIn(answer.status, (400, 403, 404), shown)
                other = attempt.send(blind)  # it must not even tell that there is such a message
                self.assertEqual((answer.status, without_ids(answer.body)), (other.status, without_ids(other.body)))

    def snapshot(self, tenant: Tenant):
        return {id: self.relay.message(id) for id in tenant.ids}

    def check_counts(self, tenant: Tenant, other: Tenant):
        """Listings, feed and dry runs have the tenant's own messages and no others, and the operator sees all."""
        mine = {m["id"] for m in self.relay.messages() if m["tenant"] == tenant.name}
        self.assertTrue(mine)
        self.assertFalse(mine & set(other.ids))
        listed = tenant.get("/v1/messages?limit=1000").json()["messages"]
        self.assertEqual({m["id"] for m in listed}, mine)
        self.assertEqual(tenant.post("/v1/messages/cancel?all=true&dry_run=true").json()["matched"], len(mine))
        seen = {event["message"] for event in tenant.get("/v1/events?limit=1000").json()["events"]}
        self.assertEqual(seen, mine)

    def test_with_keys(self):
        first = Tenant.with_key(self.relay, "alpha", SCOPES)
        second = Tenant.with_key(self.relay, "bravo", SCOPES)
        self.try_everything(first, second)
        self.check_counts(first, second)
        self.check_counts(second, first)

    def test_as_users(self):
        first, second = (Tenant.with_session(self.relay, name) for name in ("alpha", "bravo"))
        self.try_everything(first, second)
        self.check_counts(first, second)
        self.check_counts(second, first)

    def test_two_keys_of_one_tenant_see_the_same(self):
        first = Tenant.with_key(self.relay, "old", SCOPES, "--tenant", "alpha")
        second = Tenant.with_key(self.relay, "new", SCOPES, "--tenant", "alpha")
        first.submit_some()
        self.assertEqual({m["id"] for m in second.get("/v1/messages").json()["messages"]}, set(first.ids))

    def test_each_scope_opens_its_own_routes_and_no_others(self):
        keys = {scope: Tenant.with_key(self.relay, f"only-{scope}", scope) for scope in ("send", "read", "steer")}
        for operation in document.operations():
            if operation.is_open:
                continue
            for scope, tenant in keys.items():
                request = operation.first_example().request(**{name: random_id() for name in operation.path_names})
                answer = tenant.authorize(request, operation).send(self.relay.api_port)
                with self.subTest(f"{scope}: {operation}"):
                    self.assertLess(answer.status, 500, answer)
                    refused = answer.status >= 400 and b"with scope" in answer.body
                    self.assertEqual(refused, scope != operation.scope, answer)

    def test_without_a_key_nothing_but_what_is_open(self):
        for operation in document.operations():
            if operation.is_open:
                continue
            request = operation.first_example().request(**{name: random_id() for name in operation.path_names})
            with self.subTest(str(operation)):
                self.assertIn(request.send(self.relay.api_port).status, (401, 403))

    def test_bait_is_known_for_every_parameter(self):
        names = {p["name"] for o in document.operations() for p in o.parameters if p["in"] == "query"}
        self.assertEqual(names - BAIT.keys() - HARMLESS, set(), "say in BAIT or HARMLESS what it could be used for")

    def test_bound_senders_hold_for_every_sending_route(self):
        bound = Tenant.with_key(self.relay, "bound", SCOPES, "--senders", "*@elsewhere.example")
        for operation in document.operations():
            if not operation.sends or "validate" in operation.path:
                continue
            for example in operation.examples():
                if example.status >= 400:
                    continue
                request = example.request(**{name: "shop.example" for name in operation.path_names})
                answer = bound.authorize(request, operation).send(self.relay.api_port)
                with self.subTest(str(example)):
                    self.assertTrue(400 <= answer.status < 500 or b"rror" in answer.body, answer)
        self.assertEqual([m for m in self.relay.messages() if m["tenant"] == "bound"], [])


if __name__ == "__main__":
    unittest.main()
