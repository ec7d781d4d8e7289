"""Everything a caller can do wrong, or that can be in the way, as RFC 9457 problems.

Problem
├─ Malformed 400        ├─ Conflict 409      ├─ Invalid 422
├─ Unauthenticated 401  ├─ Gone 410          ├─ RateLimited 429
├─ Forbidden 403        ├─ Stale 412         └─ Unavailable 503
├─ NotFound 404         ├─ TooLarge 413
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: its path as in `notifications[3].recipient.email`, and how to mend it."""

    field: str
    message: str


class Problem(Exception):
    """The request could not be served."""

    slug: ClassVar[str] = "problem"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The request could not be served"

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        slug: str | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.problem_slug = slug or self.slug

    def inside(self, prefix: str) -> "Problem":
        """Return the same problem with its fields named from an enclosing document."""
        inner = [FieldError(f"{prefix}.{e.field}", e.message) for e in self.errors]
        return type(self)(self.detail, errors=inner, headers=self.headers, slug=self.problem_slug)

    def body(self) -> dict[str, Any]:
        """Return the application/problem+json document (RFC 9457 §3)."""
        return {
            "type": f"/problems/{self.problem_slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "errors": [{"field": e.field, "message": e.message} for e in self.errors],
        }


class Malformed(Problem):
    """The body is not well-formed JSON text."""

    slug, status, title = "malformed", 400, "The body could not be read"


class Unauthenticated(Problem):
    """No key or a wrong one."""

    slug, status, title = "unauthenticated", 401, "A valid API key is needed"


class Forbidden(Problem):
    """The key or the user may not do this."""

    slug, status, title = "forbidden", 403, "Not allowed"


class NotFound(Problem):
    """No such thing, or it belongs to another module."""

    slug, status, title = "not-found", 404, "Not found"


class Conflict(Problem):
    """The state of the thing does not allow it."""

    slug, status, title = "conflict", 409, "Not possible in its present state"


class Gone(Problem):
    """It was there and is used up or expired."""

    slug, status, title = "gone", 410, "No longer there"


class Stale(Problem):
    """If-Match names an older version."""

    slug, status, title = "stale", 412, "It was changed meanwhile"


class TooLarge(Problem):
    """The body is larger than the limit."""

    slug, status, title = "too-large", 413, "The body is too large"


class Invalid(Problem):
    """Fields are wrong; each is named."""

    slug, status, title = "invalid", 422, "Some fields are not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """Return the problem of a single wrong field."""
        return cls(f"{field}: {message}", errors=[FieldError(field, message)])


class RateLimited(Problem):
    """Too many requests; Retry-After says when to come back."""

    slug, status, title = "rate-limited", 429, "Too many requests"


class Unavailable(Problem):
    """Something that is needed does not answer."""

    slug, status, title = "unavailable", 503, "Not available at the moment"
