"""One suite for all vendors: how it sends, what it makes of answers, whom it believes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import Webhook
from domain.outcome import Outcome
from domain.report import ReceiptForged
from domain.vocabulary import OutcomeKind
from fakes.http_vendor import TAKES, Behaviour, Call, FakeVendor, Forgery
from tests.contract.case import Case
from tests.fixtures.mail import soon
from tests.fixtures.vendors import RETURN_PATHS, parts_for
from vendors.contract import BatchVendor, Checking, Vendor, VendorKind
from vendors.registry import KINDS


@asynccontextmanager
async def served(case: Case, **settings: Any) -> AsyncIterator[tuple[Case, FakeVendor, Vendor]]:
    """Give the case with its fake's address in it, the fake, and an account open at it."""
    fake = case.fake()
    async with case.server(fake) as server:
        url = server.url(fake.name)
        given = case.account(url, **server.settings, **settings)
        account = KINDS[case.vendor].open(given, parts_for())
        yield case.at(url), fake, account
        await account.close()


def kind_of(case: Case) -> VendorKind:
    return KINDS[case.vendor]


def told(outcome: Outcome) -> tuple[Any, ...]:
    return outcome.kind, outcome.scope, outcome.reason


async def test_every_behaviour_is_judged(case: Case, behaviour: Behaviour) -> None:
    patience = 0.4 if behaviour is Behaviour.HANG else 10
    async with served(case, reply_seconds=patience) as (case, fake, account):
        fake.script(behaviour)
        outcome = await account.send(case.message(), deadline=soon())
        assert told(outcome) == case.expected(behaviour), outcome
        sent = len(fake.taken)
        print(f"{case.id}: {behaviour} -> {outcome.kind} {outcome.reason} ({outcome.vendor_code})")
    assert sent == (1 if behaviour in TAKES else 0), "the behaviour never happened"
    assert bool(outcome.vendor_id) == (outcome.kind is OutcomeKind.ACCEPTED)


async def test_what_was_accepted_reached_the_vendor_with_our_tag(case: Case) -> None:
    async with served(case) as (case, fake, account):
        outcome = await account.send(case.message(), deadline=soon())
        assert outcome.kind is OutcomeKind.ACCEPTED, outcome
        [taken] = fake.taken
    assert taken.address == case.address
    if kind_of(case).capabilities.receipts:
        assert taken.tag == case.message().attempt_id


async def test_wrong_secrets_are_the_accounts_affair(case: Case) -> None:
    async with served(case, **case.wrong) as (case, fake, account):
        outcome = await account.send(case.message(), deadline=soon())
    assert told(outcome) == case.wrong_is, outcome
    assert fake.taken == []


async def test_nobody_there_is_transient(case: Case) -> None:
    nowhere = "http://127.0.0.1:9"
    account = kind_of(case).open(case.account(nowhere, connect_seconds=2), parts_for())
    outcome = await account.send(case.at(nowhere).message(), deadline=soon())
    await account.close()
    assert (outcome.kind, outcome.reason) == (OutcomeKind.TRANSIENT, "connect_failed"), outcome


async def test_too_long_a_message_is_refused_before_it_is_sent(case: Case) -> None:
    if case.too_long is None:  # the vendor states no limit of its own
        return
    async with served(case) as (case, fake, account):
        outcome = await account.send(case.message(content=case.too_long), deadline=soon())
    assert outcome.kind is OutcomeKind.REJECTED
    assert outcome.reason == "payload_too_large"
    assert any(char.isdigit() for char in outcome.detail), "it says how long it was"
    assert [one for one in fake.asked if fake.sends(one)] == []


async def test_settings_show_no_secret(case: Case) -> None:
    settings = kind_of(case).read(case.account("https://vendor.example.com"))
    for name, value in case.wrong.items():
        assert settings.shown()[name] is None
        assert str(value) not in repr(settings)
    kind_of(case).read(settings.revealed())


