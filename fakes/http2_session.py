"""One client of a fake server over HTTP/2: its streams, and what is done to them."""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame

from fakes.http_server import HTML, HUGE_PIECE, HUGE_PIECES, NOTHING
from fakes.http_vendor import TAKES, Answer, Asked, Behaviour, FakeVendor

_JSON: Final = {"content-type": "application/json"}


class Http2Fault(StrEnum):
    """What a server over HTTP/2 can do to a request beside the vendor's own behaviours."""

    GOAWAY = "goaway"
    """Goes away, says that it has not processed the request, and closes."""
    LAST = "last"
    """Says that it goes away after this request, and still answers it."""
    REFUSED_STREAM = "refused_stream"
    """Resets the stream and says that it has not processed it."""
    RESET = "reset"
    """Takes the message and resets the stream."""


@dataclass
class Habits:
    """How a server treats its clients, and who they were."""

    vendors: Mapping[str, FakeVendor]
    max_streams: int
    raised_to: int
    """The limit after the first answer 200; 0: the same."""
    window: int
    reads: bool
    faults: deque[Http2Fault] = field(default_factory=deque)
    opened: list["Session"] = field(default_factory=list)
    """All connections there were."""


class Session(asyncio.Protocol):
    """One client."""

    def __init__(self, habits: Habits) -> None:
        self.most_at_once = 0
        self.heads: dict[int, dict[str, str]] = {}
        """Headers by stream, of requests that were not answered yet."""
        self._habits = habits
        self._bodies: dict[int, bytearray] = {}
        self._behaviours: dict[int, Behaviour | None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._moved = asyncio.Event()
        config = H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = H2Connection(config)
        self._h2.local_settings = Settings(
            client=False,
            initial_values={
                SettingCodes.MAX_CONCURRENT_STREAMS: habits.max_streams,
                SettingCodes.INITIAL_WINDOW_SIZE: habits.window,
            },
        )
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say the settings first, as a server does."""
        self._transport = cast(asyncio.Transport, transport)
        self._habits.opened.append(self)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Stop whatever is still being answered."""
        self._transport = None
        self._moved.set()
        for task in self._tasks:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        """Take what came; a client that breaks the protocol is told so and cut off."""
        try:
            for event in self._h2.receive_data(data):
                self._take(event)
        except H2Error:
            self._flush()
            self.abort()
        self._flush()

    def abort(self) -> None:
        """Close without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _take(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            head = {str(name): str(value) for name, value in event.headers}
            self._begin(event.stream_id, head)
        elif isinstance(event, DataReceived):
            if event.stream_id in self._bodies:
                self._bodies[event.stream_id] += event.data
            if self._habits.reads:
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded) and event.stream_id in self._bodies:
            task = asyncio.ensure_future(self._treat(event.stream_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif isinstance(event, StreamReset):
            self._end(event.stream_id)
        elif isinstance(event, WindowUpdated):
            self._moved.set()

    def _begin(self, stream: int, head: dict[str, str]) -> None:
        self.heads[stream], self._bodies[stream] = head, bytearray()
        self.most_at_once = max(self.most_at_once, len(self.heads))
        vendor = self._vendor(head)
        behaviour = vendor.scripted() if vendor else None
        self._behaviours[stream] = behaviour
        dropped = behaviour is Behaviour.DROP_BEFORE_BODY
        if dropped and vendor is not None and vendor.sends(_asked(head, b"")):
            self.abort()

    def _vendor(self, head: Mapping[str, str]) -> FakeVendor | None:
        return self._habits.vendors.get(head[":path"].lstrip("/").partition("/")[0])

    async def _treat(self, stream: int) -> None:
        head = self.heads[stream]
        vendor = self._vendor(head)
        if vendor is None:
            await self._answer(stream, Answer(404))
            return
        asked = _asked(head, bytes(self._bodies[stream]))
        vendor.asked.append(asked)
        if not vendor.sends(asked):
            if (behaviour := self._behaviours[stream]) is not None:
                vendor.script(behaviour)
            await self._answer(stream, vendor.answer(asked))
            return
        fault = self._habits.faults.popleft() if self._habits.faults else None
        if fault is not None:
            await self._disturb(stream, fault, vendor, asked)
            return
        behaviour = self._behaviours[stream] or vendor.behaviour_for(asked)
        answer = vendor.answer(asked) if behaviour in TAKES else None
        if answer is not None and (behaviour is Behaviour.ACCEPT or answer.status >= 400):
            await self._answer(stream, answer)
        else:
            await self._misbehave(stream, behaviour, vendor, asked)

    async def _disturb(
        self, stream: int, fault: Http2Fault, vendor: FakeVendor, asked: Asked
    ) -> None:
        match fault:
            case Http2Fault.GOAWAY:
                self._go_away(stream - 2)
                self._close()
            case Http2Fault.LAST:
                self._go_away(stream)
                await asyncio.sleep(0.05)  # so that a client sees both one after the other
                await self._answer(stream, vendor.answer(asked))
                self._close()
            case Http2Fault.REFUSED_STREAM:
                self._h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
                self._end(stream)
            case Http2Fault.RESET:
                vendor.answer(asked)
                self._h2.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
                self._end(stream)
        self._flush()

    async def _misbehave(
        self, stream: int, behaviour: Behaviour, vendor: FakeVendor, asked: Asked
    ) -> None:
        match behaviour:
            case Behaviour.HANG:
                return
            case Behaviour.DROP_AFTER_BODY | Behaviour.DROP_BEFORE_BODY:
                self.abort()
            case Behaviour.GARBAGE:
                await self._answer(stream, Answer(200, _JSON, NOTHING))
            case Behaviour.WRONG_TYPE:
                await self._answer(stream, Answer(200, _JSON, b'{"wrong": ["shape"]}'))
            case Behaviour.TRUNCATED:
                self._send_head(stream, 200, {"content-length": str(len(HTML))}, ends=False)
                await self._send(stream, HTML[: len(HTML) // 2], ends=False)
                self._close()
            case Behaviour.HUGE:
                self._send_head(stream, 200, {}, ends=False)
                for _ in range(HUGE_PIECES):
                    await self._send(stream, HUGE_PIECE, ends=False)
            case Behaviour.BAD_GATEWAY:
                await self._answer(stream, Answer(502, {"content-type": "text/html"}, HTML))
            case _:
                await self._answer(stream, vendor.refuse(behaviour, asked))

    async def _answer(self, stream: int, answer: Answer) -> None:
        if stream not in self.heads:
            return
        self._send_head(stream, answer.status, answer.headers, ends=not answer.body)
        if answer.body:
            await self._send(stream, answer.body, ends=True)
        self._end(stream)
        if answer.status == 200 and self._habits.raised_to:
            self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self._habits.raised_to})
            self._habits.raised_to = 0
            self._flush()

    def _send_head(
        self, stream: int, status: int, headers: Mapping[str, str], *, ends: bool
    ) -> None:
        named = [(name.lower(), value) for name, value in headers.items()]
        self._h2.send_headers(stream, [(":status", str(status)), *named], end_stream=ends)
        self._flush()

    async def _send(self, stream: int, data: bytes, *, ends: bool) -> None:
        """Send as the client gives room; gives up when the stream or the connection is gone."""
        while data and self._transport is not None and stream in self.heads:
            room = self._h2.local_flow_control_window(stream)
            piece = data[: min(room, self._h2.max_outbound_frame_size)]
            if not piece:
                self._moved.clear()
                await self._moved.wait()
                continue
            data = data[len(piece) :]
            self._h2.send_data(stream, piece, end_stream=ends and not data)
            self._flush()

    def _go_away(self, last: int) -> None:
        """Say it by hand: h2 would not let us answer anything afterwards."""
        self._flush()
        if self._transport is not None:
            self._transport.write(GoAwayFrame(last_stream_id=max(last, 0)).serialize())

    def _end(self, stream: int) -> None:
        for kept in (self.heads, self._bodies, self._behaviours):
            kept.pop(stream, None)
        self._moved.set()

    def _flush(self) -> None:
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)

    def _close(self) -> None:
        self._flush()
        if self._transport is not None:
            self._transport.close()


def _asked(head: Mapping[str, str], body: bytes) -> Asked:
    raw, _, query = head[":path"].partition("?")
    rest = raw.lstrip("/").partition("/")[2]
    headers = {name: value for name, value in head.items() if not name.startswith(":")}
    url = f"{head[':scheme']}://{head[':authority']}{head[':path']}"
    return Asked(head[":method"], f"/{rest}", query, headers, body, url)
