"""Renders one channel's content with a notification's data."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from jinja2 import Template, TemplateError
from jinja2.exceptions import SecurityError

from channels.budget import MAX_FIELD, Budget, TooExpensive
from channels.compiled import BadTemplate, Escaping, compiled, is_template, used_variables
from channels.counting import BUDGET
from channels.html_templates import HtmlTemplate, prepare
from channels.link_marks import prepare_marked
from channels.missing import missing_path
from channels.sandbox import MissingValue
from domain.errors import FieldError
from domain.vocabulary import Channel

_ONE_LINE: Final = frozenset({
    "subject", "from", "reply_to", "url", "image", "sound", "collapse_key", "template", "language",
})  # fmt: skip
_UNTOUCHED: Final = frozenset({"attachments"})
LAYOUT: Final = "digest"
"""The field that says how several messages read as one; it is rendered with these alone."""
_PARSE_MODES: Final = {"HTML": Escaping.HTML, "MarkdownV2": Escaping.MARKDOWN}


class RenderFailed(Exception):
    """The words cannot be made from the data; every field that is wrong is named.

    `certain` are those that no other data would mend: work without end, ways out of the sandbox.
    """

    def __init__(self, errors: Mapping[FieldError, bool]) -> None:
        super().__init__("; ".join(f"{error.field} {error.message}" for error in errors))
        self.errors = list(errors)
        self.certain = [error for error, certain in errors.items() if certain]


def render(
    channel: Channel,
    content: Mapping[str, Any],
    data: Mapping[str, Any],
    *,
    locale: str | None = None,
    timezone: str | None = None,
    marked: bool = False,
) -> dict[str, Any]:
    """Return a channel's content with every text rendered; attachments are left as they are.

    Mail given as MJML becomes HTML, and its style sheets are inlined. The same content, data,
    locale and zone always give the same text. With `marked` the links of mail are marked, for
    link_marks.lift. Raises RenderFailed with all the fields at fault:
    `data.<name>` where a value is missing, else `content.<channel>.<path>`.
    """
    errors: dict[FieldError, bool] = {}
    rendered: dict[str, Any] = {}
    for name, value in content.items():
        if name == LAYOUT:
            continue
        if name in _UNTOUCHED:
            rendered[name] = value
            continue
        escaping, one_line = _escaping(channel, name, content), name in _ONE_LINE
        reader = (locale, timezone)
        page = _page(marked) if _is_page(channel, name) else None
        job = _Field(data, escaping, one_line, page, reader, errors)
        rendered[name] = job.render(value, f"content.{channel.value}.{name}")
    if errors:
        raise RenderFailed(errors)
    return rendered


def variables(content: Mapping[str, Any]) -> set[str]:
    """Return the top-level names of the data that a whole content uses; broken texts use none."""
    found: set[str] = set()
    for _, _, _, source in _sources(content):
        try:
            found |= used_variables(source)
        except BadTemplate:
            continue
    return found


def check(content: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with the template syntax of a whole content, field by field."""
    errors = []
    for path, escaping, is_page, source in [*_sources(content), *_layouts(content)]:
        try:
            ready = prepare(source).source if is_page else source
            if is_template(ready):
                compiled(ready, escaping)
        except BadTemplate as error:
            errors.append(FieldError(path, _at_line(str(error), error.line)))
    return errors


