"""Signing in and out, forms, headers and error pages, over a real database."""

import re

import pytest
from sqlalchemy import text

from dashboard.sign_in import local_path
from services.app import App
from tests.fixtures.dashboard import PASSWORD, Browser, a_browser

PAGES = ("/", "/outbox", "/account", "/notifications", "/compose")
NEW_PASSWORD = "a sentence of my own"


@pytest.mark.parametrize("path", PAGES)
async def test_pages_open_for_a_signed_in_user_only(browser_client: Browser, path: str) -> None:
    shown = await browser_client.get(path)
    assert shown.status_code == 200
    assert "Sign out" in shown.text
    browser_client.cookies.clear()
    refused = await browser_client.get(path)
    assert refused.status_code == 303
    expected = "/sign-in" if path == "/" else f"/sign-in?next=%2F{path[1:]}"
    assert refused.headers["location"] == expected


async def test_the_page_asked_for_opens_after_signing_in(visitor: Browser) -> None:
    sent_off = await visitor.get("/outbox?channel=sms&address=%2B15005550006")
    form = await visitor.get(sent_off.headers["location"])
    target = re.search(r'name="next" value="([^"]+)"', form.text)
    assert target is not None
    entered = await visitor.post(
        "/sign-in",
        data={
            "email": "Admin@Example.com",
            "password": PASSWORD,
            "next": target[1].replace("&amp;", "&"),
        },
    )
    assert entered.headers["location"] == "/outbox?channel=sms&address=%2B15005550006"
    assert (await visitor.get(entered.headers["location"])).status_code == 200
    assert (await visitor.get("/sign-in")).headers["location"] == "/"


@pytest.mark.parametrize(
    "given",
    ["", "//evil.example.com", "https://evil.example.com", "/\\evil.example.com", "x",
     "/\t/evil.example.com", "/sign-in?next=%2F", "javascript:alert(1)", "//[", "/ x"],
)  # fmt: skip
def test_signing_in_never_leads_elsewhere(given: str) -> None:
    assert local_path(given) == "/"


async def test_wrong_credentials_look_the_same_whoever_they_name(visitor: Browser) -> None:
    known = await visitor.sign_in(password="wrong password")
    nobody = await visitor.sign_in("nobody@example.com", "wrong password")
    assert known.status_code == nobody.status_code == 401
    assert known.text.replace("admin@", "nobody@") == nobody.text
    assert "The e-mail address or the password is wrong." in known.text
    assert 'aria-describedby="error-password"' in known.text
    assert "wrong password" not in known.text
    assert "set-cookie" not in known.headers


async def test_empty_fields_are_named(visitor: Browser) -> None:
    answer = await visitor.sign_in(email="", password="")
    assert answer.status_code == 422
    assert answer.text.count("Fill this in.") == 2


async def test_repeated_failures_lock_the_account_and_say_for_how_long(visitor: Browser) -> None:
    answers = [await visitor.sign_in(password="wrong password") for _ in range(6)]
    assert {answer.status_code for answer in answers[:5]} == {401}
    locked = await visitor.sign_in()
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) > 0
    assert re.search(r"Too many failed attempts\. Try again in \d+ seconds\.", locked.text)


async def test_other_addresses_are_not_locked_out_of_other_accounts(
    app: App, visitor: Browser
) -> None:
    for _ in range(5):
        await visitor.sign_in("nobody@example.com", "wrong password")
    assert (await visitor.sign_in()).status_code == 429
    async with a_browser(app, address="192.0.2.7") as elsewhere:
        assert (await elsewhere.sign_in()).status_code == 303


async def test_the_cookie_is_for_this_site_and_for_servers_only(app: App) -> None:
    async with a_browser(app) as plain:
        cookie = (await plain.sign_in()).headers["set-cookie"]
    assert re.fullmatch(
        r"tocsin_session=[\w-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", cookie
    )
    async with a_browser(app) as secure:
        secure.base_url = "https://tocsin.example.com"
        assert "Secure" in (await secure.sign_in()).headers["set-cookie"]


async def test_signing_out_ends_the_session_itself(browser_client: Browser) -> None:
    kept = browser_client.cookies["tocsin_session"]
    left = await browser_client.submit("/sign-out")
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert "tocsin_session" not in browser_client.cookies
    assert "You are signed out." in (await browser_client.get("/sign-in")).text
    assert "You are signed out." not in (await browser_client.get("/sign-in")).text
    browser_client.cookies.set("tocsin_session", kept, domain="tocsin.example.com")
    assert (await browser_client.get("/")).status_code == 303


