"""Serves fake vendors over HTTP/1.1, each under its name: http://127.0.0.1:port/twilio/…

In a test: `async with FakeHttp(FakeTwilio()) as server: server.url("twilio")`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import ClassVar, Final, Self

from aiohttp import web

from fakes.control import control
from fakes.http_vendor import TAKES, Answer, Asked, Behaviour, FakeVendor

HTML: Final = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
NOTHING: Final = bytes(range(256)) * 2
HUGE_PIECE: Final = b" " * 65_536
HUGE_PIECES: Final = 800


class FakeHttp:
    """A server on 127.0.0.1, as long as its context lasts; `port` 0 takes a free one."""

    settings: ClassVar[Mapping[str, str]] = {}
    """What an account needs beside base_url to reach it (a ca_file, where there is TLS)."""

    def __init__(self, *vendors: FakeVendor, port: int = 0) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.port = port
        self._server: asyncio.Server | None = None
        self._web: web.Server | None = None
        self._ending = asyncio.Event()

    def url(self, name: str) -> str:
        """Return the base URL of a vendor."""
        return f"http://127.0.0.1:{self.port}/{name}"

    async def __aenter__(self) -> Self:
        """Listen."""
        self._web = web.Server(self._handle, access_log=None)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, "127.0.0.1", self.port, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever is still open."""
        self._ending.set()
        if self._server is not None:
            self._server.close()
        if self._web is not None:
            await self._web.shutdown(timeout=1)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        name, _, rest = request.rel_url.raw_path.lstrip("/").partition("/")
        if name == "_control":
            name, _, what = rest.partition("/")
            if name in self.vendors:
                return await control(request, self.vendors[name], what)
        vendor = self.vendors.get(name)
        if vendor is None:
            return web.Response(status=404, text=f"no vendor {name} here")
        behaviour = vendor.scripted()
        head = Asked(
            request.method,
            f"/{rest}",
            request.rel_url.raw_query_string,
            {key.lower(): value for key, value in request.headers.items()},
            b"",
            f"http://{request.headers.get('Host', '')}{request.rel_url.raw_path_qs}",
        )
        if behaviour is Behaviour.DROP_BEFORE_BODY and vendor.sends(head):
            return _abort(request)
        asked = replace(head, body=await request.read())
        vendor.asked.append(asked)
        if not vendor.sends(asked):
            if behaviour is not None:
                vendor.script(behaviour)
            return _response(vendor.answer(asked))
        return await self._treat(request, vendor, asked, behaviour or vendor.behaviour_for(asked))

    async def _treat(
        self, request: web.BaseRequest, vendor: FakeVendor, asked: Asked, behaviour: Behaviour
    ) -> web.StreamResponse:
        answer = vendor.answer(asked) if behaviour in TAKES else None
        if answer is not None and (behaviour is Behaviour.ACCEPT or answer.status >= 400):
            return _response(answer)
        if behaviour is Behaviour.HANG:
            await self._ending.wait()
            return _abort(request)
        if behaviour in (Behaviour.DROP_AFTER_BODY, Behaviour.DROP_BEFORE_BODY):
            return _abort(request)
        if behaviour is Behaviour.GARBAGE:
            return web.Response(body=NOTHING, content_type="application/json")
        if behaviour is Behaviour.WRONG_TYPE:
            return web.Response(body=b'{"wrong": ["shape"]}', content_type="application/json")
        if behaviour is Behaviour.TRUNCATED:
            return await _truncate(request, answer)
        if behaviour is Behaviour.HUGE:
            return await _flood(request)
        if behaviour is Behaviour.BAD_GATEWAY:
            return web.Response(status=502, body=HTML, content_type="text/html")
        return _response(vendor.refuse(behaviour, asked))


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.status, headers=answer.headers, body=answer.body)


def _abort(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _truncate(request: web.BaseRequest, answer: Answer | None) -> web.StreamResponse:
    body = (answer.body if answer else b"") or HTML
    response = web.StreamResponse(
        status=answer.status if answer else 200, headers={"Content-Length": str(len(body))}
    )
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    return _abort(request)


async def _flood(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(HUGE_PIECES):
        await response.write(HUGE_PIECE)
    return response
