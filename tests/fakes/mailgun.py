#!/usr/bin/env python3
"""Mailgun's sending API as Mailgun documents it: POST /v3/{domain}/messages and /messages.mime. Strict where the documentation is."""
import email.utils
import itertools
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, path_part, run_alone, text_answer  # noqa: E402

MAX_MESSAGE = 25 << 20
MAX_OPTIONS = 16 << 10  # o:, h:, v: and t: together
MAX_RECIPIENTS = 1000
MAX_TAGS = 3
YES_NO = {
    "o:testmode", "o:dkim", "o:tracking", "o:tracking-opens", "o:require-tls", "o:skip-verification", "t:text",
}  # fmt: skip
OPTIONS = YES_NO | {
    "o:tag", "o:deliverytime", "o:deliverytime-optimize-period", "o:time-zone-localize", "o:tracking-clicks", "o:tracking-pixel-location-top",
    "o:secondary-dkim", "o:secondary-dkim-public", "o:sending-ip", "o:sending-ip-pool", "o:archive-to", "recipient-variables", "template",
}  # fmt: skip
ADDRESS = re.compile(r'^(?:[^\s@",<>]+|"(?:[^"\\]|\\.)+")@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$')


def message(status: int, text: str) -> Answer:
    return json_answer(status, {"message": text})


class Refused(Exception):
    def __init__(self, status: int, text: str):
        self.answer = message(status, text)


class FakeMailgun(FakeProvider):
    name = "mailgun"

    def __init__(self, key: str = "key-test", domain: str = "mg.example.test", bad_addresses=(), **server):
        self.key, self.domain, self.bad_addresses = key, domain, set(bad_addresses)
        self.numbers = itertools.count(1)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        path = re.fullmatch(r"/v3/([^/]+)/messages(\.mime)?", request.path)
        if request.method != "POST" or not path or "/" in path_part(path[1]):
            return text_answer(200, "Mailgun Magnificent API")  # what it says to any path that it does not know
        if request.basic_login() != ("api", self.key):
            return text_answer(401, "Forbidden")
        if path_part(path[1]) != self.domain:
            return message(404, f"Domain not found: {path_part(path[1])}")
        try:
            return self._send(request, mime=path[2] is not None)
        except Refused as refused:
            return refused.answer

    def _send(self, request: Request, mime: bool) -> Answer:
        try:
            parts = request.parts()
        except ValueError as error:
            raise Refused(400, str(error)) from None
        self._check_names(parts, mime)
        recipients = self._addresses(parts, "to")
        for name in () if mime else ("cc", "bcc"):
            recipients += self._addresses(parts, name, needed=False)
        if len(recipients) > MAX_RECIPIENTS:
            raise Refused(400, f"to: at most {MAX_RECIPIENTS} recipients")
        octets = self._message(parts) if mime else b""
        identifier = f"20261122080000.{next(self.numbers)}@{self.domain}"
        self.accept(
            id=identifier, recipients=recipients, message=octets,
            variables={part.name[2:]: part.text for part in parts if part.name.startswith("v:")},
            tags=[part.text for part in parts if part.name == "o:tag"],
            testmode=any(part.name == "o:testmode" and part.text == "yes" for part in parts),
        )  # fmt: skip
        return json_answer(200, {"id": f"<{identifier}>", "message": "Queued. Thank you."})

    def _check_names(self, parts, mime: bool):
        fields = {"to", "message"} if mime else {"from", "to", "cc", "bcc", "subject", "text", "html", "amp-html", "attachment", "inline"}
        size = 0
        for part in parts:
            if part.name not in fields | OPTIONS and not re.match(r"[vht]:\S", part.name):
                raise Refused(400, f"'{part.name}' parameter is not known")
            if part.name in YES_NO and part.text not in ("yes", "no", "true", "false"):
                raise Refused(400, f"'{part.name}' parameter is neither yes nor no")
            size += len(part.value) if re.match("[ohvt]:", part.name) else 0
        if size > MAX_OPTIONS:
            raise Refused(400, "options are limited to 16 kB in total")
        tags = [part.value for part in parts if part.name == "o:tag"]
        if len(tags) > MAX_TAGS or any(not tag.isascii() or len(tag) > 128 for tag in tags):
            raise Refused(400, f"'o:tag' parameter: at most {MAX_TAGS} tags of 128 ASCII characters")

    def _addresses(self, parts, name: str, needed: bool = True) -> list[str]:
        values = [part.text for part in parts if part.name == name]
        if needed and not any(values):
            raise Refused(400, f"'{name}' parameter is missing")
        addresses = [address for _, address in email.utils.getaddresses(values)]
        if any(not ADDRESS.match(address) or address in self.bad_addresses for address in addresses):
            raise Refused(400, f"'{name}' parameter is not a valid address. please check documentation")
        return addresses

    def _message(self, parts) -> bytes:
        found = [part for part in parts if part.name == "message"]
        if len(found) != 1 or not found[0].value:
            raise Refused(400, "'message' parameter is missing")
        if len(found[0].value) > MAX_MESSAGE:
            raise Refused(413, "message is too large")
        return found[0].value


if __name__ == "__main__":
    run_alone(FakeMailgun, __doc__, key="key-test", domain="mg.example.test")
