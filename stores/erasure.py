"""Takes what is personal out of everything that was kept about an erased profile.

Rows stay where something is counted by them: a delivery keeps its state, a receipt its kind, a
call its verdict. What they said of the person goes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import encode
from domain.vocabulary import Channel
from stores.ledger import digests, engagements

REASON: Final = "erased"
LATE_DAYS: Final = 30
"""How long vendors may still say something of a message to somebody who was erased."""

_OF_PERSON = text("""
    SELECT n.id FROM notifications n
    WHERE n.module_id = :module AND (n.profile_id = :profile
        OR (n.profile_id IS NULL AND n.recipient_keys && CAST(:addresses AS text[])))
    ORDER BY n.id
""")

_IN_CAMPAIGNS = text("""
    SELECT d.notification_id FROM deliveries d
    WHERE d.profile_id = :profile AND d.campaign_id IS NOT NULL
    UNION
    SELECT d.notification_id FROM deliveries d
    WHERE lower(d.address) = ANY(CAST(:addresses AS text[])) AND d.campaign_id IS NOT NULL
        AND d.profile_id IS NULL AND d.module_id = :module
    ORDER BY 1
""")

_NOTIFICATIONS = text("""
    UPDATE notifications n SET recipient = '{}', data = '{}', metadata = '{}',
        content = CASE WHEN n.content IS NOT NULL THEN CAST('{}' AS jsonb) END,
        recipient_keys = ARRAY(SELECT k FROM unnest(n.recipient_keys) k WHERE k = :name),
        erased_at = clock_timestamp(), version = n.version + 1,
        expires_at = least(n.expires_at, greatest(n.created_at, clock_timestamp()))
    WHERE n.id = ANY(CAST(:ids AS uuid[]))
""")

_OUTCOME = 'outcome || CAST(\'{"vendor_id": "", "detail": ""}\' AS jsonb)'

_DELIVERIES = text(f"""
    UPDATE deliveries SET address = '', target = NULL, vendor_id = NULL, outcome = {_OUTCOME},
        decision = NULL, expires_at = least(expires_at, greatest(created_at, clock_timestamp())),
        member = CASE WHEN campaign_id IS NOT NULL THEN CAST('{{"erased": true}}' AS jsonb) END
    WHERE notification_id = ANY(CAST(:ids AS uuid[]))
""")  # noqa: S608 - only constants are put together

_ATTEMPTS = text(f"""
    UPDATE attempts a SET vendor_id = NULL, outcome = {_OUTCOME.replace("outcome", "a.outcome", 1)}
    FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND a.delivery_id = d.id
    RETURNING a.id
""")  # noqa: S608

_LATEST_ATTEMPTS = text("""
    SELECT attempt_id FROM deliveries
    WHERE notification_id = ANY(CAST(:ids AS uuid[])) AND attempt_id IS NOT NULL
""")

_KEY = """CASE WHEN r.event_key ~ '@|[+][0-9]{6}|wamid'
            THEN encode(sha256(convert_to(r.event_key, 'UTF8')), 'hex') ELSE r.event_key END"""
"""Some vendors tell their events apart by the address; others' keys go on telling duplicates."""

_RECEIPTS = text(f"""
    UPDATE receipts r SET raw = (
            SELECT coalesce(jsonb_object_agg(f.key, f.value), '{{}}') FROM jsonb_each(r.raw) f
            WHERE f.key IN ('reason', 'code', 'hard', 'unsubscribes', 'machine')),
        event_key = {_KEY}
    FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND r.delivery_id = d.id
""")  # noqa: S608

_BLANK_CALLS = """
    UPDATE webhook_calls c SET body = NULL, query = NULL, headers = '{}', detail = ''
"""

_CALLS = text(f"{_BLANK_CALLS} WHERE c.reports @> ANY(CAST(:reports AS jsonb[]))")
_CALLS_OF_REPLIES = text(f"{_BLANK_CALLS} WHERE c.id = ANY(CAST(:calls AS uuid[]))")

_ODD_CALLS = text(f"""
    {_BLANK_CALLS}
    WHERE c.verdict <> 'heard' AND EXISTS (
        SELECT 1 FROM unnest(CAST(:needles AS text[])) needle
        WHERE position(convert_to(needle, 'UTF8') IN c.body) > 0
            OR position(needle IN c.query) > 0 OR position(needle IN c.headers::text) > 0)
""")  # noqa: S608

_REPLIES = text(f"""
    UPDATE replies r SET sender = '', sent_to = '', text = '', event_key = {_KEY}
    WHERE r.id IN (
        SELECT reply_id FROM reply_profiles WHERE profile_id = :profile
        UNION SELECT id FROM replies WHERE notification_id = ANY(CAST(:ids AS uuid[]))
        UNION SELECT o.id FROM replies o
            WHERE o.sender = ANY(CAST(:senders AS text[]))
                AND (o.module_id IS NULL OR o.module_id = :module)
                AND NOT EXISTS (SELECT 1 FROM reply_profiles p WHERE p.reply_id = o.id)
    )
    RETURNING r.call_id
""")  # noqa: S608

_SANDBOX = text("""
    DELETE FROM sandbox_messages
    WHERE notification_id = ANY(CAST(:ids AS uuid[])) OR (
        lower(address) = ANY(CAST(:addresses AS text[]))
        AND (module_id = :module OR notification_id IS NULL))
""")

_ANSWERS = text("""
    UPDATE idempotency SET answer = jsonb_build_object(
        'content', jsonb_build_object('id', answer->'content'->'id'), 'headers', answer->'headers')
    WHERE module_id = :module
        AND (answer->'content'->>'id' = :name OR path LIKE '/v1/profiles/' || :name || '/%')
""")

