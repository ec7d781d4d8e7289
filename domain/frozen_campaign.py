"""What a submission freezes of a campaign: from then on nothing else is looked at to send it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from json import dumps
from typing import Any, Final
from uuid import UUID

from domain.ab_tests import AbTest
from domain.campaign_window import OpenHours
from domain.vocabulary import CategoryClass, Channel, ChannelPolicy


@dataclass(frozen=True, slots=True)
class Frozen:
    """The `frozen` column of a campaign.

    `content` is by channel, with the footers of the rules in it, where there is no template.
    `ordered` says that the request chose the order of the channels. `off_hours` None: at any hour.
    `counts` is written when the audience is resolved: {asked, suppressed: {reason: n},
    channels: {channel: n}}. `pace` is what was submitted and approved; how fast it goes now, the
    row knows. `canary` is {share, at_least, wait_seconds, bounds}. `sender` is {from?, reply_to?},
    `brand` {name, colour?, logo?}; None where the campaign names none. With a test there is neither
    template nor content.
    """

    category: str
    class_: CategoryClass
    priority: str
    channels: tuple[Channel, ...]
    channel_policy: ChannelPolicy = ChannelPolicy.FIRST_SUCCESS
    ordered: bool = True
    template: tuple[UUID, int] | None = None
    template_key: str | None = None
    content: Mapping[str, Any] | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    off_hours: OpenHours | None = None
    counts: Mapping[str, Any] | None = None
    pace: Mapping[str, Any] | None = None
    canary: Mapping[str, Any] | None = None
    sender: Mapping[str, str] | None = None
    brand: Mapping[str, Any] | None = None
    ab_test: Mapping[str, Any] | None = None

    @classmethod
    def read(cls, column: Mapping[str, Any]) -> "Frozen":
        """Return what a row keeps."""
        id, version = column["template_id"], column["template_version"]
        return cls(
            category=column["category"],
            class_=CategoryClass(column["class"]),
            priority=column["priority"],
            channels=tuple(Channel(one) for one in column["channels"]),
            channel_policy=ChannelPolicy(column["channel_policy"]),
            ordered=column["ordered"],
            template=(UUID(id), version) if id else None,
            template_key=column["template_key"],
            content=column["content"],
            data=column["data"],
            off_hours=OpenHours.of(column["off_hours"]),
            counts=column.get("counts"),
            pace=column.get("pace"),
            canary=column.get("canary"),
            sender=column.get("sender"),
            brand=column.get("brand"),
            ab_test=column.get("ab_test"),
        )

    def column(self) -> dict[str, Any]:
        """Return it as a row keeps it."""
        return {
            "category": self.category,
            "class": self.class_,
            "priority": self.priority,
            "channels": list(self.channels),
            "channel_policy": self.channel_policy,
            "ordered": self.ordered,
            "template_id": str(self.template[0]) if self.template else None,
            "template_version": self.template[1] if self.template else None,
            "template_key": self.template_key,
            "content": self.content,
            "data": self.data,
            "off_hours": self.off_hours.document() if self.off_hours else None,
            "counts": self.counts,
            "pace": self.pace,
            "canary": self.canary,
            "sender": self.sender,
            "brand": self.brand,
            "ab_test": self.ab_test,
        }

    @property
    def test(self) -> AbTest | None:
        """What is tested."""
        return AbTest.of(self.ab_test)

    @property
    def templates(self) -> list[tuple[UUID, int]]:
        """The versions of templates that it sends."""
        if self.test is not None:
            return [one.template for one in self.test.variants]
        return [self.template] if self.template else []

    @property
    def template_keys(self) -> dict[UUID, str | None]:
        """How these templates are called."""
        if self.test is not None:
            return {one.template[0]: one.template_key for one in self.test.variants}
        return {self.template[0]: self.template_key} if self.template else {}

    def as_variant(self, number: int) -> "Frozen":
        """Return what those get who get this variant of a test."""
        if self.test is None:
            return self
        chosen = self.test.variants[number]
        return replace(
            self, template=chosen.template, template_key=chosen.template_key, ab_test=None,
            data={**chosen.data, **self.data},
        )  # fmt: skip


NOT_SHOWN: Final = ("counts",)
"""Parts of the column that an approval is not about: they follow from the others."""


def fingerprint(
    column: Mapping[str, Any],
    *,
    snapshot: str,
    words: Mapping[str, Any],
    window: Sequence[str | None],
    run: int,
) -> str:
    """Return the hash that approvals are bound to.

    `snapshot` is the hash of the audience's snapshot, `words` what the template's version says
    with its partials, `window` its start and end. `run` tells submissions apart: what was rejected
    can be submitted as it is, to be decided on anew.
    """
    bound = {name: value for name, value in column.items() if name not in NOT_SHOWN}
    whole = {**bound, "snapshot": snapshot, "words": words, "window": list(window), "run": run}
    canonical = dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return sha256(canonical.encode()).hexdigest()