class _Field:
    """One field of a content with how it is rendered; errors are gathered, not raised."""

    def __init__(
        self,
        data: Mapping[str, Any],
        escaping: Escaping,
        one_line: bool,
        page: Callable[[str], HtmlTemplate] | None,
        reader: tuple[str | None, str | None],
        errors: dict[FieldError, bool],
    ) -> None:
        self._data, self._errors, self._reader = data, errors, reader
        self._escaping, self._one_line, self._page = escaping, one_line, page

    def render(self, value: Any, path: str) -> Any:
        """Return a value with every text in it rendered."""
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, Mapping):
            return {key: self.render(item, f"{path}.{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.render(item, f"{path}[{n}]") for n, item in enumerate(value)]
        return value

    def _text(self, source: str, path: str) -> str:
        same_lines = True
        try:
            ready = self._page(source) if self._page else HtmlTemplate(source)
            same_lines = ready.same_lines
            text = self._rendered(ready)
        except MissingValue as error:
            name = missing_path(source, self._data, error.name)
            self._fail(f"data.{name}" if name else path, "is used by the template and missing")
        except BadTemplate as error:
            self._fail(path, _at_line(str(error), error.line))
        except Exception as error:  # whatever an author's expression can raise
            line = _line_of(error) if same_lines else None
            certain = isinstance(error, TooExpensive | SecurityError | RecursionError)
            self._fail(path, _at_line(_explain(error), line), certain)
        else:
            fault = _fault(text, one_line=self._one_line)
            if fault:
                self._fail(path, fault)
            return text
        return ""

    def _rendered(self, ready: HtmlTemplate) -> str:
        if not is_template(ready.source):
            return ready.finish(ready.source)
        budget = Budget(*self._reader)
        return ready.finish(generate(compiled(ready.source, self._escaping), self._data, budget))

    def _fail(self, field: str, message: str, certain: bool = False) -> None:
        self._errors[FieldError(field, message)] = certain


def generate(template: Template, data: Mapping[str, Any], budget: Budget) -> str:
    """Return a template's text, given up as soon as it is too long (TooExpensive)."""
    parts: list[str] = []
    length = 0
    context = template.new_context({**data, BUDGET: budget})
    try:  # as Template.generate does it, which hands every part on once more
        for part in template.root_render_func(context):
            length += len(part)
            if length > MAX_FIELD:
                break
            parts.append(part)
    except Exception:
        template.environment.handle_exception()
    if length > MAX_FIELD:
        raise TooExpensive(f"is longer than {MAX_FIELD:,} characters when rendered")
    return "".join(parts)


def _escaping(channel: Channel, name: str, content: Mapping[str, Any]) -> Escaping:
    """Return what the receiving program reads the field as."""
    if channel is Channel.TELEGRAM and name == "text":
        return _PARSE_MODES.get(content.get("parse_mode") or "", Escaping.NONE)
    return Escaping.HTML if _is_page(channel, name) else Escaping.NONE


def _page(marked: bool) -> Callable[[str], HtmlTemplate]:
    return prepare_marked if marked else prepare


def _is_page(channel: Channel, name: str) -> bool:
    """Whether a field is a mail's HTML, and perhaps given as MJML."""
    return channel is Channel.EMAIL and name == "html"


def _sources(content: Mapping[str, Any]) -> Iterator[tuple[str, Escaping, bool, str]]:
    for channel in Channel:
        words = content.get(channel.value) or {}
        for name, value in words.items():
            if name not in _UNTOUCHED and name != LAYOUT:
                escaping, is_page = _escaping(channel, name, words), _is_page(channel, name)
                for path, source in _leaves(value, f"content.{channel.value}.{name}"):
                    yield path, escaping, is_page, source


def _layouts(content: Mapping[str, Any]) -> Iterator[tuple[str, Escaping, bool, str]]:
    for channel in Channel:
        layout = (content.get(channel.value) or {}).get(LAYOUT) or {}
        for path, escaping, is_page, source in _sources({channel.value: layout}):
            place = f"content.{channel.value}."
            yield f"{place}{LAYOUT}.{path.removeprefix(place)}", escaping, is_page, source


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{path}[{number}]")


def _fault(text: str, *, one_line: bool) -> str | None:
    if one_line and any(char in text for char in "\r\n"):
        return "must be one line, but the data puts a line break into it"
    if "\x00" in text:
        return "holds a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError:
        return "holds half of a surrogate pair, which is no character"
    return None


def _explain(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "calls itself too deeply"
    if isinstance(error, TooExpensive | TemplateError):
        return str(error)
    return f"cannot be rendered: {str(error)[:200] or type(error).__name__}"


def _line_of(error: Exception) -> int | None:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == "<template>"]
    return lines[-1] if lines else None


def _at_line(message: str, line: int | None) -> str:
    return f"{message} (line {line})" if line else message
