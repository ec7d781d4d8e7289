"""The pages of business rules: listed, tried, switched on and off."""

from dashboard import rule_forms
from domain.contract.rule import RuleRequest
from domain.rules import RuleKind
from services import rules
from services.access import operator
from tests.fixtures.dashboard import Browser


async def a_rule(browser: Browser, kind: str, **settings: object) -> str:
    request = RuleRequest.model_validate({"name": kind, "kind": kind, "settings": settings})
    made = await rules.create(browser.app, await operator(browser.app), request)
    return str(made.content["id"])


async def test_rules_are_listed_tried_and_switched(browser_client: Browser) -> None:
    assert "A rule says what the business demands" in (await browser_client.get("/rules")).text
    id = await a_rule(browser_client, "banned_words", words=["rang"])
    assert f"/rules/{id}" in (await browser_client.get("/rules")).text
    sent = await browser_client.submit(
        "/compose",
        **{"do": "send", "say": "email", "recipient": "sam@example.com", "key": "k",
           "content.email.subject": "Hi", "content.email.text": "It rang."},
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    tried = (await browser_client.get(f"/rules/{id}?try=1")).text
    assert "It would have stopped 1 of 1 messages. Nothing was changed." in tried
    on = await browser_client.submit(f"/rules/{id}", enabled="yes", version="1")
    assert on.headers["location"] == f"/rules/{id}"
    page = (await browser_client.get(f"/rules/{id}")).text
    assert "banned_words is on" in page
    assert "Switch it off" in page
    assert (await browser_client.submit(f"/rules/{id}", version="1")).status_code == 412


async def test_what_cannot_be_tried_says_so(browser_client: Browser) -> None:
    id = await a_rule(browser_client, "audience", most=10)
    assert "is about campaigns and batches" in (await browser_client.get(f"/rules/{id}?try=1")).text


async def test_a_rule_is_written_tried_before_it_is_kept_and_changed(
    browser_client: Browser,
) -> None:
    assert "Words and phrases" in (await browser_client.get("/rules/new?kind=banned_words")).text
    written = {
        "kind": "hours", "name": "office-hours", "module": "", "category": "bulk",
        "settings.start": "08:00", "settings.end": "20:00", "settings.timezone": "recipient",
        "settings.days.1": "yes", "settings.days.5": "yes",
    }  # fmt: skip
    tried = await browser_client.submit("/rules/new", **written, do="try")
    assert "It would have held 0 of 0 messages" in tried.text
    assert 'value="08:00"' in tried.text, "nothing is lost"
    assert "A rule says what" in (await browser_client.get("/rules")).text, "nothing is kept"
    wrong = await browser_client.submit(
        "/rules/new", **{**written, "settings.end": "20"}, do="save"
    )
    assert (wrong.status_code, 'id="error-settings.end"' in wrong.text) == (422, True)
    made = await browser_client.submit("/rules/new", **written, do="save")
    assert made.status_code == 303, made.text
    where = made.headers["location"].partition("?")[0]
    page = (await browser_client.get(where)).text
    assert "office-hours is off" in page
    assert "for the category bulk of all modules" in page
    changed = await browser_client.submit(
        f"{where}/change", **{**written, "settings.days.1": "", "version": "1"}, do="save"
    )
    assert changed.status_code == 303, changed.text
    found = await rules.get(
        browser_client.app, await operator(browser_client.app), where.rpartition("/")[2]
    )
    assert (found["settings"]["days"], found["enabled"]) == ([5], False)
    assert (await browser_client.submit(f"{where}/remove", version="2")).status_code == 303
    assert (await browser_client.get(where)).status_code == 404


async def test_every_kind_of_rule_has_a_form_that_keeps_what_it_shows(
    browser_client: Browser,
) -> None:
    kinds: dict[str, dict[str, object]] = {
        "audience": {"most": 10},
        "banned_words": {"words": ["risk free", "guaranteed"]},
        "footer": {"text": "Example Ltd", "action": "refuse", "channels": ["sms", "email"]},
        "sender": {"allowed": ["example.com"]},
        "attachments": {"types": [], "most_bytes": 1000},
        "priority": {"priority": "low"},
    }
    for kind, settings in kinds.items():
        id = await a_rule(browser_client, kind, **settings)
        it = await rules.get(browser_client.app, await operator(browser_client.app), id)
        said = rule_forms.document(RuleKind(kind), rule_forms.texts(it))
        checked = rules.checked_settings(RuleKind(kind), said["settings"])
        assert {name: sorted(v) if isinstance(v, list) else v for name, v in checked.items()} == {
            name: sorted(v) if isinstance(v, list) else v for name, v in it["settings"].items()
        }
        assert (await browser_client.get(f"/rules/{id}")).status_code == 200