async def test_a_batch_is_one_call_and_each_has_its_outcome(case: Case) -> None:
    batch = kind_of(case).capabilities.batch
    async with served(case) as (case, fake, account):
        assert isinstance(account, BatchVendor) == (batch > 1)
        if not isinstance(account, BatchVendor):
            return
        assert account.batch == batch
        messages = case.messages(5)
        outcomes = await account.send_batch(messages, deadline=soon())
        assert [one.kind for one in outcomes] == [OutcomeKind.ACCEPTED] * 5, outcomes
        assert len({one.vendor_id for one in outcomes}) in (1, 5)
        assert sorted(one.tag for one in fake.taken) == sorted(one.attempt_id for one in messages)
        assert len([one for one in fake.asked if fake.sends(one)]) == 1


async def test_a_lost_batch_leaves_each_in_doubt(case: Case) -> None:
    async with served(case) as (case, fake, account):
        if not isinstance(account, BatchVendor):
            return
        fake.script(Behaviour.DROP_AFTER_BODY)
        messages = case.messages(3)
        outcomes = await account.send_batch(messages, deadline=soon())
        assert len(fake.taken) == 3
    assert [one.kind for one in outcomes] == [OutcomeKind.UNKNOWN] * 3


async def test_many_at_once_are_all_told_apart(case: Case) -> None:
    async with served(case) as (case, fake, account):
        messages = [case.message(attempt_id=f"att_{n:026}") for n in range(40)]
        outcomes = await asyncio.gather(*(account.send(one, deadline=soon()) for one in messages))
        assert [one.kind for one in outcomes] == [OutcomeKind.ACCEPTED] * 40
        assert len(fake.taken) == 40


async def test_every_event_is_heard(case: Case, event: str) -> None:
    expected = case.events[event]
    call = await _receipt(case, event)
    heard = _hear(case, call)
    print(f"{case.id}: {event} -> {[report.kind for report in heard.reports]}")
    for report in heard.reports:
        assert report.attempt_id == case.message().attempt_id
        assert (report.kind, report.hard, report.unsubscribes) == (
            expected.kind, expected.hard, expected.unsubscribes,
        )  # fmt: skip
        assert report.event_key
        assert report.raw
    assert heard.reports or expected.kind is None
    assert [one.event_key for one in _hear(case, call).reports] == [
        one.event_key for one in heard.reports
    ], "a repeated call is known by its key"


async def test_forged_receipts_are_refused(case: Case, forgery: Forgery) -> None:
    event = next(name for name, one in case.events.items() if one.kind is not None)
    call = await _receipt(case, event, forgery)
    settings = kind_of(case).read(case.account("https://vendor.example.com"))
    webhooks = kind_of(case).webhooks
    assert webhooks is not None
    with pytest.raises(ReceiptForged) as refused:
        webhooks.verify(_webhook(call), settings, _checking(case))
    for secret in case.wrong:
        assert str(case.settings.get(secret)) not in str(refused.value)


async def test_noise_in_place_of_a_receipt_is_refused(case: Case) -> None:
    webhooks = kind_of(case).webhooks
    if webhooks is None:
        assert not case.events
        return
    settings = kind_of(case).read(case.account("https://vendor.example.com"))
    for body in (b"", b"\xff\xfe", b"[]", b"{}", b"null", b"a=b", b"[" * 5_000):
        for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            webhook = Webhook("POST", _URL, {"content-type": kind}, body)
            with pytest.raises(ReceiptForged):
                webhooks.verify(webhook, settings, _checking(case))


_URL = "https://tocsin.example.com/v1/receipts/acc_1"


async def _receipt(case: Case, event: str, forgery: Forgery | None = None) -> Call:
    async with served(case) as (case, fake, account):
        await account.send(case.message(), deadline=soon())
        [taken] = fake.taken
        return fake.receipt(taken, event, url=_URL, forgery=forgery)


def _hear(case: Case, call: Call) -> Any:
    kind = kind_of(case)
    assert kind.webhooks is not None
    settings = kind.read(case.account("https://vendor.example.com"))
    webhook = _webhook(call)
    kind.webhooks.verify(webhook, settings, _checking(case))
    return kind.webhooks.receipts(webhook, settings)


def _webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook(call.method, call.url, headers, call.body)


def _checking(case: Case) -> Checking:
    return Checking(datetime.now(UTC), getattr(case.fake(), "material", {}), RETURN_PATHS)


def test_every_kind_has_a_case() -> None:
    from tests.contract.conftest import all_cases

    assert {case.vendor for case in all_cases()} == set(KINDS) - {"sandbox"}
