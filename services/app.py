"""What every use case needs: settings, database, Temporal; made once per process."""

import asyncio
from dataclasses import dataclass, field

from config.settings import Settings
from domain.audit_chain import MarkRing
from domain.one_time_codes import CodeRing
from domain.preference_links import LinkRing
from domain.return_paths import ReturnPaths
from domain.tracking_links import TrackingRing
from services.outside import Outside
from services.temporal import Temporal
from services.visits import Visits
from stores.audit import MARKS
from stores.database import Database
from stores.sealing import Seal, secret_keys


@dataclass(slots=True)
class App:
    """The open connections of a process."""

    settings: Settings
    db: Database
    temporal: Temporal
    seal: Seal
    codes: CodeRing
    return_paths: ReturnPaths
    links: LinkRing
    outside: Outside
    marks: MarkRing
    tracking: TrackingRing
    visits: Visits = field(default_factory=Visits)
    resolving: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """How many audiences this process resolves at a time: each takes a connection of the pool."""
    positions: dict[str, str] = field(default_factory=dict)
    """Last write position (LSN) of each module, as far as this process knows."""


def open_app(settings: Settings) -> App:
    """Return the App of this process; nothing is connected until it is used."""
    marks = MarkRing(secret_keys(settings))
    return App(
        settings=settings,
        db=Database(
            settings.leader_dsn,
            settings.replica_dsns,
            pool=settings.database_pool,
            max_lag_seconds=settings.replica_max_lag_seconds,
            info={MARKS: marks},
        ),
        temporal=Temporal(settings.temporal_target, settings.temporal_namespace),
        seal=Seal.from_settings(settings),
        codes=CodeRing(secret_keys(settings)),
        return_paths=ReturnPaths(secret_keys(settings)),
        links=LinkRing(secret_keys(settings)),
        outside=Outside(settings.allow_networks),
        marks=marks,
        tracking=TrackingRing(secret_keys(settings)),
    )


async def close_app(app: App) -> None:
    """Close what was opened."""
    await app.outside.close()
    await app.db.close()
