"""Suppressions by file: both formats, wrong rows, and back out again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.suppression_rows import LONGEST, WrongRow, read_csv, read_ndjson
from tests.fixtures.api import Client, problem_fields

CSV = {"Content-Type": "text/csv"}
NDJSON = {"Content-Type": "application/x-ndjson"}


async def brought(client: Any, content: str | bytes, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.post("/v1/suppressions/import", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def addresses(client: Any) -> set[str]:
    items = (await client.get("/v1/suppressions", params={"limit": 200})).json()["items"]
    return {one["address"] for one in items}


async def test_rows_are_entered_and_wrong_ones_told(client: Client) -> None:
    rows = [
        "channel,address,reason,category,expires_at,note",
        "email,Sam@Example.com,unsubscribe,marketing,,",
        "sms,+1 415 555 0100,,,2040-01-31T09:00:00Z,by hand",
        "email,nobody,,,,",
        "email,a@example.com,mood,,,",
        "",
        "email,b@example.com,,nothing,,",
        "email,c@example.com",
        'email,d@example.com,,,,"never, ever"',
    ]
    told = await brought(client, "\r\n".join(rows), CSV)
    assert {name: told[name] for name in ("rows", "added", "known", "rejected")} == {
        "rows": 7, "added": 3, "known": 0, "rejected": 4,
    }  # fmt: skip
    assert [one["line"] for one in told["errors"]] == [4, 5, 7, 8]
    assert told["errors"][0]["reason"].startswith("address is not an e-mail address")
    assert told["errors"][3]["reason"] == "has 2 cells where the first row has 6"
    assert await addresses(client) == {"sam@example.com", "+14155550100", "d@example.com"}


async def test_the_same_file_again_changes_nothing(client: Client) -> None:
    line = '{"channel": "email", "address": "sam@example.com", "reason": "complaint"}\n'
    assert (await brought(client, line * 2, NDJSON))["added"] == 1
    again = await brought(client, line, NDJSON)
    assert (again["added"], again["known"]) == (0, 1)


async def test_rows_about_one_address_become_one_with_the_stronger_reason(client: Client) -> None:
    lines = (
        '{"channel": "email", "address": "sam@example.com", "reason": "complaint",'
        ' "expires_at": "2040-01-31T09:00:00Z"}\n'
        '{"channel": "email", "address": "SAM@example.com", "reason": "manual"}\n'
    )
    told = await brought(client, lines, NDJSON)
    assert (told["rows"], told["added"], told["known"]) == (2, 1, 1)
    [one] = (await client.get("/v1/suppressions")).json()["items"]
    assert (one["reason"], one["expires_at"]) == ("complaint", None)


@pytest.mark.parametrize("accept", ["text/csv", "application/x-ndjson"])
async def test_what_comes_out_goes_in_again(client: Client, accept: str) -> None:
    for given_ in (
        {"channel": "email", "address": "sam@example.com", "note": 'says "no", twice; ünïcode'},
        {"channel": "sms", "address": "+14155550100", "reason": "complaint", "scope": "all"},
        {"channel": "push", "address": "token", "expires_at": "2040-01-31T09:00:00Z"},
    ):
        assert (await client.post("/v1/suppressions", json=given_)).status_code == 201
    out = await client.get("/v1/suppressions/export", headers={"Accept": accept})
    assert out.headers["content-type"].startswith(accept)
    before = (await client.get("/v1/suppressions")).json()["items"]
    for one in before:
        path = f"/v1/suppressions/{one['id']}"
        assert (await client.delete(path, params={"reason": "moved"})).status_code == 204
    told = await brought(client, out.text, {"Content-Type": accept})
    assert (told["added"], told["rejected"]) == (3, 0)
    after = (await client.get("/v1/suppressions")).json()["items"]
    names = ("channel", "address", "category", "reason", "scope", "expires_at", "note")
    assert sorted([one[n] for n in names] for one in after) == sorted(
        [one[n] for n in names] for one in before
    )


async def test_an_export_goes_over_pages(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    from services import suppression_exports

    monkeypatch.setattr(suppression_exports, "PAGE", 3)
    lines = [f'{{"channel": "email", "address": "p{n}@example.com"}}' for n in range(7)]
    await brought(client, "\n".join(lines), NDJSON)
    out = await client.get("/v1/suppressions/export", params={"channel": "email"})
    assert len(out.text.split("\r\n")) == 1 + 7 + 1
    assert out.text.count("p3@example.com") == 1
    refused = await (await client.with_key("categories:read")).get("/v1/suppressions/export")
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("channel,address,colour", "'colour'"),
        ("channel,address,channel", "twice"),
        ("channel,reason", "no column address"),
        ("", "is empty"),
    ],
)
async def test_a_header_that_cannot_be_used_is_refused(
    client: Client, header: str, says: str
) -> None:
    answer = await client.post("/v1/suppressions/import", content=header, headers=CSV)
    assert (answer.status_code, problem_fields(answer)) == (422, ["body"])
    assert says in answer.json()["detail"]


async def test_another_kind_of_file_is_refused(client: Client) -> None:
    answer = await client.post("/v1/suppressions/import", json=[])
    assert (answer.status_code, problem_fields(answer)) == (422, ["Content-Type"])


async def test_files_as_people_have_them_are_read(client: Client) -> None:
    spreadsheet = b"\xef\xbb\xbfChannel;Address;Note\r\nemail;sam@example.com;hello, you\r\n"
    assert (await brought(client, spreadsheet, CSV))["added"] == 1
    broken = b"channel,address\nemail,\xff@example.com\nemail,ann@example.com\n"
    told = await brought(client, broken, CSV)
    assert told["errors"] == [{"line": 2, "reason": "is not UTF-8 from byte 7 on"}]
    assert told["added"] == 1


async def test_a_narrow_key_cannot_import_for_all(client: Client) -> None:
    narrow = await client.with_key("suppressions:write")
    told = await brought(
        narrow, '{"channel": "email", "address": "sam@example.com", "scope": "all"}', NDJSON
    )
    assert (told["added"], told["rejected"]) == (0, 1)
    assert "scope module" in told["errors"][0]["reason"]


async def collected(reading: Any) -> list[tuple[int, Any]]:
    return [
        (number, str(row) if isinstance(row, WrongRow) else dict(row))
        async for number, row in reading
    ]


async def in_chunks(content: bytes, sizes: list[int], usual: int = 7) -> Any:
    while content:
        size = sizes.pop() if sizes else usual
        yield content[:size]
        content = content[size:]


_FILE = 'channel,address,note\nemail,a@example.com,"two\nlines, ""so"""\nsms,+1,é\n\npush,x,\n'