_REFUSED_ROWS = text("""
    DELETE FROM import_rejections r USING imports i
    WHERE i.id = r.import_id AND i.module_id = :module
        AND encode(r.row, 'escape') ~* ANY(CAST(:patterns AS text[]))
""")

_SUPPRESSIONS = text("""
    SELECT id, channel, address, category, reason, source, created_at, expires_at
    FROM suppressions
    WHERE channel = ANY(CAST(:channels AS text[])) AND address = ANY(CAST(:addresses AS text[]))
        AND (module_id IS NULL OR module_id = :module)
    ORDER BY id
""")

_LATE = text("""
    SELECT id FROM notifications
    WHERE erased_at > clock_timestamp() - make_interval(days => :days)
    UNION
    SELECT notification_id FROM deliveries
    WHERE member @> CAST('{"erased": true}' AS jsonb)
        AND coalesce(settled_at, clock_timestamp())
            > clock_timestamp() - make_interval(days => :days)
    ORDER BY 1
""")


_FORGET = text("""
    DELETE FROM erasures WHERE at < clock_timestamp() - make_interval(days => :days)
""")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is erased: addresses in lower case as recipient_keys have them, `senders` as they are.

    `needles` are the addresses in every form in which a vendor's call may hold them, `patterns`
    regular expressions of PostgreSQL that find a row of a file which names the person.
    """

    profile_id: UUID
    module_id: UUID
    addresses: Sequence[str]
    senders: Sequence[str]
    needles: Sequence[str]
    patterns: Sequence[str]


async def find_notifications(conn: AsyncConnection, person: Person) -> list[UUID]:
    """Return the notifications of a module to a person: by profile, or to an address alone."""
    result = await conn.execute(_OF_PERSON, _binds(person))
    return list(result.scalars().all())


async def find_in_campaigns(conn: AsyncConnection, person: Person) -> list[UUID]:
    """Return the ids that stand for a person's notifications in the deliveries of campaigns."""
    result = await conn.execute(_IN_CAMPAIGNS, _binds(person))
    return list(result.scalars().all())


def _binds(person: Person) -> dict[str, Any]:
    return {
        "module": person.module_id, "profile": person.profile_id,
        "addresses": list(person.addresses),
    }  # fmt: skip


async def find_suppressions(conn: AsyncConnection, person: Person) -> Sequence[Row[Any]]:
    """Return what suppresses a person's addresses for their module; an erasure leaves it."""
    addresses = sorted({*person.senders, *person.addresses})
    result = await conn.execute(
        _SUPPRESSIONS,
        {"channels": list(Channel), "addresses": addresses, "module": person.module_id},
    )
    return result.all()


async def scrub(conn: AsyncConnection, person: Person, ids: Sequence[UUID]) -> None:
    """Take the person out of their notifications and of all that belongs to these or to them."""
    name = encode("prf", person.profile_id)
    await conn.execute(_NOTIFICATIONS, {"ids": list(ids), "name": name})
    replies = await conn.execute(
        _REPLIES,
        {
            "profile": person.profile_id, "ids": list(ids), "senders": list(person.senders),
            "module": person.module_id,
        },
    )  # fmt: skip
    calls = [row.call_id for row in replies if row.call_id]
    await conn.execute(_CALLS_OF_REPLIES, {"calls": calls})
    await _scrub_ledger(conn, ids)
    await conn.execute(_ODD_CALLS, {"needles": list(person.needles)})
    await conn.execute(
        _SANDBOX,
        {"ids": list(ids), "addresses": list(person.addresses), "module": person.module_id},
    )
    await conn.execute(_ANSWERS, {"module": person.module_id, "name": name})
    await conn.execute(
        _REFUSED_ROWS, {"module": person.module_id, "patterns": list(person.patterns)}
    )


async def remember(conn: AsyncConnection, module_id: UUID, subject: bytes) -> None:
    """Note that somebody was erased now; `subject` is a keyed hash of their external_id."""
    await conn.execute(
        text("""
            INSERT INTO erasures (module_id, subject) VALUES (:module, :subject)
            ON CONFLICT (module_id, subject) DO UPDATE SET at = clock_timestamp()
        """),
        {"module": module_id, "subject": subject},
    )


async def erased_since(
    conn: AsyncConnection, module_id: UUID, subjects: Sequence[bytes], moment: datetime
) -> set[bytes]:
    """Return those of the subjects that were erased after a moment."""
    result = await conn.execute(
        text("""
            SELECT subject FROM erasures
            WHERE module_id = :module AND subject = ANY(CAST(:subjects AS bytea[])) AND at >= :since
        """),
        {"module": module_id, "subjects": list(subjects), "since": moment},
    )
    return {bytes(row.subject) for row in result}


async def scrub_late(conn: AsyncConnection) -> int:
    """Scrub again what arrived after an erasure: settlements, receipts, mails; return of how many
    notifications.
    """
    await conn.execute(_FORGET, {"days": LATE_DAYS})
    ids = [row.id for row in await conn.execute(_LATE, {"days": LATE_DAYS})]
    if ids:
        await _scrub_ledger(conn, ids)
        await conn.execute(_SANDBOX, {"ids": ids, "addresses": [], "module": None})
    return len(ids)


async def _scrub_ledger(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    binds: dict[str, Any] = {"ids": list(ids)}
    await conn.execute(_DELIVERIES, binds)
    await digests.forget(conn, ids)
    await engagements.forget(conn, ids)
    earlier = await conn.execute(_ATTEMPTS, binds)
    attempts = [row.id for row in earlier]
    attempts += [row.attempt_id for row in await conn.execute(_LATEST_ATTEMPTS, binds)]
    await conn.execute(_RECEIPTS, binds)
    reports = [[{"attempt": encode("att", one)}] for one in attempts]
    await conn.execute(_CALLS, {"reports": reports})
