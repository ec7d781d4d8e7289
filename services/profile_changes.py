"""What becomes of a profile when fields of it are given."""

from collections.abc import Mapping
from typing import Any

from domain import addresses
from domain.contract.profile import ProfileFields
from services.merging import merge
from stores.profiles import FIELDS


def merged(present: Mapping[str, Any], given: ProfileFields) -> dict[str, Any]:
    """Return FIELDS, attributes and addresses with what was given (RFC 7396): null takes away."""
    fields = {
        name: getattr(given, name) if name in given.model_fields_set else present.get(name)
        for name in FIELDS
    }
    attributes = present.get("attributes") or {}
    if "attributes" in given.model_fields_set:
        attributes = {} if given.attributes is None else merge(attributes, given.attributes)
    plain, beside = _addresses(present, given)
    return {**fields, **plain, "attributes": attributes, "addresses": beside}


def _addresses(
    present: Mapping[str, Any], given: ProfileFields
) -> tuple[dict[str, str | None], list[dict[str, Any]]]:
    """Return the plain fields of addresses, and what is kept beside them."""
    named = "addresses" in given.model_fields_set
    if not named and not present.get("addresses"):
        return {}, []  # only plain fields, as almost everybody has: nothing to bring together
    before = addresses.listed(present, present.get("addresses") or ())
    plain = {
        name: getattr(given, name)
        for name in addresses.PLAIN.values()
        if name in given.model_fields_set
    }
    others = [one.known() for one in given.addresses or ()]
    return addresses.merged(before, plain, others if named else None)
