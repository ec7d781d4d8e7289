"""Names the value that a template looked for and the data lacks."""

from collections.abc import Mapping
from typing import Any

from jinja2 import nodes

from channels.compiled import BadTemplate, parse


def missing_path(source: str, data: Mapping[str, Any], name: str | None) -> str | None:
    """Return the missing name, or the path of a nested one such as `order.total`.

    None when the path cannot be told from the source, as with a loop's own variable.
    """
    if name is not None:
        return name
    try:
        tree = parse(source)
    except BadTemplate:
        return None
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path = _path(node)
        if path and path[0] in data:
            reached = _reached(data, path)
            if reached < len(path):
                return ".".join(path[: reached + 1])
    return None


def _path(node: nodes.Node) -> list[str] | None:
    """Return a chain of names such as order.total; None for anything computed."""
    match node:
        case nodes.Name():
            return [node.name]
        case nodes.Getattr():
            above = _path(node.node)
            return None if above is None else [*above, node.attr]
        case nodes.Getitem(arg=nodes.Const(value=str(key))):
            above = _path(node.node)
            return None if above is None else [*above, key]
    return None


def _reached(data: Any, path: list[str]) -> int:
    """Return how many names of a path are there; methods of what is no object count as there."""
    for depth, name in enumerate(path):
        if not isinstance(data, Mapping) or (name not in data and hasattr(data, name)):
            return len(path)
        if name not in data:
            return depth
        data = data[name]
    return len(path)
