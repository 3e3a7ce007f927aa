"""Giving a function that a factory made the name it is known by.

`unary("exp", …)` and its like return closures. Python would call all of them ``unary.<locals>.op``, in
tracebacks, in profiles, and to the homework's rule about the library's own functions
(`needle_edu.course.withheld`). A function says its name in two places, itself and its code; here both change.
"""

from __future__ import annotations

import types
from collections.abc import Callable
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
