"""What recipients wrote back, and whom and what it is about."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import Channel
from stores.profiles import beside
from stores.suppressions import comparable


def _beside(channel: Channel) -> str:
    return beside("p", channel, comparable(f"'{channel}'", "CAST(:address AS text)"))


_ADDRESSES: Mapping[str, str] = {
    Channel.SMS: f"p.phone = :address OR {_beside(Channel.SMS)}",
    Channel.WHATSAPP: "p.whatsapp = :address OR (p.whatsapp IS NULL AND p.phone = :address)"
    f" OR {_beside(Channel.WHATSAPP)}",
    Channel.TELEGRAM: f"p.telegram = :address OR {_beside(Channel.TELEGRAM)}",
    Channel.EMAIL: f"lower(p.email) = lower(:address) OR {_beside(Channel.EMAIL)}",
}
"""How the profiles of a sender are found, by channel."""

_LATEST = text("""
    WITH theirs AS MATERIALIZED (
        SELECT d.id, d.profile_id, n.recipient->>'locale' AS locale
        FROM notifications n JOIN deliveries d ON d.notification_id = n.id
        WHERE n.recipient_keys && CAST(:keys AS text[])
        UNION ALL
        SELECT d.id, d.profile_id, d.member->>'locale' FROM deliveries d
        WHERE d.profile_id = ANY(CAST(:profiles AS uuid[])) AND d.campaign_id IS NOT NULL
        UNION ALL
        SELECT d.id, NULL, d.member->>'locale' FROM deliveries d
        WHERE lower(d.address) = lower(:address) AND d.campaign_id IS NOT NULL
            AND d.profile_id IS NULL
    )
    SELECT d.notification_id, d.module_id, coalesce(t.profile_id, n.profile_id) AS profile_id,
        t.locale, m.key AS module_key, d.id AS delivery_id, d.address
    FROM theirs t JOIN deliveries d ON d.id = t.id
        JOIN modules m ON m.id = d.module_id
        LEFT JOIN notifications n ON n.id = d.notification_id
    WHERE d.channel = :channel AND lower(d.address) = lower(:address) AND d.attempts > 0
        AND (d.account_id = :account OR EXISTS (SELECT 1 FROM attempts a
            WHERE a.delivery_id = d.id AND a.account_id = :account))
    ORDER BY d.id DESC LIMIT 1
""")

_ADD = text("""
    INSERT INTO replies (id, account_id, event_key, channel, sender, sent_to, text, keyword,
        module_id, notification_id, delivery_id, call_id, at)
    VALUES (:id, :account_id, :event_key, :channel, :sender, :sent_to, :text, :keyword,
        :module_id, :notification_id, :delivery_id, :call_id, :at)
    ON CONFLICT (account_id, event_key) DO NOTHING RETURNING id
""")

_COLUMNS = """
    r.id, r.channel, r.sender, r.sent_to, r.text, r.keyword, r.notification_id, r.delivery_id,
    r.answer_id, r.at, r.received_at, a.name AS account
"""

_OF_NOTIFICATION = text(f"""
    SELECT {_COLUMNS} FROM replies r LEFT JOIN accounts a ON a.id = r.account_id
    WHERE r.notification_id = :notification ORDER BY r.id
""")  # noqa: S608 - only constants are put together

_OF_PROFILE = text(f"""
    SELECT {_COLUMNS} FROM reply_profiles p JOIN replies r ON r.id = p.reply_id
        LEFT JOIN accounts a ON a.id = r.account_id
    WHERE p.profile_id = :profile AND (CAST(:before AS uuid) IS NULL OR r.id < :before)
    ORDER BY r.id DESC LIMIT :most
""")  # noqa: S608


async def find_latest(
    conn: AsyncConnection,
    *,
    channel: Channel,
    address: str,
    account_id: UUID,
    keys: Sequence[str],
    profiles: Sequence[UUID] = (),
) -> Row[Any] | None:
    """Return the newest delivery to an address over an account, of a notification or a campaign.

    `keys` are the recipient keys that a notification may have: the address and ids of profiles.
    """
    result = await conn.execute(
        _LATEST,
        {
            "channel": channel, "address": address, "account": account_id, "keys": list(keys),
            "profiles": list(profiles),
        },
    )  # fmt: skip
    return result.one_or_none()


async def find_profiles(
    conn: AsyncConnection, channel: Channel, address: str
) -> Sequence[Row[Any]]:
    """Return the profiles with this address on a channel, of every module."""
    if channel not in _ADDRESSES:
        return []
    result = await conn.execute(
        text(
            f"SELECT p.id, p.module_id, p.locale FROM profiles p WHERE {_ADDRESSES[channel]}"  # noqa: S608
            " ORDER BY p.id LIMIT 100"
        ),
        {"address": address},
    )
    return result.all()


async def add(conn: AsyncConnection, row: Mapping[str, Any], profiles: Sequence[UUID]) -> bool:
    """Store a reply with the profiles it is from; False when it was told before."""
    if (await conn.execute(_ADD, dict(row))).one_or_none() is None:
        return False
    await conn.execute(
        text("""
            INSERT INTO reply_profiles (profile_id, reply_id)
            SELECT profile, :reply FROM unnest(CAST(:profiles AS uuid[])) AS profile
        """),
        {"reply": row["id"], "profiles": sorted(profiles)},
    )
    return True


async def answered(conn: AsyncConnection, id: UUID, notification_id: UUID) -> None:
    """Note which notification answers a reply."""
    await conn.execute(
        text("UPDATE replies SET answer_id = :answer WHERE id = :id"),
        {"id": id, "answer": notification_id},
    )


async def answered_lately(
    conn: AsyncConnection, *, channel: Channel, sender: str, keyword: str, seconds: float
) -> bool:
    """Whether the same question of a sender was answered within the last seconds."""
    result = await conn.execute(
        text("""
            SELECT EXISTS (SELECT 1 FROM replies r
                WHERE r.sender = :sender AND r.channel = :channel AND r.keyword = :keyword
                    AND r.answer_id IS NOT NULL
                    AND r.received_at > clock_timestamp() - make_interval(secs => :seconds))
        """),
        {"channel": channel, "sender": sender, "keyword": keyword, "seconds": seconds},
    )
    return bool(result.scalar_one())


async def of_notification(conn: AsyncConnection, notification_id: UUID) -> Sequence[Row[Any]]:
    """Return the replies to a notification, oldest first."""
    return (await conn.execute(_OF_NOTIFICATION, {"notification": notification_id})).all()


async def of_profile(
    conn: AsyncConnection, profile_id: UUID, *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return the replies of a profile, newest first."""
    result = await conn.execute(
        _OF_PROFILE, {"profile": profile_id, "before": before, "most": most}
    )
    return result.all()
