"""What an operator sends to add, change and try vendor accounts."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Json, Line, Request, WrongField
from domain.contract.notification import Key
from domain.vocabulary import Channel

_COUNTRY = re.compile(r"[A-Z]{2}|\+[1-9][0-9]{0,14}")


def _check_country(value: str) -> str:
    if not _COUNTRY.fullmatch(value):
        raise ValueError("is neither a country (ISO 3166, as in DE) nor a prefix, as in +4179")
    return value


AccountName = Annotated[Line, Field(min_length=1, max_length=100)]
Countries = Annotated[list[Annotated[str, AfterValidator(_check_country)]], Field(max_length=300)]
Categories = Annotated[list[Key], Field(max_length=300)]
Weight = Annotated[int, Field(ge=1, le=1000)]
Cost = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Pace = Annotated[float, Field(gt=0, le=1_000_000, allow_inf_nan=False)]
SlowSeconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
SlowShare = Annotated[float, Field(gt=0, le=1)]


class AccountRequest(Request):
    """A new account: one login at a vendor, for one channel, with its rules."""

    name: AccountName
    channel: Channel
    vendor: Annotated[Line, Field(max_length=100)]
    settings: Json = {}
    weight: Weight = 1
    cost: Cost = 0.0
    countries: Countries = []
    categories: Categories = []
    per_second: Pace | None = None
    slow_seconds: SlowSeconds | None = None
    slow_share: SlowShare | None = None
    enabled: bool = True

    @model_validator(mode="after")
    def _both_or_none(self) -> "AccountRequest":
        if (self.slow_seconds is None) != (self.slow_share is None):
            raise WrongField("slow_share", "slow_seconds and slow_share go together")
        return self


class AccountPatch(Request):
    """A change by RFC 7396. Settings are merged; a secret that is left out, or null as it is read,
    stays as it is.
    """

    name: AccountName | None = None
    settings: Json | None = None
    weight: Weight | None = None
    cost: Cost | None = None
    countries: Countries | None = None
    categories: Categories | None = None
    per_second: Pace | None = None
    slow_seconds: SlowSeconds | None = None
    slow_share: SlowShare | None = None
    enabled: bool | None = None


class AccountTest(Request):
    """A message to be sent through the account at once; without content, a few plain words."""

    address: Annotated[Line, Field(min_length=1, max_length=4096)]
    content: Json | None = None
    target: Json = {}
