"""Optimistic locking: a change may name the version that it was made for."""

from domain.errors import Stale


def check_version(expected: int | None, present: int) -> None:
    """Raise Stale when another version was expected than the present one."""
    if expected is not None and expected != present:
        raise Stale("It was changed meanwhile; read it again and repeat the change.")
