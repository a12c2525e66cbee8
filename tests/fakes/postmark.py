#!/usr/bin/env python3
"""Postmark's email API as Postmark documents it: POST /email and GET /server. Strict where the documentation is."""
import email.utils
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, run_alone  # noqa: E402
from json_checks import address_of, decoded, is_address, unknown  # noqa: E402

MAX_RECIPIENTS = 50
MAX_OCTETS = 10 * 1000 * 1000  # octets of texts and files
MAX_TEXT = 5 * 1000 * 1000
MEMBERS = {
    "From", "To", "Cc", "Bcc", "Subject", "Tag", "HtmlBody", "TextBody", "ReplyTo", "Headers", "TrackOpens", "TrackLinks", "Attachments", "Metadata",
    "MessageStream",
}  # fmt: skip
WHY_INACTIVE = "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."


def error(code: int, text: str, status: int = 422) -> Answer:
    return json_answer(status, {"ErrorCode": code, "Message": text})


class Refused(Exception):
    def __init__(self, code: int, text: str, status: int = 422):
        self.answer = error(code, text, status)


class FakePostmark(FakeProvider):
    """`senders`: the verified domains; none: any. `inactive`: addresses that it does not deliver to. `bad_addresses`: no addresses to it."""

    name = "postmark"

    def __init__(self, token: str = "pm-token", senders=(), inactive=(), bad_addresses=(), streams=("outbound",), **server):
        self.token, self.senders, self.inactive, self.bad_addresses, self.streams = token, set(senders), set(inactive), set(bad_addresses), set(streams)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        if request.header("X-Postmark-Server-Token") != self.token:
            return error(10, "The Server Token you provided in the X-Postmark-Server-Token request header was invalid. Please verify that you are using a valid token.", 401)
        if (request.method, request.path) == ("GET", "/server"):
            return json_answer(200, {"ID": 1, "Name": "Fake", "ApiTokens": [self.token], "DeliveryType": "Live"})
        if (request.method, request.path) != ("POST", "/email"):
            return error(0, "not found", 404)
        if "application/json" not in (request.header("Accept") or "") or "application/json" not in (request.header("Content-Type") or ""):
            return error(409, "Your HTTP request doesn't have the Accept and Content-Type headers set to application/json.")
        try:
            return self._send(request)
        except Refused as refused:
            return refused.answer

    def _send(self, request: Request) -> Answer:
        try:
            mail = request.json()
        except ValueError:
            raise Refused(402, "Received invalid JSON input.") from None
        if not isinstance(mail, dict) or unknown(mail, MEMBERS):
            raise Refused(403, "The JSON you provided has incompatible fields")
        author = address_of(mail.get("From"))
        if author is None:
            raise Refused(300, f"Invalid 'From' address: '{mail.get('From')}'.")
        if self.senders and author.rpartition("@")[2] not in self.senders:
            raise Refused(400, f"The 'From' address you supplied ({author}) is not a Sender Signature on your account. Please add and confirm this address in order to be able to use it in the 'From' field of your messages.")
        if not mail.get("To"):
            raise Refused(300, "Zero recipients specified")
        recipients = [address for field in ("To", "Cc", "Bcc") for address in self._addresses(mail, field)]
        if len(recipients) > MAX_RECIPIENTS:
            raise Refused(300, "Invalid 'To' address: more than 50 recipients")
        self._addresses(mail, "ReplyTo")
        self._check_content(mail)
        return self._take(mail, recipients)

    def _take(self, mail: dict, recipients: list[str]) -> Answer:
        inactive = [address.lower() for address in recipients if address in self.inactive]
        if len(inactive) == len(recipients):
            raise Refused(406, f"You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: {', '.join(inactive)}. {WHY_INACTIVE}")
        identifier = str(uuid.uuid4())
        self.accept(id=identifier, mail=mail, recipients=[address for address in recipients if address not in self.inactive])
        text = f"Message OK, but will not deliver to these inactive addresses: {', '.join(inactive)}. {WHY_INACTIVE}" if inactive else "OK"
        return json_answer(200, {"To": mail["To"], "SubmittedAt": "2026-01-31T08:15:00.0000000Z", "MessageID": identifier, "ErrorCode": 0, "Message": text})

    def _addresses(self, mail: dict, field: str) -> list[str]:
        if field not in mail:
            return []
        addresses = [address for _, address in email.utils.getaddresses([mail[field]])] if isinstance(mail[field], str) else [None]
        for address in addresses:
            if not is_address(address) or address in self.bad_addresses:
                raise Refused(300, f"Error parsing '{field}': Illegal email address '{address}'. It must contain the '@' symbol.")
        return addresses

    def _check_content(self, mail: dict):
        texts = [mail[member] for member in ("TextBody", "HtmlBody") if mail.get(member)]
        if not texts:
            raise Refused(300, "Provide either email TextBody or HtmlBody or both.")
        if any(not isinstance(text, str) or len(text.encode()) > MAX_TEXT for text in texts):
            raise Refused(300, "TextBody and HtmlBody are limited to 5 MB each")
        size = sum(len(text.encode()) for text in texts)
        for file in mail.get("Attachments", []):
            octets = decoded(file.get("Content"))
            if unknown(file, {"Name", "Content", "ContentType", "ContentID"}) or octets is None or not file.get("Name") or not file.get("ContentType"):
                raise Refused(300, "Invalid attachment")
            if not file.get("ContentID", "cid:x").startswith("cid:"):
                raise Refused(300, "ContentID must start with cid:")
            if file["Name"].endswith(".exe"):
                raise Refused(411, f"Attachments with the type .exe are forbidden: {file['Name']}")
            size += len(octets)
        if size > MAX_OCTETS:
            raise Refused(300, "the message is larger than 10 MB", 413)
        for header in mail.get("Headers", []):
            if set(header) != {"Name", "Value"} or not all(isinstance(value, str) for value in header.values()):
                raise Refused(300, "Invalid Headers")
        if any(not isinstance(value, str) for value in mail.get("Metadata", {}).values()):
            raise Refused(300, "Invalid metadata content")
        if len(mail.get("Tag", "")) > 1000:
            raise Refused(300, "Tag is limited to 1000 characters")
        if mail.get("MessageStream", "outbound") not in self.streams:
            raise Refused(1235, f"The message stream '{mail['MessageStream']}' does not exist on this server.")


if __name__ == "__main__":
    run_alone(FakePostmark, __doc__, token="pm-token")
