"""Names: giving a function that a factory made the one it is known by, and a name's article in a sentence.

`unary("exp", …)` and its like return closures. Python would call all of them ``unary.<locals>.op``, in
tracebacks, in profiles, and to the homework's rule about the library's own functions
(`needle_edu.course.withheld`). A function says its name in two places, itself and its code; here both change.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, cast


def give_name(function: Callable[..., Any], name: str) -> None:
    """Let a function and its code carry `name`.

    Examples
    --------
    >>> def make():
    ...     def inner():
    ...         return 3
    ...     return inner
    >>> three = make()
    >>> give_name(three, "three")
    >>> three.__qualname__, three.__code__.co_qualname, three()
    ('three', 'three', 3)
    """
    function.__name__ = function.__qualname__ = name
    made = cast(types.FunctionType, function)
    made.__code__ = made.__code__.replace(co_name=name, co_qualname=name)


def a_kind(thing: Any) -> str:
    """Return the type of a thing with its article, as an error message says it.

    Examples
    --------
    >>> a_kind([]), a_kind(3), a_kind(object())
    ('a list', 'an int', 'an object')
    """
    return with_article(type(thing).__name__.strip("_"))


def with_article(name: str) -> str:
    """Return "a" or "an" and the name, going by how it is spoken: capitals in a row are spelled out.

    Examples
    --------
    >>> [with_article(name) for name in ("array", "ndarray", "LSTM", "Linear", "ufunc", "UnaryOp")]
    ['an array', 'an ndarray', 'an LSTM', 'a Linear', 'a ufunc', 'a UnaryOp']
    """
    spelled = re.match("[AEFHILMNORSX][A-Z0-9]|nd", name)
    return f"{'an' if spelled or name[:1] in tuple('aeioAEIO') else 'a'} {name}"


def not_here(module: Any, name: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> AttributeError:
    """The error of a module (its name), or an object, that has no such name: what to write instead, or what is like it.

    Examples
    --------
    >>> not_here("nn", "Conv3d", ["Conv1d", "Linear"], {"tensor": "Tensor(…)"})
    AttributeError("module 'nn' has no attribute 'Conv3d'; did you mean Conv1d?")
    >>> not_here("nn", "tensor", [], {"tensor": "Tensor(…)"})
    AttributeError("module 'nn' has no attribute 'tensor'; write Tensor(…)")
    """
    what = f"module {module!r}" if isinstance(module, str) else f"{type(module).__name__!r} object"
    said = f"{what} has no attribute {name!r}"
    if name in elsewhere:
        return AttributeError(f"{said}; write {elsewhere[name]}")
    if name.startswith("_"):
        return AttributeError(said)
    near = get_close_matches(name, [*known], 1, 0.8)
    return AttributeError(f"{said}; did you mean {near[0]}?" if near else said)
