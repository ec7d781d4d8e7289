"""What is looked for among many rows is looked for in an index."""

import re

import pytest
from sqlalchemy import text

from stores.database import Database

LOOKED_UP = {
    "webhook_calls_reports": (
        "SELECT id FROM webhook_calls c WHERE c.reports @> ANY(CAST(:wanted AS jsonb[]))",
        [[{"attempt": "att_1"}], [{"attempt": "att_2"}]],
    ),
    "profiles_attributes": (
        "SELECT id FROM profiles p WHERE p.attributes @> ANY(CAST(:wanted AS jsonb[]))",
        [{"plan": "gold"}, {"plan": "silver"}],
    ),
    "profiles_(replying_)?phone": (  # either serves
        "SELECT id FROM profiles p WHERE p.module_id = gen_random_uuid()"
        " AND p.phone = ANY(CAST(:wanted AS text[]))",
        ["+14155550100"],
    ),
}


@pytest.mark.parametrize("index", LOOKED_UP)
async def test_the_index_serves(db: Database, index: str) -> None:
    statement, wanted = LOOKED_UP[index]
    async with db.leader() as conn:
        await conn.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await conn.execute(text(f"EXPLAIN {statement}"), {"wanted": wanted})
        assert any(re.search(index, line) for line in plan.scalars())