@given(st.lists(st.integers(1, 40), max_size=20))
async def test_the_cut_of_chunks_does_not_matter(sizes: list[int]) -> None:
    found = await collected(read_csv(in_chunks(_FILE.encode(), list(sizes))))
    assert found == [
        (2, {"channel": "email", "address": "a@example.com", "note": 'two\nlines, "so"'}),
        (4, {"channel": "sms", "address": "+1", "note": "é"}),
        (6, {"channel": "push", "address": "x"}),
    ]


@given(st.binary(max_size=300), st.lists(st.integers(1, 40), max_size=20))
async def test_any_bytes_are_read_as_rows_or_told(content: bytes, sizes: list[int]) -> None:
    for reading in (read_csv, read_ndjson):
        whole = b"channel,address\n" + content
        rows = await collected(reading(in_chunks(whole, list(sizes))))
        numbers = [number for number, _ in rows]
        assert numbers == sorted(set(numbers))


async def test_a_row_without_end_takes_bounded_memory() -> None:
    content = b"channel,address\nemail," + b"x" * (LONGEST * 2) + b"\nsms,+1\n"
    found = await collected(read_csv(in_chunks(content, [], 5_000)))
    assert found[0] == (2, f"is longer than {LONGEST:,} bytes")
    assert found[1] == (3, {"channel": "sms", "address": "+1"})
    open_quote = b'channel,address\nemail,"' + b"x\n" * LONGEST
    [first, *_] = await collected(read_csv(in_chunks(open_quote, [], 5_000)))
    assert first == (2, "begins a quoted cell that does not end")
