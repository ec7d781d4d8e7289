"""Telegram."""

from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_vendor import Behaviour
from fakes.telegram import FakeTelegram
from tests.contract.case import Case

CASES = [
    Case(
        vendor="telegram",
        channel=Channel.TELEGRAM,
        fake=FakeTelegram,
        settings={"bot_token": FakeTelegram.token, "webhook_secret": FakeTelegram.secret},
        wrong={"bot_token": "110201543:AAwrongwrongwrongwrongwrongwrongwro"},
        address="584031723",
        content={
            "text": "<b>Grüße</b>, it rang",
            "parse_mode": "HTML",
            "buttons": [[{"text": "Open", "url": "https://example.com/1"}]],
        },
        too_long={"text": "a" * 4097},
        expects={
            # A bot that may write no more is not told why: its token is void.
            Behaviour.REJECT_ACCOUNT: (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed"),
            # The limit that retry_after speaks of is the chat's.
            Behaviour.THROTTLE: (OutcomeKind.THROTTLED, Scope.RECIPIENT, "rate_recipient"),
        },
    )
]
