"""What providers ask all the time is looked up by index, also in a module with many profiles."""

from sqlalchemy import text

from domain.scim.filters import parse_filter
from stores.database import Database
from stores.scim_user_filters import UserConditions
from tests.stores.test_profiles import a_module

ASKED = (
    'userName eq "n77@example.com"',
    'externalId eq "n77"',
    'emails.value eq "n77@example.com"',
    'emails[type eq "work"].value eq "n77@example.com"',
    'externalId eq "n77" and active eq true',
)


async def test_the_filters_of_providers_are_served_by_indexes(db: Database) -> None:
    async with db.leader() as conn:
        module = await a_module(conn)
        await conn.execute(
            text("""
                INSERT INTO profiles (id, module_id, external_id, email)
                SELECT gen_random_uuid(), :module, 'n' || n, 'n' || n || '@example.com'
                FROM generate_series(1, 5000) n
            """),
            {"module": module},
        )
        await conn.execute(text("ANALYZE profiles"))
        for asked in ASKED:
            conditions = UserConditions()
            where = conditions.of(parse_filter(asked))
            plan = await conn.execute(
                text(f"EXPLAIN SELECT 1 FROM profiles p WHERE p.module_id = :module AND {where}"),
                {**conditions.binds, "module": module},
            )
            shown = "\n".join(plan.scalars())
            assert "Seq Scan on profiles" not in shown, (asked, shown)
            assert "profiles_module " not in shown, (asked, shown)
