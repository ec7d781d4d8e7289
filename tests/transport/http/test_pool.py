"""One request over HTTP/1.1: what goes over the wire, what comes back, what is kept and reused."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.http import HttpExchange, HttpRequest
from tests.fixtures.mail import an_authority, soon
from tests.fixtures.raw_http import Server, answer, answering, listening, read_request
from transport.http.guard import Guard
from transport.http.pool import MOST_ANSWER, HttpPool

LOCAL = ["127.0.0.0/8", "::1/128"]


@asynccontextmanager
async def a_pool(allowed: Any = LOCAL, **given: Any) -> AsyncIterator[HttpPool]:
    pool = HttpPool(Server(**given), Guard(allowed))
    try:
        yield pool
    finally:
        await pool.close()


def post(port: int, path: str = "/", body: bytes = b'{"to": 1}', **headers: str) -> HttpRequest:
    return HttpRequest("POST", f"http://127.0.0.1:{port}{path}", headers, body)


def told(found: HttpExchange) -> tuple[str, str, bool]:
    assert found.response is None
    return found.problem, found.phase, found.sent


async def test_an_answer_comes_back_whole() -> None:
    handle, _ = answering(answer(b'{"id": 7}', "201 Created", X_Vendor="Yes"))
    async with listening(handle) as port, a_pool() as pool:
        found = await pool.exchange(post(port), deadline=soon())
    assert found.sent
    assert found.problem == ""
    assert found.response is not None
    assert (found.response.status, found.response.body) == (201, b'{"id": 7}')
    assert found.response.headers["x-vendor"] == "Yes"


async def test_the_request_is_sent_as_it_is() -> None:
    handle, got = answering(answer())
    path = "/a%2Fb/c?to=%2B44&q=a%20b+c&empty="
    async with listening(handle) as port, a_pool() as pool:
        await pool.exchange(post(port, path, b"a=b", Authorization="Basic x"), deadline=soon())
        await pool.exchange(HttpRequest("GET", f"http://127.0.0.1:{port}/"), deadline=soon())
    assert got[0].line == f"POST {path} HTTP/1.1"
    assert got[0].body == b"a=b"
    assert got[0].headers["authorization"] == "Basic x"
    assert got[0].headers["content-length"] == "3"
    assert got[0].headers["host"] == f"127.0.0.1:{port}"
    assert got[0].headers["user-agent"] == "Tocsin"
    assert "accept-encoding" not in got[0].headers
    assert "transfer-encoding" not in got[0].headers
    assert (got[1].line, got[1].body) == ("GET / HTTP/1.1", b"")


async def test_a_long_body_is_sent_whole() -> None:
    handle, got = answering(answer())
    body = bytes(range(256)) * 20_000
    async with listening(handle) as port, a_pool() as pool:
        found = await pool.exchange(post(port, body=body), deadline=soon())
    assert found.response is not None
    assert got[0].headers["content-length"] == str(len(body))
    assert got[0].body == body


async def test_over_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    authority = an_authority(tmp_path)
    handle, _ = answering(answer())
    async with (
        listening(handle, tls=authority.server) as port,
        a_pool(ca_file=authority.ca_file) as pool,
    ):
        found = await pool.exchange(
            HttpRequest("POST", f"https://localhost:{port}/", {}, b"x"), deadline=soon()
        )
    assert found.response is not None


async def test_connections_are_used_again() -> None:
    opened = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        while True:
            await read_request(reader)
            writer.write(answer())

    async with listening(handle) as port, a_pool() as pool:
        for _ in range(3):
            assert (await pool.exchange(post(port), deadline=soon())).response is not None
    assert opened == 1


async def test_a_connection_that_the_server_ends_is_not_used_again() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer(Connection="close"))

    async with listening(handle) as port, a_pool() as pool:
        for _ in range(3):
            assert (await pool.exchange(post(port), deadline=soon())).response is not None


async def test_no_more_connections_than_are_allowed() -> None:
    at_once = most = 0

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        try:
            while True:
                await read_request(reader)
                await asyncio.sleep(0)
                writer.write(answer())
        finally:
            at_once -= 1

    async with listening(handle) as port, a_pool(connections=2) as pool:
        found = await asyncio.gather(
            *(pool.exchange(post(port), deadline=soon()) for _ in range(20))
        )
    assert all(one.response is not None for one in found)
    assert most == 2


async def test_a_request_waits_for_a_connection_until_its_deadline() -> None:
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await asyncio.Event().wait()

    async with listening(handle) as port, a_pool(connections=1) as pool:
        first = asyncio.create_task(pool.exchange(post(port), deadline=soon(2)))
        await arrived.wait()
        second = await pool.exchange(post(port), deadline=soon(0.2))
        assert told(second) == ("timeout", "pool", False)
        assert told(await first) == ("timeout", "response", True)


async def test_a_waiting_request_gets_the_connection_that_becomes_free() -> None:
    handle, got = answering(answer())
    async with listening(handle) as port, a_pool(connections=1) as pool:
        found = await asyncio.gather(
            *(pool.exchange(post(port, f"/{n}"), deadline=soon()) for n in range(5))
        )
    assert all(one.response is not None for one in found)
    assert sorted(one.line for one in got) == [f"POST /{n} HTTP/1.1" for n in range(5)]


async def test_after_the_deadline_nothing_is_sent() -> None:
    handle, got = answering(answer())
    async with listening(handle) as port, a_pool() as pool:
        await pool.exchange(post(port), deadline=soon())
        late = await pool.exchange(post(port), deadline=time.monotonic() - 1)
        assert told(late) == ("timeout", "pool", False)
        await pool.exchange(post(port, "/third"), deadline=soon())
    assert [one.line for one in got] == ["POST / HTTP/1.1", "POST /third HTTP/1.1"]


async def test_a_redirect_is_not_followed() -> None:
    elsewhere, followed = answering(answer())
    async with listening(elsewhere) as other, a_pool() as pool:
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect"):
            handle, _ = answering(answer(b"", status, Location=f"http://127.0.0.1:{other}/"))
            async with listening(handle) as port:
                found = await pool.exchange(post(port), deadline=soon())
            assert found.response is not None
            assert found.response.status == int(status[:3])
    assert followed == []


async def test_cookies_are_not_kept() -> None:
    handle, got = answering(answer(Set_Cookie="session=secret; Path=/"))
    async with listening(handle) as port, a_pool() as pool:
        for _ in range(2):
            await pool.exchange(post(port), deadline=soon())
    assert [one.headers.get("cookie") for one in got] == [None, None]


async def test_the_last_answer_counts_not_the_interim_ones() -> None:
    handle, _ = answering(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + answer(b"last"))
    async with listening(handle) as port, a_pool() as pool:
        found = await pool.exchange(post(port), deadline=soon())
    assert found.response is not None
    assert (found.response.status, found.response.body) == (200, b"last")


@pytest.mark.parametrize("length", [0, 1, MOST_ANSWER])
async def test_an_answer_may_be_as_long_as_the_limit(length: int) -> None:
    handle, _ = answering(answer(b"x" * length))
    async with listening(handle) as port, a_pool() as pool:
        found = await pool.exchange(post(port), deadline=soon())
    assert found.response is not None
    assert len(found.response.body) == length


@pytest.mark.parametrize("packed", [False, True])
async def test_a_longer_answer_is_not_read_to_its_end(packed: bool) -> None:
    body = b"x" * (MOST_ANSWER + 1)
    if packed:
        handle, _ = answering(answer(gzip.compress(body), Content_Encoding="gzip"))
    else:
        handle, _ = answering(answer(body))
    async with listening(handle) as port, a_pool() as pool:
        found = await pool.exchange(post(port), deadline=soon())
        assert told(found) == ("too_large", "response", True)
        assert "1,048,576" in found.detail


async def test_a_closed_pool_opens_again() -> None:
    handle, _ = answering(answer())
    async with listening(handle) as port, a_pool() as pool:
        await pool.close()
        assert (await pool.exchange(post(port), deadline=soon())).response is not None
        await pool.close()
        assert (await pool.exchange(post(port), deadline=soon())).response is not None


async def test_a_cancelled_request_leaves_the_pool_usable() -> None:
    arrived = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        arrived.set()
        if request.line.startswith("POST /hang"):
            await asyncio.Event().wait()
        writer.write(answer(b"fresh"))

    async with listening(handle) as port, a_pool(connections=1) as pool:
        task = asyncio.create_task(pool.exchange(post(port, "/hang"), deadline=soon()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await pool.exchange(post(port), deadline=soon())
    assert found.response is not None
    assert found.response.body == b"fresh"
