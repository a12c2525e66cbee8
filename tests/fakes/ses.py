#!/usr/bin/env python3
"""Amazon SES, API v2, as AWS documents it: SendEmail and GetAccount, with Signature Version 4 checked on its own from hmac and hashlib."""
import base64
import binascii
import datetime
import email
import email.policy
import email.utils
import hashlib
import hmac
import itertools
import json
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from fake_provider import Answer, FakeProvider, Request, json_answer, run_alone  # noqa: E402

MAX_RECIPIENTS = 50
MAX_MESSAGE = 40 << 20  # after base64
SKEW = datetime.timedelta(minutes=15)
AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")
ADDRESS = re.compile(r'^(?:[^\s@",<>]+|"(?:[^"\\]|\\.)+")@(?:[A-Za-z0-9-]+\.)+[A-Za-z0-9-]+$')
# Members of SendEmail's request: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
MEMBERS = {
    "ConfigurationSetName", "Content", "Destination", "EmailTags", "EndpointId", "FeedbackForwardingEmailAddress",
    "FeedbackForwardingEmailAddressIdentityArn", "FromEmailAddress", "FromEmailAddressIdentityArn", "ListManagementOptions", "ReplyToAddresses",
    "TenantName",
}  # fmt: skip
LISTS = ("ToAddresses", "CcAddresses", "BccAddresses")


class Refused(Exception):
    def __init__(self, status: int, name: str, text: str):
        self.answer = json_answer(status, {"message": text}, **{"x-amzn-ErrorType": name})


