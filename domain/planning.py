"""Which deliveries a notification needs: its channels, its policy and the recipient's addresses."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from domain.decision import Decision, instead_of, no_address
from domain.delivery import Planned, Unplanned
from domain.ids import new_id
from domain.preferences import ANYTHING, Preferences
from domain.recipient import Recipient
from domain.vocabulary import Channel, ChannelPolicy, State

REFUSED: Final = ("preference", "unsubscribed")
"""Reasons of a channel that the recipient does not want: `preferred` passes over it."""


def plan(
    notification: Unplanned,
    recipient: Recipient,
    decide: Callable[[Channel, str], Decision],
    preferences: Preferences = ANYTHING,
    *,
    make_id: Callable[[], UUID] = new_id,
) -> list[Planned]:
    """Return the next deliveries; none means that no channel is left.

    `decide` tells what becomes of an address. A notification that no address can serve becomes
    one suppressed delivery, so that the balance accounts for it. A channel that was used is used
    again only at another address, when those that it went to have come to be suppressed.
    """
    planned: list[Planned] = []
    channels = in_order(notification, preferences)
    left = [channel for channel in channels if channel not in notification.used]
    for channel in channels:
        for several in recipient.choices(channel, notification.class_):
            chosen = choose(channel, several, decide, notification.used.get(channel))
            if chosen is None:
                continue
            address, decision = chosen
            target = recipient.target(channel, address)
            planned.append(_planned(make_id(), notification, channel, address, decision, target))
        usable = any(one.state is not State.SUPPRESSED for one in planned)
        if usable and notification.channel_policy != ChannelPolicy.ALL:
            return _without_refused(notification, planned)
    if not planned and not notification.used and left:
        decision = no_address(left[0])
        planned.append(_planned(make_id(), notification, left[0], "", decision, {}))
    return planned


def choose(
    channel: Channel,
    several: Sequence[str],
    decide: Callable[[Channel, str], Decision],
    used: Collection[str] | None = None,
) -> tuple[str, Decision] | None:
    """Return which of several addresses a message goes to, and what becomes of it: the first that
    is not suppressed; where all are, the first. None where those that were `used` are as good.
    """
    if used is not None and not _all_suppressed(channel, several, decide, used):
        return None
    passed: list[Decision] = []
    for address in several:
        decision = decide(channel, address)
        if not decision.is_about_address:
            return address, instead_of(passed, decision)
        passed.append(decision)
    return (several[0], passed[0]) if used is None else None


def _all_suppressed(
    channel: Channel,
    several: Sequence[str],
    decide: Callable[[Channel, str], Decision],
    used: Collection[str],
) -> bool:
    tried = [one for one in several if one in used]
    return bool(tried) and all(decide(channel, one).is_about_address for one in tried)


def in_order(notification: Unplanned, preferences: Preferences) -> tuple[Channel, ...]:
    """Return the channels as the recipient wants them, where the client left that open."""
    if notification.ordered and notification.channel_policy != ChannelPolicy.PREFERRED:
        return notification.channels
    return preferences.ordered(notification.channels)


def _planned(
    id: UUID,
    notification: Unplanned,
    channel: Channel,
    address: str,
    decision: Decision,
    target: Mapping[str, Any],
) -> Planned:
    return Planned(
        id, notification, channel, address, decision.state, decision.reason, target,
        decision.due_at, decision.record(),
    )  # fmt: skip


def _without_refused(notification: Unplanned, planned: Sequence[Planned]) -> list[Planned]:
    """Leave out, for `preferred`, the channels that were passed over to find the right one."""
    if notification.channel_policy != ChannelPolicy.PREFERRED:
        return list(planned)
    return [one for one in planned if one.reason not in REFUSED]
