"""A service of AWS whose events a topic of SNS passes on: the topic's part in it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from fakes import sns_signer
from fakes.aws_signature import FakeAws
from fakes.http_vendor import Answer, Asked, Call, Forgery


class FakeTopic(FakeAws):
    """Signs events; it gives out the certificate itself where `stand_in` says where it is served.

    An account must then name this host as its `sns_host`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stand_in = ""
        self.confirmed: list[str] = []
        """Tokens of subscriptions that were confirmed."""

    @property
    def material(self) -> Mapping[str, bytes]:
        """The certificate that signs its events, by its URL."""
        return {self._host() + sns_signer.CERTIFICATE_PATH: sns_signer.certificates()}

    def sends(self, asked: Asked) -> bool:
        """Whether it is a message, and not a question to SNS."""
        return asked.method == "POST"

    def tell(self, event: Any, *, url: str, forgery: Forgery | None = None) -> Call:
        """Return the call that tells an event."""
        return sns_signer.notification(event, url=url, host=self._host(), forgery=forgery)

    def subscribe(self, url: str) -> Call:
        """Return the call that asks `url` to confirm its subscription."""
        return sns_signer.subscription(url=url, host=self._host())

    def answer_as_sns(self, asked: Asked) -> Answer:
        """Give out the certificate, or take the confirmation of a subscription."""
        if asked.path == sns_signer.CERTIFICATE_PATH:
            return Answer(200, {"Content-Type": "text/plain"}, sns_signer.certificates())
        query = parse_qs(asked.query)
        if query.get("Action") != ["ConfirmSubscription"]:
            return Answer(404)
        self.confirmed += query["Token"]
        return Answer(200, {"Content-Type": "text/xml"}, b"<ConfirmSubscriptionResponse/>")

    def _host(self) -> str:
        return self.stand_in or sns_signer.HOST
