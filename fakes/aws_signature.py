"""Checks AWS Signature Version 4 as a service does, from the published rules."""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote, unquote, urlsplit

from fakes.http_vendor import Asked, FakeVendor

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_SKEW = timedelta(minutes=5)


class FakeAws(FakeVendor):
    """A service of AWS with one access key; its clock may be `ahead` of everybody else's."""

    service: ClassVar[str] = ""
    region: ClassVar[str] = "us-east-1"
    key_id: ClassVar[str] = "AKIDFAKE"
    secret_key: ClassVar[str] = "fake-secret-access-key"
    session_token: ClassVar[str] = ""

    def __init__(self) -> None:
        super().__init__()
        self.ahead = timedelta()

    def now(self) -> datetime:
        """Return what the service's clock shows."""
        return datetime.now(UTC) + self.ahead

    def denial(self, asked: Asked) -> tuple[str, str] | None:
        """Return code and words for a request that is not signed as it must be; else None."""
        found = _AUTHORIZATION.fullmatch(asked.headers.get("authorization", ""))
        if found is None:
            return "MissingAuthenticationToken", "Request is missing Authentication Token"
        key_id, day, region, service, names, signature = found.groups()
        if key_id != self.key_id:
            return "UnrecognizedClientException", "The security token included is invalid."
        stamp = asked.headers.get("x-amz-date", "")
        wrong = self._untimely(stamp, day)
        if wrong is not None:
            return wrong
        if (region, service) != (self.region, self.service):
            scope = f"{self.region}/{self.service}"
            return "SignatureDoesNotMatch", f"Credential should be scoped to {scope}."
        signed = names.split(";")
        if signed != sorted(signed) or not {"host", "x-amz-date"} <= set(signed):
            return "IncompleteSignature", "SignedHeaders must hold host and x-amz-date, in order."
        if self.session_token != asked.headers.get("x-amz-security-token", ""):
            return "ExpiredToken", "The security token included in the request is expired"
        if not hmac.compare_digest(signature, self._signature(asked, stamp, signed)):
            return "SignatureDoesNotMatch", "The request signature we calculated does not match."
        return None

    def _untimely(self, stamp: str, day: str) -> tuple[str, str] | None:
        try:
            moment = datetime.strptime(f"{stamp}+0000", "%Y%m%dT%H%M%SZ%z")
        except ValueError:
            return "IncompleteSignature", "X-Amz-Date is not a date."
        if stamp[:8] != day:
            return "SignatureDoesNotMatch", "Date in Credential scope does not match X-Amz-Date."
        now = self.now()
        if moment < now - _SKEW:
            earliest = f"{now - _SKEW:%Y%m%dT%H%M%SZ}"
            words = f"Signature expired: {stamp} is now earlier than {earliest} (5 min.)"
            return "SignatureDoesNotMatch", words
        if moment > now + _SKEW:
            latest = f"{now + _SKEW:%Y%m%dT%H%M%SZ}"
            words = f"Signature not yet current: {stamp} is still later than {latest} (5 min.)"
            return "SignatureDoesNotMatch", words
        return None

    def _signature(self, asked: Asked, stamp: str, signed: list[str]) -> str:
        parts = urlsplit(asked.url)
        pairs = sorted(_pair(one) for one in asked.query.split("&") if one)
        lines = [asked.method, quote(parts.path or "/", safe="/-_.~")]
        lines.append("&".join("=".join(pair) for pair in pairs))
        for name in signed:
            value = re.sub(" +", " ", asked.headers.get(name, "").strip())
            lines.append(name + ":" + value)
        lines += ["", ";".join(signed), hashlib.sha256(asked.body).hexdigest()]
        hashed = hashlib.sha256("\n".join(lines).encode()).hexdigest()
        scope = [stamp[:8], self.region, self.service, "aws4_request"]
        key = ("AWS4" + self.secret_key).encode()
        for one in scope:
            key = hmac.new(key, one.encode(), hashlib.sha256).digest()
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, "/".join(scope), hashed])
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    def date(self) -> str:
        """Return the service's Date."""
        return self.now().strftime("%a, %d %b %Y %H:%M:%S GMT")


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")
