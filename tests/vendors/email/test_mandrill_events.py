"""What Mandrill tells of a mail afterwards, and whom it is believed from."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from domain.http import Webhook
from domain.report import ReceiptForged, Report
from domain.vocabulary import ReceiptKind
from fakes.http_vendor import Asked, Forgery, Taken
from fakes.mandrill import FakeMandrill
from tests.contract.conftest import all_cases
from vendors.contract import Checking
from vendors.email.mandrill import Settings
from vendors.email.mandrill_events import BOUNCES, HARD, STATUSES, receipts, verify
from vendors.email.mandrill_rejections import REJECTIONS
from vendors.form_signature import sign

CASE = next(case for case in all_cases() if case.vendor == "mandrill")
URL = "https://tocsin.example.com/v1/receipts/acc_1"
CHECKING = Checking(datetime(2026, 11, 25, tzinfo=UTC))

# A call as Mandrill made and signed it in 2013, kept by the tests of the Ruby gem mandrill-rails
# (spec/fixtures/webhook_examples/click_with_signature.json): two clicks, with the webhook's key.
SEEN_KEY = "ntynTMaFpM_octE5R1DKAw"
SEEN_URL = "http://requestb.in/q9a918q9"
SEEN_SIGNATURE = "7rUa4lNJitlb178MgGOcHO6T4Bg="
SEEN_LENGTH = 4091
CLICK: dict[str, Any] = {
    "event": "click",
    "msg": {
        "ts": 1365109999,
        "subject": "This an example webhook message",
        "email": "example.webhook@mandrillapp.com",
        "sender": "example.sender@mandrillapp.com",
        "tags": ["webhook-example"],
        "opens": [{"ts": 1365111111}],
        "clicks": [{"ts": 1365111111, "url": "http://mandrill.com"}],
        "state": "sent",
        "metadata": {"user_id": 111},
        "_id": "exampleaaaaaaaaaaaaaaaaaaaaaaaaa",
        "_version": "exampleaaaaaaaaaaaaaaa",
    },
    "ip": "127.0.0.1",
    "location": {
        "country_short": "US",
        "country": "United States",
        "region": "Oklahoma",
        "city": "Oklahoma City",
        "latitude": 35.4675598145,
        "longitude": -97.5164337158,
        "postal_code": "73101",
        "timezone": "-05:00",
    },
    "user_agent": "Mozilla/5.0 (Macintosh; U; Intel Mac OS X 10.6; en-US; rv:1.9.1.8) "
    "Gecko/20100317 Postbox/1.1.3",
    "user_agent_parsed": {
        "type": "Email Client",
        "ua_family": "Postbox",
        "ua_name": "Postbox 1.1.3",
        "ua_version": "1.1.3",
        "ua_url": "http://www.postbox-inc.com/",
        "ua_company": "Postbox, Inc.",
        "ua_company_url": "http://www.postbox-inc.com/",
        "ua_icon": "http://cdn.mandrill.com/img/email-client-icons/postbox.png",
        "os_family": "OS X",
        "os_name": "OS X 10.6 Snow Leopard",
        "os_url": "http://www.apple.com/osx/",
        "os_company": "Apple Computer, Inc.",
        "os_company_url": "http://www.apple.com/",
        "os_icon": "http://cdn.mandrill.com/img/email-client-icons/macosx.png",
        "mobile": False,
    },
    "url": "http://mandrill.com",
    "ts": 1379233940,
}


def written(events: list[Any]) -> str:
    """Return events as Mandrill writes them: without spaces, and slashes escaped."""
    return json.dumps(events, separators=(",", ":")).replace("/", "\\/")


def settings(key: str | None = FakeMandrill.webhook_key) -> Settings:
    return Settings.model_validate({**CASE.settings, "webhook_key": key})


def a_call(text: str, signature: str, url: str = URL) -> Webhook:
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-mandrill-signature": signature,
    }
    return Webhook("POST", url, headers, urlencode({"mandrill_events": text}).encode())


def test_a_call_that_mandrill_made_is_believed() -> None:
    call = a_call(written([CLICK, CLICK]), SEEN_SIGNATURE, SEEN_URL)
    assert len(call.body) == SEEN_LENGTH, "the body is the one that was seen"
    verify(call, settings(SEEN_KEY), CHECKING)
    assert receipts(call, settings(SEEN_KEY)).reports == (), "it is of no attempt of ours"


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (a_call(written([CLICK, CLICK]), SEEN_SIGNATURE, f"{SEEN_URL}/"), SEEN_KEY),
        (a_call(written([CLICK]), SEEN_SIGNATURE, SEEN_URL), SEEN_KEY),
        (a_call(written([CLICK, CLICK]), SEEN_SIGNATURE.lower(), SEEN_URL), SEEN_KEY),
        (a_call(written([CLICK, CLICK]), "", SEEN_URL), SEEN_KEY),
        (a_call(written([CLICK, CLICK]), "é", SEEN_URL), SEEN_KEY),
        (a_call(written([CLICK, CLICK]), SEEN_SIGNATURE, SEEN_URL), "another"),
        (a_call(written([CLICK, CLICK]), SEEN_SIGNATURE, SEEN_URL), None),
    ],
)
def test_any_other_is_not(call: Webhook, key: str | None) -> None:
    with pytest.raises(ReceiptForged) as forged:
        verify(call, settings(key), CHECKING)
    assert SEEN_KEY not in str(forged.value)


def test_the_documented_algorithm() -> None:
    """A vector of the rule's own: URL, then name and value of each field, HMAC-SHA1, base64."""
    events = '[{"event":"send","ts":1700000000,"_id":"abc"}]'
    url = "https://hooks.example.com/mandrill"
    signature = sign(url, [("mandrill_events", events)], "test-webhook-key")
    assert signature == "PAuA4OUfg30Nz6NwKn0wCpF8/oE="


