"""What one-time codes were sent for, counted under locks, so that limits are exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_SPACE = 0x70C51D  # any constant of its own: the first half of these advisory locks

_LOCK = text("""
    SELECT pg_advisory_xact_lock(:space, number) FROM unnest(CAST(:numbers AS int[])) AS number
""")

_OVER = text("""
    SELECT b.place, (b.seconds - extract(epoch FROM clock_timestamp() - used.at))::float8 AS wait
    FROM unnest(CAST(:subjects AS bytea[]), CAST(:most AS int[]), CAST(:seconds AS float8[]))
        WITH ORDINALITY AS b(subject, most, seconds, place)
    CROSS JOIN LATERAL (
        SELECT u.at FROM otp_uses u
        WHERE u.subject = b.subject AND u.at > clock_timestamp() - make_interval(secs => b.seconds)
        ORDER BY u.at DESC OFFSET b.most - 1 LIMIT 1
    ) used
    ORDER BY b.place LIMIT 1
""")

_FAILURES = text("""
    SELECT coalesce(sum(o.attempts - CASE WHEN o.verified_at IS NULL THEN 0 ELSE 1 END), 0)::int
            AS failures,
        extract(epoch FROM min(o.created_at) + make_interval(secs => :seconds)
            - clock_timestamp())::float8 AS wait
    FROM otps o
    WHERE o.attempts > 0 AND o.created_at > clock_timestamp() - make_interval(secs => :seconds)
        AND o.id IN (
            SELECT u.otp_id FROM otp_uses u WHERE u.subject = ANY(CAST(:subjects AS bytea[]))
                AND u.at > clock_timestamp() - make_interval(secs => :seconds))
""")

_CONVERSION = text("""
    SELECT extract(epoch FROM min(sent.at) + make_interval(secs => :seconds)
        - clock_timestamp())::float8 AS wait
    FROM (
        SELECT u.subject, u.otp_id, min(u.at) AS at FROM otp_uses u
        WHERE u.subject = ANY(CAST(:subjects AS bytea[]))
            AND u.at > clock_timestamp() - make_interval(secs => :seconds)
        GROUP BY u.subject, u.otp_id
    ) sent JOIN otps o ON o.id = sent.otp_id
    GROUP BY sent.subject
    HAVING count(*) >= :least
        AND count(o.verified_at) < CAST(:share AS float8) * count(*)
    LIMIT 1
""")

_ADD = text("""
    INSERT INTO otp_uses (send_id, subject, otp_id)
    SELECT :send, subject, :otp FROM unnest(CAST(:subjects AS bytea[])) AS subject
    ORDER BY subject
    ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Bound:
    """How often something may be used within so many seconds."""

    subject: bytes
    most: int
    seconds: float


async def lock(conn: AsyncConnection, subjects: Sequence[bytes]) -> None:
    """Be alone in counting and using these, until the transaction ends."""
    numbers = sorted({int.from_bytes(one[:4], "big", signed=True) for one in subjects})
    await conn.execute(_LOCK, {"space": _SPACE, "numbers": numbers})


async def find_over(conn: AsyncConnection, bounds: Sequence[Bound]) -> tuple[int, float] | None:
    """Return (place in `bounds`, seconds until it has room) of the first bound that is reached."""
    where: dict[str, Any] = {
        "subjects": [one.subject for one in bounds],
        "most": [one.most for one in bounds],
        "seconds": [float(one.seconds) for one in bounds],
    }
    row = (await conn.execute(_OVER, where)).one_or_none()
    return None if row is None else (int(row.place) - 1, row.wait)


async def count_failures(
    conn: AsyncConnection, subjects: Sequence[bytes], *, seconds: float
) -> tuple[int, float]:
    """Return how many wrong guesses there were at all codes of these addresses, and the seconds
    until the first of those codes is out of sight.
    """
    where = {"subjects": list(subjects), "seconds": seconds}
    row = (await conn.execute(_FAILURES, where)).one()
    return row.failures, row.wait or 0.0


async def find_unconverted(
    conn: AsyncConnection, subjects: Sequence[bytes], *, seconds: float, least: int, share: float
) -> float | None:
    """Return for how long to stop one of these ranges: of `least` codes or more that were sent
    there, less than a `share` was verified. None when all of them are well.
    """
    where = {"subjects": list(subjects), "seconds": seconds, "least": least, "share": share}
    row = (await conn.execute(_CONVERSION, where)).one_or_none()
    return None if row is None else float(row.wait)


async def add(
    conn: AsyncConnection, *, otp_id: UUID, send_id: UUID, subjects: Sequence[bytes]
) -> None:
    """Note that a code is sent."""
    await conn.execute(_ADD, {"send": send_id, "otp": otp_id, "subjects": list(subjects)})
