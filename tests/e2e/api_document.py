"""docs/openapi.json as the tests use it: its operations with their named examples, requests made of those, and answers held against it."""
import base64
import copy
import datetime
import functools
import hashlib
import hmac
import http.client
import json
import re
import urllib.parse
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # RefResolver is what Debian 12's jsonschema has
    import jsonschema
    from jsonschema import RefResolver

from harness import PATIENCE, ROOT

DOCUMENT = json.loads((ROOT / "docs/openapi.json").read_text())
METHODS = ("get", "post", "put", "patch", "delete")
WEBHOOK_LOGIN = ("hooks", "of the provider")  # of an upstream whose provider reports


def follow(thing):
    while isinstance(thing, dict) and "$ref" in thing:
        at = DOCUMENT
        for part in thing["$ref"][2:].split("/"):
            at = at[part.replace("~1", "/").replace("~0", "~")]
        thing = at
    return thing


def strict(schema):
    """What is not described is an error here: readers may ignore it, we may not."""
    if isinstance(schema, dict):
        schema = {name: strict(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and isinstance(schema.get("type"), str):
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        schema = [strict(value) for value in schema]
    return schema


@functools.cache
def strict_document():
    return {**DOCUMENT, "components": {**DOCUMENT["components"], "schemas": strict(DOCUMENT["components"]["schemas"])}}


@functools.cache
def validator(schema: str):
    resolver = RefResolver("", strict_document())
    return jsonschema.Draft202012Validator(strict(json.loads(schema)), resolver=resolver, format_checker=jsonschema.FormatChecker())


def check(schema, value):
    validator(json.dumps(schema)).validate(value)


def accepts(schema, value) -> bool:
    return validator(json.dumps(schema)).is_valid(value)


# ---- operations -----------------------------------------------------------------------------------------------------


def example_values(holder) -> dict:
    return {name: follow(example)["value"] for name, example in (holder or {}).get("examples", {}).items()}


class Operation:
    def __init__(self, method: str, path: str, given: dict):
        self.method, self.path, self.given = method.upper(), path, given
        self.id, self.tag, self.scope = given["operationId"], given["tags"][0], given.get("x-scope")
        self.sends = given.get("x-scope") == "send" and self.method == "POST"
        self.parameters = [follow(parameter) for parameter in given.get("parameters", [])]
        self.body = follow(given.get("requestBody", {})).get("content", {})
        self.responses = {status: follow(answer) for status, answer in given["responses"].items()}
        schemes = given.get("security", DOCUMENT["security"])
        self.scheme = next(iter(schemes[0]), None) if schemes else None
        self.is_open = not schemes or {} in schemes

    def __repr__(self):
        return f"{self.method} {self.path}"

    @property
    def path_names(self):
        return re.findall(r"{(\w+)}", self.path)

    def answer(self, status: int):
        """How an answer with this status is described, or None."""
        return self.responses.get(str(status)) or self.responses.get(f"{status // 100}XX")

    def examples(self):
        """Example objects: one for each name under the answers of this operation (not under shared ones, which several routes give)."""
        own = {int(s): a for s, a in self.given["responses"].items() if "$ref" not in a and s.isdigit()}
        for status, answer in own.items():
            names = {name: (media, value) for media, c in answer.get("content", {}).items() for name, value in example_values(c).items()}
            if not names:  # an answer without content: `x-example` names its example where there are several
                names = {answer.get("x-example", next((n for c in self.body.values() for n in example_values(c)), "")): (None, None)}
            for name, (media, value) in names.items():
                yield Example(self, name, status, media, value)


    def first_example(self) -> "Example":
        """One that works, and sends where others only check; of a route that only ever refuses, the refusal."""
        examples = sorted(self.examples(), key=lambda example: example.name == "sandbox")
        return next((example for example in examples if example.status < 400), examples[0])


class Example:
    def __init__(self, operation, name, status, media, answer):
        self.operation, self.name, self.status, self.media, self.answer = operation, name, status, media, answer

    def __repr__(self):
        return f"{self.operation} “{self.name}”"

    def parameters(self, where: str) -> dict:
        found = {}
        for parameter in self.operation.parameters:
            values = example_values(parameter)
            if parameter["in"] == where and self.name in values:
                found[parameter["name"]] = values[self.name]
        return found

    def body(self):
        """(media type, value), or (None, None)."""
        for media, content in self.operation.body.items():
            values = example_values(content)
            if self.name in values:
                return media, in_time(copy.deepcopy(values[self.name]))
        return None, None

    def request(self, **places):
        """`places`: values of the path's parameters, and of others that are to differ from the example's."""
        query = {n: places.get(n, v) for n, v in self.parameters("query").items()}
        in_query = {parameter["name"] for parameter in self.operation.parameters if parameter["in"] == "query"}
        query |= {n: v for n, v in places.items() if n in in_query - set(self.operation.path_names)}
        path = re.sub(r"{(\w+)}", lambda found: urllib.parse.quote(str(places[found.group(1)]), safe=""), self.operation.path)
        if query:
            path += "?" + "&".join(f"{n}={urllib.parse.quote(text_of(v), safe='')}" for n, v in query.items())
        media, body = self.body()
        request = Request(self.operation.method, path, self.parameters("header"))
        if self.media and self.operation.path in ("/", "/metrics"):  # where Accept decides
            request.headers["Accept"] = self.media
        if media:
            request.content_type, request.octets = encoded(media, body)
        return request


def tomorrow() -> str:
    day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    return day.strftime("%Y-%m-%dT%H:%M:%SZ")


def in_time(value):
    """The example with its times to send at, which pass or are too far away one day, put to tomorrow."""
    if isinstance(value, dict):
        is_time = {name for name in ("send_at", "scheduled_at") if isinstance(value.get(name), str)}
        return {name: tomorrow() if name in is_time else in_time(inner) for name, inner in value.items()}
    return [in_time(item) for item in value] if isinstance(value, list) else value


def text_of(value) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def operations() -> list[Operation]:
    return [Operation(m, path, item[m]) for path, item in DOCUMENT["paths"].items() for m in METHODS if m in item]


# ---- requests -------------------------------------------------------------------------------------------------------


class Request:
    def __init__(self, method: str, target: str, headers: dict | None = None, content_type: str | None = None, octets: bytes = b""):
        self.method, self.target, self.headers = method, target, {n: str(v) for n, v in (headers or {}).items()}
        self.content_type, self.octets = content_type, octets

    def authorize(self, scheme: str | None, key: str, aws=None):
        """`key` as the operation's scheme carries it; `aws`: access key id and secret."""
        if scheme in ("key", "session"):
            self.headers["Authorization"] = f"Bearer {key}"
        elif scheme == "basic":
            self.headers["Authorization"] = "Basic " + base64.b64encode(f"api:{key}".encode()).decode()
        elif scheme == "postmark":
            self.headers["X-Postmark-Server-Token"] = key
        elif scheme == "webhook":
            self.headers["Authorization"] = "Basic " + base64.b64encode(":".join(WEBHOOK_LOGIN).encode()).decode()
        elif scheme == "aws":
            self.headers |= aws_headers(self, *aws)
        return self

    def send(self, port: int) -> "Answer":
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = dict(self.headers)
        if self.content_type:
            headers["Content-Type"] = self.content_type
        try:
            connection.request(self.method, self.target, self.octets or None, headers)
            answer = connection.getresponse()
            return Answer(answer.status, {n.lower(): v for n, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


class Answer:
    def __init__(self, status: int, headers: dict, body: bytes):
        self.status, self.headers, self.body = status, headers, body

    def __repr__(self):
        return f"{self.status} {self.body[:2000].decode(errors='replace')}"

    @property
    def media(self):
        return self.headers.get("content-type", "").partition(";")[0]

    def json(self):
        return json.loads(self.body)


def encoded(media: str, value):
    """Content-Type and octets of an example's value."""
    if media == "application/x-www-form-urlencoded":
        return media, urllib.parse.urlencode(value, doseq=True).encode()
    if media == "multipart/form-data":
        return multipart(value)
    media = "application/json" if media == "*/*" else media
    return media, value.encode() if isinstance(value, str) else json.dumps(value, ensure_ascii=False).encode()


def multipart(fields: dict):
    """A value that is a list repeats its field; `attachment`, `inline` and the `message` of a MIME call are files."""
    boundary, out = "example-boundary-7f3a", b""
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            is_file = name in ("attachment", "inline", "message")
            file = f'; filename="{name}.txt"' if is_file else ""
            kind = "Content-Type: text/plain\r\n" if is_file else ""
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n{kind}\r\n'
            out += head.encode() + str(value).encode() + b"\r\n"
    return f"multipart/form-data; boundary={boundary}", out + f"--{boundary}--\r\n".encode()


def aws_headers(request: Request, access_key: str, secret: str, host: str = "relay.test") -> dict:
    """Signature Version 4 over host and x-amz-date, for the SES route."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/ses/aws4_request"
    signed = "host;x-amz-date"
    canonical = "\n".join(
        (request.method, request.target, "", f"host:{host}", f"x-amz-date:{now}", "", signed, hashlib.sha256(request.octets).hexdigest())
    )
    text = "\n".join(("AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Host": host, "X-Amz-Date": now,
        "Authorization": f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={signed}, Signature={signature}",
    }
