"""Settings of accounts: checked by their vendor, sealed, and shown without their secrets."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Row

from domain.errors import Invalid
from domain.sealed_settings import secret_names
from domain.vocabulary import Channel
from services.fields import field_errors
from stores.sealing import Seal, SealBroken
from vendors.contract import VendorKind, VendorSettings
from vendors.registry import KINDS


def kind_of(vendor: str, channel: Channel) -> VendorKind:
    """Return a vendor that serves a channel; raises Invalid."""
    kind = KINDS.get(vendor)
    if kind is None:
        raise Invalid.field("vendor", f"is none of {', '.join(sorted(KINDS))}")
    if channel not in kind.channels:
        raise Invalid.field(
            "channel", f"is not served by {vendor}: {', '.join(sorted(kind.channels))}"
        )
    return kind


def checked(kind: VendorKind, settings: Mapping[str, Any]) -> VendorSettings:
    """Return settings as the vendor takes them; raises Invalid that names each wrong one."""
    try:
        return kind.read(settings)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error, "settings")) from None


def opened(seal: Seal, row: Row[Any]) -> VendorSettings:
    """Return the stored settings of an account; raises Invalid when they cannot be used."""
    kind = KINDS.get(row.vendor)
    if kind is None:
        raise Invalid.field("vendor", f"{row.vendor} is not installed here any more")
    try:
        return checked(kind, seal.open(row.settings))
    except SealBroken as error:
        raise Invalid.field("settings", f"cannot be opened: {error}") from None


def changed(kind: VendorKind, stored: VendorSettings, patch: Mapping[str, Any]) -> VendorSettings:
    """Return stored settings with a patch applied: null takes the default, but a secret that is
    null, as it is read, stays as it is; an empty secret takes an optional one away.
    """
    secrets = secret_names(type(stored))
    merged = stored.revealed()
    for name, value in patch.items():
        if value is None and name in secrets:
            continue
        if value is None or (value == "" and name in secrets):
            merged.pop(name, None)
        else:
            merged[name] = value
    return checked(kind, {name: value for name, value in merged.items() if value is not None})


def shown(seal: Seal, row: Row[Any]) -> dict[str, Any]:
    """Return the settings of an account as they may be read, and which secrets are set."""
    try:
        settings = opened(seal, row)
    except Invalid as problem:
        return {"settings": None, "secrets": [], "settings_problem": problem.detail}
    names = [name for name in sorted(secret_names(type(settings))) if _is_set(settings, name)]
    return {"settings": settings.shown(), "secrets": names, "settings_problem": None}


def _is_set(settings: VendorSettings, name: str) -> bool:
    return bool(settings.revealed().get(name))
