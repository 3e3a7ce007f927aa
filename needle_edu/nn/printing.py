"""How a module prints: a tree, one line for each module inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .parameter import Parameter


def tree(module: Any, head: str = "", indent: str = "", ancestors: tuple = ()) -> Iterator[str]:
    """The lines of `repr`: one per module, with its own parameters' shapes and the count of all inside."""
    count = sum(parameter.size for parameter in module.parameters())
    own = ", ".join(f"{name} {parameter.shape}" for name, parameter in module._parts(Parameter))
    line = f"{head}{type(module).__name__}({module.extra_repr()})"
    if count:
        line += f" · {count:,} parameters"
    yield line + (f": {own}" if own else "")
    if any(module is ancestor for ancestor in ancestors):
        return
    children = list(module.named_children())
    for number, (name, child) in enumerate(children, start=1):
        branch, below = ("└─ ", "   ") if number == len(children) else ("├─ ", "│  ")
        yield from tree(child, f"{indent}{branch}{name}: ", indent + below, (*ancestors, module))
