"""What a start makes of the accounts that an earlier one left."""

from typing import Any

from services.app import App
from services.bootstrap import bootstrap
from stores import accounts
from tests.fixtures.api import settings_for

LATER = ("bounces", "delivery_reports")
"""Settings of an smtp account that the first version did not have."""


async def of_mail(app: App) -> dict[str, Any]:
    """The stored settings of the first e-mail account."""
    async with app.db.leader() as conn:
        [row] = [one for one in await accounts.find_enabled(conn) if one.name == "email"]
    return app.seal.open(row.settings)


async def test_an_account_of_an_earlier_version_still_follows_the_sink(
    app: App, database: Any
) -> None:
    stored = await of_mail(app)
    before = {name: value for name, value in stored.items() if name not in LATER}
    assert before != stored
    async with app.db.leader() as conn:
        [row] = [one for one in await accounts.find_enabled(conn) if one.name == "email"]
        await accounts.change(conn, row.id, {"settings": app.seal.close(before)})
    await bootstrap(settings_for(database, smtp_sink_port=4025))
    assert (await of_mail(app))["port"] == 4025


async def test_an_account_that_was_given_bounces_is_left_alone(app: App, database: Any) -> None:
    changed = {**await of_mail(app), "bounces": "bounce@mail.example.com"}
    async with app.db.leader() as conn:
        [row] = [one for one in await accounts.find_enabled(conn) if one.name == "email"]
        await accounts.change(conn, row.id, {"settings": app.seal.close(changed)})
    await bootstrap(settings_for(database, smtp_sink_port=4025))
    assert await of_mail(app) == changed
