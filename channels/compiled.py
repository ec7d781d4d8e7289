"""Compiled templates, kept by source while they are used and small enough."""

import threading
from collections import OrderedDict
from typing import Final

from jinja2 import Template, meta, nodes
from jinja2.exceptions import TemplateSyntaxError

from channels.budget import MAX_FIELD
from channels.counting import Counted
from channels.sandbox import Sandbox, build

_PLAIN: Final = build(autoescape=False)
_ESCAPING: Final = build(autoescape=True)
_FOREIGN = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


class BadTemplate(Exception):
    """The source is not a template that can be used; `line` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class TemplateCache:
    """The most recently used templates, up to a number and a total length of source."""

    def __init__(self, *, templates: int, characters: int) -> None:
        self._templates, self._characters = templates, characters
        self._kept: OrderedDict[tuple[str, bool], Template] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, source: str, *, autoescape: bool) -> Template:
        """Return the compiled template of a source; raises BadTemplate."""
        key = (source, autoescape)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = _compile(source, autoescape=autoescape)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = made
                self._size += len(source)
            self._shrink()
        return made

    def _shrink(self) -> None:
        while len(self._kept) > self._templates or self._size > self._characters:
            (source, _), _template = self._kept.popitem(last=False)
            self._size -= len(source)


_cache: Final = TemplateCache(templates=2048, characters=16 * MAX_FIELD)


def is_template(source: str) -> bool:
    """Whether a text has any template syntax at all."""
    return "{{" in source or "{%" in source or "{#" in source


def compiled(source: str, *, autoescape: bool = False) -> Template:
    """Return a source compiled, from the cache if it is there; raises BadTemplate."""
    return _cache.get(source, autoescape=autoescape)


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


def _compile(source: str, *, autoescape: bool) -> Template:
    environment: Sandbox = _ESCAPING if autoescape else _PLAIN
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
