"""What the workers know of an account together."""

from sqlalchemy import text

from domain.ids import new_id
from stores import account_states, accounts
from stores.database import Database


async def test_a_pace_is_halved_once_for_each_pause_however_many_are_throttled(
    db: Database,
) -> None:
    paces = []
    async with db.leader() as conn:
        await accounts.put(
            conn, id=new_id(), name="slowed", channel="sms", vendor="sandbox", settings=b""
        )
        found = await conn.execute(text("SELECT id FROM accounts WHERE name = 'slowed'"))
        account = found.scalar_one()
        for seconds in (0.3, 60, 60, 90):
            await account_states.slow_down(conn, account, seconds=seconds)
            state = await conn.execute(
                text("SELECT pace, pg_sleep(0.4) FROM account_states WHERE account_id = :id"),
                {"id": account},
            )
            paces.append(float(state.one().pace))
        await conn.rollback()
    assert paces == [0.5, 0.25, 0.25, 0.25]
