"""The connectors that are built in, and those of other packages, by entry point."""

from importlib.metadata import entry_points
from typing import Final

from config.plugins import load_kinds
from connectors import ldap, sql
from connectors.contract import ConnectorKind

CONNECTORS: Final[dict[str, ConnectorKind]] = {"ldap": ldap.KIND, "sql": sql.KIND}

GROUP: Final = "tocsin.connectors"
"""The group of entry points: each names a ConnectorKind."""

TAKEN: Final = (
    "group", "module", "filter", "profiles", "union", "intersect", "except", "name", "kind",
)  # fmt: skip
"""Names that no connector may have."""

CONNECTORS.update(
    {
        name: kind
        for name, kind in load_kinds(
            entry_points(group=GROUP), CONNECTORS, ConnectorKind, "connector"
        ).items()
        if name not in TAKEN
    }
)
