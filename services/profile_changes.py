"""What becomes of a profile when fields of it are given."""

from collections.abc import Mapping
from typing import Any

from domain.contract.profile import ProfileFields
from services.merging import merge
from stores.profiles import FIELDS


def merged(present: Mapping[str, Any], given: ProfileFields) -> dict[str, Any]:
    """Return FIELDS and attributes with what was given (RFC 7396): null takes away."""
    fields = {
        name: getattr(given, name) if name in given.model_fields_set else present.get(name)
        for name in FIELDS
    }
    attributes = present.get("attributes") or {}
    if "attributes" in given.model_fields_set:
        attributes = {} if given.attributes is None else merge(attributes, given.attributes)
    return {**fields, "attributes": attributes}