@pytest.mark.parametrize("given", [{}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "é\x00"}])
async def test_forms_without_the_right_token_do_nothing(
    browser_client: Browser, given: dict[str, str]
) -> None:
    refused = await browser_client.post("/sign-out", data=given)
    assert refused.status_code == 403
    assert "no longer valid" in refused.text
    assert (await browser_client.get("/")).status_code == 200


async def test_the_token_is_taken_from_the_header_as_well(browser_client: Browser) -> None:
    token = await browser_client.csrf()
    left = await browser_client.post("/sign-out", headers={"X-CSRF-Token": token})
    assert left.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example.com"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
async def test_forms_of_other_sites_are_refused(visitor: Browser, headers: dict[str, str]) -> None:
    data = {"email": "admin@example.com", "password": PASSWORD}
    assert (await visitor.post("/sign-in", data=data, headers=headers)).status_code == 403
    own = {"Origin": "http://tocsin.example.com"}
    assert (await visitor.post("/sign-in", data=data, headers=own)).status_code == 303


async def test_forms_are_bounded_and_of_one_kind(browser_client: Browser) -> None:
    huge = await browser_client.post("/account/password", data={"old": "x" * 2_100_000})
    assert huge.status_code == 413
    many = await browser_client.post("/account/password", data={f"f{n}": "" for n in range(2001)})
    assert many.status_code == 400
    parts = await browser_client.post("/account/password", files={"old": b"x"})
    assert parts.status_code == 400
    bytes_ = await browser_client.post(
        "/account/password",
        content=b"old=\xff",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert bytes_.status_code == 400


@pytest.mark.parametrize("path", [*PAGES, "/sign-in", "/nowhere", "/static/0/app.css", "/x" * 500])
async def test_every_answer_carries_the_security_headers(
    browser_client: Browser, path: str
) -> None:
    headers = (await browser_client.get(path)).headers
    policy = headers["content-security-policy"]
    for rule in (
        "default-src 'self'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'",
        "form-action 'self'", "base-uri 'none'",
    ):  # fmt: skip
        assert rule in policy.split("; ")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    if "static" not in path:
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", [*PAGES, "/sign-in"])
async def test_pages_hold_nothing_inline_and_are_light(browser_client: Browser, path: str) -> None:
    page = await browser_client.get(path, follow_redirects=True)
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|<script(?![^>]*\bsrc=)", page.text)
    files = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    weight = len(page.content)
    for file in files:
        answer = await browser_client.get(file)
        assert answer.status_code == 200, file
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        weight += len(answer.content)
    assert weight < 150 * 1024


async def test_static_files_are_kept_by_their_content(browser_client: Browser) -> None:
    page = (await browser_client.get("/")).text
    url = re.search(r'href="(/static/[^"]+app\.css)"', page)
    assert url is not None
    first = await browser_client.get(url[1])
    again = await browser_client.get(url[1], headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    older = await browser_client.get("/static/000000000000/app.css")
    assert (older.status_code, older.headers["cache-control"]) == (200, "no-cache")
    for path in (
        "/static/0/../pages.py",
        "/static/0/%2e%2e/pages.py",
        "/static/0/vendor/README.md",
    ):
        assert (await browser_client.get(path)).status_code == 404


async def test_unknown_addresses_get_a_page(browser_client: Browser, visitor: Browser) -> None:
    signed = await browser_client.get("/nowhere")
    assert signed.status_code == 404
    assert "There is nothing here" in signed.text
    assert "Sign out" in signed.text
    stranger = await visitor.get("/nowhere")
    assert stranger.status_code == 404
    assert "Sign out" not in stranger.text


async def test_unknown_resources_get_a_problem(visitor: Browser) -> None:
    answer = await visitor.get("/v1/nothing")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_a_crash_is_a_page_without_its_reason(
    browser_client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("dashboard.overview.balance", crash)
    answer = await browser_client.get("/")
    assert answer.status_code == 500
    assert "Something broke in Tocsin" in answer.text
    assert "secret reason" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_without_the_database_a_page_says_so(app: App, browser_client: Browser) -> None:
    async with app.db.leader() as conn:
        await conn.execute(text("ALTER TABLE sessions RENAME TO sessions_elsewhere"))
    answer = await browser_client.get("/")
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    async with app.db.leader() as conn:
        await conn.execute(text("ALTER TABLE sessions_elsewhere RENAME TO sessions"))
    assert (await browser_client.get("/")).status_code == 200


async def test_a_script_that_lost_its_session_is_sent_to_sign_in(visitor: Browser) -> None:
    answer = await visitor.get("/outbox", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Foutbox"
