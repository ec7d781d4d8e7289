"""One chunk: route, mark, send, settle; what an account surely did not send goes on to the next.

Only what a mark returned leaves the process.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import structlog

from activities import late_checks
from activities.accounts import Account
from activities.handing_over import Ready, hand_over
from activities.parcels import Draft, Parcel, Part, draft, parcels, together
from activities.routing import PACED, Router, Taken, Waits
from activities.rule_book import RuleBook, RuleBroken, check
from activities.tracked_words import Rendered, render_tracked, tracker
from activities.unsubscribe_links import UnsubscribeLinks
from activities.verdicts import Verdicts
from activities.words import Words
from channels.message import build
from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from channels.tracked_html import LinkTracker
from config.failpoints import failpoint
from domain.circuit import next_step
from domain.delivery import Leased, Settlement
from domain.ids import encode, new_id
from domain.message import Message
from domain.outcome import Outcome
from domain.vocabulary import State
from stores.database import Database
from stores.ledger import mark as marks

log = structlog.get_logger()

MARGIN: Final = 0.2
"""Share of a lease that a sender leaves unused, so that no two ever hold one delivery."""
MOST_ACCOUNTS: Final = 5
"""Accounts that are tried for a delivery in one pass."""
PATIENCE_SECONDS: Final = 2.0
"""How long a chunk waits for its turn at a paced account before the rest of it is held."""
_PACE_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Sending:
    """Sends chunks of leased deliveries."""

    db: Database
    router: Router
    words: Words
    rules: RuleBook
    default_from: str
    receipts_url: str
    unsubscribing: UnsubscribeLinks
    links: LinkTracker
    lease_seconds: float
    retry_scale: float

    @property
    def verdicts(self) -> Verdicts:
        """How outcomes are judged."""
        return Verdicts(self.router.health, self.words, self.retry_scale)

    async def send(self, chunk: Sequence[Leased], token: UUID) -> AsyncIterator[list[Settlement]]:
        """Yield how the deliveries of a chunk ended, round by round; each yield is to be settled
        before the next is asked for. A delivery that another account is to try comes again.
        """
        tried: dict[UUID, frozenset[UUID]] = {}
        left, until = parcels(chunk), time.monotonic() + PATIENCE_SECONDS
        while left:
            settled: list[Settlement] = []
            paced: list[tuple[Parcel, Waits]] = []
            outcomes = await self._round(left, token, tried, settled, paced)
            if time.monotonic() > until:
                settled += [
                    self.verdicts.waiting(one, way) for parcel, way in paced for one in parcel
                ]
                paced = []
            left = [parcel for parcel, _ in paced]
            for one, outcome in outcomes:
                failed = tried.get(one.leased.id, frozenset()) | {one.account.id}
                goes_on = await self._goes_on(one, outcome, failed)
                settled += self.verdicts.of_message(one, outcome, goes_on=goes_on)
                if goes_on:
                    again = (replace(each, attempts=each.attempts + 1) for each, _ in one.members)
                    left.append(tuple(again))
                    tried |= {each.id: failed for each, _ in one.members}
            yield settled
            if paced:
                await asyncio.sleep(_PACE_PAUSE)

    async def _round(
        self,
        left: Sequence[Parcel],
        token: UUID,
        tried: Mapping[UUID, frozenset[UUID]],
        settled: list[Settlement],
        paced: list[tuple[Parcel, Waits]],
    ) -> list[tuple[Ready, Outcome]]:
        """Return what was sent, with outcomes; what was not is in `settled` with its reason, or in
        `paced` when it must only wait for its turn.
        """
        chosen = await self.router.choose([parcel[0] for parcel in left], tried)
        drafts: list[Draft] = []
        for parcel in left:
            way = chosen[parcel[0].id]
            if isinstance(way, Waits) and way.reason == PACED:
                paced.append((parcel, way))
            elif isinstance(way, Waits):
                settled += [self.verdicts.waiting(one, way) for one in parcel]
            elif (made := await self._prepare(parcel, way, settled)) is not None:
                drafts.append(made)
        if not drafts:
            return []
        deadline = time.monotonic() + self.lease_seconds * (1 - MARGIN)
        marked = await self._mark(drafts, token, settled)
        await failpoint("marked")
        sent = [one for made in drafts for one in self._ready(made, marked, settled)]
        outcomes = await hand_over(self.router, sent, deadline=deadline)
        await failpoint("sent")
        return outcomes

    async def _prepare(
        self, parcel: Parcel, taken: Taken, settled: list[Settlement]
    ) -> Draft | None:
        """Return a parcel with its words; one alone is built at once, so that what cannot be is
        known before the mark.
        """
        parts = [part for one in parcel if (part := await self._part(one, settled)) is not None]
        if len(parts) != 1:
            return draft(parts, taken) if parts else None
        [part] = parts
        words = Rendered(part.rendered, part.spots)
        message = self._build(part.leased, words, part.attempt_id, taken.account)
        if isinstance(message, str):
            settled.append(_failed(part.leased, message))
            return None
        return draft(parts, taken, message)

    async def _part(self, leased: Leased, settled: list[Settlement]) -> Part | None:
        try:
            words = (await self.words.of(leased))[leased.channel]
            data = {**self.unsubscribing.supplied(leased, words), **self.words.data_for(leased)}
            made = render_tracked(
                leased,
                lambda marked: render(
                    leased.channel,
                    words,
                    data,
                    locale=leased.locale,
                    timezone=leased.timezone,
                    marked=marked,
                ),
            )
            check(await self.rules.of(leased), leased, made.content)
        except _UNUSABLE as error:
            settled.append(_failed(leased, _why(error, leased)))
            return None
        return Part(leased, new_id(), words, made.content, data, made.spots)

    def _ready(self, made: Draft, marked: set[UUID], settled: list[Settlement]) -> Iterator[Ready]:
        """Yield the message of a draft, if any of it was marked; of several, with those only."""
        parts = [part for part in made.parts if part.leased.id in marked]
        message: Message | str | None = made.message
        if parts and message is None:
            message = self._compose(parts, made)
        if isinstance(message, str):
            settled += [_failed(part.leased, message, part.attempt_id) for part in parts]
        elif parts and message is not None:
            members = tuple((part.leased, part.attempt_id) for part in parts)
            yield Ready(members, made.taken, message)

    def _compose(self, parts: Sequence[Part], made: Draft) -> Message | str:
        first = parts[0].leased
        rendered = Rendered(parts[0].rendered, parts[0].spots)
        if len(parts) > 1:
            rendered = render_tracked(first, lambda marked: _composed(parts, marked))
        latest = max(part.leased.expires_at for part in parts)
        leased = replace(first, expires_at=latest)
        return self._build(leased, rendered, made.attempt_id, made.taken.account)

    def _build(
        self, leased: Leased, rendered: Rendered, attempt: UUID, account: Account
    ) -> Message | str:
        """Return the message, or the reason why there can be none."""
        attempt_id, account_id = encode("att", attempt), encode("acc", account.id)
        try:
            return build(
                leased.channel,
                rendered.content,
                as_fields=account.sender.takes_fields,
                address=leased.address,
                name=leased.name or "",
                attempt_id=attempt_id,
                notification_id=encode("ntf", leased.notification_id),
                default_from=account.sender.default_from or self.default_from,
                locale=leased.locale,
                unsubscribe_url=self.unsubscribing.of(leased),
                class_=leased.class_,
                expires_at=leased.expires_at,
                target=leased.target,
                callback_url=f"{self.receipts_url}/{account_id}?attempt={attempt_id}",
                track=tracker(self.links, leased, rendered.spots, attempt),
            )
        except _UNUSABLE as error:
            return _why(error, leased)

    async def _mark(
        self, drafts: Sequence[Draft], token: UUID, settled: list[Settlement]
    ) -> set[UUID]:
        margin = self.lease_seconds * MARGIN
        pairs = [(made, part) for made in drafts for part in made.parts]
        chunk = [part.leased for _, part in pairs]
        bound = {one.id: await self.rules.of(one) for one in chunk}
        async with self.db.leader() as conn:
            decisions = await late_checks.check(conn, chunk, bound)
            wanted = [
                made.mark_of(part, decisions.get(part.leased.id))
                for made, part in pairs
                if late_checks.may_go(decisions.get(part.leased.id))
            ]
            marked = await marks.mark(
                conn, wanted, token=token, margin=margin, seconds=self.lease_seconds
            )
            left = [one.delivery_id for one in wanted if one.delivery_id not in marked]
            late = await marks.find_late(conn, left, token=token, margin=margin) if left else {}
        settled += late_checks.stopped(chunk, decisions, marked)
        for delivery, (expired, maybe_sent) in late.items():
            state = State.EXPIRED if expired else State.SUPPRESSED
            reason = "expired" if expired else "suppressed"
            ended = State.UNKNOWN if maybe_sent else state
            settled.append(Settlement(delivery, None, ended, reason, None, maybe_sent))
        return marked

    async def _goes_on(self, one: Ready, outcome: Outcome, failed: frozenset[UUID]) -> bool:
        """Whether another account may be tried now."""
        if not next_step(outcome) or len(failed) >= MOST_ACCOUNTS:
            return False
        return await self.router.another(one.leased, failed)


def _composed(parts: Sequence[Part], marked: bool) -> Mapping[str, Any]:
    """Return the words of a digest."""
    composed = together(parts, marked=marked)
    if composed.fault:
        first = parts[0].leased
        log.warning(
            "digest.layout_unusable",
            digest=encode("dgs", first.digest_id or first.id),
            why=composed.fault[:300],
        )
    return composed.content


_UNUSABLE: Final = (RenderFailed, RuleBroken, ContentRefused, ValueError, KeyError)


def _why(error: Exception, leased: Leased) -> str:
    """Return the reason of a delivery whose words cannot become a message."""
    log.warning(
        "delivery.unrenderable", delivery=encode("dlv", leased.id), kind=type(error).__name__
    )
    return error.reason if isinstance(error, ContentRefused | RuleBroken) else "template_error"


def _failed(leased: Leased, reason: str, attempt_id: UUID | None = None) -> Settlement:
    state = State.UNKNOWN if leased.maybe_sent else State.FAILED
    return Settlement(leased.id, attempt_id, state, reason, None, leased.maybe_sent)
