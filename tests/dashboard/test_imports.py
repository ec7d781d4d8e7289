"""The pages of imports: a file goes in while it arrives, and the page follows it to its end."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import Response
from playwright.async_api import Browser as Chromium

from services.app import App
from services.importing import work_on_next
from tests.fixtures.api import Client
from tests.fixtures.chromium import SIZES, faults_here, signed_in
from tests.fixtures.dashboard import Browser

CSV = b"external_id;email\nc-1;one@example.com\nc-2;wrong\nc-3;three@example.com\n"
KIND = "multipart/form-data; boundary=cut"


def a_form(csrf: str, content: bytes, name: str = "people.csv") -> bytes:
    """Return what a browser sends: the token, then the file."""
    return (
        b'--cut\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + csrf.encode()
        + b'\r\n--cut\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode()
        + b'"\r\nContent-Type: text/plain\r\n\r\n' + content + b"\r\n--cut--\r\n"
    )  # fmt: skip


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for first in range(0, len(body), size):
        yield body[first : first + size]


async def sent(browser: Browser, body: AsyncIterator[bytes] | bytes, **headers: str) -> Response:
    return await browser.post("/imports", content=body, headers={"Content-Type": KIND, **headers})


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_file_arrives_whole_however_it_is_cut(
    client: Client, browser_client: Browser, size: int
) -> None:
    body = a_form(await browser_client.csrf(), CSV)
    answer = await sent(browser_client, pieces(body, size))
    assert answer.status_code == 303, answer.text
    while await work_on_next(client.app):
        pass
    where = answer.headers["location"]
    page = (await browser_client.get(where)).text
    assert "2 imported, 1 rejected" in page
    assert (await client.get(f"/v1{where}")).json()["bytes"] == len(CSV)
    refused = await browser_client.get(f"{where}/rejected")
    assert [json.loads(line)["line"] for line in refused.text.splitlines()] == [3]
    gone = await browser_client.submit(f"{where}/remove")
    assert gone.headers["location"] == "/imports"
    assert (await browser_client.get(where)).status_code == 404


async def test_rows_are_kept_while_the_file_still_arrives(
    client: Client, browser_client: Browser
) -> None:
    rows = b"".join(b'{"external_id": "c-%d"}\n' % number for number in range(3_000))
    whole = a_form(await browser_client.csrf(), rows, "people.ndjson")
    seen: list[dict[str, Any]] = []

    async def watched() -> AsyncIterator[bytes]:
        async for piece in pieces(whole, 32_768):
            seen.extend((await client.get("/v1/imports")).json()["items"])
            yield piece

    assert (await sent(browser_client, watched())).status_code == 303
    assert (seen[-1]["state"], seen[-1]["rows"]) == ("uploading", 2_000)
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert (made["state"], made["rows"]) == ("waiting", 3_000)


async def test_an_upload_that_breaks_off_imports_nothing_and_offers_another(
    client: Client, browser_client: Browser
) -> None:
    rows = b"external_id\n" + b"".join(b"c-%d\n" % number for number in range(1_500))
    cut = a_form(await browser_client.csrf(), rows)[:-20]
    assert (await sent(browser_client, cut)).status_code == 400
    [made] = (await client.get("/v1/imports")).json()["items"]
    assert made["state"] == "failed"
    page = (await browser_client.get(f"/imports/{made['id']}")).text
    assert "Send the file again" in page
    assert (await client.get("/v1/profiles")).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [(b"x", "people.xlsx", "Must end in .csv or .ndjson"), (b"", "", "choose a file"),
     (b"", "people.csv", "has no rows"), (b"email\na@example.com\n", "a.csv", "external_id"),
     (b"[1]", "a.ndjson", "JSON array")],
)  # fmt: skip
async def test_a_file_that_cannot_be_taken_is_refused_with_words(
    browser_client: Browser, content: bytes, name: str, words: str
) -> None:
    answer = await sent(browser_client, a_form(await browser_client.csrf(), content, name))
    assert answer.status_code == 422
    assert words in answer.text


async def test_only_our_own_form_is_taken(client: Client, browser_client: Browser) -> None:
    body = a_form("x" * 43, CSV)
    assert (await sent(browser_client, body)).status_code == 403
    right = a_form(await browser_client.csrf(), CSV)
    other = await sent(browser_client, right, **{"Sec-Fetch-Site": "cross-site"})
    assert other.status_code == 403
    broken = await sent(browser_client, b"--cut\r\nnonsense")
    assert broken.status_code in (400, 403)
    plain = await sent(browser_client, b"", **{"Content-Type": "text/plain"})
    assert plain.status_code == 400
    assert (await client.get("/v1/imports")).json()["items"] == []


async def test_a_page_follows_its_import_to_the_end(
    app: App, pages: str, chromium: Chromium
) -> None:
    page = await signed_in(chromium, pages, viewport=SIZES["phone"])
    await page.goto("/imports")
    file: Any = {"name": "people.csv", "mimeType": "text/csv", "buffer": CSV}
    await page.set_input_files("#field-file", file)
    await page.get_by_role("button", name="Import").click()
    await page.wait_for_selector("h1:has-text('0 of 3 imported')")
    assert await faults_here(page) == []
    while await work_on_next(app):
        pass
    await page.wait_for_selector("h1:has-text('2 imported, 1 rejected')")
    assert await faults_here(page) == []
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download 1 row").click()
    assert (await download.value).suggested_filename.endswith("-rejected.ndjson")
