#!/usr/bin/env python3
"""Mailjet's Send API v3.1 as Mailjet documents it: POST /v3.1/send, and GET /v3/REST/apikey. Strict where the documentation is."""
import itertools
import pathlib
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, run_alone  # noqa: E402
from json_checks import decoded, is_address, unknown  # noqa: E402

FIRST_ID = 1152921504606846977  # 2**60 + 1: a double has no such number
MAX_ADDRESSES = 50  # in each of To, Cc, Bcc
MAX_FILES = 15 * 1000 * 1000
MEMBERS = {
    "From", "Sender", "To", "Cc", "Bcc", "ReplyTo", "Subject", "TextPart", "HTMLPart", "Attachments", "InlinedAttachments", "Headers", "CustomID",
    "EventPayload", "Variables", "TemplateID", "TemplateLanguage", "CustomCampaign", "DeduplicateCampaign", "Priority", "TrackOpens", "TrackClicks",
    "URLTags", "MonitoringCategory",
}  # fmt: skip
FORBIDDEN = {
    "from", "sender", "subject", "to", "cc", "bcc", "return-path", "delivered-to", "dkim-signature", "domainkey-status", "received-spf",
    "authentication-results", "received", "x-mailjet-prio", "x-mailjet-debug", "user-agent", "x-mailer", "x-mj-customid", "x-mj-eventpayload",
    "x-mj-vars", "x-mj-templateerrordeliver", "x-mj-templateerrorreporting", "x-mj-templatelanguage", "x-mailjet-trackopen", "x-mailjet-trackclick",
    "x-mj-templateid", "x-mj-workflowid", "x-feedback-id", "x-mailjet-segmentation", "list-id", "x-mj-mid", "x-mj-errormessage", "date",
    "x-csa-complaints", "message-id", "x-mailjet-campaign", "x-mj-statisticscontactslistid",
}  # fmt: skip


def error(status: int, code: str, text: str, related: list | None = None) -> dict:
    found = {"ErrorIdentifier": str(uuid.uuid4()), "ErrorCode": code, "StatusCode": status, "ErrorMessage": text}
    return found | ({"ErrorRelatedTo": related} if related is not None else {})


class Refused(Exception):
    def __init__(self, code: str, text: str, *related: str, status: int = 400):
        self.error = error(status, code, text, list(related))