class FakeSes(FakeProvider):
    name = "ses"

    def __init__(self, access_key="AKIDTEST", secret_key="secret/test+key", region="eu-west-1", session_token="", verified=("example.test",),
                 configuration_sets=(), bad_addresses=(), sending_enabled=True, clock=None, **server):  # fmt: skip
        self.access_key, self.secret_key, self.region, self.session_token = access_key, secret_key, region, session_token
        self.verified, self.configuration_sets = set(verified), set(configuration_sets)
        self.bad_addresses, self.sending_enabled = set(bad_addresses), sending_enabled
        self.clock = clock or (lambda: datetime.datetime.now(datetime.timezone.utc))
        self.numbers = itertools.count(1)
        super().__init__(**server)

    def answer(self, request: Request) -> Answer:
        try:
            self._check_signature(request)
            if (request.method, request.path) == ("GET", "/v2/email/account"):
                answer = self._account()
            elif (request.method, request.path) == ("POST", "/v2/email/outbound-emails"):
                answer = self._send(request)
            else:
                raise Refused(404, "UnknownOperationException", "")
        except Refused as refused:
            answer = refused.answer
        answer.headers["x-amzn-RequestId"] = f"00000000-0000-4000-8000-{next(self.numbers):012d}"
        return answer

    # ---- Signature Version 4 --------------------------------------------------------------------------------------------

    def _check_signature(self, request: Request):
        given = request.header("Authorization")
        if given is None:
            raise Refused(403, "MissingAuthenticationTokenException", "Missing Authentication Token")
        found = AUTHORIZATION.fullmatch(given)
        if not found:
            raise Refused(400, "IncompleteSignatureException", "Authorization header is incomplete")
        key, date, region, service, names, signature = found.groups()
        if key != self.access_key or (request.header("x-amz-security-token") or "") != self.session_token:
            raise Refused(403, "UnrecognizedClientException", "The security token included in the request is invalid.")
        if (region, service) != (self.region, "ses"):
            raise Refused(403, "InvalidSignatureException", f"Credential should be scoped to a valid region and service, not '{region}/{service}'.")
        amz_date = request.header("x-amz-date") or ""
        self._check_date(amz_date, date)
        canonical = self._canonical(request, names)
        expected = self._signature(canonical, amz_date, date)
        if not hmac.compare_digest(expected, signature):
            raise Refused(
                403, "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method."
                f"\n\nThe Canonical String for this request should have been\n'{canonical}'",
            )  # fmt: skip

    def _check_date(self, amz_date: str, date: str):
        try:
            signed_at = datetime.datetime.strptime(amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        except ValueError:
            raise Refused(400, "IncompleteSignatureException", "Date must be in ISO-8601 'basic format'") from None
        if amz_date[:8] != date:
            raise Refused(403, "InvalidSignatureException", "Date in Credential scope does not match the date of the request")
        if abs(self.clock() - signed_at) > SKEW:
            raise Refused(403, "InvalidSignatureException", f"Signature expired: {amz_date}")

    def _canonical(self, request: Request, names: str) -> str:
        signed = names.split(";")
        needed = {"host"} | {name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")}
        if signed != sorted(set(signed)) or not needed <= set(signed):
            raise Refused(403, "InvalidSignatureException", f"host and all x-amz- headers must be signed, in order: {names}")
        body_hash = hashlib.sha256(request.body).hexdigest()
        if (request.header("x-amz-content-sha256") or body_hash) != body_hash:
            raise Refused(403, "InvalidSignatureException", "x-amz-content-sha256 is not the hash of the body")
        lines = []
        for name in signed:
            values = [re.sub(r"[ \t]+", " ", value.strip()) for n, value in request.headers if n.lower() == name]
            if not values:
                raise Refused(403, "InvalidSignatureException", f"'{name}' is signed and not sent")
            lines.append(f"{name}:{','.join(values)}\n")
        query = sorted(
            (urllib.parse.quote(name, safe="-_.~"), urllib.parse.quote(value, safe="-_.~"))
            for name, value in urllib.parse.parse_qsl(request.query.replace("+", "%2B"), keep_blank_values=True)
        )
        return "\n".join(
            [request.method, urllib.parse.quote(request.path, safe="/-_.~"), "&".join(f"{n}={v}" for n, v in query), "".join(lines), names, body_hash]
        )

    def _signature(self, canonical: str, amz_date: str, date: str) -> str:
        scope = f"{date}/{self.region}/ses/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{amz_date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = b"AWS4" + self.secret_key.encode()
        for part in (date, self.region, "ses", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    # ---- operations -----------------------------------------------------------------------------------------------------

    def _account(self) -> Answer:
        quota = {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": float(len(self.accepted))}
        return json_answer(
            200,
            {"SendingEnabled": self.sending_enabled, "ProductionAccessEnabled": True, "EnforcementStatus": "HEALTHY", "SendQuota": quota},
        )

    def _send(self, request: Request) -> Answer:
        if not (request.header("Content-Type") or "").startswith("application/json"):
            raise Refused(415, "UnsupportedMediaTypeException", "")
        try:
            asked = json.loads(request.body)
        except ValueError:
            raise Refused(400, "SerializationException", "Unexpected token") from None
        if unknown := set(asked) - MEMBERS:
            raise Refused(400, "BadRequestException", f"unknown members: {', '.join(sorted(unknown))}")
        octets = self._content(asked)
        recipients = self._recipients(asked.get("Destination") or {})
        tags = self._tags(asked.get("EmailTags") or [])
        configuration_set = asked.get("ConfigurationSetName")
        if configuration_set is not None and configuration_set not in self.configuration_sets:
            raise Refused(404, "NotFoundException", f"Configuration set <{configuration_set}> does not exist.")
        identifier = f"0102019ab{next(self.numbers):08x}-1234-000000"
        self.accept(id=identifier, recipients=recipients, message=octets, tags=tags, configuration_set=configuration_set, asked=asked)
        return json_answer(200, {"MessageId": identifier})

    def _content(self, asked) -> bytes:
        content = asked.get("Content") or {}
        if len(content) != 1 or set(content) - {"Raw", "Simple", "Template"}:
            raise Refused(400, "BadRequestException", "Content must have one of Raw, Simple and Template")
        if "Raw" not in content:
            self._check_sender(asked.get("FromEmailAddress") or "")
            return b""
        data = content["Raw"].get("Data", "")
        if len(data) > MAX_MESSAGE:
            raise Refused(400, "BadRequestException", f"Message length is more than {MAX_MESSAGE} bytes long: '{len(data)}'.")
        try:
            octets = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise Refused(400, "SerializationException", "Raw.Data is not base64") from None
        header = email.message_from_bytes(octets, policy=email.policy.compat32)
        for name in ("From", "To", "Cc", "Subject", "Message-ID", "Date", "Reply-To", "MIME-Version", "Content-Type"):
            if len(header.get_all(name, [])) > 1:
                raise Refused(400, "BadRequestException", f"Duplicate header '{name}'.")
        self._check_sender(asked.get("FromEmailAddress") or str(header.get("From") or ""))
        return octets

    def _check_sender(self, text: str):
        address = email.utils.parseaddr(text)[1]
        if not address:
            raise Refused(400, "BadRequestException", "Missing required header 'From'.")
        if address not in self.verified and address.rsplit("@", 1)[-1] not in self.verified:
            region = self.region.upper()
            raise Refused(
                400, "MessageRejected", f"Email address is not verified. The following identities failed the check in region {region}: {address}"
            )

    def _recipients(self, destination) -> list[str]:
        if unknown := set(destination) - set(LISTS):
            raise Refused(400, "BadRequestException", f"unknown members: {', '.join(sorted(unknown))}")
        recipients = [address for name in LISTS for address in destination.get(name) or []]
        if not recipients:
            raise Refused(400, "BadRequestException", "Missing destination")
        if len(recipients) > MAX_RECIPIENTS:
            raise Refused(400, "BadRequestException", f"Recipient count exceeds {MAX_RECIPIENTS}.")
        for recipient in recipients:
            address = email.utils.parseaddr(recipient)[1]
            if not recipient.isascii() or not ADDRESS.match(address) or address in self.bad_addresses:
                raise Refused(400, "BadRequestException", "Illegal address")
        return recipients

    def _tags(self, given) -> dict[str, str]:
        for tag in given:
            if set(tag) != {"Name", "Value"} or not TAG.fullmatch(tag["Name"]) or not TAG.fullmatch(tag["Value"]):
                raise Refused(400, "BadRequestException", "Invalid tag")
        return {tag["Name"]: tag["Value"] for tag in given}


if __name__ == "__main__":
    run_alone(FakeSes, __doc__, access_key="AKIDTEST", secret_key="secret/test+key", region="eu-west-1")
