"""The vendors that accounts can be made of, with the form of their settings."""

from typing import Any

from domain.errors import NotFound
from services.access import Actor
from vendors.contract import VendorKind
from vendors.registry import KINDS


def find(actor: Actor) -> list[dict[str, Any]]:
    """Return every vendor, by name."""
    actor.require("accounts:read")
    return [view(KINDS[name]) for name in sorted(KINDS)]


def get(actor: Actor, name: str) -> dict[str, Any]:
    """Return a vendor; raises NotFound."""
    actor.require("accounts:read")
    if name not in KINDS:
        raise NotFound(f"There is no vendor {name[:80]}.")
    return view(KINDS[name])


def view(kind: VendorKind) -> dict[str, Any]:
    """Return a vendor as the API shows it; secrets are marked writeOnly in its schema."""
    able = kind.capabilities
    return {
        "name": kind.name,
        "title": kind.title,
        "channels": sorted(kind.channels),
        "capabilities": {
            "batch": able.batch,
            "receipts": able.receipts,
            "replies": able.replies,
            "look_up": able.look_up,
            "idempotency": able.idempotency,
            "scheduled": able.scheduled,
            "platforms": sorted(able.platforms),
        },
        "settings": kind.settings.model_json_schema(by_alias=True),
    }
