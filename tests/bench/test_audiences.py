"""The bench of audiences counts right, whatever its time."""

from bench.audiences import audiences, fill, measure
from services.app import close_app, open_app
from services.bootstrap import bootstrap
from stores import access
from tests.fixtures.api import settings_for
from tests.fixtures.servers import TestDatabase

MEMBERS = 1200


async def test_every_audience_is_resolved_whole(database: TestDatabase) -> None:
    settings = settings_for(database, allow_networks=["127.0.0.0/8"])
    await bootstrap(settings)
    app = open_app(settings)
    async with app.db.leader() as conn:
        module_id = (await access.default_module(conn)).id
    await fill(database.leader_dsn, module_id, MEMBERS)
    wanted = {"filter without a filter": MEMBERS // 2}
    for name, document in audiences(database.leader_dsn).items():
        found = await measure(app, module_id, name, document)
        members = wanted.get(name, MEMBERS)
        assert (found.members, found.read) == (members, members), name
        # each hundredth has a number that is even, so it is not among those who are left
        assert found.suppressed == (0 if name in wanted else MEMBERS // 100), name
        assert name in found.line()
    await close_app(app)
