"""Campaigns as their authors ask for them: POST and PATCH of /v1/campaigns."""

from datetime import time
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from domain.contract.base import Json, Line, Moment, Request, WrongField
from domain.contract.brand import Brand
from domain.contract.campaign_pace import Pace
from domain.contract.campaign_waves import AbTest, Canary
from domain.contract.content import Content
from domain.contract.notification import Key, Metadata, TemplateRef, Timezone
from domain.contract.rule import no_template
from domain.vocabulary import Channel, ChannelPolicy, Priority


class OffHours(Request):
    """The time of day in which a campaign may send: on the clock of a zone, or on each
    recipient's own. Over midnight if `end` is the earlier one.
    """

    start: time
    end: time
    timezone: Timezone | Literal["recipient"] = "recipient"

    @model_validator(mode="after")
    def _differ(self) -> Self:
        if self.start == self.end:
            raise WrongField("end", "must differ from start, or the window never opens")
        return self


class Window(Request):
    """When a campaign may send; without `off_hours` bulk goes out in the site's off-hours, and
    with null at any hour.
    """

    start_at: Moment | None = None
    end_at: Moment | None = None
    off_hours: OffHours | None = None


_Plain = Annotated[Line, Field(min_length=1, max_length=320), AfterValidator(no_template)]


class Sender(Request):
    """From whom a campaign's mails come, instead of what its words or accounts say."""

    from_: Annotated[_Plain | None, Field(alias="from")] = None
    reply_to: _Plain | None = None


class CampaignRequest(Request):
    """A campaign: whom, what, when and how fast."""

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    audience: Annotated[Line, Field(min_length=1, max_length=64)]
    template: TemplateRef | None = None
    content: Content | None = None
    data: Json = {}
    category: Key | None = None
    channels: Annotated[list[Channel], Field(min_length=1, max_length=7)] | None = None
    channel_policy: ChannelPolicy = ChannelPolicy.FIRST_SUCCESS
    priority: Priority | None = None
    sender: Sender | None = None
    brand: Brand | None = None
    window: Window = Window()
    pace: Pace | None = None
    canary: Canary | None = None
    ab_test: AbTest | None = None
    metadata: Metadata = {}

    @model_validator(mode="after")
    def _words(self) -> Self:
        given = [self.template, self.content, self.ab_test]
        if sum(one is not None for one in given) != 1:
            raise WrongField("template", "give either a template, content or an ab_test")
        return self


class CampaignPatch(Request):
    """A merge patch (RFC 7396) of a campaign: all of a draft, and the pace of one that sends."""

    name: Annotated[Line, Field(max_length=200)] | None = None
    audience: Annotated[Line, Field(max_length=64)] | None = None
    template: TemplateRef | None = None
    content: Json | None = None
    data: Json | None = None
    category: Key | None = None
    channels: Annotated[list[Channel], Field(max_length=7)] | None = None
    channel_policy: ChannelPolicy | None = None
    priority: Priority | None = None
    sender: Json | None = None
    brand: Json | None = None
    window: Json | None = None
    pace: Json | None = None
    canary: Json | None = None
    ab_test: Json | None = None
    metadata: Json | None = None


class Submit(Request):
    """A submission; what is not approved by then expires."""

    approve_by: Moment | None = None


class Approve(Request):
    """An approval of exactly what was shown."""

    hash: Annotated[Line, Field(min_length=1, max_length=128)]
    reason: Annotated[str, Field(max_length=1_000)] = ""
    on_behalf_of: Annotated[Line, Field(max_length=64)] | None = None


class Reject(Request):
    """A rejection, with its reason."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]
    on_behalf_of: Annotated[Line, Field(max_length=64)] | None = None


class ChooseWinner(Request):
    """The variant of a test that the others get, chosen by hand: a, b, c and so on."""

    variant: Annotated[Line, Field(pattern=r"^[a-e]$")]
    reason: Annotated[str, Field(max_length=1_000)] = ""


class SettleUnknown(Request):
    """What became of deliveries of which nobody knew: those named, or all."""

    deliveries: Annotated[list[Line], Field(min_length=1, max_length=1_000)] | None = None
    sent: bool


class CampaignPreview(Request):
    """How many samples a dry run shows."""

    samples: Annotated[int, Field(ge=0, le=50)] = 20
