"""A filter over profiles as a small JSON expression.

    {"all": [{"field": "attributes.plan", "op": "eq", "value": "pro"},
             {"not": {"field": "groups", "op": "contains", "value": "staff"}}]}

`all` and `any` hold expressions, `not` holds one, anything else is a comparison.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, model_validator

from domain.contract.base import Line, Request, WrongField

MOST_COMPARISONS: Final = 200
MOST_LEVELS: Final = 20
TEXTS: Final = (
    "external_id", "name", "email", "phone", "telegram", "whatsapp", "locale", "timezone",
)  # fmt: skip
TIMES: Final = ("created_at", "updated_at")
GROUPS: Final = "groups"
_ATTRIBUTE = re.compile(r"attributes(\.[^.\x00]{1,100}){1,10}")


class Op(StrEnum):
    """How a field is compared."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    LT = "lt"
    LTE = "lte"
    GT = "gt"
    GTE = "gte"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    EXISTS = "exists"


ORDERED: Final = frozenset({Op.LT, Op.LTE, Op.GT, Op.GTE})
LISTED: Final = frozenset({Op.IN, Op.NOT_IN})


class Comparison(Request):
    """One field compared with a value. A field that is missing equals nothing: `ne` and `not_in`
    are true of it, all others false.
    """

    field: Annotated[Line, Field(max_length=1200)]
    op: Op = Op.EQ
    value: Any = None

    @model_validator(mode="after")
    def _fits(self) -> Comparison:
        self._check_field()
        self._check_value()
        return self

    @property
    def attribute(self) -> list[str] | None:
        """The path of keys into the attributes; None of a field of the profile itself."""
        head, _, path = self.field.partition(".")
        return path.split(".") if head == "attributes" and path else None

    def _check_field(self) -> None:
        if self.field in (*TEXTS, *TIMES):
            return
        if self.field == GROUPS:
            if self.op not in (Op.CONTAINS, Op.EXISTS):
                raise WrongField("op", "groups can be asked for contains and exists only")
            return
        if not _ATTRIBUTE.fullmatch(self.field):
            known = ", ".join((*TEXTS, *TIMES, GROUPS))
            raise WrongField("field", f"is none of {known}, and no attribute (attributes.plan)")

    def _check_value(self) -> None:
        if self.op is Op.EXISTS:
            if not isinstance(self.value, bool):
                raise WrongField("value", "must be true or false with exists")
        elif self.op in LISTED:
            if not isinstance(self.value, list) or not 1 <= len(self.value) <= 1000:
                raise WrongField("value", f"must be a list of 1 to 1,000 values with {self.op}")
            for one in self.value:
                self._check_one(one)
        else:
            self._check_one(self.value)

    def _check_one(self, value: Any) -> None:
        if not isinstance(value, str | int | float | bool):
            raise WrongField("value", "must be text, a number, true or false")
        if isinstance(value, str) and (len(value) > 1000 or not _storable(value)):
            raise WrongField("value", "must be text of at most 1,000 characters without NUL")
        if self.field in TIMES:
            _check_time(self.op, value)
        elif self.attribute is None and not isinstance(value, str):
            raise WrongField("value", f"must be text: {self.field} is text")
        if self.op in ORDERED and isinstance(value, bool):
            raise WrongField("value", f"must be text or a number with {self.op}")
        if self.op is Op.STARTS_WITH and not isinstance(value, str):
            raise WrongField("value", "must be text with starts_with")


class All(Request):
    """True when every one of the expressions is."""

    all: Annotated[list[Expression], Field(min_length=1, max_length=100)]


class AnyOf(Request):
    """True when one of the expressions is."""

    any: Annotated[list[Expression], Field(min_length=1, max_length=100)]


class Not(Request):
    """True when the expression is not."""

    negated: Annotated[Expression, Field(alias="not")]


_TAGS: Final[dict[type, str]] = {All: "<all>", AnyOf: "<any>", Not: "<not>"}


def _shape(value: object) -> str:
    if isinstance(value, Request):
        return _TAGS.get(type(value), "<comparison>")
    for name in ("all", "any", "not"):
        if isinstance(value, dict) and name in value:
            return f"<{name}>"
    return "<comparison>"


Expression = Annotated[
    Annotated[All, Tag("<all>")]
    | Annotated[AnyOf, Tag("<any>")]
    | Annotated[Not, Tag("<not>")]
    | Annotated[Comparison, Tag("<comparison>")],
    Discriminator(_shape),
]


def check_size(expression: All | AnyOf | Not | Comparison) -> None:
    """Raise ValueError for an expression that is deeper or larger than a database should bear."""
    if _count(expression, 1) > MOST_COMPARISONS:
        raise ValueError(f"has more than {MOST_COMPARISONS} comparisons")


def _count(expression: All | AnyOf | Not | Comparison, level: int) -> int:
    if level > MOST_LEVELS:
        raise ValueError(f"is nested more than {MOST_LEVELS} levels deep")
    match expression:
        case All():
            return sum(_count(one, level + 1) for one in expression.all)
        case AnyOf():
            return sum(_count(one, level + 1) for one in expression.any)
        case Not():
            return _count(expression.negated, level + 1)
        case _:
            return 1


def _check_time(op: Op, value: Any) -> None:
    if op not in ORDERED:
        raise WrongField("op", "times can be asked for lt, lte, gt, gte and exists only")
    try:
        aware = datetime.fromisoformat(str(value)).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise WrongField("value", "must be an RFC 3339 time with a zone: 2030-01-31T09:00:00Z")


def _storable(value: str) -> bool:
    return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
