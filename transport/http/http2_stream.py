"""One request over HTTP/2: how far it is, what has come of its answer, and how it was lost."""

import asyncio
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from h2.errors import ErrorCodes
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

from domain.http import HttpRequest, HttpResponse
from transport.http.pool import MOST_ANSWER


class Lost(Exception):
    """A request ended without a whole answer; its words hold nothing of the request."""

    def __init__(self, detail: str, problem: str = "lost", *, unprocessed: bool = False) -> None:
        super().__init__(detail)
        self.problem, self.detail, self.unprocessed = problem, detail, unprocessed


@dataclass(slots=True)
class Progress:
    """How far one request is; `phase` as in HttpExchange."""

    phase: str = "pool"

    @property
    def sent(self) -> bool:
        """Whether the server may have it: half a body may have been read as well."""
        return self.phase in ("body", "response")


@dataclass(slots=True)
class Stream:
    """A request under way; `left` is what has not been written of its body."""

    id: int
    progress: Progress
    left: bytes
    answer: asyncio.Future[HttpResponse]
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)

    @property
    def waits(self) -> bool:
        """Whether a part of its body has still to be written."""
        return bool(self.left) and not self.answer.done()

    @property
    def whole(self) -> bool:
        """Whether both sides have said everything."""
        done = self.answer.done() and not self.answer.cancelled()
        return done and self.answer.exception() is None and not self.left

    def fail(self, lost: Lost) -> None:
        """End it without an answer, if it has not ended."""
        if not self.answer.done():
            self.answer.set_exception(lost)

    def take(self, event: ResponseReceived | DataReceived | StreamEnded | StreamReset) -> None:
        """Take a part of the answer, or the word that there will be none."""
        if self.answer.done():
            return
        self.progress.phase = "response"
        if isinstance(event, ResponseReceived):
            named = {str(name): str(value) for name, value in event.headers}
            self.status = int(named.pop(":status"))
            self.headers = named
        elif isinstance(event, DataReceived):
            self.body += event.data
            if len(self.body) > MOST_ANSWER:
                detail = f"the answer is longer than {MOST_ANSWER:,} octets"
                self.fail(Lost(detail, "too_large"))
        elif isinstance(event, StreamReset):
            refused = event.error_code == ErrorCodes.REFUSED_STREAM
            self.fail(Lost(f"RST_STREAM {named_code(event.error_code)}", unprocessed=refused))
        else:
            self.answer.set_result(HttpResponse(self.status, self.headers, bytes(self.body)))


def headers_of(request: HttpRequest) -> list[tuple[str, str]]:
    """Return the header block of a request (RFC 9113 §8.3.1).

    Raises ValueError for a value that a server over HTTP/1.1 would read as two headers.
    """
    if any(char in value for value in request.headers.values() for char in "\r\n\0"):
        raise ValueError("a header holds a line break")
    parts = urlsplit(request.url)
    headers = {
        ":method": request.method,
        ":scheme": parts.scheme,
        ":authority": parts.netloc.rpartition("@")[2],
        ":path": (parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        "user-agent": "Tocsin",
        **{name.lower(): value for name, value in request.headers.items()},
    }
    if request.body:
        headers["content-length"] = str(len(request.body))
    return list(headers.items())


def named_code(code: int | ErrorCodes | None) -> str:
    """Return an error code by its name, where it has one (RFC 9113 §7)."""
    try:
        return ErrorCodes(code or 0).name
    except ValueError:
        return str(code)
