"""A file that a form sends, handed on while it arrives (multipart/form-data, RFC 7578).

Nothing of the file is kept here: no more of it is in memory than what the browser sent last.
"""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from dashboard.guard import STALE, same_origin
from domain.errors import Forbidden, Invalid, Malformed
from services import access
from services.access import Session

_LONGEST_FIELD: Final = 1_000
_MOST_FIELDS: Final = 10
_MOST_READ_IN_VAIN: Final = 33_554_432
"""A browser shows an answer once its file was read: a refused one is read on for so long."""


class FileForm:
    """A form of one file, which comes last: `name` and `kind` are the file's, `fields` are the
    others, the token among them.

    Raises Forbidden when the token does not come before the file or is wrong, Malformed for what is
    no form.
    """

    def __init__(self, request: Request, session: Session) -> None:
        self.name = ""
        self.kind = ""
        self._session = session
        self._stream = request.stream()
        self._ended = False
        self._pieces: list[bytes] = []
        self._part: dict[str, str] = {}
        self._header = [b"", b""]
        self._field = b""
        self.fields: dict[str, str] = {}
        self._csrf = request.headers.get("x-csrf-token", "")
        self._found = False
        if not same_origin(request):
            raise Forbidden(STALE)
        self._parser = self._parser_of(request.headers.get("content-type", ""))

    async def open(self) -> None:
        """Read on until the file begins; raises Invalid when no file was chosen."""
        while not self._found and await self._read():
            pass
        if not access.csrf_matches(self._session, self._csrf or self.fields.get("csrf", "")):
            raise Forbidden(STALE)
        if not self._found or not self.name:
            raise Invalid.field("file", "is needed: choose a file of profiles")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the file piece by piece."""
        while True:
            given, self._pieces = self._pieces, []
            for piece in given:
                yield piece
            if not await self._read():
                break
        if not self._ended:
            raise Malformed("The upload broke off.")

    async def drain(self) -> None:
        """Read what is left in vain, within bounds, so that the browser shows the answer."""
        read = 0
        try:
            async for data in self._stream:
                read += len(data)
                if read > _MOST_READ_IN_VAIN:
                    return
        except ClientDisconnect:
            return

    async def _read(self) -> bool:
        """Take one more piece of the request; False at its end."""
        try:
            data = await anext(self._stream)
            self._parser.write(data)
        except StopAsyncIteration:
            return False
        except ClientDisconnect:
            raise Malformed("The upload broke off.") from None
        except FormParserError:
            raise Malformed("The form could not be read.") from None
        return True

    def _parser_of(self, content_type: str) -> MultipartParser:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise Malformed("A file is sent as multipart/form-data.")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._begin,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_end,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._data,
                    "on_part_end": self._end,
                    "on_end": self._all,
                },
            )
        except FormParserError:
            raise Malformed("The form could not be read.") from None

    def _begin(self) -> None:
        self._part, self._header, self._field = {}, [b"", b""], b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1] += data[start:end]

    def _header_end(self) -> None:
        name, value = self._header
        self._header = [b"", b""]
        if name.lower() == b"content-disposition":
            _, options = parse_options_header(value)
            told = {key.decode("latin-1"): one for key, one in options.items()}
            self._part |= {key: one.decode("utf-8", "replace") for key, one in told.items()}
        elif name.lower() == b"content-type":
            self._part["kind"] = value.decode("latin-1")

    def _headers_end(self) -> None:
        if self._part.get("name") == "file":
            if self._found:
                raise Malformed("A form sends one file.")
            self._found = True
            self.name, self.kind = self._part.get("filename", ""), self._part.get("kind", "")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._part.get("name") == "file":
            self._pieces.append(data[start:end])
        elif len(self._field) + end - start <= _LONGEST_FIELD:
            self._field += data[start:end]

    def _end(self) -> None:
        if not self._found and len(self.fields) < _MOST_FIELDS:
            self.fields[self._part.get("name", "")] = self._field.decode("utf-8", "replace")

    def _all(self) -> None:
        self._ended = True
