"""What other packages bring by entry point; what is wrong with one harms nobody else."""

from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint
from typing import Protocol, TypeVar

import structlog


class Named(Protocol):
    """A kind that a registry knows by its name."""

    @property
    def name(self) -> str:
        """The name, unique in its registry."""


K = TypeVar("K", bound=Named)
log = structlog.get_logger()


def load_kinds(
    found: Iterable[EntryPoint], known: Mapping[str, K], wanted: type[K], noun: str
) -> dict[str, K]:
    """Return the kinds of other packages. One that cannot be loaded, is no kind, or takes a name
    that is known is left out and named in the log: it must not keep Tocsin from starting.
    """
    others: dict[str, K] = {}
    for entry in found:
        try:
            kind = entry.load()
        except Exception as error:  # whatever another package does when it is imported
            log.error("plugin.not_loaded", of=noun, name=entry.name, kind=type(error).__name__)
            continue
        if not isinstance(kind, wanted) or kind.name in {*known, *others}:
            log.error("plugin.not_taken", of=noun, name=entry.name, value=entry.value)
            continue
        others[kind.name] = kind
    return others
