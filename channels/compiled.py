"""Compiled templates, kept by source, and what of a source are template tags."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from jinja2 import Template, meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from channels import markdown_sandbox
from channels.budget import MAX_FIELD
from channels.counting import Counted
from channels.sandbox import Sandbox, build
from channels.source_cache import SourceCache


class Escaping(StrEnum):
    """What the reader of a text would take for markup, and values are therefore freed of."""

    NONE = "none"
    HTML = "html"
    MARKDOWN = "markdown"
    """Telegram's MarkdownV2."""


_PLAIN: Final = build(autoescape=False)
_ENVIRONMENTS: Final[dict[Escaping, Sandbox]] = {
    Escaping.NONE: _PLAIN,
    Escaping.HTML: build(autoescape=True),
    Escaping.MARKDOWN: markdown_sandbox.build(),
}
_FOREIGN = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


class BadTemplate(Exception):
    """The source is not a template that can be used; `line` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def is_template(source: str) -> bool:
    """Whether a text has any template syntax at all."""
    return "{{" in source or "{%" in source or "{#" in source


def compiled(source: str, escaping: Escaping = Escaping.NONE) -> Template:
    """Return a source compiled, from the cache if it is there; raises BadTemplate."""
    return _cache.get((source, escaping))


def parse(source: str) -> nodes.Template:
    """Return a source's syntax tree; raises BadTemplate."""
    try:
        return _PLAIN.parse(source)
    except TemplateSyntaxError as error:
        raise BadTemplate(error.message or "is not a template", error.lineno) from None
    except (RecursionError, ValueError, OverflowError) as error:
        raise BadTemplate(f"cannot be read as a template: {error}") from None


def used_variables(source: str) -> set[str]:
    """Return the names that a source looks up in the data; raises BadTemplate."""
    try:
        return meta.find_undeclared_variables(parse(source))
    except TemplateSyntaxError as error:
        raise BadTemplate(error.message or "is not a template", error.lineno) from None


def split(source: str) -> Iterator[tuple[str, str, int]]:
    """Return (kind, text, line) of a source's pieces, in order; joined, they mean the same.

    `kind` is data, variable ({{ }}), block ({% %}) or comment ({# #}). The space that a tag's
    minus sign takes away is left out. Raises BadTemplate.
    """
    parse(source)
    kind, gathered, begun = "", "", 0
    for line, part, text in _PLAIN.lexer.tokeniter(source, None):
        if part == "data":
            yield "data", text, line
        elif part in ("raw_begin", "raw_end"):
            yield "block", text, line
        elif part.endswith("_begin"):
            kind, gathered, begun = part.removesuffix("_begin"), text, line
        else:
            gathered += text
            if part == f"{kind}_end":
                yield kind, gathered, begun


def _compile(key: tuple[str, Escaping]) -> Template:
    source, escaping = key
    environment = _ENVIRONMENTS[escaping]
    if len(source) > MAX_FIELD:
        raise BadTemplate(f"is longer than {MAX_FIELD:,} characters")
    tree = parse(source)
    for foreign in tree.find_all(_FOREIGN):
        raise BadTemplate("cannot use other templates: include, import and extends", foreign.lineno)
    try:
        counted: nodes.Template = Counted().visit(tree)
        counted.set_environment(environment)
        return environment.from_string(counted)
    except TemplateSyntaxError as error:
        raise BadTemplate(error.message or "is not a template", error.lineno) from None
    except SyntaxError:
        raise BadTemplate("nests too many blocks") from None
    except (RecursionError, ValueError, OverflowError, MemoryError) as error:
        raise BadTemplate(f"is too deeply nested or too large: {error}") from None


_cache: Final = SourceCache(_compile, entries=2048, characters=16 * MAX_FIELD)
