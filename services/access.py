"""Who asks, and what they may do: API keys, sign-in, sessions and roles."""

import asyncio
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.errors import Forbidden, Invalid, RateLimited, Unauthenticated
from domain.ids import encode
from domain.roles import ROLE_SCOPES, granted
from domain.vocabulary import ModuleScope, Role
from services.app import App
from stores import access as store
from stores import audit

SESSION_HOURS: Final = 12
MIN_PASSWORD: Final = 12
_hasher = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Actor:
    """A client system's key or a signed-in user; `module_id` owns what it makes."""

    name: str
    module_id: UUID
    module_key: str
    scopes: frozenset[str]
    user_id: UUID | None = None
    role: Role | None = None
    all_modules: bool = False

    def may(self, scope: str) -> bool:
        """Whether the scope is granted."""
        return "*" in self.scopes or scope in self.scopes

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the scope is granted."""
        if not self.may(scope):
            raise Forbidden(f"This needs the scope {scope}, which {self.name} does not have.")

    @property
    def sees(self) -> UUID | None:
        """The one module whose things it sees; None for those of all."""
        return None if self.all_modules else self.module_id

    @property
    def for_all(self) -> bool:
        """Whether it may see and change what binds every module."""
        return self.all_modules or self.may("*")

    def require_reach(self, scope: ModuleScope) -> None:
        """Raise Forbidden unless it may act for so many modules."""
        if scope is ModuleScope.ALL and not self.for_all:
            raise Forbidden(
                "Only a user who works for all modules, or a key with the scope *, may act for"
                " all; use the scope module."
            )


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in: the cookie's token, the form token, and who it is."""

    token: str
    csrf: str
    actor: Actor
    user: dict[str, object]
    expires_at: datetime


def hash_token(token: str) -> bytes:
    """Return how a key or session token is stored; they are random, so one SHA-256 is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


async def authenticate(app: App, token: str) -> Actor:
    """Return who holds an API key; raises Unauthenticated.

    A key that is bound to a user may do what both its scopes and the user's role allow, at the
    moment it is used, and nothing once the user is deactivated.
    """
    async with app.db.leader() as conn:
        found = await store.find_key(conn, hash_token(token))
    if found is None:
        raise Unauthenticated("The API key is unknown or was revoked.")
    role = Role(found.role) if found.role else None
    scopes = frozenset(found.scopes)
    return Actor(
        name=f"key:{found.name}",
        module_id=found.module_id,
        module_key=found.module_key,
        scopes=scopes if role is None else granted(role, scopes),
        user_id=found.user_id,
        role=role,
    )


async def sign_in(app: App, email: str, password: str, client: str) -> Session:
    """Return a new session; raises Unauthenticated, or RateLimited after repeated failures.

    Failures are counted per address and per client, whether or not the user exists.
    """
    subjects = [f"user:{email.lower()[:320]}", f"client:{client[:64]}"]
    async with app.db.leader() as conn:
        locked = await store.locked_seconds(conn, subjects)
    if locked > 0:
        raise RateLimited(
            "Too many failed sign-ins; try again later.", headers={"Retry-After": str(locked)}
        )
    async with app.db.leader() as conn:
        user = await store.find_user(conn, email)
    stored = user.password_hash if user else None
    matches = await asyncio.to_thread(_matches, stored, password)
    if user is None or not matches:
        async with app.db.leader() as conn:
            await store.count_failure(conn, subjects)
        raise Unauthenticated("The e-mail address or the password is wrong.")
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    async with app.db.leader() as conn:
        await store.forget_failures(conn, subjects)
        await store.add_session(
            conn, token_hash=hash_token(token), user_id=user.id, csrf=csrf, hours=SESSION_HOURS
        )
    opened = await session(app, token)
    if opened is None:
        raise Unauthenticated("The user was removed.")
    return opened


async def session(app: App, token: str) -> Session | None:
    """Return the live session of a cookie's token."""
    async with app.db.leader() as conn:
        row = await store.find_session(conn, hash_token(token))
        if row is None:
            return None
        module = await store.default_module(conn)
    role = Role(row.role)
    actor = Actor(
        name=f"user:{row.email}",
        module_id=module.id,
        module_key=module.key,
        scopes=ROLE_SCOPES[role],
        user_id=row.user_id,
        role=role,
        all_modules=True,
    )
    user = {
        "id": encode("usr", row.user_id), "name": row.name, "email": row.email, "role": role.value,
        "password_temporary": row.password_temporary,
    }  # fmt: skip
    return Session(token, row.csrf, actor, user, row.expires_at)


def csrf_matches(session: Session, given: str) -> bool:
    """Compare a form's token with the session's in constant time."""
    return hmac.compare_digest(session.csrf.encode(), given.encode("utf-8", "surrogatepass"))


async def sign_out(app: App, token: str) -> None:
    """End a session."""
    async with app.db.leader() as conn:
        await store.remove_session(conn, hash_token(token))


async def change_password(app: App, session: Session, old: str, new: str) -> None:
    """Set a user's own password and end their other sessions; raises Invalid naming the field."""
    if session.actor.user_id is None:
        raise Forbidden("Only users have passwords.")
    check_password(new)
    async with app.db.leader() as conn:
        user = await store.find_user(conn, str(session.user["email"]))
    if user is None or not await asyncio.to_thread(_matches, user.password_hash, old):
        raise Invalid.field("old", "is not the present password")
    hashed = await asyncio.to_thread(_hasher.hash, new)
    async with app.db.leader() as conn:
        await store.set_password(conn, user.id, hashed, temporary=False)
        id = encode("usr", user.id)
        await audit.record(
            conn, module_id=None, actor=f"user:{id}", action="user.password_changed", subject=id
        )
        await store.remove_other_sessions(conn, user.id, hash_token(session.token))


def check_password(new: str) -> None:
    """Raise Invalid for a password that is too short or unreasonably long."""
    if not MIN_PASSWORD <= len(new) <= 1024:
        raise Invalid.field("new", f"must have {MIN_PASSWORD} to 1024 characters")


def hash_password(password: str) -> str:
    """Return a password's argon2id hash."""
    return _hasher.hash(password)


def _matches(stored: str | None, password: str) -> bool:
    """Whether a password is right; that there is no such user takes as long to find out."""
    try:
        return _hasher.verify(stored or _hash_of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hash_of_nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))


async def operator(app: App) -> Actor:
    """Return who works on the machine itself: whoever can read its secret key may do all."""
    async with app.db.leader() as conn:
        module = await store.default_module(conn)
    return Actor("operator", module.id, module.key, frozenset({"*"}), all_modules=True)
