"""The connectors that audiences can read members by, with the form of their settings."""

from typing import Any

from connectors.registry import CONNECTORS
from services.access import Actor


def find(actor: Actor) -> list[dict[str, Any]]:
    """Return every connector, by name: {name, title, settings}; secrets are marked writeOnly."""
    actor.require("audiences:read")
    return [
        {
            "name": name,
            "title": CONNECTORS[name].title,
            "settings": CONNECTORS[name].settings.model_json_schema(by_alias=True),
        }
        for name in sorted(CONNECTORS)
    ]
