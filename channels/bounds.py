"""Jinja2's own filters where they could make something huge: the same, with a limit."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from jinja2 import Environment, nodes
from jinja2.filters import (
    do_batch,
    do_indent,
    do_replace,
    do_round,
    do_tojson,
    make_attrgetter,
)
from jinja2.utils import pass_environment, pass_eval_context
from markupsafe import Markup, escape

from channels.budget import MAX_FIELD, TooExpensive
from channels.counting import listed


def joining(escaped: Callable[[Any], str]) -> Callable[..., str]:
    """Return the filter `join`; `escaped` frees a value of markup where that is done by itself."""

    @pass_eval_context
    def join(
        eval_ctx: nodes.EvalContext,
        values: Iterable[Any],
        d: str = "",
        attribute: str | None = None,
    ) -> str:
        """Join a sequence, or one attribute of its items, as Jinja2's own filter does."""
        items = _picked(eval_ctx.environment, values, attribute)
        made = escaped if eval_ctx.autoescape else str
        parts, between = [made(item) for item in items], made(d)
        _check_size(sum(map(len, parts)) + len(between) * len(parts))
        return between.join(parts)

    return join


def check_replaced(s: Any, old: Any, new: Any) -> None:
    """Raise TooExpensive where replacing would make something huge."""
    source, gone = str(s), str(old)
    times = source.count(gone) if gone else len(source) + 1
    _check_size(len(source) + times * len(str(new)))


@pass_eval_context
def _replace(
    eval_ctx: nodes.EvalContext, s: Any, old: Any, new: Any, count: int | None = None
) -> str:
    check_replaced(s, old, new)
    return do_replace(eval_ctx, s, old, new, count)


def _indent(s: str, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    step = len(width) if isinstance(width, str) else width
    _check_size(len(s) + (s.count("\n") + 1) * step)
    return do_indent(s, width, first, blank)


def _batch(value: Iterable[Any], linecount: int, fill_with: Any = None) -> Any:
    _check_size(linecount)
    return do_batch(listed(value), linecount, fill_with)


def _round(value: float, precision: int = 0, method: str = "common") -> float:
    if not -20 <= precision <= 20:
        raise TooExpensive("rounds to more than 20 digits")
    return do_round(value, precision, method)  # type: ignore[arg-type]


@pass_environment
def _sum(
    environment: Environment, values: Iterable[Any], attribute: str | None = None, start: float = 0
) -> Any:
    """Add numbers; other things are refused, because adding lists can make huge ones."""
    items = _picked(environment, values, attribute)
    for item in (start, *items):
        if not isinstance(item, int | float):
            raise TypeError("sum adds numbers only")
    return sum(items, start)


@pass_eval_context
def _tojson(eval_ctx: nodes.EvalContext, value: Any, indent: int | None = None) -> Markup:
    if indent is not None and not 0 <= indent <= 8:
        raise TooExpensive("indents JSON by more than 8")
    return do_tojson(eval_ctx, value, indent)


def _picked(environment: Environment, values: Iterable[Any], attribute: str | None) -> list[Any]:
    items = listed(values)
    if attribute is None:
        return items
    pick = make_attrgetter(environment, attribute)
    return [pick(item) for item in items]


def _check_size(size: int) -> None:
    if size > MAX_FIELD:
        raise TooExpensive(f"makes a value of more than {MAX_FIELD:,} characters or items")


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "batch": _batch,
    "indent": _indent,
    "join": joining(escape),
    "list": listed,
    "replace": _replace,
    "round": _round,
    "sum": _sum,
    "tojson": _tojson,
}
