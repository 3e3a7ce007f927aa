"""Layers and the Python that builds them, in both directions.

A module does not keep the arguments that it was made with, but most of them are attributes of the same name. Whether
what is read from these is right is tried out: the layer built with it must have the same attributes and parameters.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

from needle_edu import nn
from needle_edu.backend.random import apart
from needle_edu.nn import Module
from needle_edu.nn.printing import is_plain

PLACES = ("device", "dtype")  # what says where and as what parameters are kept, and not what the layer is
LITERALS = (bool, int, float, str, tuple, type(None))
MOST_CHARS = 500


def build(text: str) -> Module:
    """The layer that a text such as "Linear(8, 4)" names: one of `nn`, with numbers, texts, tuples and layers inside.

    Raises
    ------
    ValueError
        It is no such text, or the layer refuses its arguments; the message is the layer's own.

    Examples
    --------
    >>> build("Linear(8, 4, bias=False)")
    Linear(8, 4, bias=False) · 32 parameters: weight (8, 4)
    """
    if len(text) > MOST_CHARS:
        raise ValueError(f"viz.modules: a layer of at most {MOST_CHARS} letters, got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"viz.modules: {text!r} is no layer such as Linear(8, 4)") from None
    if not isinstance(tree, ast.Call):
        raise ValueError(f"viz.modules: {text!r} is no layer; write it as a call, such as ReLU()")
    return _made(tree)


def _made(call: ast.Call) -> Module:
    name = ast.unparse(call.func).removeprefix("nn.")
    layer = getattr(nn, name, None) if name in nn.__all__ else None
    if not (isinstance(layer, type) and issubclass(layer, Module)):
        raise ValueError(f"viz.modules: there is no layer nn.{name}")
    values = [_value(argument) for argument in call.args]
    named = {word.arg: _value(word.value) for word in call.keywords if word.arg}
    try:
        return layer(*values, **named)
    except Exception as error:
        raise ValueError(f"viz.modules: {ast.unparse(call)}: {error}") from error


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _made(node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        said = ast.unparse(node)
        raise ValueError(f"viz.modules: {said} is no number, text, tuple or layer") from None


def arguments(module: Module) -> str | None:
    """The arguments with which a layer of `nn` is built, as text; None if they can't be known.

    Examples
    --------
    >>> arguments(nn.Conv2d(1, 6, 5, padding=2)), arguments(nn.ReLU()), arguments(nn.LeakyReLU(0.2))
    ('1, 6, 5, padding=2', '', '0.2')
    """
    kind = type(module)
    if kind.__name__ not in nn.__all__ or getattr(nn, kind.__name__) is not kind:
        return None
    for text in dict.fromkeys((*_by_signature(module), *_of_a_window(module), module.extra_repr(), "")):
        try:
            with apart():  # the reader's random numbers are not used up
                other = build(f"{kind.__name__}({text})")
        except ValueError:
            continue
        if facts(other) == facts(module):
            return text
    return None


def _by_signature(module: Module) -> Iterator[str]:
    """Every parameter of `__init__` has the value of the attribute of its name, or its default."""
    texts: list[str] = []
    named = False
    for name, parameter in list(inspect.signature(type(module).__init__).parameters.items())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or name in PLACES:
            named = named or name in PLACES
            continue
        value = getattr(module, name, parameter.default)
        if isinstance(parameter.default, bool) and not isinstance(value, bool):
            value = value is not None  # `bias`: the attribute is the parameter itself, or None
        if not isinstance(value, LITERALS):
            return
        if isinstance(value, tuple) and isinstance(parameter.default, int) or name == "kernel_size":
            value = _one(value)
        if value == parameter.default and parameter.default is not parameter.empty:
            named = True  # what comes after one that is left out needs its name
        else:
            named = named or parameter.kind is parameter.KEYWORD_ONLY
            named = named or bool(texts) and parameter.default is not parameter.empty
            texts.append(f"{name}={value!r}" if named else repr(value))
    yield ", ".join(texts)


def _of_a_window(module: Module) -> Iterator[str]:
    """Of layers that slide a window: its size, and what else may be needed, the shortest text first."""
    where = getattr(module, "op", module)  # a pooling keeps its window in its operation
    size, found = getattr(where, "kernel_size", None), ("stride", "padding")
    words = [f"{name}={_one(getattr(where, name))!r}" for name in found if hasattr(where, name)]
    if size is not None:
        for more in ([], *[[word] for word in words], words):
            yield ", ".join([repr(_one(size)), *more])


def _one(value: Any) -> Any:
    """5 for (5, 5)."""
    equal = isinstance(value, tuple) and len(set(value)) == 1
    return value[0] if equal else value


def facts(module: Module) -> list:
    """What makes two layers the same but for the numbers in them."""
    found: list[Any] = []
    for path, part in module.named_modules():
        plain = {name: value for name, value in vars(part).items() if is_plain(value)}
        plain.pop("training", None)
        shapes = [(name, p.shape) for name, p in part.named_parameters()]
        found.append((path, type(part), plain, shapes, part.extra_repr()))
    return found
