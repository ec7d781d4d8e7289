"""Counts what a template does: its loops, macros, joins and built lists charge the budget."""

from collections.abc import Callable, Iterable, Sized
from itertools import islice
from typing import Any, Final, TypeVar, cast

from jinja2 import nodes
from jinja2.runtime import Context
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from channels.budget import MAX_STEPS, Budget, TooExpensive

# Names with a space cannot be written in a template, so authors can neither call nor shadow them.
BUDGET: Final = "the budget"
_EACH, _STEP, _WEIGH = "each one", "one step", "its weight"

B = TypeVar("B", nodes.For, nodes.Macro, nodes.CallBlock)


def budget_of(context: Context) -> Budget:
    """Return the budget of the rendering that is going on."""
    budget: Budget = context.parent[BUDGET]
    return budget


@pass_context
def written(context: Context, value: Any) -> Any:
    """Charge a value that is about to be written; null is written as nothing."""
    budget_of(context).charge_value(value)
    return "" if value is None else value


@pass_context
def bounded_range(context: Context, *args: int) -> range:
    """Return a range; its length is charged."""
    numbers = range(*args)
    budget_of(context).charge(steps=_length(numbers))
    return numbers


class Counted(NodeTransformer):
    """Makes every loop, macro, joined text and built list of a template charge the budget."""

    def __init__(self) -> None:
        self._repeated = 0

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: D102
        node = self._body(node)
        node.iter = _filtered(cast(nodes.Expr, node.iter), _EACH)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: D102
        return self._body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: D102
        return self._body(node)

    def visit_Output(self, node: nodes.Output) -> Any:  # noqa: D102
        self.generic_visit(node)
        text = sum(len(part.data) for part in node.nodes if isinstance(part, nodes.TemplateData))
        return [_step(node, text), node] if self._repeated and text else node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: D102
        self.generic_visit(node)
        node.nodes = [_filtered(part, _WEIGH) for part in node.nodes]
        return node

    def visit_List(self, node: nodes.List) -> nodes.Node:  # noqa: D102
        self.generic_visit(node)
        return node if _constant(node.items) else _filtered(node, _WEIGH)

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:  # noqa: D102
        self.generic_visit(node)
        loads = node.ctx == "load" and not _constant(node.items)
        return _filtered(node, _WEIGH) if loads else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:  # noqa: D102
        self.generic_visit(node)
        values = [pair.value for pair in node.items]
        return node if _constant(values) else _filtered(node, _WEIGH)

    def _body(self, node: B) -> B:
        self._repeated += 1
        self.generic_visit(node)
        self._repeated -= 1
        node.body.insert(0, _step(node, 0))
        return node


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _step(node: nodes.Node, characters: int) -> nodes.ExprStmt:
    """Return a statement that charges one pass through a body, or its fixed text."""
    cost = nodes.Const(characters, lineno=node.lineno)
    return nodes.ExprStmt(_filtered(cost, _STEP), lineno=node.lineno)


def _constant(items: Iterable[nodes.Node]) -> bool:
    return all(isinstance(item, nodes.Const) for item in items)


@pass_context
def _each(context: Context, values: Iterable[Any]) -> Any:
    items = values if isinstance(values, Sized) else listed(values)
    budget_of(context).charge(steps=len(items))
    return items


@pass_context
def _one_step(context: Context, characters: int) -> None:
    budget_of(context).charge(characters=characters)


@pass_context
def _weigh(context: Context, value: Any) -> Any:
    budget_of(context).charge_value(value)
    return value


def listed(values: Iterable[Any]) -> list[Any]:
    """Return all the values; raises TooExpensive for too many."""
    items = list(islice(values, MAX_STEPS + 1))
    if len(items) > MAX_STEPS:
        raise TooExpensive(f"handles more than {MAX_STEPS:,} items at once")
    return items


def _length(numbers: range) -> int:
    # len() fails where the length passes sys.maxsize; the arithmetic does not.
    width = numbers.stop - numbers.start if numbers.step > 0 else numbers.start - numbers.stop
    return max(0, -(-width // abs(numbers.step)))


FILTERS: Final[dict[str, Callable[..., Any]]] = {_EACH: _each, _STEP: _one_step, _WEIGH: _weigh}
