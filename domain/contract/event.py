"""Events that come in (CloudEvents 1.0), and triggers: what listens to them."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from domain.contract.base import Json, Line, Moment, Request, Text, WrongField, clean_json
from domain.contract.notification import Key

MOST_EVENTS: Final = 100
"""In one batch."""
_NAME: Final = re.compile(r"[a-z0-9]{1,40}")

EventType = Annotated[Line, Field(min_length=1, max_length=255)]
Path = Annotated[Line, Field(max_length=300, pattern=r"^[^.\s{}]+(\.[^.\s{}]+)*$")]
_Scalar = bool | int | float | Annotated[Text, Field(max_length=1_000)] | None


class CloudEvent(Request):
    """An event by CloudEvents 1.0; other attributes are extensions of it."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"]
    id: Annotated[Line, Field(min_length=1, max_length=255)]
    source: Annotated[Line, Field(min_length=1, max_length=1_000)]
    type: EventType
    subject: Annotated[Line, Field(min_length=1, max_length=1_000)] | None = None
    time: Moment | None = None
    datacontenttype: Annotated[Line, Field(max_length=255)] | None = None
    dataschema: Annotated[Line, Field(max_length=2_000)] | None = None
    data: Annotated[Any, AfterValidator(clean_json)] = None
    data_base64: Annotated[Line, Field(max_length=1_000_000)] | None = None

    @model_validator(mode="after")
    def _attributes(self) -> "CloudEvent":
        for name, value in (self.model_extra or {}).items():
            if not _NAME.fullmatch(name):
                raise WrongField(name[:40], "is no attribute's name: lowercase letters and digits")
            if not isinstance(value, str | int | bool) or len(str(value)) > 1_000:
                raise WrongField(name, "is no text, number or boolean of at most 1,000 characters")
            clean_json(value)
        return self

    def document(self) -> dict[str, Any]:
        """Return it as triggers see it."""
        return self.model_dump(mode="json", exclude_none=True)


def _same(value: Any) -> Any:
    """Take a list of paths as the same path in both events."""
    return {path: path for path in value} if _texts(value) else value


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


class CancelOn(Request):
    """The event that cancels what still waits: paths in it, and the same or others in the first."""

    type: EventType
    match: Annotated[dict[Path, Path], BeforeValidator(_same), Field(min_length=1, max_length=10)]


class TriggerRequest(Request):
    """What an event starts. Texts in recipient, data and metadata may say `{{ event.data.… }}`."""

    name: Key
    event_type: EventType
    filter: Annotated[
        dict[Path, _Scalar | Annotated[list[_Scalar], Field(min_length=1, max_length=100)]],
        Field(max_length=20),
    ] = {}
    notification: Json
    delay_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 0
    cancel_on: CancelOn | None = None
    enabled: bool = True


class TriggerPatch(RootModel[Json]):
    """A change by RFC 7396 of anything that a trigger says."""

    def given(self) -> dict[str, Any]:
        """Return the merge patch, to be judged once it is applied."""
        return self.root
