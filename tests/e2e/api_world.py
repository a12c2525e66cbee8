"""What the tests of the API stand on: tenants with their credentials and some mail, and a relay that has something of everything for the
examples of docs/openapi.json to find."""
import contextlib
import json
import os

import api_document as document
from harness import Relay, Sink, free_port, smtp_upstream

LETTER = {"from": "app@shop.example", "to": ["user@example.net"], "subject": "Your invoice", "text": "Hello"}
PASSWORD = "wald und wiese"
# That no mail goes to, and whose API nobody answers for.
PROVIDER = f"""[[upstream]]
name = "provider"
type = "mailjet"
api_base = "http://127.0.0.1:{free_port()}"
api_key = "mj-key"
api_secret = "mj-secret"
webhook_username = "{document.WEBHOOK_LOGIN[0]}"
webhook_password = "{document.WEBHOOK_LOGIN[1]}"
match = {{ tag = ["for-the-provider"] }}
"""
MESSAGE_ID_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def random_id() -> str:
    """Of a message that there is not."""
    return "01" + "".join(MESSAGE_ID_DIGITS[octet % 32] for octet in os.urandom(24))


def deferring_sink() -> Sink:
    """An upstream that puts everything off, but for mail to taken@."""
    return Sink(lambda stage, text: "451 4.7.1 later" if stage == "rcpt" and "<taken@" not in text else None)


def example_places(example) -> dict:
    """Values for the path of an example where it does not matter whether there is such a thing."""
    return {name: "shop.example" if name == "domain" else random_id() for name in example.operation.path_names}


class Tenant:
    """A credential, and the mail it submitted; every text of that mail has its marker."""

    def __init__(self, relay: Relay, name: str, key: str, aws: tuple[str, str] | None = None, scheme: str | None = None):
        self.relay, self.name, self.key, self.aws, self.scheme = relay, name, key, aws, scheme
        self.marker = f"{name}-only"
        self.sender, self.recipient = f"{self.marker}@sender.example", f"{self.marker}@recipient.example"
        self.beside: Tenant | None = None  # a key of the same tenant, where this is a user's session
        self.ids: list[str] = []
        self.batch = ""

    @classmethod
    def with_key(cls, relay: Relay, name: str, scopes: str, *options: str) -> "Tenant":
        made = json.loads(relay.command("token", "create", name, "--scopes", scopes, *options, "--json").stdout)
        return cls(relay, made["tenant"], made["key"], (made["aws_access_key_id"], made["aws_secret_access_key"]))

    @classmethod
    def with_session(cls, relay: Relay, name: str) -> "Tenant":
        """Of a user who logged in. Schemes that carry nothing but a key carry one that has the same tenant."""
        relay.command("user", "add", name, "--password-stdin", stdin=PASSWORD + "\n")
        login = document.Request("POST", "/tokens", {}, "application/json", json.dumps({"username": name, "password": PASSWORD}).encode())
        session = login.send(relay.api_port).json()["token"]
        beside = cls.with_key(relay, f"{name}-beside", "send,read,steer", "--tenant", name)
        tenant = cls(relay, name, session, beside.aws, "session")
        tenant.beside = beside
        return tenant

    def authorize(self, request: document.Request, operation=None) -> document.Request:
        scheme = operation.scheme if operation else "key"
        if self.scheme and scheme not in ("key", "session"):
            return request.authorize(scheme, self.beside.key, self.beside.aws)
        return request.authorize(scheme, self.key, self.aws)

    def get(self, path: str) -> document.Answer:
        return self.authorize(document.Request("GET", path)).send(self.relay.api_port)

    def post(self, path: str, body=None, **headers) -> document.Answer:
        octets = b"" if body is None else json.dumps(body).encode()
        request = document.Request("POST", path, headers, "application/json" if octets else None, octets)
        return self.authorize(request).send(self.relay.api_port)

    def letter(self, **more) -> dict:
        return {
            "from": self.sender, "to": [self.recipient], "subject": self.marker, "text": self.marker, "tags": [self.marker],
            "metadata": {"secret": self.marker}, **more,
        }

    def submit(self, **more) -> str:
        answer = self.post("/v1/messages", self.letter(**more))
        if answer.status != 202:
            raise AssertionError(f"{self.name}: {answer}")
        return answer.json()["id"]

    def events_page(self) -> str:
        """The last part of a link to a page of events, as Mailgun's clients follow them."""
        request = document.Request("GET", "/v3/shop.example/events?begin=1&ascending=yes").authorize("basic", (self.beside or self).key)
        return request.send(self.relay.api_port).json()["paging"]["first"].rpartition("/")[2]

    def submit_some(self):
        """Deferred, scheduled and held messages, and a batch."""
        self.ids = [self.submit(), self.submit(send_at=document.tomorrow())]
        held = self.submit(send_at=document.tomorrow())
        self.relay.api(f"/v1/messages/{held}/hold", "POST")
        made = self.post("/v1/messages/batch", {"messages": [self.letter(), self.letter(text=f"{self.marker} again")]}).json()
        self.batch = made["batch_id"]
        self.ids += [held, *(one["id"] for one in made["results"])]
        for id in (self.ids[0], *self.ids[3:]):  # those that are due: from now on nothing moves by itself
            self.relay.wait_state(id, "deferred")