class FakeMailjet(FakeProvider):
    """`senders`: the verified domains; none: any. `bad_addresses` are refused as invalid."""

    name = "mailjet"

    def __init__(self, key: str = "mj-key", secret: str = "mj-secret", senders=(), bad_addresses=(), **server):
        self.key, self.secret, self.senders, self.bad_addresses = key, secret, set(senders), set(bad_addresses)
        self.ids = itertools.count(FIRST_ID)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        if request.basic_login() != (self.key, self.secret):
            return json_answer(401, error(401, "mj-0015", "API key authentication/authorization failure. You may be unauthorized to access the API or your API key may be expired. Visit API keys management section to check your keys."))
        if (request.method, request.path) == ("GET", "/v3/REST/apikey"):
            return json_answer(200, {"Count": 1, "Data": [{"APIKey": self.key, "IsActive": True}], "Total": 1})
        if (request.method, request.path) != ("POST", "/v3.1/send"):
            return json_answer(404, error(404, "mj-0000", "Not found"))
        try:
            payload = request.json()
        except ValueError:
            return json_answer(400, error(400, "mj-0002", "Malformed JSON, please review the syntax and properties types."))
        if not isinstance(payload, dict) or unknown(payload, {"Messages", "SandboxMode", "AdvanceErrorHandling", "Globals"}):
            return json_answer(400, error(400, "mj-0002", "Unknown property"))
        if not payload.get("Messages"):
            return json_answer(400, error(400, "mj-0003", "Messages is mandatory", ["Messages"]))
        results = [self._send(payload.get("Globals", {}) | message, payload.get("SandboxMode", False)) for message in payload["Messages"]]
        failed = [found["Errors"][0]["StatusCode"] for found in results if found["Status"] == "error"]
        return json_answer(failed[0] if failed else 200, {"Messages": results})

    def _send(self, message: dict, sandbox: bool) -> dict:
        try:
            self._check(message)
        except Refused as refused:
            return {"Status": "error", "Errors": [refused.error]}
        result = {"Status": "success", "CustomID": message.get("CustomID", "")}
        for kind in ("To", "Cc", "Bcc"):
            result[kind] = [self._taken(mailbox["Email"]) for mailbox in message.get(kind, [])]
        if not sandbox:
            self.accept(id=str(result["To"][0]["MessageID"]), mail=message, ids={one["Email"]: str(one["MessageID"]) for kind in ("To", "Cc", "Bcc") for one in result[kind]})
        return result

    def _taken(self, address: str) -> dict:
        number = next(self.ids)
        return {"Email": address, "MessageUUID": str(uuid.uuid4()), "MessageID": number, "MessageHref": f"{self.url}/v3/REST/message/{number}"}

    def _check(self, message: dict):
        strange = unknown(message, MEMBERS)
        if strange:
            raise Refused("mj-0002", f"Unknown property {strange[0]}", strange[0])
        author = self._address(message.get("From"), "From")
        if self.senders and author.rpartition("@")[2] not in self.senders:
            raise Refused("send-0008", f'"{author}" is not an authorized sender email address for your account.', "From", status=403)
        if not message.get("To"):
            raise Refused("mj-0003", "Recipients are missing", "To")
        for kind in ("To", "Cc", "Bcc"):
            for i, mailbox in enumerate(message.get(kind, [])):
                if self._address(mailbox, f"{kind}[{i}]") in self.bad_addresses:
                    raise Refused("mj-0013", f'"{mailbox["Email"]}" is an invalid email address.', f"{kind}[{i}].Email")
            if kind in message and (not message[kind] or len(message[kind]) > MAX_ADDRESSES):
                raise Refused("send-0015", f"1 to {MAX_ADDRESSES} recipients", kind)
        if "ReplyTo" in message:
            self._address(message["ReplyTo"], "ReplyTo")
        self._check_content(message)

    @staticmethod
    def _check_content(message: dict):
        for member in ("TextPart", "HTMLPart", "Subject", "CustomID", "CustomCampaign", "EventPayload"):
            if not isinstance(message.get(member, "x"), str) or not message.get(member, "x"):
                raise Refused("mj-0012", "cannot be an empty string", member)
        if "TextPart" not in message and "HTMLPart" not in message and "TemplateID" not in message:
            raise Refused("send-0003", "At least \"HTMLPart\", \"TextPart\" or \"TemplateID\" must be provided.", "HTMLPart", "TextPart")
        if len(message.get("Subject", "")) > 255:
            raise Refused("mj-0006", "longer than 255 characters", "Subject")
        size = 0
        for member, known in (("Attachments", set()), ("InlinedAttachments", {"ContentID"})):
            for i, file in enumerate(message.get(member, [])):
                where = f"{member}[{i}]"
                if unknown(file, {"ContentType", "Filename", "Base64Content"} | known):
                    raise Refused("mj-0002", "Unknown property", where)
                octets = decoded(file.get("Base64Content"))
                if octets is None or not file.get("Filename") or ";" in file.get("ContentType", ";"):
                    raise Refused("mj-0005", "Invalid value", where)
                size += len(octets)
        if size > MAX_FILES:
            raise Refused("mj-0011", "payload too large", "Attachments", status=413)
        for name, value in message.get("Headers", {}).items():
            if name.lower() in FORBIDDEN:
                raise Refused("send-0011", f'Header cannot be customized using the "Headers" collection: {name}', "Headers." + name)
            if not isinstance(value, str):
                raise Refused("mj-0004", "not a string", "Headers." + name)

    @staticmethod
    def _address(mailbox, where: str) -> str:
        if not isinstance(mailbox, dict) or unknown(mailbox, {"Email", "Name"}):
            raise Refused("mj-0004", "Type mismatch", where)
        if not is_address(mailbox.get("Email")):
            raise Refused("mj-0013", f'"{mailbox.get("Email")}" is an invalid email address.', f"{where}.Email")
        return mailbox["Email"]


if __name__ == "__main__":
    run_alone(FakeMailjet, __doc__, key="mj-key", secret="mj-secret")
