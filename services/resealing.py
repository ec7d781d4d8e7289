"""Rotation of the key ring: everything that is sealed is sealed anew with the newest key."""

from dataclasses import dataclass

from services.app import App
from stores import accounts
from stores.sealing import SealBroken


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many settings were sealed anew, and the accounts whose settings nobody can open."""

    count: int
    broken: tuple[str, ...]


async def reseal(app: App) -> Resealed:
    """Seal all settings with the first key of TOCSIN_SECRET_KEY, in one transaction."""
    async with app.db.leader() as conn:
        rows = await accounts.sealed_settings(conn)
        broken: list[str] = []
        ids, sealed = [], []
        for row in rows:
            try:
                document = app.seal.open(row.settings)
            except SealBroken:
                broken.append(row.name)
                continue
            ids.append(row.id)
            sealed.append(app.seal.close(document))
        await accounts.reseal(conn, ids, sealed)
    return Resealed(len(ids), tuple(broken))
