"""Judges the rows of an uploaded file by the contract of POST /v1/profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import from_json

from domain.contract.profile import ProfileRequest
from domain.errors import FieldError
from domain.import_columns import Unreadable, cells, document
from domain.storable import storable_text
from services.fields import field_errors
from stores.imports import Rejection

NDJSON, CSV = "ndjson", "csv"
_NO_EXTERNAL_ID: Final = FieldError(
    "external_id", "is required in an import: rows are known again by it"
)


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows of a file are written; `columns` are those of a CSV file."""

    format: str
    delimiter: str = ","
    columns: Sequence[str] = ()


@dataclass(slots=True)
class Judged:
    """The rows of a chunk that may be imported, each with its line and what it said; the others."""

    accepted: list[tuple[int, bytes, ProfileRequest]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def judge(form: Form, lines: Sequence[int], rows: Sequence[bytes]) -> Judged:
    """Judge each row on its own."""
    found = Judged()
    for line, row in zip(lines, rows, strict=True):
        try:
            request = ProfileRequest.model_validate(_document(form, row))
        except Unreadable as error:
            found.rejected.append(rejection(line, row, [FieldError("row", str(error))]))
        except ValidationError as error:
            found.rejected.append(rejection(line, row, field_errors(error)))
        else:
            if request.external_id is None:
                found.rejected.append(rejection(line, row, [_NO_EXTERNAL_ID]))
            else:
                found.accepted.append((line, row, request))
    return found


def rejection(line: int, row: bytes, errors: Sequence[FieldError]) -> Rejection:
    """Return a refused row as it is kept."""
    told = [
        {"field": storable_text(one.field[:200]), "message": storable_text(one.message[:500])}
        for one in errors
    ]
    return Rejection(line, told, row)


def _document(form: Form, row: bytes) -> Any:
    if form.format == CSV:
        return document(form.columns, cells(row, form.delimiter))
    try:
        found = from_json(row, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Unreadable(f"is not JSON in UTF-8: {error}") from None
    if not isinstance(found, dict):
        raise Unreadable("is not a JSON object")
    return found
