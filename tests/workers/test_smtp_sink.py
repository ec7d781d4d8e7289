"""The SMTP sink without its database: mail is put off, never refused for good."""

from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from domain.one_time_codes import CodeRing
from stores.database import Database
from workers.smtp_sink import Keeper


async def handed(database: Database) -> str:
    envelope = Envelope()
    envelope.rcpt_tos = ["sam@example.com"]
    envelope.content = b"Subject: Hi\r\n\r\nHello"
    server: Any = SMTP
    session: Any = Session
    return await Keeper(database, CodeRing(["0" * 64])).handle_DATA(server, session, envelope)


async def test_a_lost_database_puts_mail_off(database: Any) -> None:
    db = Database(database.leader_dsn, [])
    try:
        assert (await handed(db)).startswith("250 ")
        async with db.leader() as conn:
            own = await conn.exec_driver_sql("SELECT pg_backend_pid()")
            pid = own.scalar_one()
        other = Database(database.leader_dsn, [])
        async with other.leader() as conn:
            ended = await conn.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            assert ended.scalar_one(), "the fault never happened"
        await other.close()
        assert (await handed(db)).startswith("451 ")
        assert (await handed(db)).startswith("250 "), "the next try finds a new connection"
    finally:
        await db.close()
