"""The navigation: every entry opens its page, and a phone reaches all of them from five buttons."""

from pathlib import Path
from typing import Any
from uuid import UUID

from playwright.async_api import Browser as Chromium

from dashboard.navigation import GROUPS, navigation
from domain.roles import ROLE_SCOPES
from domain.vocabulary import Role
from services.access import Actor
from tests.fixtures.chromium import SIZES, faults_here, signed_in
from tests.fixtures.dashboard import Browser

ENTRIES = [one for group in GROUPS for one in group.entries]


def an_actor(role: Role) -> Actor:
    return Actor("sam", UUID(int=0), "default", ROLE_SCOPES[role])


def test_the_groups_fit_a_phone_and_no_page_is_listed_twice() -> None:
    icons = (Path(__file__).parents[2] / "dashboard/static/icons.svg").read_text()
    assert len(GROUPS) <= 5
    assert len({one.href for one in ENTRIES}) == len(ENTRIES)
    for icon in [one.icon for one in GROUPS] + [one.icon for one in ENTRIES]:
        assert f'id="{icon}"' in icons


def test_a_page_below_an_entry_marks_that_entry_alone() -> None:
    found = navigation("/notifications/ntf_1/change", an_actor(Role.VIEWER))
    assert [one.current for one in found if one.current] == ["/notifications"]
    assert not any(one.current for one in navigation("/notificationsx", an_actor(Role.VIEWER)))


async def test_every_entry_opens_the_page_that_it_marks(browser_client: Browser) -> None:
    for one in ENTRIES:
        answer = await browser_client.get(one.href)
        assert answer.status_code == 200, one.href
        assert f'class="nav-link" href="{one.href}" aria-current="page"' in answer.text
        assert answer.text.count('aria-current="page"') >= 1


async def test_a_phone_opens_a_group_by_keyboard_without_scripts(
    pages: str, chromium: Chromium
) -> None:
    shape: Any = SIZES["phone"]
    page = await signed_in(chromium, pages, viewport=shape, java_script_enabled=False)
    opener = page.get_by_role("button", name="Content")
    listed = page.get_by_role("link", name="Categories")
    assert not await listed.is_visible()
    await opener.focus()
    await page.keyboard.press("Enter")
    await listed.wait_for(state="visible")
    await page.keyboard.press("Escape")
    await listed.wait_for(state="hidden")
    await page.keyboard.press("Enter")
    for _ in ("Templates", "Partials", "Categories"):
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/categories")
    assert await page.get_by_role("button", name="Content").get_attribute("aria-current") == "true"


async def test_an_open_group_is_accessible_and_a_wide_window_shows_all(
    pages: str, chromium: Chromium
) -> None:
    page = await signed_in(chromium, pages)
    for one in ENTRIES:
        assert await page.locator(f'.nav-link[href="{one.href}"]').is_visible(), one.word
    assert await page.get_by_role("button", name="Content").count() == 0
    shape: Any = SIZES["phone"]
    await page.set_viewport_size(shape)
    await page.get_by_role("button", name="Content").click()
    assert await faults_here(page) == []
