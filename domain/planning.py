"""Which deliveries a notification needs: its channels, its policy and the recipient's addresses."""

from collections.abc import Callable
from uuid import UUID

from domain.delivery import Planned, Unplanned
from domain.ids import new_id
from domain.recipient import Recipient
from domain.vocabulary import Channel, ChannelPolicy, State

NO_ADDRESS = "no_address"


def plan(
    notification: Unplanned,
    recipient: Recipient,
    suppressed: Callable[[Channel, str], str | None],
    *,
    make_id: Callable[[], UUID] = new_id,
) -> list[Planned]:
    """Return the next deliveries; none means that no channel is left.

    `suppressed` tells why an address must not be used. A notification that no address can
    serve becomes one suppressed delivery, so that the balance accounts for it.
    """
    planned: list[Planned] = []

    def add(channel: Channel, address: str, reason: str | None) -> None:
        state = State.SUPPRESSED if reason else State.ACCEPTED
        target = recipient.target(channel, address)
        planned.append(
            Planned(make_id(), notification, channel, address, state, reason or "", target)
        )

    left = [channel for channel in notification.channels if channel not in notification.used]
    for channel in left:
        addresses = recipient.addresses(channel)
        for address in addresses:
            add(channel, address, suppressed(channel, address))
        usable = any(one.state is State.ACCEPTED for one in planned)
        if usable and notification.channel_policy != ChannelPolicy.ALL:
            break
    if not planned and not notification.used and left:
        add(left[0], "", NO_ADDRESS)
    return planned
