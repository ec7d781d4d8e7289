"""How many receipts an account heard, and how many forged calls, in slices of 10 seconds."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.account_states import BUCKET

_COUNT = text(f"""
    INSERT INTO account_stats AS s (account_id, bucket, receipts, forged)
    VALUES (:account, {BUCKET}, :receipts, :forged)
    ON CONFLICT (account_id, bucket) DO UPDATE SET receipts = s.receipts + excluded.receipts,
        forged = s.forged + excluded.forged
    RETURNING forged
""")  # noqa: S608 - only constants are put together


async def count(
    conn: AsyncConnection, account_id: UUID, *, receipts: int = 0, forged: int = 0
) -> int:
    """Count what was heard just now; return how many forged calls this slice has seen.

    Last in its transaction, since calls to one account meet in one row.
    """
    result = await conn.execute(
        _COUNT, {"account": account_id, "receipts": receipts, "forged": forged}
    )
    return int(result.scalar_one())
