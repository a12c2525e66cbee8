"""Everything that --json prints, and the API's answers of the same shape, against docs/schemas. The schemas let a reader ignore what it
does not know; here each member must be in its schema, so that none is left without a description."""
import json
import pathlib
import unittest
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver is what Debian 12's jsonschema has
    import jsonschema
    from jsonschema import RefResolver

from api_world import PROVIDER
from harness import ROOT, Relay, Sink, smtp_upstream
from test_operate import Follower, send

SCHEMAS = ROOT / "docs/schemas"


def strict(schema):
    if isinstance(schema, dict):
        schema = {name: strict(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict):
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [strict(value) for value in schema]
    return schema


def load():
    return {path.stem: strict(json.loads(path.read_text())) for path in sorted(SCHEMAS.glob("*.json"))}


ALL = load()


def check(name: str, document):
    schema = ALL[name]
    resolver = RefResolver(schema["$id"], schema, store={s["$id"]: s for s in ALL.values()})
    jsonschema.Draft202012Validator(schema, resolver=resolver).validate(document)


# Schema, and the command line without --json. {sent}, {waiting}: ids; {data}: the data directory; {config}; {new}: a path that is free.
COMMANDS = [
    ("message-list", "queue list"),
    ("message-list", "queue list --state sent --limit 1"),
    ("message", "queue show {sent}"),
    ("message", "queue show {waiting}"),
    ("steered-message", "queue hold {waiting}"),
    ("steered-message", "queue release {waiting}"),
    ("steer-totals", "queue hold --all --dry-run"),
    ("steer-totals", "queue hold --all"),
    ("event", "events"),
    ("event", "events --type attempted"),
    ("upstream-list", "upstream list"),
    ("upstream", "upstream pause primary"),
    ("upstream", "upstream resume primary"),
    ("upstream-forecast", "upstream prefer primary --dry-run --canary 5%"),
    ("upstream", "upstream prefer primary --canary 100"),
    ("upstream-list", "upstream prefer --none"),
    ("upstream-test", "upstream test primary"),
    ("route", "upstream explain --to user@example.test --lane high --tag a,b"),
    ("message-route", "upstream explain {sent}"),
    ("message-route", "upstream explain {waiting}"),
    ("upstream-classify", "upstream classify --type mailgun --status 429"),
    ("event", "events --type upstream_*"),
    ("retention", "retention show"),
    ("retention-run", "retention run --dry-run"),
    ("retention-run", "retention run"),
    ("retention", "retention show"),
    ("suppression-list", "suppression list"),
    ("user-list", "user list"),
    ("new-key", "token create app --scopes send,read --expires 90d --per-day 1000 --networks 127.0.0.0/8"),
    ("key-list", "token list"),
    ("spool-stat", "spool stat --data-dir {data}"),
    ("message-list", "spool list --data-dir {data}"),
    ("message", "spool show {sent} --data-dir {data}"),
    ("spool-verify", "spool verify --data-dir {data}"),
    ("spool-export", "spool export --data-dir {data} --output {new}-export"),
    ("spool-backup", "spool backup --data-dir {data} --output {new}-backup"),
    ("config-check", "config check --config {config}"),
    ("config-show", "config show --config {config}"),
    ("steered-message", "queue retry {waiting}"),
    ("steered-message", "queue cancel {waiting}"),
    ("steer-totals", "queue retry --all --dry-run"),
    ("steer-totals", "queue release --all --dry-run"),
    ("steer-totals", "queue cancel --all --dry-run"),
]
STOPPED = [  # with the relay stopped
    ("spool-compact", "spool compact --data-dir {data}"),
    ("spool-salvage", "spool salvage --data-dir {data} --output {new}-salvage"),
]
API = [
    ("stats", "/v1/stats"),
    ("event-page", "/v1/events"),
    ("event-page", "/v1/events?after=end"),
    ("message-list", "/v1/messages"),
    ("message", "/v1/messages/{sent}"),
    ("upstream-list", "/v1/upstreams"),
    ("upstream", "/v1/upstreams/primary"),
    ("upstream-hooks", "/v1/upstreams/provider/hooks?url=https://mail-hooks.example.com/hooks/provider"),
    ("route", "/v1/route/explain?from=a@example.test&to=user@example.test"),
    ("message-route", "/v1/messages/{waiting}/route"),
    ("retention", "/v1/retention"),
    ("user-list", "/v1/users"),
    ("key-list", "/v1/keys"),
]


class Schemas(unittest.TestCase):
    def test_each_is_a_schema(self):
        for name, schema in ALL.items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(schema)
                self.assertEqual(schema["$id"], f"https://postrider.invalid/schemas/{name}.json")

    def test_each_is_used(self):
        self.assertEqual(set(ALL), {name for name, _ in COMMANDS + STOPPED + API})

    def test_a_document_of_another_shape_is_refused(self):
        for wrong in ({}, {"messages": [{}], "next": None}, {"messages": [], "next": None, "total": 0}):
            with self.assertRaises(jsonschema.ValidationError):
                check("message-list", wrong)

    def test_what_is_printed_and_answered(self):
        def script(stage, text):
            return "451 4.7.1 later" if stage == "rcpt" and "later@" in text else None

        with Sink(script) as sink, Relay(smtp_upstream(sink.port) + PROVIDER, delivery='retry_interval = "1h"') as relay:
            relay.command("user", "add", "app", "--senders", "*@shop.test", "--password-stdin", stdin="a long password\n")
            places = {"sent": send(relay), "waiting": send(relay, recipients=["later@example.test"])}
            relay.wait_state(places["sent"], "sent")
            relay.wait_state(places["waiting"], "deferred")
            places |= {"data": relay.data_dir, "config": relay.config, "new": relay.directory / "new"}
            for name, path in API:
                with self.subTest(path=path):
                    check(name, relay.api(path.format(**places)))
            for name, line in COMMANDS:
                self.check_command(relay, name, line.format(**places))
            with Follower(relay, "--since", "1h") as follower:
                follower.wait("the past is shown", lambda f: any(event["type"] == "deferred" for event in f.events))
            for event in follower.events:
                check("event", event)
            relay.stop()
            for name, line in STOPPED:
                self.check_command(relay, name, line.format(**places))

    def check_command(self, relay, name, line):
        with self.subTest(command=line):
            printed = relay.command(*line.split(), "--json").stdout.splitlines()
            self.assertTrue(printed)
            for document in printed if name == "event" else ["\n".join(printed)]:
                check(name, json.loads(document))


if __name__ == "__main__":
    unittest.main()
