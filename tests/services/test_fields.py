"""What is said of wrong fields, in plain words."""

import pytest
from pydantic import BaseModel, Field, ValidationError

from services.fields import field_errors


class Example(BaseModel, extra="forbid"):
    """Fields that can be wrong in each of the ways that have words of their own."""

    whole: int = 1
    number: float = Field(1, allow_inf_nan=False)
    code: str = Field("ab", pattern="^[a-z]+$")
    many: list[int] = []
    needed: str


@pytest.mark.parametrize(
    ("given", "field", "message"),
    [
        ({"whole": "x"}, "whole", "must be a whole number"),
        ({"number": "x"}, "number", "must be a number"),
        ({"number": "inf"}, "number", "must be a number"),
        ({"code": "A"}, "code", "has not the form that is wanted here: ^[a-z]+$"),
        ({"many": [1, "x"]}, "many[1]", "must be a whole number"),
        ({"other": 1}, "other", "is not a known field; remove it or mend its name"),
        ({"needed": None}, "needed", "Input should be a valid string"),
    ],
)
def test_a_wrong_field_is_named_with_what_is_wrong(
    given: dict[str, object], field: str, message: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({"needed": "x", **given})
    [found] = field_errors(caught.value, "settings")
    assert (found.field, found.message) == (f"settings.{field}", message)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ValidationError) as caught:
        Example.model_validate({})
    [found] = field_errors(caught.value)
    assert (found.field, found.message) == ("needed", "is required")