def test_the_key_of_mandrills_trial_call_is_not_ours() -> None:
    """Where HEAD fails, Mandrill tries a call with no events and a key that everybody knows."""
    signature = sign(URL, [("mandrill_events", "[]")], "test-webhook")
    with pytest.raises(ReceiptForged):
        verify(a_call("[]", signature), settings(), CHECKING)


def told(event: str, *, ts: int = 1764064800, **given: Any) -> Report:
    """Return what an event is heard as; `message` in it is put into its msg."""
    message = {
        "_id": "id-1", "email": "sam@example.com", "metadata": {"attempt": "att_1"},
        **given.pop("message", {}),
    }  # fmt: skip
    events = [{"event": event, "_id": "id-1", "ts": ts, "msg": message, **given}]
    [report] = receipts(a_call(json.dumps(events), ""), settings()).reports
    return report


@pytest.mark.parametrize(("event", "kind"), [*STATUSES.items(), ("deferral", None), ("x", None)])
def test_every_event(event: str, kind: ReceiptKind | None) -> None:
    report = told(event)
    assert (report.kind, report.attempt_id, report.address) == (kind, "att_1", "sam@example.com")
    assert report.at == datetime(2025, 11, 25, 10, 0, tzinfo=UTC)
    assert report.raw["event"] == event


@pytest.mark.parametrize(
    ("event", "description", "reason"),
    [
        *(("hard_bounce", word, reason) for word, reason in BOUNCES.items()),
        *(("soft_bounce", word, reason) for word, reason in BOUNCES.items()),
        ("hard_bounce", "general", "invalid_address"),
        ("soft_bounce", "general", "unreachable"),
    ],
)
def test_bounces_say_why(event: str, description: str, reason: str) -> None:
    report = told(event, message={"bounce_description": description})
    assert (report.reason, report.hard) == (reason, event == "hard_bounce")
    assert report.vendor_code == description


@pytest.mark.parametrize("code", [*REJECTIONS, "of tomorrow", ""])
def test_rejections_say_why(code: str) -> None:
    report = told("reject", message={"reject": {"reason": code}})
    reason = REJECTIONS[code][2] if code in REJECTIONS else "suppressed"
    assert (report.kind, report.reason, report.vendor_code) == (ReceiptKind.FAILED, reason, code)
    assert report.hard == (reason in HARD)


def test_only_an_unsubscription_unsubscribes() -> None:
    assert told("unsub").unsubscribes
    assert not told("spam").unsubscribes


@pytest.mark.parametrize(
    ("parsed", "machine"),
    [({"type": "robot"}, True), ({"type": "Robot"}, True), ({"type": "Browser"}, False),
     (None, False), ({}, False)],
)  # fmt: skip
def test_robots_are_told_from_people(parsed: Any, machine: bool) -> None:
    assert told("open", user_agent_parsed=parsed).machine is machine


def test_events_are_told_apart_by_mail_time_and_link() -> None:
    same = {told("click", url="https://e.com/1").event_key for _ in range(2)}
    others = {
        told("click", url="https://e.com/2").event_key,
        told("click", url="https://e.com/1", ts=1764064801).event_key,
        told("open").event_key,
        told("open", _id="id-2").event_key,
    }
    assert len(same) == 1
    assert len(same | others) == 5


def test_what_is_of_no_attempt_of_ours_is_left_out() -> None:
    events = [
        {"type": "blacklist", "action": "add", "reject": {"email": "a@b.c"}, "ts": 1},
        {"event": "inbound", "msg": {"raw_msg": "…"}, "ts": 1},
        {"event": "open", "msg": {"metadata": []}, "ts": 1},
        {"event": "open", "msg": {"metadata": {"attempt": "att_1"}}, "ts": 1},
    ]
    heard = receipts(a_call(json.dumps(events), ""), settings())
    assert [one.attempt_id for one in heard.reports] == ["att_1"]


@pytest.mark.parametrize(
    "text", ["", "no json", "{}", "[7]", '[{"event": "open", "msg": {"metadata": {"attempt": 1}}}]']
)
def test_a_call_that_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"the call|the time of an event"):
        receipts(a_call(text, ""), settings())


def test_a_call_without_events_cannot_be_read() -> None:
    with pytest.raises(KeyError):
        receipts(Webhook("POST", URL, {}, b"mandrill_events=[]"), settings())


def test_a_repeated_call_is_true_and_known_by_its_keys() -> None:
    taken = Taken("id-1", "sam@example.com", "att_1", Asked("POST", "/", "", {}, b""),
                  {"subject": "Hello"})  # fmt: skip
    call = FakeMandrill().receipt(taken, "open", url=URL, forgery=Forgery.REPLAYED)
    headers = {name.lower(): value for name, value in call.headers.items()}
    webhook = Webhook("POST", URL, headers, call.body)
    keys = set()
    for _ in range(2):
        verify(webhook, settings(), CHECKING)
        keys |= {one.event_key for one in receipts(webhook, settings()).reports}
    assert len(keys) == 1
