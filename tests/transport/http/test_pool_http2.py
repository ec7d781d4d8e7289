"""Requests over HTTP/2: the phase of a loss, what a server promises, and many at once."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from domain.http import HttpExchange, HttpRequest
from fakes.http2_server import FakeHttp2
from fakes.http2_session import Http2Fault
from fakes.http_vendor import Answer, Asked, Behaviour, FakeVendor, Taken
from tests.fixtures.mail import soon
from transport.http.guard import Guard
from transport.http.pool_http2 import Http2Pool


class Plain(FakeVendor):
    """Takes whatever is posted to it; `slow` holds answers back until it is set."""

    name: ClassVar[str] = "plain"

    def addresses(self, asked: Asked) -> list[str]:
        return [asked.path]

    def answer(self, asked: Asked) -> Answer:
        self.taken.append(Taken(str(len(self.taken)), asked.path, "", asked))
        return Answer(200, {"X-Seen": asked.path}, b"took " + asked.body)


@dataclass
class Server:
    """What the transport wants to know of an account."""

    ca_file: str
    connections: int = 10
    connect_seconds: float = 5
    reply_seconds: float = 5


@dataclass
class Stage:
    """A fake, its server and a pool that reaches it."""

    plain: Plain
    server: FakeHttp2
    pool: Http2Pool

    async def ask(
        self, path: str = "/one", body: bytes = b"hello", *, seconds: float = 20
    ) -> HttpExchange:
        request = HttpRequest("POST", self.server.url("plain") + path, {"X-Sent": "yes"}, body)
        return await self.pool.exchange(request, deadline=soon(seconds))

    def at_once(self) -> list[int]:
        """The most streams at once on each connection there was."""
        return [one.most_at_once for one in self.server.opened]


@asynccontextmanager
async def a_stage(
    allowed: tuple[str, ...] = ("127.0.0.0/8",),
    *,
    served: dict[str, Any] | None = None,
    **given: Any,
) -> AsyncIterator[Stage]:
    plain = Plain()
    async with FakeHttp2(plain, **(served or {})) as server:
        pool = Http2Pool(Server(server.settings["ca_file"], **given), Guard(allowed))
        yield Stage(plain, server, pool)
        await pool.close()


def ending(found: HttpExchange) -> tuple[str, str, bool, bool]:
    return found.problem, found.phase, found.sent, found.unprocessed


async def test_a_request_and_its_answer_are_whole() -> None:
    async with a_stage() as stage:
        found = await stage.ask("/a%20path?q=1", b"x" * 4096)
        assert found.response is not None
        assert found.response.status == 200
        assert found.response.body == b"took " + b"x" * 4096
        assert found.response.headers["x-seen"] == "/a%20path"
        [taken] = stage.plain.taken
        assert taken.asked.headers["x-sent"] == "yes"
        assert taken.asked.headers["content-length"] == "4096"
        assert taken.asked.query == "q=1"


async def test_a_request_without_a_body() -> None:
    async with a_stage() as stage:
        found = await stage.ask(body=b"")
        assert found.response is not None
        assert found.sent


async def test_a_body_larger_than_the_window_arrives() -> None:
    async with a_stage(served={"window": 1_000}) as stage:
        found = await stage.ask(body=b"x" * 300_000)
        assert found.response is not None
        assert len(found.response.body) == 300_005


async def test_many_at_once_share_one_connection() -> None:
    async with a_stage() as stage:
        found = await asyncio.gather(*(stage.ask(f"/{n}", str(n).encode()) for n in range(300)))
        bodies = [one.response.body for one in found if one.response]
        assert bodies == [f"took {n}".encode() for n in range(300)]
        await stage.ask()
        assert len(stage.server.opened) <= 10
        assert max(stage.at_once()) > 10


async def test_more_than_the_server_allows_wait() -> None:
    async with a_stage(served={"max_streams": 1}, connections=2) as stage:
        found = await asyncio.gather(*(stage.ask(f"/{n}") for n in range(40)))
        assert all(one.response for one in found)
        assert stage.at_once() == [1, 1]


async def test_a_limit_that_is_raised_is_used() -> None:
    async with a_stage(served={"max_streams": 1, "raised_to": 50}, connections=1) as stage:
        found = await asyncio.gather(*(stage.ask(f"/{n}") for n in range(40)))
        assert all(one.response for one in found)
        [at_once] = stage.at_once()
        assert 1 < at_once <= 50


async def test_a_refused_stream_was_not_processed() -> None:
    async with a_stage() as stage:
        stage.server.fail(Http2Fault.REFUSED_STREAM)
        found = await stage.ask()
        assert ending(found) == ("lost", "response", True, True)
        assert stage.plain.taken == []
        assert (await stage.ask()).response is not None
        assert len(stage.server.opened) == 1, "the connection is still good"


async def test_a_reset_stream_leaves_doubt() -> None:
    async with a_stage() as stage:
        stage.server.fail(Http2Fault.RESET)
        assert ending(await stage.ask()) == ("lost", "response", True, False)
        assert (await stage.ask()).response is not None
        assert len(stage.server.opened) == 1


async def test_the_first_request_that_a_leaving_server_did_not_take() -> None:
    async with a_stage() as stage:
        stage.server.fail(Http2Fault.GOAWAY)
        found = await stage.ask()
        assert ending(found) == ("lost", "response", True, True)
        assert stage.plain.taken == []
        assert (await stage.ask()).response is not None
        assert len(stage.server.opened) == 2


async def test_a_leaving_server_still_answers_what_it_took() -> None:
    async with a_stage() as stage:
        stage.server.fail(Http2Fault.LAST)
        found = await stage.ask()
        assert found.response is not None
        assert found.response.body == b"took hello"
        assert (await stage.ask()).response is not None
        assert len(stage.server.opened) == 2


async def test_only_what_came_after_the_last_stream_is_free_of_doubt() -> None:
    async with a_stage() as stage:
        stage.plain.by_address["/hangs"] = Behaviour.HANG
        hanging = asyncio.create_task(stage.ask("/hangs"))
        while not stage.plain.asked:
            await asyncio.sleep(0.01)
        stage.server.fail(Http2Fault.GOAWAY)
        assert ending(await stage.ask()) == ("lost", "response", True, True)
        assert ending(await hanging) == ("lost", "response", True, False)


async def test_a_lost_connection_leaves_all_its_requests_in_doubt() -> None:
    async with a_stage() as stage:
        stage.plain.by_address["/hangs"] = Behaviour.HANG
        hanging = [asyncio.create_task(stage.ask("/hangs")) for _ in range(20)]
        while len(stage.plain.asked) < 20:
            await asyncio.sleep(0.01)
        stage.plain.script(Behaviour.DROP_AFTER_BODY)
        ends = [ending(one) for one in await asyncio.gather(stage.ask(), *hanging)]
        assert ends == [("lost", "response", True, False)] * 21
        assert (await stage.ask()).response is not None


async def test_a_hanging_request_harms_no_other() -> None:
    async with a_stage(reply_seconds=0.3) as stage:
        stage.plain.by_address["/hangs"] = Behaviour.HANG
        hanging = asyncio.create_task(stage.ask("/hangs"))
        for _ in range(10):
            assert (await stage.ask()).response is not None
            await asyncio.sleep(0.05)
        assert ending(await hanging) == ("timeout", "response", True, False)
        assert len(stage.server.opened) == 1


async def test_what_was_given_up_makes_room_again() -> None:
    async with a_stage(served={"max_streams": 1}, connections=1, reply_seconds=0.2) as stage:
        stage.plain.script(Behaviour.HANG)
        assert ending(await stage.ask()) == ("timeout", "response", True, False)
        assert (await stage.ask()).response is not None


async def test_the_deadline_ends_it_too() -> None:
    async with a_stage() as stage:
        stage.plain.script(Behaviour.HANG)
        assert ending(await stage.ask(seconds=0.3)) == ("timeout", "response", True, False)


async def test_one_that_waits_for_room_has_sent_nothing() -> None:
    async with a_stage(served={"max_streams": 1}, connections=1) as stage:
        stage.plain.by_address["/hangs"] = Behaviour.HANG
        hanging = asyncio.create_task(stage.ask("/hangs"))
        while not stage.plain.asked:
            await asyncio.sleep(0.01)
        assert ending(await stage.ask(seconds=0.3)) == ("timeout", "pool", False, False)
        hanging.cancel()
        await asyncio.wait([hanging])
        assert (await stage.ask()).response is not None


async def test_half_a_body_leaves_doubt() -> None:
    async with a_stage(served={"window": 100, "reads": False}, reply_seconds=0.3) as stage:
        found = await stage.ask(body=b"x" * 5_000)
        assert ending(found) == ("timeout", "body", True, False)
        assert stage.plain.taken == []


async def test_an_answer_without_end_is_given_up() -> None:
    async with a_stage() as stage:
        stage.plain.script(Behaviour.HUGE)
        found = await stage.ask()
        assert ending(found) == ("too_large", "response", True, False)
        assert (await stage.ask()).response is not None


async def test_half_an_answer_leaves_doubt() -> None:
    async with a_stage() as stage:
        stage.plain.script(Behaviour.TRUNCATED)
        assert ending(await stage.ask()) == ("lost", "response", True, False)


async def test_the_guard_refuses_before_anything_is_opened() -> None:
    async with a_stage(allowed=()) as stage:
        found = await stage.ask()
        assert ending(found) == ("refused", "connect", False, False)
        assert "TOCSIN_ALLOW_NETWORKS" in found.detail
        assert stage.server.opened == []


async def test_the_guard_judges_what_a_name_leads_to() -> None:
    async with a_stage(allowed=()) as stage:
        request = HttpRequest("GET", f"https://localhost:{stage.server.port}/plain/")
        found = await stage.pool.exchange(request, deadline=soon())
        assert ending(found) == ("refused", "connect", False, False)


async def test_nobody_there() -> None:
    async with a_stage() as stage:
        request = HttpRequest("GET", "https://127.0.0.1:9/")
        found = await asyncio.gather(
            *(stage.pool.exchange(request, deadline=soon()) for _ in range(5))
        )
        assert all(one.problem == "lost" and not one.sent for one in found)
        assert {one.phase for one in found} <= {"pool", "connect"}


async def test_a_name_that_leads_nowhere() -> None:
    async with a_stage() as stage:
        request = HttpRequest("GET", "https://nowhere.invalid/")
        found = await stage.pool.exchange(request, deadline=soon())
        assert ending(found) == ("lost", "dns", False, False)


async def test_a_certificate_that_nobody_vouches_for() -> None:
    async with a_stage() as stage:
        pool = Http2Pool(Server(""), Guard(["127.0.0.0/8"]))
        request = HttpRequest("GET", stage.server.url("plain"))
        found = await pool.exchange(request, deadline=soon())
        assert ending(found) == ("lost", "tls", False, False)
        await pool.close()


@pytest.mark.parametrize("closes", [True, False])
async def test_a_server_that_never_speaks(closes: bool) -> None:
    """It takes the connection and says nothing, or only closes it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        async with a_stage(connect_seconds=0.3) as stage:
            url = f"https://127.0.0.1:{silent.getsockname()[1]}/"
            asking = asyncio.create_task(
                stage.pool.exchange(HttpRequest("GET", url), deadline=soon())
            )
            link, _ = await asyncio.get_running_loop().sock_accept(silent)
            with link:
                if closes:
                    link.close()
                found = await asking
            assert ending(found) == ("lost" if closes else "timeout", "tls", False, False)


