"""The sandbox of MarkdownV2 texts: values are escaped by themselves, as HTML's autoescaping does.

Jinja2 escapes for HTML only. Compiled templates take what escapes from jinja2.runtime; those of
this sandbox take it from here, so that macros, {% set %} blocks, `~` and `join` agree on it.
"""

from collections.abc import Iterable
from typing import Any, Final

import markupsafe
from jinja2 import runtime

from channels import bounds
from channels.markdown import escape as escape_markdown
from channels.sandbox import Sandbox
from channels.sandbox import build as build_sandbox

_TAKEN_FROM: Final = "from jinja2.runtime import "


class Markdown(markupsafe.Markup):
    """Text whose markup is meant: an author's, or a value that was escaped."""

    __slots__ = ()

    @classmethod
    def escape(cls, value: Any) -> "Markdown":
        """Return a value as markup that shows it as it is."""
        return value if isinstance(value, Markdown) else cls(escape_markdown(str(value)))


class Macro(runtime.Macro):
    """A macro: what it writes was escaped inside it."""

    def _invoke(self, arguments: list[Any], autoescape: bool) -> str:
        made = super()._invoke(arguments, autoescape)
        return Markdown(made) if autoescape else made


def markup_join(values: Iterable[Any]) -> str:
    """Join what `~` joins; where one part has markup that is meant, the others are escaped."""
    parts = [value if isinstance(value, str) else str(value) for value in values]
    if any(isinstance(part, Markdown) for part in parts):
        return Markdown("").join(parts)
    return "".join(parts)


Markup: Final = Markdown
escape: Final = Markdown.escape


def __getattr__(name: str) -> Any:
    """Give compiled templates what they need of jinja2.runtime besides."""
    return getattr(runtime, name)


class MarkdownSandbox(Sandbox):
    """A sandbox whose templates escape for MarkdownV2."""

    def _generate(self, *args: Any, **kwargs: Any) -> str:
        made = super()._generate(*args, **kwargs)
        return made.replace(_TAKEN_FROM, f"from {__name__} import ", 1)


def build() -> Sandbox:
    """Return a new environment."""
    sandbox = build_sandbox(autoescape=True, kind=MarkdownSandbox)
    sandbox.filters |= {
        "e": Markdown.escape,
        "escape": Markdown.escape,
        "forceescape": _escape_again,
        "join": bounds.joining(Markdown.escape),
        "replace": _replace,
        "safe": Markdown,
    }
    return sandbox


def _escape_again(value: Any) -> Markdown:
    return Markdown(escape_markdown(str(value)))


def _replace(s: Any, old: Any, new: Any, count: int | None = None) -> str:
    bounds.check_replaced(s, old, new)
    source, gone, put = (one if isinstance(one, str) else str(one) for one in (s, old, new))
    return source.replace(gone, put, -1 if count is None else count)
