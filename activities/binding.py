"""Where the trial of a module redirects what may go."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from domain.delivery import Planned
from domain.vocabulary import State
from stores.rules import Standing


def redirected(planned: Sequence[Planned], standings: Mapping[UUID, Standing]) -> list[Planned]:
    """Return deliveries as their modules' trials redirect those that may go."""
    return [
        _redirected(one, standings[one.notification.module_id])
        if one.state in (State.ACCEPTED, State.HELD)
        else one
        for one in planned
    ]


def _redirected(one: Planned, standing: Standing) -> Planned:
    if standing.trial is None:
        return one
    return replace(one, address=standing.trial.route(one.channel, one.address) or one.address)
