"""A journal of received mail: one JSON line each, on the disk before the sender hears of it."""

import asyncio
import json
import os
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any


class Journal:
    """Appends lines; those that come while the disk is busy share the next fsync."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def append(self, sender: str, recipients: list[str], content: bytes) -> None:
        """Return when the line of this mail is on the disk."""
        line = json.dumps(_entry(sender, recipients, content)).encode() + b"\n"
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((line, done))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await asyncio.shield(done)

    async def close(self) -> None:
        """Finish what is being written."""
        if self._writer is not None:
            await self._writer
        os.close(self._descriptor)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await asyncio.to_thread(self._put, b"".join(line for line, _ in batch))
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    def _put(self, lines: bytes) -> None:
        os.write(self._descriptor, lines)
        os.fsync(self._descriptor)


def _entry(sender: str, recipients: list[str], content: bytes) -> dict[str, Any]:
    head, _, _ = content.partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head + b"\r\n\r\n")
    return {
        "message_id": headers["Message-ID"],
        "attempt": headers["X-Tocsin-Attempt"],
        "notification": headers["X-Tocsin-Notification"],
        "mail_from": sender,
        "rcpt": recipients,
        "size": len(content),
        "at": datetime.now(UTC).isoformat(),
    }
