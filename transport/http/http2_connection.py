"""One connection over HTTP/2 (RFC 9113): requests side by side, each with how far it came.

h2 speaks the protocol. GOAWAY is taken out before h2 sees it: h2 would close at once, while the
server still answers what it has taken (§6.8).
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, cast

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import FrameTooLargeError, H2Error
from h2.settings import SettingCodes, Settings
from hyperframe.exceptions import HyperframeError
from hyperframe.frame import Frame, GoAwayFrame

from domain.http import HttpRequest, HttpResponse
from transport.http.http2_stream import Lost, Progress, Stream, headers_of, named_code

_MOST_STREAMS: Final = 1_000
_FRAME_HEADER: Final = 9


class Http2Connection(asyncio.Protocol):
    """A connection; `changed` is called whenever there may be more or less room in it."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        """Done when the server has said how many requests it takes at once, or is gone."""
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self.idle_since = self._loop.time()
        self.ending = ""
        """Why it takes no more requests."""
        self._changed = changed
        self._streams: dict[int, Stream] = {}
        self._buffer = bytearray()
        self._paused = False
        self._transport: asyncio.Transport | None = None
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self._h2.local_settings = Settings(
            client=True, initial_values={SettingCodes.ENABLE_PUSH: 0}
        )

    @property
    def free(self) -> int:
        """How many more requests it can take now."""
        if self.ending or self._paused or not self.ready.done():
            return 0
        allowed = self._h2.remote_settings.max_concurrent_streams
        return max(min(allowed, _MOST_STREAMS) - len(self._streams), 0)

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        return not self._streams

    async def ask(self, request: HttpRequest, progress: Progress) -> HttpResponse:
        """Send a request and return its answer; the caller has seen that there is room.

        Raises Lost. When it is cancelled, the server is told that nobody waits any more.
        """
        stream = self._begin(request, progress)
        try:
            return await stream.answer
        finally:
            self._end(stream)

    def leave(self, why: str) -> None:
        """Take no more requests, and close when the last one has ended."""
        self.ending = self.ending or why
        if not self.ready.done():
            self.ready.set_result(None)
        if not self._streams:
            self._close()

    def abort(self, why: str) -> None:
        """End everything that is under way, and close at once."""
        self.leave(why)
        for stream in list(self._streams.values()):
            stream.fail(Lost(why))
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say hello."""
        self._transport = cast(asyncio.Transport, transport)
        self._h2.initiate_connection()
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take what came; a server that breaks the protocol is cut off."""
        try:
            for event in self._events(data):
                self._take(event)
        except (H2Error, HyperframeError) as error:
            self.abort(type(error).__name__)
        self._flush()
        self._changed()

    def pause_writing(self) -> None:
        """Give out no room while the network does not take what is written."""
        self._paused = True

    def resume_writing(self) -> None:
        """Give out room again."""
        self._paused = False
        self._changed()

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything that is under way."""
        self._transport = None
        self.abort(type(exc).__name__ if exc else "closed by the server")
        self.closed.set_result(None)
        self._changed()

    def _begin(self, request: HttpRequest, progress: Progress) -> Stream:
        progress.phase = "headers"
        try:
            number = self._h2.get_next_available_stream_id()
            self._h2.send_headers(number, headers_of(request), end_stream=not request.body)
        except H2Error as error:  # no ids are left, or a header must not be sent as it is
            self.leave(type(error).__name__)
            raise Lost(type(error).__name__) from None
        progress.phase = "body" if request.body else "response"
        stream = Stream(number, progress, request.body, self._loop.create_future())
        self._streams[number] = stream
        self._push(stream)
        self._flush()
        return stream

    def _push(self, stream: Stream) -> None:
        """Write as much of a body as the server gives room for (§5.2)."""
        while stream.waits:
            window = self._h2.local_flow_control_window(stream.id)
            room = min(window, self._h2.max_outbound_frame_size)
            if room <= 0:
                return
            piece, stream.left = stream.left[:room], stream.left[room:]
            self._h2.send_data(stream.id, piece, end_stream=not stream.left)
            if not stream.left:
                stream.progress.phase = "response"

    def _end(self, stream: Stream) -> None:
        del self._streams[stream.id]
        self.idle_since = self._loop.time()
        if not stream.whole:
            self._reset(stream)
        if self.ending and not self._streams:
            self._close()
        self._changed()

    def _reset(self, stream: Stream) -> None:
        try:
            self._h2.reset_stream(stream.id, ErrorCodes.CANCEL)
        except H2Error:  # the stream or the connection is closed already
            return
        self._flush()

    def _events(self, data: bytes) -> Iterator[Event]:
        self._buffer += data
        while len(self._buffer) >= _FRAME_HEADER:
            head = bytes(self._buffer[:_FRAME_HEADER])
            frame, length = Frame.parse_frame_header(memoryview(head))
            if length > self._h2.max_inbound_frame_size:
                raise FrameTooLargeError(f"a frame of {length:,} octets")
            end = _FRAME_HEADER + length
            if len(self._buffer) < end:
                return
            whole = bytes(self._buffer[:end])
            del self._buffer[:end]
            if isinstance(frame, GoAwayFrame):
                frame.parse_body(memoryview(whole[_FRAME_HEADER:]))
                self._go_away(frame)
            else:
                yield from self._h2.receive_data(whole)

    def _take(self, event: Event) -> None:
        if isinstance(event, RemoteSettingsChanged | WindowUpdated):
            if isinstance(event, RemoteSettingsChanged) and not self.ready.done():
                self.ready.set_result(None)
            for stream in list(self._streams.values()):
                self._push(stream)
            return
        if isinstance(event, DataReceived):
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if (
            isinstance(event, ResponseReceived | DataReceived | StreamEnded | StreamReset)
            and event.stream_id in self._streams
        ):
            self._streams[event.stream_id].take(event)

    def _go_away(self, frame: GoAwayFrame) -> None:
        detail = f"GOAWAY {named_code(frame.error_code)}"
        for stream in list(self._streams.values()):
            if stream.id > frame.last_stream_id:
                stream.fail(Lost(detail, unprocessed=True))
        self.leave(detail)

    def _close(self) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._h2.close_connection()
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._transport is not None and (data := self._h2.data_to_send()):
            self._transport.write(data)
