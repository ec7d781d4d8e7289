"""The pages of business rules: listed, tried, switched on and off."""

from domain.contract.rule import RuleRequest
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
