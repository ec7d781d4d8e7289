"""The notifications list and pages, over a real database without Temporal."""

import re
from typing import Any

import pytest

from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

LATER = "2040-01-31T09:00:00Z"


async def ask(client: Client, **change: Any) -> dict[str, Any]:
    body = {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        **change,
    }
    answer = await client.post("/v1/notifications", json=body)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def listed(page: str) -> list[str]:
    return re.findall(r'class="row-link" href="/notifications/(ntf_\w+)"', page)


async def test_the_list_shows_the_newest_first_with_links(
    client: Client, browser_client: Browser
) -> None:
    made = [(await ask(client))["id"] for _ in range(3)]
    page = (await browser_client.get("/notifications")).text
    assert listed(page) == made[::-1]
    assert "The newest 3: 3 accepted." in page
    assert "s•••@example.com" in page
    assert "sam@example.com" not in page


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("priority=high", 1),
        ("priority=high&priority=medium", 3),
        ("channel=sms", 1),
        ("state=scheduled", 1),
        ("state=scheduled&channel=sms", 0),
        ("recipient=SAM@example.com", 2),
        ("module=default", 3),
        ("module=other", 0),
        ("group=nobody", 0),
        ("q=Needle", 1),
        ("created_after=2020-01-01", 3),
        ("created_before=2020-01-01", 0),
        ("created_after=2020-01-01T00:00:00Z&created_before=2090-01-01&zone=Europe/Paris", 3),
        ("state=", 3),
    ],
)
async def test_filters_of_the_address_narrow_the_list(
    client: Client, browser_client: Browser, query: str, expected: int
) -> None:
    await ask(client, priority="high")
    await ask(client, send_at=LATER, content={"email": {"subject": "A needle", "text": "T"}})
    await ask(client, recipient={"phone": "+14155550100"}, content={"sms": {"text": "Hello"}})
    answer = await browser_client.get(f"/notifications?{query}")
    assert answer.status_code == 200
    assert len(listed(answer.text)) == expected


async def test_each_filter_is_a_chip_that_takes_it_away(
    client: Client, browser_client: Browser
) -> None:
    await ask(client)
    query = "state=accepted&state=sent&channel=email&created_after=2020-01-01&zone=Europe%2FParis"
    page = (await browser_client.get(f"/notifications?{query}")).text
    removals = re.findall(r'filter-chip" href="([^"]+)"', page)
    assert [link.replace("&amp;", "&") for link in removals] == [
        "/notifications?state=sent&channel=email&created_after=2020-01-01&zone=Europe%2FParis",
        "/notifications?state=accepted&channel=email&created_after=2020-01-01&zone=Europe%2FParis",
        "/notifications?state=accepted&state=sent&created_after=2020-01-01&zone=Europe%2FParis",
        "/notifications?state=accepted&state=sent&channel=email",
    ]


@pytest.mark.parametrize(
    "query", ["state=lost", "created_after=yesterday", "created_before=9999-12-31", "cursor=x"]
)
async def test_filters_that_mean_nothing_are_named(browser_client: Browser, query: str) -> None:
    answer = await browser_client.get(f"/notifications?{query}")
    assert answer.status_code == 422
    assert "not valid" in answer.text


async def test_older_pages_follow_by_keyset(client: Client, browser_client: Browser) -> None:
    body = {
        "notifications": [
            {"recipient": {"email": f"r{n}@example.com"},
             "content": {"email": {"subject": "Hi", "text": "T"}}} for n in range(60)
        ]
    }  # fmt: skip
    made = (await client.post("/v1/notifications/batch", json=body)).json()["items"]
    first = (await browser_client.get("/notifications?channel=email")).text
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    second = (await browser_client.get(older[1].replace("&amp;", "&"))).text
    assert len(listed(first)) == 50
    assert len(listed(second)) == 10
    assert {*listed(first), *listed(second)} == {one["id"] for one in made}
    assert 'rel="next"' not in second
    assert 'href="/notifications?channel=email">Newest' in second


async def test_new_ones_are_counted_beneath_the_filters(
    client: Client, browser_client: Browser
) -> None:
    seen = (await ask(client))["id"]
    quiet = await browser_client.get(f"/notifications/newer?channel=email&seen={seen}")
    assert quiet.text.strip() == ""
    await ask(client)
    await ask(client, recipient={"phone": "+14155550100"}, content={"sms": {"text": "Hello"}})
    told = await browser_client.get(f"/notifications/newer?channel=email&seen={seen}")
    assert re.search(r'href="/notifications\?channel=email">.*1 new</a>', told.text, re.S)


async def test_a_page_answers_first_and_tells_the_story(
    client: Client, browser_client: Browser
) -> None:
    made = await ask(
        client, send_at=LATER, data={"name": "<b>Sam</b>"}, metadata={"order": "A-1"},
        content={"email": {"subject": "Hi {{ name }}", "html": "<p>Hello {{ name }}</p>"}},
    )  # fmt: skip
    page = (await browser_client.get(f"/notifications/{made['id']}")).text
    assert re.search(r"<h1>Scheduled, goes out\s+<time[^>]+2040-01-31T09:00:00", page)
    assert "Hi &lt;b&gt;Sam&lt;/b&gt;" in page
    assert f'sandbox="" src="/notifications/{made["id"]}/html"' in page
    assert f"/namespaces/default/workflows/{made['id']}" in page
    assert "A-1" in page
    mail = await browser_client.get(f"/notifications/{made['id']}/html")
    assert mail.text == "<p>Hello &lt;b&gt;Sam&lt;/b&gt;</p>"
    assert mail.headers["content-security-policy"].startswith("sandbox; default-src 'none'")


@pytest.mark.parametrize("id", ["ntf_01m86zya1meqps78gn88hn8g2r", "nonsense", "ntf_%00"])
async def test_unknown_notifications_get_a_page(browser_client: Browser, id: str) -> None:
    for path in (
        f"/notifications/{id}",
        f"/notifications/{id}/html",
        f"/notifications/{id}/change",
    ):
        assert (await browser_client.get(path)).status_code == 404


async def test_cancelling_needs_the_token_and_is_repeatable(
    client: Client, browser_client: Browser
) -> None:
    made = await ask(client, send_at=LATER)
    path = f"/notifications/{made['id']}"
    assert (await browser_client.post(f"{path}/cancel")).status_code == 403
    assert "Cancel this notification" in (await browser_client.get(path)).text
    for _ in range(2):
        answer = await browser_client.submit(f"{path}/cancel")
        assert (answer.status_code, answer.headers["location"]) == (303, path)
    page = (await browser_client.get(path)).text
    assert "Cancelled, nothing was sent" in page
    assert "Cancel this notification" not in page
    assert "Resend" in page


async def test_resending_asks_once_per_form(client: Client, browser_client: Browser) -> None:
    made = await ask(client, send_at=LATER)
    path = f"/notifications/{made['id']}"
    early = await browser_client.submit(f"{path}/resend", key="k")
    assert early.status_code == 409
    await browser_client.submit(f"{path}/cancel")
    shown = (await browser_client.get(path)).text
    key = re.search(r'name="key" value="([^"]+)"', shown)
    assert key is not None
    answers = [await browser_client.submit(f"{path}/resend", key=key[1]) for _ in range(2)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    again = (await browser_client.get(answers[0].headers["location"])).text
    assert f'href="{path}">{made["id"]}' in again
    assert "Asked for anew." in again
