"""The words of deliveries and their data: content inline or of a template, in a locale."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from domain.campaign_identity import with_sender
from domain.code_masks import hide, reveal
from domain.delivery import Leased
from domain.one_time_codes import CodeRing
from domain.outcome import Outcome
from domain.template import TemplateVersion
from domain.vocabulary import CategoryClass
from stores import templates
from stores.database import Database

_MOST_KEPT = 1_000


class Words:
    """Looks up content; published versions never change, so they are kept in memory."""

    def __init__(self, db: Database, codes: CodeRing) -> None:
        self._db = db
        self._codes = codes
        self._kept: dict[tuple[UUID, int], TemplateVersion] = {}

    async def of(self, leased: Leased) -> Mapping[str, Any]:
        """Return the content of a delivery before rendering, by channel."""
        return with_sender(await self._of(leased), leased.sender)

    async def _of(self, leased: Leased) -> Mapping[str, Any]:
        if leased.template is None:
            return leased.content or {}
        if leased.template not in self._kept:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            async with self._db.leader() as conn:
                self._kept |= await templates.load_versions(conn, [leased.template])
        return self._kept[leased.template].content_for(leased.locale)

    def data_for(self, leased: Leased) -> Mapping[str, Any]:
        """Return what to render with; a one-time code is put in here and nowhere else.

        Raises KeyGone (a KeyError) when its key is gone.
        """
        if leased.otp is None:
            return leased.data
        return {**leased.data, "code": self._codes.code(leased.otp)}

    def keepable(self, leased: Leased, outcome: Outcome) -> Outcome:
        """Return an outcome as it may be stored: vendors repeat what they were sent, so of their
        words about a one-time code only ids and codes of their own are kept.
        """
        if leased.class_ is not CategoryClass.OTP:
            return outcome
        kept = {"vendor_id": outcome.vendor_id, "vendor_code": outcome.vendor_code}
        if leased.otp is not None:
            kept = reveal(hide(kept, self._codes.code(leased.otp)), None)
        one_word = not any(char.isspace() for char in kept["vendor_id"])
        return replace(
            outcome,
            detail="",
            vendor_code=kept["vendor_code"],
            vendor_id=kept["vendor_id"] if one_word else "",
        )
