"""What a SCIM request can do wrong, with the word that RFC 7644 §3.12 has for it."""

from enum import StrEnum

from domain.errors import Problem


class ScimType(StrEnum):
    """The kinds of a refused request (RFC 7644 §3.12, table 9)."""

    INVALID_FILTER = "invalidFilter"
    INVALID_SYNTAX = "invalidSyntax"
    INVALID_PATH = "invalidPath"
    INVALID_VALUE = "invalidValue"
    NO_TARGET = "noTarget"
    MUTABILITY = "mutability"
    UNIQUENESS = "uniqueness"


class ScimRefusal(Problem):
    """The request is wrong; `scim_type` says in which way."""

    slug, status, title = "invalid", 400, "The SCIM request is not valid"

    def __init__(self, scim_type: ScimType, detail: str) -> None:
        super().__init__(detail)
        self.scim_type = scim_type


class Unfiltered(Problem):
    """A filter where the standard wants none (RFC 7644 §4)."""

    slug, status, title = "forbidden", 403, "This list cannot be filtered"


class NotSupported(Problem):
    """A part of the standard that there is not."""

    slug, status, title = "not-supported", 501, "This part of SCIM is not supported"


def invalid_filter(detail: str) -> ScimRefusal:
    """Return the refusal of a filter."""
    return ScimRefusal(ScimType.INVALID_FILTER, detail)


def invalid_value(detail: str) -> ScimRefusal:
    """Return the refusal of a value."""
    return ScimRefusal(ScimType.INVALID_VALUE, detail)


def invalid_path(detail: str) -> ScimRefusal:
    """Return the refusal of a path."""
    return ScimRefusal(ScimType.INVALID_PATH, detail)


def invalid_syntax(detail: str) -> ScimRefusal:
    """Return the refusal of a body that has not the standard's form."""
    return ScimRefusal(ScimType.INVALID_SYNTAX, detail)
