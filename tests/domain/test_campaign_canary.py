"""A canary stops only for what is passed, and early only for what would be passed in the end."""

from hypothesis import given
from hypothesis import strategies as st

from domain.campaign_canary import Canary, Counts
from domain.campaign_waves import Wave

SHARES = st.floats(0, 0.99)


@st.composite
def canaries(draw: st.DrawFn) -> Canary:
    names = draw(st.sets(st.sampled_from(["bounced", "complained", "failed"]), min_size=1))
    return Canary(
        draw(st.floats(0.0001, 0.5)), draw(st.integers(1, 1000)), 60,
        {name: draw(SHARES) for name in names},
    )  # fmt: skip


@st.composite
def counted(draw: st.DrawFn) -> Counts:
    sent = draw(st.integers(0, 50))
    return Counts(
        sent, draw(st.integers(0, 50)), draw(st.integers(0, 50)),
        bounced=draw(st.integers(0, sent)), complained=draw(st.integers(0, sent)),
    )  # fmt: skip


@given(canaries(), st.integers(0, 1_000_000))
def test_its_size_is_its_share_at_least_so_many_and_never_more_than_all(
    canary: Canary, recipients: int
) -> None:
    size = canary.size(recipients)
    assert min(canary.at_least, recipients) <= size <= recipients
    assert size >= canary.share * recipients - 0.001
    assert size <= max(canary.at_least, canary.share * recipients + 1)


@given(canaries(), counted(), st.data())
def test_what_stops_it_early_stops_it_whatever_becomes_of_the_rest(
    canary: Canary, counts: Counts, data: st.DataObject
) -> None:
    early = {one.name for one in canary.breaches(counts, final=False)}
    sent = data.draw(st.integers(0, counts.waiting))
    later = Counts(
        counts.sent + sent, counts.failed + counts.waiting - sent,
        bounced=counts.bounced + data.draw(st.integers(0, sent)),
        complained=counts.complained + data.draw(st.integers(0, sent)),
    )  # fmt: skip
    final = {one.name: one for one in canary.breaches(later, final=True)}
    assert early <= final.keys()
    for name, one in final.items():
        assert one.share > canary.bounds[name] == one.bound
        assert f"{name}: {one.count} of {one.base}" in one.told()


def test_it_is_told_which_bound_was_passed_and_by_how_much() -> None:
    canary = Canary(0.01, 100, 60, {"bounced": 0.05})
    assert not canary.breaches(Counts(100, bounced=5), final=True)
    [breach] = canary.breaches(Counts(100, bounced=12), final=True)
    assert breach.told() == ("bounced: 12 of 100 (12 %), where 5 % are allowed: 7 % too many")
    assert not canary.breaches(Counts(), final=True), "nothing was sent"


def test_waves_are_ranges_of_shards_in_their_order() -> None:
    assert Wave.CANARY.end <= Wave.REST.first_shard < Wave.REST.end
