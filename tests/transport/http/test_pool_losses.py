"""How far a request came when no answer did: the phase decides whether it may have been taken."""

import socket
from asyncio import Event, StreamReader, StreamWriter, gather, sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from domain.http import HttpExchange, HttpRequest
from tests.fixtures.mail import an_authority, soon
from tests.fixtures.raw_http import Server, answer, answering, listening, read_request
from transport.http.guard import Guard
from transport.http.pool import HttpPool

SECRET = "secret-token"
LONG = b"x" * 16_000_000
"""More than the buffers of both ends hold."""


@asynccontextmanager
async def a_pool(
    allowed: Any = ("127.0.0.0/8", "::1/128"), **given: Any
) -> AsyncIterator[HttpPool]:
    pool = HttpPool(Server(**given), Guard(allowed))
    try:
        yield pool
    finally:
        await pool.close()


def post(base: int | str, body: bytes = b"{}") -> HttpRequest:
    """Return a request to a port, or to a scheme, host and port; its path holds a secret."""
    base = f"http://127.0.0.1:{base}" if isinstance(base, int) else base
    return HttpRequest("POST", f"{base}/bot{SECRET}/send?key={SECRET}", {}, body)


def told(found: HttpExchange) -> tuple[str, str, bool]:
    assert found.response is None
    assert SECRET not in found.detail
    assert found.detail
    return found.problem, found.phase, found.sent


async def lost(base: int | str, body: bytes = b"{}", **given: Any) -> tuple[str, str, bool]:
    """Return how a request ended that must not be answered."""
    seconds = given.pop("seconds", 20)
    async with a_pool(**given) as pool:
        return told(await pool.exchange(post(base, body), deadline=soon(seconds)))


def unused_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def test_a_name_that_nobody_knows() -> None:
    assert await lost("http://nowhere.invalid") == ("lost", "dns", False)


async def test_a_name_that_is_none() -> None:
    assert await lost("http://a..b") == ("lost", "dns", False)


async def test_nobody_listens() -> None:
    assert await lost(unused_port()) == ("lost", "connect", False)


async def test_a_certificate_of_a_stranger(tmp_path: Path) -> None:
    handle, got = answering(answer())
    async with listening(handle, tls=an_authority(tmp_path).server) as port:
        found = await lost(f"https://localhost:{port}")
        assert found == ("lost", "tls", False)
    assert got == []


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "vendor.example.com")
    handle, got = answering(answer())
    async with listening(handle, tls=authority.server) as port:
        found = await lost(f"https://localhost:{port}", ca_file=authority.ca_file)
        assert found == ("lost", "tls", False)
    assert got == []


async def test_no_tls_where_it_is_expected() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        writer.write(b"220 mail.example.com ESMTP\r\n")
        await reader.read()

    async with listening(handle) as port:
        assert await lost(f"https://localhost:{port}") == ("lost", "tls", False)


async def test_a_handshake_that_is_broken_off() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.read(1)
        writer.transport.abort()

    async with listening(handle) as port:
        problem, phase, sent = await lost(f"https://localhost:{port}")
    assert (problem, sent) == ("lost", False)
    assert phase in ("connect", "tls")


async def test_a_handshake_that_does_not_end() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await Event().wait()

    async with listening(handle) as port:
        found = await lost(f"https://localhost:{port}", connect_seconds=0.2)
        assert found == ("timeout", "connect", False)


@pytest.mark.parametrize("content", ["", "no certificate"])
async def test_authorities_that_cannot_be_read(tmp_path: Path, content: str) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_text(content)
    async with a_pool(ca_file=str(file)) as pool:
        found = await pool.exchange(post("https://localhost:9"), deadline=soon())
    assert told(found) == ("unsupported", "tls", False)
    assert "ca_file" in found.detail


async def test_closed_at_once() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        pass

    async with listening(handle) as port:
        problem, _, sent = await lost(port)
    # A small request has left before the client can see that the server is gone.
    assert (problem, sent) == ("lost", True)


async def test_dropped_in_the_middle_of_the_body() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(1000)
        writer.transport.abort()

    async with listening(handle) as port:
        assert await lost(port, LONG) == ("lost", "body", False)


