"""The loop that works on uploaded files; any number of control processes may run it."""

from typing import Final

from services import import_uploads, imports
from services.app import App
from services.importing import work_on_next
from stores import imports as store
from workers.looping import Loops

_SECONDS: Final = 0.5
_ABANDONED_SECONDS: Final = 60.0


class Importing(Loops):
    """Works on imports, the oldest first, as long as its context lasts."""

    def __init__(self, app: App) -> None:
        self._app = app
        super().__init__(
            ("imports", self.work, _SECONDS),
            ("abandoned_uploads", self.end_abandoned, _ABANDONED_SECONDS),
        )

    async def work(self) -> None:
        """Work until nothing is left."""
        while await work_on_next(self._app):
            pass

    async def end_abandoned(self) -> None:
        """End uploads whose process has died."""
        async with self._app.db.leader() as conn:
            await store.end_abandoned(
                conn, seconds=imports.ABANDONED_SECONDS, detail=import_uploads.BROKE_OFF
            )
