"""What an administrator sends to keep categories."""

from typing import Annotated

from pydantic import Field, StrictBool

from domain.contract.base import Line, Request
from domain.contract.notification import Key
from domain.vocabulary import CategoryClass, Priority

CategoryName = Annotated[Line, Field(min_length=1, max_length=255)]


class TrackingRequest(Request):
    """Whether it is seen that mails of a category are opened, and that their links are followed."""

    opens: StrictBool = False
    clicks: StrictBool = False


class TrackingPatch(Request):
    """A change of what is seen, by RFC 7396."""

    opens: StrictBool | None = None
    clicks: StrictBool | None = None


class CategoryRequest(Request):
    """A new category; without a priority it has the one of its class."""

    key: Key
    name: CategoryName | None = None
    class_: Annotated[CategoryClass, Field(alias="class")]
    mandatory: bool = False
    priority: Priority | None = None
    tracking: TrackingRequest = TrackingRequest()


class CategoryPatch(Request):
    """A change of a category by RFC 7396; its key stays."""

    name: CategoryName | None = None
    class_: Annotated[CategoryClass | None, Field(alias="class")] = None
    mandatory: bool | None = None
    priority: Priority | None = None
    tracking: TrackingPatch | None = None