async def test_a_body_that_nobody_reads() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await Event().wait()

    async with listening(handle) as port:
        assert await lost(port, LONG, seconds=0.5) == ("timeout", "body", False)


async def test_dropped_after_the_body() -> None:
    for body in (b"", b"{}", b"x" * 200_000):

        async def handle(reader: StreamReader, writer: StreamWriter) -> None:
            await read_request(reader)
            writer.transport.abort()

        async with listening(handle) as port:
            assert await lost(port, body) == ("lost", "response", True)


async def test_a_request_that_was_dropped_is_not_made_again() -> None:
    asked = 0

    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        nonlocal asked
        await read_request(reader)
        asked += 1
        if asked == 1:
            writer.write(answer())
            await read_request(reader)
            asked += 1

    async with listening(handle) as port, a_pool() as pool:
        await pool.exchange(post(port), deadline=soon())
        assert told(await pool.exchange(post(port), deadline=soon())) == ("lost", "response", True)
    assert asked == 2


@pytest.mark.parametrize(
    "half",
    [
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{",
        b"220 mail.example.com ESMTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        bytes(range(256)),
    ],
    ids=["head", "body", "chunk", "mail", "length", "long", "unpacked", "noise"],
)
async def test_half_an_answer_or_none_that_can_be_read(half: bytes) -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(half)
        await writer.drain()

    async with listening(handle) as port:
        assert await lost(port) == ("lost", "response", True)


async def test_silence() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        await Event().wait()

    async with listening(handle) as port:
        assert await lost(port, reply_seconds=0.2) == ("timeout", "response", True)
        assert await lost(port, seconds=0.2) == ("timeout", "response", True)


async def test_an_answer_that_stops_half_way() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await Event().wait()

    async with listening(handle) as port:
        assert await lost(port, reply_seconds=0.2) == ("timeout", "response", True)


async def test_an_answer_that_drips_ends_with_the_deadline() -> None:
    async def handle(reader: StreamReader, writer: StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while True:
            writer.write(b" ")
            await sleep(0.01)

    async with listening(handle) as port:
        assert await lost(port, seconds=0.3) == ("timeout", "response", True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::127.0.0.1]",
        "0x7f000001", "[64:ff9b::7f00:1]", "169.254.169.254",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_what_is_not_public_is_not_reached(host: str, scheme: str) -> None:
    handle, got = answering(answer())
    async with listening(handle) as port, a_pool(allowed=()) as pool:
        found = await pool.exchange(post(f"{scheme}://{host}:{port}"), deadline=soon())
    assert told(found) == ("refused", "connect", False)
    assert "TOCSIN_ALLOW_NETWORKS" in found.detail
    assert got == []


async def test_a_name_is_refused_each_time() -> None:
    async with a_pool(allowed=()) as pool:
        for _ in range(3):
            found = await pool.exchange(post("http://localhost:9"), deadline=soon())
            assert told(found) == ("refused", "connect", False)
        at_once = await gather(
            *(pool.exchange(post("http://localhost:9"), deadline=soon()) for _ in range(5))
        )
    assert {told(found) for found in at_once} == {("refused", "connect", False)}


@pytest.mark.parametrize(
    "url",
    ["http://", "http:///x", "ftp://127.0.0.1/", "http://[v1.a:b]/", "http://[zz::1]/", "nonsense",
     "http://127.1:9/", "http://127.0.0.1:99999/", "http://user:word@127.0.0.1:9/", ""],
)  # fmt: skip
async def test_an_url_that_cannot_be_used_is_a_loss(url: str) -> None:
    async with a_pool() as pool:
        request = HttpRequest("POST", url, {"Authorization": "x"}, b"{}")
        found = await pool.exchange(request, deadline=soon())
    assert found.response is None
    assert (found.problem, found.sent) == ("lost", False)


async def test_a_header_that_cannot_be_sent_is_a_loss() -> None:
    handle, got = answering(answer())
    async with listening(handle) as port, a_pool() as pool:
        request = HttpRequest("POST", f"http://127.0.0.1:{port}/", {"X-A": "a\r\nX-B: b"}, b"{}")
        found = await pool.exchange(request, deadline=soon())
    assert (found.problem, found.sent) == ("lost", False)
    assert got == []
