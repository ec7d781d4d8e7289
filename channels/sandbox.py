"""The Jinja2 environment of templates: sandboxed, strict, without clocks, chance or files."""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jinja2 import StrictUndefined, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, missing, pass_context

from channels import bounds, counting, localization
from channels.budget import MAX_FIELD, TooExpensive

# Two renderings of one message must agree, so nothing random; the rest of those left out can
# make huge text from small arguments.
_FILTERS_LEFT_OUT: Final = frozenset({
    "attr", "center", "pprint", "random", "slice", "urlize", "wordwrap", "xmlattr",
})  # fmt: skip
_TEXT_METHODS: Final = frozenset({
    "capitalize", "casefold", "count", "endswith", "find", "index", "isalnum", "isalpha",
    "isdecimal", "isdigit", "islower", "isnumeric", "isspace", "istitle", "isupper", "lower",
    "lstrip", "partition", "removeprefix", "removesuffix", "rfind", "rpartition", "rsplit",
    "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "upper",
})  # fmt: skip
_MAX_BITS = 4096
_WIDE_FORMAT = re.compile(r"%[^a-zA-Z%]*?(\*|\d{4,})")


class MissingValue(UndefinedError):
    """The template uses a value that the data lacks; `name` is None for a nested one."""

    def __init__(self, message: str, *, name: str | None) -> None:
        super().__init__(message)
        self.name = name


class Missing(StrictUndefined):
    """A missing value: using it fails, asking whether it is defined does not."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = missing,
        name: str | None = None,
        exc: Any = UndefinedError,
    ) -> None:
        if exc is UndefinedError:
            exc = functools.partial(MissingValue, name=name if obj is missing else None)
        super().__init__(hint, obj, name, exc)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2 that cannot reach Python, and whose operators cannot make huge values."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse private names, changes, and the methods of text that can blow it up."""
        if isinstance(obj, str) and attr not in _TEXT_METHODS:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Leave str.format to is_safe_attribute, which refuses it."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Prefer the data's own names to methods: `order.items` is what the data says."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute after a look at how large the result would be; raises TooExpensive."""
        match operator:
            case "*":
                _check_product(left, right)
            case "**":
                _check_power(left, right)
            case "%" if isinstance(left, str):
                check_format(left)
            case "+":
                _check_sum(left, right)
        return super().call_binop(context, operator, left, right)


def build(*, autoescape: bool, kind: type[Sandbox] = Sandbox) -> Sandbox:
    """Return a new environment."""
    sandbox = kind(
        undefined=Missing,
        autoescape=autoescape,
        keep_trailing_newline=True,
        cache_size=0,
        finalize=counting.written,
    )
    sandbox.globals = {"range": counting.bounded_range, "namespace": Namespace}
    kept = {name: call for name, call in FILTERS.items() if name not in _FILTERS_LEFT_OUT}
    ours = {**counting.FILTERS, **bounds.FILTERS, **localization.FILTERS, "format": _format}
    sandbox.filters = {**kept, **ours}
    return sandbox


def check_format(pattern: str) -> None:
    """Raise TooExpensive for a %-format with a width that makes huge text."""
    if _WIDE_FORMAT.search(pattern):
        raise TooExpensive("formats with a width or precision of more than three digits")


@pass_context
def _format(context: Context, pattern: str, *args: Any, **kwargs: Any) -> str:
    """Apply %-formatting, as Jinja2's own filter does, with bounded widths."""
    if args and kwargs:
        raise SecurityError("format takes either positional or named values")
    counting.budget_of(context).charge_value([pattern, list(args), kwargs])
    check_format(pattern)
    return pattern % (kwargs or args)


def _check_product(left: Any, right: Any) -> None:
    for value, times in ((left, right), (right, left)):
        if isinstance(value, str | list | tuple) and isinstance(times, int):
            _check_size(len(value) * times)
    if isinstance(left, int) and isinstance(right, int):
        _check_bits(left.bit_length() + right.bit_length())


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and right > 0:
        _check_bits(left.bit_length() * right)


def _check_sum(left: Any, right: Any) -> None:
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        _check_size(len(left) + len(right))


def _check_size(size: int) -> None:
    if size > MAX_FIELD:
        raise TooExpensive(f"makes a value of more than {MAX_FIELD:,} characters or items")


def _check_bits(bits: int) -> None:
    if bits > _MAX_BITS:
        raise TooExpensive("computes with a number of more than a thousand digits")
