"""Fifty mails in a call: which go together, and that none pays for another."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind
from fakes.http_server import FakeHttp
from fakes.http_vendor import Answer, Behaviour
from fakes.ses import FakeSes
from tests.fixtures.aws import KEY, told, typed
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.aws_api import Meaning
from vendors.contract import BatchVendor
from vendors.email.ses import KIND, MOST_BULK_OCTETS, Settings, bulk, divide, fits
from vendors.email.ses_answers import ENTRIES, WORDS, outcomes
from vendors.http_api import Moment

NOW = Moment(datetime(2026, 1, 2, tzinfo=UTC))
ADDRESS = "invalid_address"


def mail(number: int = 0, address: str = "", **content: Any) -> ContentMessage:
    usual = {"subject": f"Hi {number}", "text": f"Hello {number}", "html": f"<p>{number}</p>"}
    sender = {"from": "a@example.com"}
    return ContentMessage(
        f"att_{number:026}", "ntf_1", Channel.EMAIL, address or f"sam{number}@example.org",
        {**usual, **sender, **content},
    )  # fmt: skip


@dataclass
class Served:
    """SES, and an account open at it."""

    fake: FakeSes
    account: BatchVendor

    async def send(self, *messages: ContentMessage) -> list[Outcome]:
        return list(await self.account.send_batch(messages, deadline=soon()))

    @property
    def calls(self) -> list[str]:
        return [asked.path.rpartition("outbound-")[2] for asked in self.fake.asked]


@pytest.fixture
async def ses() -> AsyncIterator[Served]:
    fake = FakeSes()
    async with FakeHttp(fake) as server:
        account = KIND.open({**KEY, "base_url": server.url("ses")}, parts_for())
        assert isinstance(account, BatchVendor)
        yield Served(fake, account)
        await account.close()


def kinds(found: list[Outcome]) -> list[str]:
    return [f"{one.kind} {one.reason}".strip() for one in found]


async def test_each_recipient_gets_their_own_words(ses: Served) -> None:
    tricky = '{{subject}} & <b> "quoted" \\ \u2028 Grüße {{{html}}}'
    found = await ses.send(*[mail(n, text=f"{tricky} {n}") for n in range(50)])
    assert kinds(found) == ["accepted"] * 50
    assert ses.calls == ["bulk-emails"]
    assert [one.fields["Text"] for one in ses.fake.taken] == [f"{tricky} {n}" for n in range(50)]
    assert [one.fields["Html"] for one in ses.fake.taken] == [f"<p>{n}</p>" for n in range(50)]
    assert [one.fields["Subject"] for one in ses.fake.taken] == [f"Hi {n}" for n in range(50)]
    assert [one.id for one in ses.fake.taken] == [one.vendor_id for one in found]
    assert len({one.vendor_id for one in found}) == 50


async def test_each_entry_has_its_own_outcome(ses: Served) -> None:
    ses.fake.by_address = {
        "sam1@example.org": Behaviour.REJECT_RECIPIENT,
        "sam2@example.org": Behaviour.REJECT_MESSAGE,
        "sam3@example.org": Behaviour.REJECT_ACCOUNT,
        "sam4@example.org": Behaviour.THROTTLE,
        "sam5@example.org": Behaviour.FAIL,
    }
    found = await ses.send(*[mail(n) for n in range(7)])
    assert kinds(found) == [
        "accepted", "rejected invalid_address", "rejected content_filtered", "rejected suspended",
        "throttled rate_account", "transient vendor_unavailable", "accepted",
    ]  # fmt: skip
    assert ses.calls == ["bulk-emails"]
    assert [one.address for one in ses.fake.taken] == ["sam0@example.org", "sam6@example.org"]


async def test_what_refuses_the_call_for_one_is_tried_for_each(ses: Served) -> None:
    ses.fake.by_address["sam1@example.org"] = Behaviour.REJECT_RECIPIENT
    ses.fake.script(Behaviour.REJECT_RECIPIENT)
    found = await ses.send(*[mail(n) for n in range(3)])
    assert kinds(found) == ["accepted", "rejected invalid_address", "accepted"]
    assert ses.calls == ["bulk-emails", *["emails"] * 3]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (Behaviour.REJECT_ACCOUNT, "rejected suspended"),
        (Behaviour.THROTTLE, "throttled rate_account"),
        (Behaviour.FAIL, "unknown vendor_error_after_body"),
        (Behaviour.UNAVAILABLE, "transient vendor_unavailable"),
    ],
)
async def test_what_is_true_of_all_is_said_of_all(
    ses: Served, behaviour: Behaviour, expected: str
) -> None:
    ses.fake.script(behaviour)
    assert kinds(await ses.send(mail(0), mail(1))) == [expected] * 2
    assert ses.calls == ["bulk-emails"]


async def test_what_is_unfit_goes_alone_and_is_never_sent(ses: Served) -> None:
    bad = mail(1, "jörg@example.org")
    found = await ses.send(mail(0), bad, mail(2))
    assert kinds(found) == ["accepted", "rejected invalid_address", "accepted"]
    assert ses.calls == ["bulk-emails"]


async def test_a_sender_that_is_none_is_the_affair_of_its_mails(ses: Served) -> None:
    bad = [mail(n, **{"from": "nobody"}) for n in (1, 3)]
    found = await ses.send(mail(0), bad[0], mail(2), bad[1])
    assert kinds(found) == ["accepted", "rejected invalid_payload"] * 2
    assert ses.calls == ["bulk-emails"]


async def test_attachments_go_beside_the_call(ses: Served) -> None:
    attached = mail(1, attachments=[{"filename": "a", "base64": "aGk="}])
    assert kinds(await ses.send(mail(0), attached, mail(2))) == ["accepted"] * 3
    assert sorted(ses.calls) == ["bulk-emails", "emails"]


async def test_senders_replies_and_parts_divide_calls(ses: Served) -> None:
    messages = [
        mail(0), mail(1, **{"from": "b@example.com"}), mail(2, reply_to="c@example.com"),
        mail(3, html=""), mail(4), mail(5, **{"from": "b@example.com"}),
    ]  # fmt: skip
    assert kinds(await ses.send(*messages)) == ["accepted"] * 6
    assert ses.calls == ["bulk-emails"] * 4
    documents = [asked.json() for asked in ses.fake.asked]
    senders = {
        (one["FromEmailAddress"], *one.get("ReplyToAddresses", ()), len(one["BulkEmailEntries"]))
        for one in documents
    }
    assert senders == {
        ("a@example.com", 2), ("b@example.com", 2), ("a@example.com", "c@example.com", 1),
        ("a@example.com", 1),
    }  # fmt: skip


async def test_no_call_is_larger_than_a_megabyte(ses: Served) -> None:
    messages = [mail(n, html=f"<p>{'ü' * 30_000}</p>") for n in range(50)]
    assert kinds(await ses.send(*messages)) == ["accepted"] * 50
    sizes = [len(asked.body) for asked in ses.fake.asked]
    assert len(sizes) == 10
    assert max(sizes) <= MOST_BULK_OCTETS
    assert max(sizes) > MOST_BULK_OCTETS * 0.8


def test_calls_keep_every_mail_once_and_at_most_fifty() -> None:
    messages = [mail(n, html="" if n % 3 else "<p>") for n in range(160)]
    calls = divide(messages)
    assert sorted(one.attempt_id for call in calls for one in call) == [
        one.attempt_id for one in messages
    ]
    assert sorted(map(len, calls)) == [4, 6, 50, 50, 50]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (mail(html="a" * 250_000), True),
        (mail(html="a" * 262_144), False),
        (mail(html="ü" * 200_000), False),
        (mail(headers={"X-Line": "a\nb"}), False),
        (mail(attachments=[{"filename": "a", "base64": ""}]), False),
    ],
)
def test_what_fits_into_a_call(message: ContentMessage, expected: bool) -> None:
    assert fits(message) is expected


def test_an_entry_carries_tag_headers_and_data() -> None:
    message = mail(headers={"List-Unsubscribe": "<https://e.com/u/1>"}, html="")
    settings = Settings(**KEY, configuration_set="tocsin")
    document = json.loads(bulk([message], settings, NOW).body)
    [entry] = document["BulkEmailEntries"]
    assert document["ConfigurationSetName"] == "tocsin"
    assert document["DefaultContent"]["Template"]["TemplateContent"] == {
        "Subject": "{{subject}}", "Text": "{{text}}",
    }  # fmt: skip
    assert entry["ReplacementHeaders"] == [
        {"Name": "List-Unsubscribe", "Value": "<https://e.com/u/1>"}
    ]
    assert entry["ReplacementTags"] == [{"Name": "tocsin_attempt", "Value": message.attempt_id}]


def answered(*entries: dict[str, str]) -> list[Outcome]:
    body = json.dumps({"BulkEmailEntryResults": entries}).encode()
    return list(outcomes([mail()] * len(entries), HttpResponse(200, {}, body)))


@pytest.mark.parametrize(
    ("status", "meaning"), [(one, meaning) for some, meaning in ENTRIES.items() for one in some]
)
def test_every_listed_status(status: str, meaning: Meaning) -> None:
    [found] = answered({"Status": status, "Error": "words"})
    assert (found.kind, found.scope, found.reason) == meaning
    assert (found.vendor_code, found.detail) == (status, "words")


@pytest.mark.parametrize(
    ("status", "part", "meaning"),
    [(codes[1], part, meaning) for codes, part, meaning in WORDS if len(codes) > 1],
)
def test_words_of_an_entry_decide(status: str, part: str, meaning: Meaning) -> None:
    [found] = answered({"Status": status, "Error": f"Before {part} after"})
    assert (found.kind, found.scope, found.reason) == meaning


def test_of_a_status_of_tomorrow_nobody_knows() -> None:
    found = answered({"Status": "STATUS_OF_TOMORROW"}, {"Status": "SUCCESS", "MessageId": "1"})
    assert [one.kind for one in found] == [OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"BulkEmailEntryResults": []},
        {"BulkEmailEntryResults": [{"Status": "SUCCESS"}] * 2},
        {"BulkEmailEntryResults": [{"MessageId": "1"}] * 2},
    ],
)
async def test_an_answer_of_another_shape_leaves_all_in_doubt(
    ses: Served, monkeypatch: pytest.MonkeyPatch, document: dict[str, Any]
) -> None:
    monkeypatch.setattr(ses.fake, "answer", lambda asked: Answer.of_json(200, document))
    assert kinds(await ses.send(mail(0), mail(1))) == ["unknown malformed_response"] * 2


def test_a_call_that_is_refused_says_so_of_each() -> None:
    found = outcomes([mail(0), mail(1)], typed("SendingPausedException", "paused"))
    assert [told(one) for one in found] == [("rejected", "account", "suspended")] * 2
