#!/usr/bin/env python3
"""SendGrid's Web API v3 as SendGrid documents it: POST /v3/mail/send and GET /v3/scopes. Strict where the documentation is."""
import itertools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, run_alone  # noqa: E402
from json_checks import decoded, is_address, unknown  # noqa: E402

MAX_OCTETS = 30 * 1000 * 1000
MAX_RECIPIENTS = MAX_PERSONALIZATIONS = 1000
MAX_CUSTOM_ARGS = 10_000
RESERVED = {
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type", "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc",
}  # fmt: skip
MEMBERS = {
    "personalizations", "from", "reply_to", "reply_to_list", "subject", "content", "attachments", "template_id", "headers", "categories",
    "custom_args", "send_at", "batch_id", "asm", "ip_pool_name", "mail_settings", "tracking_settings", "sections",
}  # fmt: skip
LETTER_MEMBERS = {"to", "cc", "bcc", "from", "subject", "headers", "substitutions", "dynamic_template_data", "custom_args", "send_at"}
FILE_MEMBERS = {"content", "type", "filename", "disposition", "content_id"}
LIMITS = {"X-RateLimit-Limit": "600", "X-RateLimit-Remaining": "599", "X-RateLimit-Reset": "1"}


def error(status: int, text: str, field: str | None = None) -> Answer:
    return json_answer(status, {"errors": [{"message": text, "field": field, "help": None}]}, **LIMITS)


class Refused(Exception):
    def __init__(self, text: str, field: str | None, status: int = 400):
        self.answer = error(status, text, field)