class World(contextlib.ExitStack):
    """A relay behind which everything is put off, so that what the examples submitted stays to be steered."""

    def __enter__(self):
        super().__enter__()
        self.sink = self.enter_context(deferring_sink())
        self.relay = self.enter_context(Relay(smtp_upstream(self.sink.port) + PROVIDER, delivery='retry_interval = "1h"'))
        self.shop = Tenant.with_key(self.relay, "application", "send,read,steer", "--tenant", "shop", "--per-minute", "1000000")
        self.count = 0
        return self

    # ---- what an example needs to find ------------------------------------------------------------------------------

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def deferred(self) -> str:
        id = self.shop.post("/v1/messages", LETTER).json()["id"]
        self.relay.wait_state(id, "deferred")
        return id

    def scheduled(self) -> str:
        return self.shop.post("/v1/messages", LETTER | {"send_at": document.tomorrow()}).json()["id"]

    def held(self) -> str:
        id = self.scheduled()
        self.relay.api(f"/v1/messages/{id}/hold", "POST")
        return id

    def batch(self) -> str:
        return self.shop.post("/v1/messages/batch", {"messages": [LETTER, LETTER]}).json()["batch_id"]

    def user(self) -> str:
        name = self.fresh("user")
        self.relay.command("user", "add", name, "--password-stdin", stdin=PASSWORD + "\n")
        return name

    def key(self) -> str:
        name = self.fresh("key")
        Tenant.with_key(self.relay, name, "send")
        return name

    def paused(self) -> str:
        if not self.relay.api("/v1/upstreams/primary")["stopped"]:
            self.relay.api("/v1/upstreams/primary/pause", "POST")
        return "primary"

    def in_service(self) -> str:
        if self.relay.api("/v1/upstreams/primary")["stopped"]:
            self.relay.api("/v1/upstreams/primary/resume", "POST")
        return "primary"

    def login(self) -> None:
        """The user whose login the document shows."""
        if "shop" not in {user["name"] for user in self.relay.api("/v1/users")["users"]}:
            self.relay.command("user", "add", "shop", "--password-stdin", stdin=PASSWORD + "\n")

    def suppressed(self) -> str:
        address = f"{self.fresh('gone')}@example.net"
        self.relay.api("/v1/suppressions", "POST", {"address": address, "reason": "asked us to stop"})
        return address

    def nothing_of(self, kind: str, name: str) -> None:
        """No user or key of the name that an example is about to make."""
        self.relay.request("DELETE", f"/v1/{kind}/{name}")

    def prepare(self, example) -> dict:
        """What the example's request is about, made if need be: values for its path and its parameters."""

        def made(kind: str) -> None:
            self.nothing_of(kind, example.body()[1]["name"])

        of_path = {
            "releaseMessage": lambda: {"id": self.held()},
            "patchMessage": lambda: {"id": self.scheduled()},
            "resendReschedule": lambda: {"id": self.scheduled()},
            "getBatch": lambda: {"id": self.batch()},
            "revokeKey": lambda: {"name": self.key()},
            "removeUser": lambda: {"name": self.user()},
            "changePassword": lambda: {"name": self.user()},
            "resumeUpstream": lambda: {"name": self.paused()},
            "showHooks": lambda: {"name": "provider"},
            "registerHooks": lambda: {"name": "provider"},
            "removeSuppression": lambda: {"address": self.suppressed()},
            "takeReports": lambda: {"upstream": "provider"},
            "jobStatus": lambda: {"job_id": self.deferred()},
        }
        beforehand = {
            "createToken": self.login,
            "createUser": lambda: made("users"),
            "createKey": lambda: made("keys"),
            "preferNoUpstream": lambda: self.relay.api("/v1/upstreams/primary/prefer", "POST"),
            "listMessages": self.deferred,
            "listKeys": self.key,
            "listUsers": self.user,
            "listSuppressions": self.suppressed,
        }
        if example.operation.id in beforehand:
            beforehand[example.operation.id]()
        if example.operation.id in of_path:
            return of_path[example.operation.id]()
        of_name = {
            "id": self.deferred, "name": self.in_service, "domain": lambda: "shop.example", "file": lambda: "console.js",
            "page": self.shop.events_page,
        }
        return {name: of_name[name]() for name in example.operation.path_names}

    def credentials(self, operation):
        """Key and AWS pair for one of its routes."""
        return (self.shop.key, self.shop.aws) if operation.scheme == "aws" or operation.sends else (self.relay.token, None)

    def refusals(self) -> dict:
        """For each answer that many routes share, a request that gets it."""
        port = self.relay.api_port

        def ask(method, path, body=None, key=self.relay.token, **headers):
            octets = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            request = document.Request(method, path, headers, headers.pop("content_type", "application/json") if octets else None, octets)
            return (request.authorize("key", key) if key else request).send(port)

        limited = Tenant.with_key(self.relay, self.fresh("limited"), "send", "--per-minute", "1")
        no_scope = Tenant.with_key(self.relay, self.fresh("only-read"), "read")

        def over_the_limit():
            limited.post("/v1/messages", LETTER)
            return limited.post("/v1/messages", LETTER)

        def conflict():
            return ask("POST", f"/v1/messages/{self.deferred()}/release")

        def gone():
            sent = self.shop.post("/v1/messages", LETTER | {"to": "taken@example.net"}).json()["id"]
            self.relay.wait_state(sent, "sent")
            return ask("GET", f"/v1/messages/{sent}/body")

        return {
            "BadRequest": lambda: ask("GET", "/v1/messages?colour=red"),
            "Unauthorized": lambda: ask("GET", "/v1/messages", key=None),
            "Forbidden": lambda: ask("GET", "/v1/stats", key=no_scope.key),
            "NotFound": lambda: ask("GET", f"/v1/messages/{random_id()}"),
            "NotAcceptable": lambda: ask("GET", "/v1/messages", Accept="image/png"),
            "Conflict": conflict,
            "Gone": gone,
            "TooLarge": lambda: ask("POST", "/v1/users", b" " * (2 << 20)),
            "MediaType": lambda: ask("POST", "/v1/messages", b"<xml/>", content_type="text/xml"),
            "Invalid": lambda: ask("POST", "/v1/messages", LETTER | {"to": ["user"]}),
            "TooManyRequests": over_the_limit,
        }
