"""Deals the recipients of a campaign to shards, and to the variants of its test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.ab_tests import AbTest, Dealer, place_of
from domain.campaign_waves import Wave
from domain.delivery import Planned
from domain.vocabulary import State
from stores.ledger.campaign_rows import Place

SHARD: Final = 1_000
"""Recipients of a shard."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """Goes through the audience of a campaign, page by page."""

    campaign_id: UUID
    dealer: Dealer | None

    @classmethod
    def of(cls, campaign_id: UUID, test: AbTest | None) -> "Dealing":
        """Return a dealing that begins with the first page."""
        dealer = Dealer([one.share for one in test.variants]) if test else None
        return cls(campaign_id, dealer)

    def places(
        self, page: int, keys: Mapping[UUID, UUID], planned: Sequence[Planned]
    ) -> dict[UUID, Place]:
        """Return where the recipients of a page belong; `keys` are the audience's by their ids.

        Only who is sent something takes part in a test, in the order of a hash of its key.
        """
        places = dict.fromkeys(keys, Place(Wave.REST.first_shard + page))
        if self.dealer is None:
            return places
        sent = {one.notification.id for one in planned if one.state is not State.SUPPRESSED}
        for id in sorted(sent, key=lambda one: place_of(self.campaign_id, keys[one])):
            shard = Wave.TEST.first_shard + self.dealer.tested // SHARD
            variant = self.dealer.deal()
            if variant is not None:
                places[id] = Place(shard, variant)
        return places


def keys_of(asked: Sequence[Any], members: Sequence[Any]) -> dict[UUID, UUID]:
    """Return the keys of an audience's members by the ids that their recipients were given."""
    return {one.id: member.key for one, member in zip(asked, members, strict=True)}
