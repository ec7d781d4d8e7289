"""Serves fake vendors over HTTP/2 with TLS, as FakeHttp does over HTTP/1.1.

In a test: `async with FakeHttp2(FakeApns()) as server:`, then `server.url("apns")` and
`server.settings`, which hold the authority to trust.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from fakes.certificates import certify
from fakes.http2_session import Habits, Http2Fault, Session
from fakes.http_vendor import FakeVendor


class FakeHttp2:
    """A server on 127.0.0.1, as long as its context lasts; `port` 0 takes a free one.

    `max_streams` is what it tells clients that they may ask at once on one connection, and
    `raised_to` what it tells them after its first answer 200, as APNs does. With `reads` False it
    never gives a client more room than the first `window` octets of a body.
    """

    def __init__(
        self,
        *vendors: FakeVendor,
        port: int = 0,
        max_streams: int = 100,
        raised_to: int = 0,
        window: int = 65_535,
        reads: bool = True,
    ) -> None:
        self.vendors = {vendor.name: vendor for vendor in vendors}
        self.port = port
        self._habits = Habits(self.vendors, max_streams, raised_to, window, reads)
        self._folder = tempfile.TemporaryDirectory(prefix="fake-http2-")
        self._server: asyncio.Server | None = None
        self._ca_file = ""

    @property
    def settings(self) -> Mapping[str, str]:
        """What an account needs beside base_url to reach it."""
        return {"ca_file": self._ca_file}

    def url(self, name: str) -> str:
        """Return the base URL of a vendor."""
        return f"https://127.0.0.1:{self.port}/{name}"

    def fail(self, *faults: Http2Fault) -> None:
        """Treat the next requests like this, in order, whatever their vendor would do."""
        self._habits.faults.extend(faults)

    @property
    def opened(self) -> Sequence[Session]:
        """All connections there were."""
        return self._habits.opened

    async def __aenter__(self) -> Self:
        """Listen."""
        self._ca_file, context = certify(Path(self._folder.name))
        context.set_alpn_protocols(["h2"])
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Session(self._habits), "127.0.0.1", self.port, ssl=context, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, whatever is still open."""
        if self._server is not None:
            self._server.close()
        for one in self.opened:
            one.abort()
        self._folder.cleanup()
