"""How a module prints: a tree, one line for each module inside it."""

from __future__ import annotations

import inspect
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


def arguments(module: Any) -> str:
    """What `module` was made with, as far as it keeps it under the argument's name: sizes, and what is no default.

    Examples
    --------
    >>> from needle_edu import nn
    >>> print(nn.LeakyReLU(0.2), nn.Softmax(), nn.CrossEntropyLoss(label_smoothing=0.1))
    LeakyReLU(negative_slope=0.2) Softmax() CrossEntropyLoss(label_smoothing=0.1)
    """
    texts: list[str] = []
    in_order = True  # so far every argument is printed, and needs no name
    for name, parameter in inspect.signature(type(module).__init__).parameters.items():
        value = vars(module).get(name, parameter.empty)
        if name == "self" or not is_plain(value) or value == parameter.default:
            in_order = in_order and name == "self"
            continue
        in_order = in_order and parameter.default is parameter.empty
        texts.append(repr(value) if in_order else f"{name}={value!r}")
    return ", ".join(texts)


def is_plain(value: Any) -> bool:
    """Whether this is a number, a text, None, or a tuple of such."""
    if isinstance(value, tuple):
        return all(map(is_plain, value))
    return isinstance(value, (bool, int, float, str, type(None)))