class FakeSendgrid(FakeProvider):
    """`senders`: the verified domains; none: any. `bad_addresses` are refused as invalid. `scopes` are those of the key."""

    name = "sendgrid"

    def __init__(self, key: str = "SG.test", senders=(), bad_addresses=(), scopes=("mail.send",), **server):
        self.key, self.senders, self.bad_addresses, self.scopes = key, set(senders), set(bad_addresses), list(scopes)
        self.numbers = itertools.count(1)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        if request.header("Authorization") != f"Bearer {self.key}":
            return error(401, "The provided authorization grant is invalid, expired, or revoked")
        if (request.method, request.path) == ("GET", "/v3/scopes"):
            return json_answer(200, {"scopes": self.scopes}, **LIMITS)
        if (request.method, request.path) != ("POST", "/v3/mail/send"):
            return error(404, "not found")
        if "mail.send" not in self.scopes:
            return error(403, "access forbidden")
        if len(request.body) > MAX_OCTETS:
            return error(413, "payload too large")
        try:
            return self._send(request)
        except Refused as refused:
            return refused.answer

    def _send(self, request: Request) -> Answer:
        try:
            mail = request.json()
        except ValueError:
            raise Refused("Bad Request", None) from None
        if not isinstance(mail, dict) or unknown(mail, MEMBERS):
            raise Refused("Bad Request", None)
        letters = self._letters(mail)
        self._check_author(mail)
        self._check_subject(mail)
        self._check_content(mail)
        self._check_files(mail.get("attachments"))
        self._check_strings(mail, "headers")
        self._check_strings(mail, "custom_args")
        reserved = RESERVED & {name.lower() for name in mail.get("headers", {})}
        if reserved:
            raise Refused(f"The header {sorted(reserved)[0]} is reserved", "headers")
        if len(json.dumps(mail.get("custom_args", {}))) > MAX_CUSTOM_ARGS:
            raise Refused("custom_args is limited to 10000 bytes", "custom_args")
        self._check_categories(mail.get("categories", []))
        sandbox = mail.get("mail_settings", {}).get("sandbox_mode", {}).get("enable", False)
        if not isinstance(sandbox, bool):
            raise Refused("The sandbox_mode enable parameter must be a boolean", "mail_settings.sandbox_mode.enable")
        if sandbox:
            return Answer(200, b"", dict(LIMITS))
        identifier = f"14c5d75ce93.dfd.fake{next(self.numbers)}"
        self.accept(id=identifier, letters=letters, mail=mail)
        return Answer(202, b"", {"X-Message-Id": identifier, **LIMITS})

    def _letters(self, mail) -> list[list[str]]:
        """The addresses of each personalization: to, cc, bcc."""
        given = mail.get("personalizations")
        if not isinstance(given, list) or not given:
            raise Refused("You must have at least one personalization.", "personalizations")
        if len(given) > MAX_PERSONALIZATIONS:
            raise Refused("The personalization block is limited to 1000 personalizations per API request.", "personalizations")
        letters, seen = [], set()
        for i, letter in enumerate(given):
            where = f"personalizations.{i}"
            if not isinstance(letter, dict) or unknown(letter, LETTER_MEMBERS):
                raise Refused("Bad Request", None)
            if not letter.get("to"):
                raise Refused("The to array is required for all personalization objects, and must have at least one email object with a valid email address.", f"{where}.to")
            addresses = [self._address(mailbox, f"{where}.{kind}.{n}.email") for kind in ("to", "cc", "bcc") for n, mailbox in enumerate(letter.get(kind, []))]
            for address in addresses:
                if address.lower() in seen:
                    raise Refused("Each unique email address in the personalizations array should only be included once. "
                                  f"You have included [{address}] more than once.", f"{where}")  # fmt: skip
                seen.add(address.lower())
            letters.append(addresses)
        if len(seen) > MAX_RECIPIENTS:
            raise Refused("There is a limit of 1000 total recipients (to + cc + bcc) per request.", "personalizations")
        return letters

    def _address(self, mailbox, where: str) -> str:
        good = isinstance(mailbox, dict) and not unknown(mailbox, {"email", "name"}) and isinstance(mailbox.get("name", ""), str)
        if not good or not is_address(mailbox.get("email")) or mailbox["email"] in self.bad_addresses:
            raise Refused("Does not contain a valid address.", where)
        return mailbox["email"]

    def _check_author(self, mail):
        address = self._author(mail.get("from"), "from")
        if "reply_to" in mail and "reply_to_list" in mail:
            raise Refused("reply_to and reply_to_list cannot both be set", "reply_to")
        for mailbox in [mail["reply_to"]] if "reply_to" in mail else mail.get("reply_to_list", []):
            self._author(mailbox, "reply_to")
        if self.senders and address.rpartition("@")[2] not in self.senders:
            raise Refused("The from address does not match a verified Sender Identity. Mail cannot be sent until this error is resolved.", "from", 403)

    @staticmethod
    def _author(mailbox, where: str) -> str:
        if not isinstance(mailbox, dict) or unknown(mailbox, {"email", "name"}) or not is_address(mailbox.get("email")):
            raise Refused(f"The {where} email does not contain a valid address.", f"{where}.email")
        return mailbox["email"]

    @staticmethod
    def _check_subject(mail):
        subjects = [mail.get("subject")] if "subject" in mail else [letter.get("subject") for letter in mail["personalizations"]]
        if not all(isinstance(subject, str) and subject for subject in subjects) and "template_id" not in mail:
            raise Refused("The subject is required. You can get around this requirement if you use a template with a subject defined.", "subject")

    @staticmethod
    def _check_content(mail):
        content = mail.get("content")
        if not isinstance(content, list) or not content:
            raise Refused("The content array must have at least one object.", "content")
        for i, part in enumerate(content):
            if not isinstance(part, dict) or unknown(part, {"type", "value"}) or not isinstance(part.get("type"), str) or not part["type"]:
                raise Refused("The content type is required.", f"content.{i}.type")
            if not isinstance(part.get("value"), str) or not part["value"]:
                raise Refused("The content value must be a string at least one character in length.", f"content.{i}.value")
        types = [part["type"] for part in content]
        wanted = [t for t in ("text/plain", "text/html") if t in types]
        if types[: len(wanted)] != wanted or len(set(types)) != len(types):
            raise Refused("If present, text/plain and text/html may only be provided once, text/plain first, then text/html.", "content")

    @staticmethod
    def _check_files(files):
        for i, file in enumerate(files or []):
            where = f"attachments.{i}"
            if not isinstance(file, dict) or unknown(file, FILE_MEMBERS):
                raise Refused("Bad Request", None)
            if decoded(file.get("content")) is None:
                raise Refused("The attachment content must be base64 encoded.", f"{where}.content")
            if not isinstance(file.get("filename"), str):
                raise Refused("The attachment filename is required.", f"{where}.filename")
            if file.get("disposition", "attachment") not in ("attachment", "inline"):
                raise Refused("The disposition must be inline or attachment.", f"{where}.disposition")
            if any(c in file.get("type", "x/y") for c in ";\r\n"):
                raise Refused("The attachment type cannot contain ';' or CRLF.", f"{where}.type")

    @staticmethod
    def _check_strings(mail, member: str):
        if any(not isinstance(value, str) for value in mail.get(member, {}).values()):
            raise Refused("Bad Request", None)

    @staticmethod
    def _check_categories(categories):
        if len(categories) > 10 or len(set(categories)) != len(categories) or any(not isinstance(c, str) or len(c) > 255 for c in categories):
            raise Refused("At most 10 different categories of 255 characters", "categories")


if __name__ == "__main__":
    run_alone(FakeSendgrid, __doc__, key="SG.test")
