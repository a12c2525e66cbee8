#!/usr/bin/env python3
"""Resend's email API as Resend documents it: POST /emails and GET /domains. Strict where the documentation is, and where Resend is known to
be stricter than mail is: display names."""
import pathlib
import re
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, run_alone  # noqa: E402
from json_checks import decoded, is_address, unknown  # noqa: E402

MAX_RECIPIENTS = 50
MEMBERS = {
    "from", "to", "cc", "bcc", "reply_to", "subject", "html", "text", "headers", "attachments", "tags", "scheduled_at", "template", "topic_id",
}  # fmt: skip
FILE_MEMBERS = {"filename", "content", "path", "content_type", "content_id"}
LIMITS = {"ratelimit-limit": "2", "ratelimit-remaining": "1", "ratelimit-reset": "1"}


def error(status: int, name: str, text: str) -> Answer:
    return json_answer(status, {"statusCode": status, "name": name, "message": text}, **LIMITS)


class Refused(Exception):
    def __init__(self, status: int, name: str, text: str):
        self.answer = error(status, name, text)


class FakeResend(FakeProvider):
    """`senders`: the verified domains; none: any. `restricted`: the key may only send. `bad_addresses` are no addresses to it."""

    name = "resend"

    def __init__(self, key: str = "re_test", senders=(), bad_addresses=(), restricted: bool = False, **server):
        self.key, self.senders, self.bad_addresses, self.restricted = key, set(senders), set(bad_addresses), restricted
        self.sent: dict = {}  # idempotency key -> (body, id)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        scheme, _, key = (request.header("Authorization") or "").partition(" ")
        if scheme != "Bearer":
            return error(401, "missing_api_key", "Missing API key in the authorization header.")
        if key != self.key:
            return error(403, "invalid_api_key", "API key is invalid")
        if (request.method, request.path) == ("GET", "/domains"):
            if self.restricted:
                return error(401, "restricted_api_key", "This API key is restricted to only send emails")
            return json_answer(200, {"object": "list", "data": []}, **LIMITS)
        if (request.method, request.path) != ("POST", "/emails"):
            return error(404, "not_found", "The requested endpoint does not exist")
        try:
            return self._send(request)
        except Refused as refused:
            return refused.answer

    def _send(self, request: Request) -> Answer:
        try:
            mail = request.json()
        except ValueError:
            raise Refused(400, "validation_error", "invalid JSON") from None
        key = request.header("Idempotency-Key")
        if key is not None and not 1 <= len(key) <= 256:
            raise Refused(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        if key in self.sent:
            body, identifier = self.sent[key]
            if body != request.body:
                raise Refused(409, "invalid_idempotent_request", "Same idempotency key used with a different request payload.")
            return json_answer(200, {"id": identifier}, **LIMITS)
        if not isinstance(mail, dict) or unknown(mail, MEMBERS):
            raise Refused(422, "validation_error", f"Unknown field `{unknown(mail, MEMBERS)[0]}`")
        recipients = self._recipients(mail)
        self._check_author(mail)
        self._check_content(mail)
        identifier = str(uuid.uuid4())
        if key is not None:
            self.sent[key] = (request.body, identifier)
        self.accept(id=identifier, mail=mail, recipients=recipients, key=key)
        return json_answer(200, {"id": identifier}, **LIMITS)

    def _recipients(self, mail: dict) -> list[str]:
        if not mail.get("to"):
            raise Refused(422, "missing_required_field", "Missing `to` field.")
        found = []
        for field in ("to", "cc", "bcc", "reply_to"):
            values = mail.get(field, [])
            for value in [values] if isinstance(values, str) else values:
                address = self._address(value)
                if address is None or address in self.bad_addresses:
                    raise Refused(422, "validation_error", f"Invalid `{field}` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.")
                found += [address] if field != "reply_to" else []
        if len(found) > MAX_RECIPIENTS:
            raise Refused(422, "validation_error", f"Invalid `to` field. At most {MAX_RECIPIENTS} recipients.")
        return found

    @staticmethod
    def _address(value) -> str | None:
        """No quoted display name: Resend refuses it."""
        named = re.fullmatch(r'(?:([^"<>]*) )?<([^<>]+)>', value) if isinstance(value, str) else None
        address = named[2] if named else value
        return address if is_address(address) else None

    def _check_author(self, mail: dict):
        value = mail.get("from")
        if isinstance(value, str) and "=?" in value:
            raise Refused(451, "security_error", "The email payload contain invalid characters")
        address = self._address(value)
        if address is None or "," in value:
            raise Refused(422, "validation_error", "Invalid `from` field. The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.")
        domain = address.rpartition("@")[2]
        if self.senders and domain not in self.senders:
            raise Refused(403, "validation_error", f"The {domain} domain is not verified. Please, add and verify your domain on https://resend.com/domains")

    @staticmethod
    def _check_content(mail: dict):
        if not isinstance(mail.get("subject"), str) or not mail["subject"]:
            raise Refused(422, "missing_required_field", "Missing `subject` field.")
        if not mail.get("html") and not mail.get("text"):
            raise Refused(422, "missing_required_field", "Missing `html` or `text` field.")
        for file in mail.get("attachments", []):
            if unknown(file, FILE_MEMBERS) or not file.get("filename") or decoded(file.get("content")) is None:
                raise Refused(422, "invalid_attachment", "Attachment must have either a `content` or `path`.")
        for name, value in mail.get("headers", {}).items():
            if not isinstance(value, str):
                raise Refused(422, "validation_error", f"Invalid `headers` field: {name}")
        for tag in mail.get("tags", []):
            if set(tag) != {"name", "value"} or not all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", text) for text in tag.values()):
                raise Refused(422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or dashes.")


if __name__ == "__main__":
    run_alone(FakeResend, __doc__, key="re_test")
