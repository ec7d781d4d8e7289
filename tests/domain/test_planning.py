"""Planning: the channels of a notification, by policy, address and suppression."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import Address
from domain.decision import ALLOWED, Decision, Effect, Rule
from domain.delivery import Planned, Unplanned
from domain.ids import new_id
from domain.planning import plan
from domain.preferences import Preferences
from domain.recipient import Recipient
from domain.vocabulary import CategoryClass, Channel, ChannelPolicy, State

BOTH = Recipient(email="a@example.com", phone="+14155550100", push=("t1", "t2"))


def notification(*channels: Channel, **given: Any) -> Unplanned:
    usual: dict[str, Any] = {
        "id": new_id(), "module_id": new_id(), "category": "transactional",
        "class_": CategoryClass.TRANSACTIONAL, "priority": "medium", "channels": channels,
        "channel_policy": ChannelPolicy.FIRST_SUCCESS, "profile_id": None, "recipient": {},
        "used": {}, "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Unplanned(**{**usual, **given})


def allowed(_channel: Channel, _address: str) -> Decision:
    return ALLOWED


def without(*channels: Channel, reason: str = "hard_bounce") -> Callable[[Channel, str], Decision]:
    """Decide against some channels."""

    def decide(channel: Channel, _address: str) -> Decision:
        return Decision(State.SUPPRESSED, reason, ()) if channel in channels else ALLOWED

    return decide


def shape(planned: list[Planned]) -> list[tuple[str, str, str]]:
    return [(one.channel.value, one.address, one.state.value) for one in planned]


def test_first_success_uses_the_first_channel_with_an_address() -> None:
    wanted = notification(Channel.TELEGRAM, Channel.EMAIL, Channel.SMS)
    assert shape(plan(wanted, BOTH, allowed)) == [("email", "a@example.com", "accepted")]


def test_all_uses_every_channel_and_every_device() -> None:
    wanted = notification(Channel.EMAIL, Channel.PUSH, channel_policy=ChannelPolicy.ALL)
    assert shape(plan(wanted, BOTH, allowed)) == [
        ("email", "a@example.com", "accepted"), ("push", "t1", "accepted"),
        ("push", "t2", "accepted"),
    ]  # fmt: skip


def test_nobody_to_reach_is_one_suppressed_delivery() -> None:
    found = plan(notification(Channel.TELEGRAM, Channel.EMAIL), Recipient(), allowed)
    assert [(one.state, one.reason) for one in found] == [(State.SUPPRESSED, "no_address")]


def test_a_suppressed_address_is_accounted_for_and_the_next_channel_used() -> None:
    found = plan(notification(Channel.EMAIL, Channel.SMS), BOTH, without(Channel.EMAIL))
    assert shape(found) == [
        ("email", "a@example.com", "suppressed"), ("sms", "+14155550100", "accepted"),
    ]  # fmt: skip


def test_a_fallback_skips_channels_that_were_used() -> None:
    wanted = notification(Channel.EMAIL, Channel.SMS, used={Channel.EMAIL: frozenset()})
    assert shape(plan(wanted, BOTH, allowed)) == [("sms", "+14155550100", "accepted")]


def test_after_the_last_channel_nothing_is_left() -> None:
    used = {Channel.EMAIL: frozenset[str](), Channel.SMS: frozenset[str]()}
    assert plan(notification(Channel.EMAIL, Channel.SMS, used=used), BOTH, allowed) == []


ORDER = Preferences(channel_order=(Channel.SMS, Channel.EMAIL))


def test_the_recipient_orders_channels_that_the_client_did_not() -> None:
    wanted = notification(Channel.EMAIL, Channel.PUSH, Channel.SMS, ordered=False)
    assert shape(plan(wanted, BOTH, allowed, ORDER)) == [("sms", "+14155550100", "accepted")]


def test_an_order_of_the_client_holds_unless_the_policy_is_preferred() -> None:
    wanted = notification(Channel.EMAIL, Channel.SMS)
    assert shape(plan(wanted, BOTH, allowed, ORDER)) == [("email", "a@example.com", "accepted")]
    wanted = notification(Channel.EMAIL, Channel.SMS, channel_policy=ChannelPolicy.PREFERRED)
    assert shape(plan(wanted, BOTH, allowed, ORDER)) == [("sms", "+14155550100", "accepted")]


def test_preferred_passes_over_what_the_recipient_switched_off() -> None:
    wanted = notification(Channel.SMS, Channel.EMAIL, channel_policy=ChannelPolicy.PREFERRED)
    off = without(Channel.SMS, reason="preference")
    assert shape(plan(wanted, BOTH, off, ORDER)) == [("email", "a@example.com", "accepted")]
    none = without(Channel.SMS, Channel.EMAIL, reason="preference")
    assert [one.state for one in plan(wanted, BOTH, none, ORDER)] == [State.SUPPRESSED] * 2


def test_a_held_channel_is_used_and_no_other() -> None:
    until = datetime(2030, 1, 1, tzinfo=UTC)

    def quiet(_channel: Channel, _address: str) -> Decision:
        return Decision(State.HELD, "quiet_hours", (), until)

    found = plan(notification(Channel.EMAIL, Channel.SMS), BOTH, quiet)
    assert [(one.channel, one.state, one.due_at) for one in found] == [
        (Channel.EMAIL, State.HELD, until)
    ]


@given(
    st.lists(st.sampled_from(list(Channel)), unique=True, min_size=1),
    st.sampled_from(list(ChannelPolicy)),
    st.sets(st.sampled_from(list(Channel))),
    st.builds(
        Recipient,
        email=st.none() | st.just("a@example.com"),
        phone=st.none() | st.just("+14155550100"),
        telegram=st.none() | st.just("42"),
        push=st.tuples() | st.just(("t1", "t2")),
    ),
)
def test_a_fresh_notification_is_always_accounted_for(
    channels: list[Channel], policy: ChannelPolicy, blocked: set[Channel], recipient: Recipient
) -> None:
    wanted = notification(*channels, channel_policy=policy)
    found = plan(wanted, recipient, without(*blocked, reason="manual"))
    assert found
    assert len({one.id for one in found}) == len(found)
    sending = [one for one in found if one.state is State.ACCEPTED]
    assert all(one.channel not in blocked and one.address for one in sending)
    if policy is not ChannelPolicy.ALL:
        assert len({one.channel for one in sending}) <= 1


SEVERAL = Recipient(
    email="a@example.com",
    listed=(
        Address(Channel.EMAIL, "a@example.com", verified=True, primary=True),
        Address(Channel.EMAIL, "b@example.com"),
        Address(Channel.EMAIL, "c@example.com", verified=True),
    ),
)


def suppressing(*addresses: str) -> Callable[[Channel, str], Decision]:
    """Decide against some addresses, as suppressions do."""
    rule = Rule("suppression", Effect.SUPPRESSES, "")

    def decide(_channel: Channel, address: str) -> Decision:
        gone = Decision(State.SUPPRESSED, "hard_bounce", (rule,))
        return gone if address in addresses else ALLOWED

    return decide


def test_one_of_several_addresses_is_used_and_the_next_where_it_is_suppressed() -> None:
    def used(class_: CategoryClass, *gone: str) -> list[tuple[str, str]]:
        wanted = notification(Channel.EMAIL, class_=class_)
        found = plan(wanted, SEVERAL, suppressing(*gone))
        return [(one.address[0], one.state.value) for one in found]

    for class_ in CategoryClass:
        assert used(class_) == [("a", "accepted")]
        assert used(class_, "a@example.com") == [("c", "accepted")]
    both = "a@example.com", "c@example.com"
    assert used(CategoryClass.TRANSACTIONAL, *both) == [("b", "accepted")]
    assert used(CategoryClass.OTP, *both) == [("a", "suppressed")], "nobody knows whose b is"
    [one] = plan(notification(Channel.EMAIL), SEVERAL, suppressing("a@example.com"))
    assert one.decision is not None
    assert one.decision[0]["rule"] == "address"


def test_a_fallback_goes_to_another_address_only_when_the_used_one_came_to_be_suppressed() -> None:
    wanted = notification(
        Channel.EMAIL, Channel.SMS, used={Channel.EMAIL: frozenset({"a@example.com"})}
    )
    both = replace(SEVERAL, phone="+14155550100")
    assert shape(plan(wanted, both, suppressing("a@example.com"))) == [
        ("email", "c@example.com", "accepted")
    ]
    assert shape(plan(wanted, both, allowed)) == [("sms", "+14155550100", "accepted")]
    tried = replace(wanted, used={Channel.EMAIL: frozenset(one.address for one in SEVERAL.listed)})
    every = suppressing(*(one.address for one in SEVERAL.listed))
    assert shape(plan(tried, both, every)) == [("sms", "+14155550100", "accepted")]
