"""What a new installation needs before its first message: made once, presets followed anew."""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from config.settings import Settings
from domain.ids import new_id
from domain.vocabulary import Channel, Role
from services.access import hash_password, hash_token
from services.app import App, close_app, open_app
from services.keys import new_key
from stores import access, accounts, modules, users
from vendors.email.smtp import Settings as SmtpSettings

_LOCK = 0x70C51C  # any constant of its own: two processes must not bootstrap at once


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The first sign-in and key; a secret is None when it was made earlier."""

    admin_email: str
    admin_password: str | None
    api_key: str | None


async def bootstrap(settings: Settings) -> Bootstrap:
    """Make the default module, the first administrator, the first key and the first accounts."""
    app = open_app(settings)
    try:
        async with app.db.leader() as conn:
            await conn.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _LOCK})
            module_id = await _module(conn)
            password = await _administrator(conn, settings)
            key = await _key(conn, settings, module_id)
            await _accounts(app, conn)
    finally:
        await close_app(app)
    return Bootstrap(settings.admin_email, password, key)


async def _module(conn: AsyncConnection) -> UUID:
    found = await modules.get(conn, id=None, key="default")
    row: Any = found or await modules.add(conn, new_id(), "default", "Default")
    id: UUID = row.id
    return id


async def _administrator(conn: AsyncConnection, settings: Settings) -> str | None:
    preset = settings.admin_password.get_secret_value() if settings.admin_password else None
    if await users.lock_administrators(conn):
        return None  # nobody who was renamed or removed comes back by a restart
    if await users.find_by_email(conn, settings.admin_email) is not None:
        return None
    password = preset or secrets.token_urlsafe(12)
    await access.add_user(
        conn,
        id=new_id(),
        name="Administrator",
        email=settings.admin_email,
        role=Role.ADMINISTRATOR,
        password_hash=hash_password(password),
    )
    return password


async def _key(conn: AsyncConnection, settings: Settings, module_id: UUID) -> str | None:
    """Make the first key; a preset one is made whenever it is not known yet."""
    preset = settings.bootstrap_api_key.get_secret_value() if settings.bootstrap_api_key else None
    if preset is None and await modules.find_keys(conn, module_id=module_id):
        return None
    key = preset or new_key()
    if await access.find_key(conn, hash_token(key)) is None:
        await modules.add_key(
            conn,
            id=new_id(),
            module_id=module_id,
            name="first",
            scopes=["*"],
            key_hash=hash_token(key),
            hint=key[-4:],
        )
    return key


async def _accounts(app: App, conn: AsyncConnection) -> None:
    """Give every channel an account: real SMTP for e-mail, the sandbox for the others."""
    settings = app.settings
    url = f"smtp://127.0.0.1:{settings.smtp_sink_port}?starttls=never"
    if settings.smtp_url is not None:
        url = settings.smtp_url.get_secret_value()
    mail = SmtpSettings.from_url(url).revealed()
    present = await _present(app, conn, "email")
    follows = settings.smtp_url is not None or present is None or _is_sink(present, mail)
    if follows and present != mail:
        await accounts.put(
            conn, id=new_id(), name="email", channel=Channel.EMAIL, vendor="smtp",
            settings=app.seal.close(mail),
        )  # fmt: skip
    for channel in Channel:
        name = f"{channel} sandbox"
        if channel is not Channel.EMAIL and await _present(app, conn, name) != {}:
            await accounts.put(
                conn, id=new_id(), name=name, channel=channel, vendor="sandbox",
                settings=app.seal.close({}),
            )  # fmt: skip


async def _present(app: App, conn: AsyncConnection, name: str) -> dict[str, Any] | None:
    row = next((one for one in await accounts.find_enabled(conn) if one.name == name), None)
    return None if row is None else app.seal.open(row.settings)


def _is_sink(present: dict[str, Any], sink: dict[str, Any]) -> bool:
    """Whether an account leads to the built-in sink, on whatever port it was; settings that an
    earlier version did not know are the sink's.
    """
    return {**sink, **present, "port": None} == {**sink, "port": None}
