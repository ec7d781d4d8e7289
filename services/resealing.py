"""Rotation of the key ring: everything that is sealed is sealed anew with the newest key."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from services.app import App
from stores import accounts, webhooks
from stores.sealing import Seal, SealBroken


@dataclass(frozen=True, slots=True)
class Resealed:
    """How many secrets were sealed anew, and the accounts and webhooks that nobody can open."""

    count: int
    broken: tuple[str, ...]


async def reseal(app: App) -> Resealed:
    """Seal all secrets with the first key of TOCSIN_SECRET_KEY, in one transaction."""
    async with app.db.leader() as conn:
        settings = [(r.id, r.name, r.settings) for r in await accounts.sealed_settings(conn)]
        secrets = [(r.id, r.url, r.secret) for r in await webhooks.sealed_secrets(conn)]
        done, broken = _anew(app.seal, settings)
        await accounts.reseal(conn, list(done), list(done.values()))
        also, more = _anew(app.seal, secrets)
        await webhooks.reseal(conn, list(also), list(also.values()))
    return Resealed(len(done) + len(also), (*broken, *more))


def _anew(
    seal: Seal, sealed: Iterable[tuple[UUID, str, bytes]]
) -> tuple[dict[UUID, bytes], list[str]]:
    done: dict[UUID, bytes] = {}
    broken: list[str] = []
    for id, name, secret in sealed:
        try:
            done[id] = seal.close(seal.open(secret))
        except SealBroken:
            broken.append(name)
    return done, broken