async def test_those_who_wait_for_a_connection_fail_with_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        async with a_stage(connect_seconds=0.3) as stage:
            request = HttpRequest("GET", f"https://127.0.0.1:{silent.getsockname()[1]}/")
            found = await asyncio.gather(
                *(stage.pool.exchange(request, deadline=soon()) for _ in range(30))
            )
        ends = {ending(one) for one in found}
        assert ends == {("timeout", "tls", False, False), ("timeout", "pool", False, False)}
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()


async def test_a_url_that_is_none() -> None:
    async with a_stage() as stage:
        for url in ("", "https://", "ftp://127.0.0.1/", "https://[::1", "https://127.0.0.1:x/"):
            found = await stage.pool.exchange(HttpRequest("GET", url), deadline=soon())
            assert (found.problem, found.sent) == ("lost", False), url


async def test_a_header_cannot_be_split() -> None:
    async with a_stage() as stage:
        url = stage.server.url("plain")
        headers = {"X-Sent": "yes\r\nX-Other: no"}
        found = await stage.pool.exchange(HttpRequest("POST", url, headers), deadline=soon())
        assert found.response is None
        assert not found.sent
        assert stage.plain.asked == []
        assert (await stage.ask()).response is not None


async def test_a_closed_pool_ends_what_is_under_way() -> None:
    async with a_stage() as stage:
        stage.plain.script(Behaviour.HANG)
        hanging = asyncio.create_task(stage.ask())
        while not stage.plain.asked:
            await asyncio.sleep(0.01)
        await stage.pool.close()
        assert ending(await hanging) == ("lost", "response", True, False)
