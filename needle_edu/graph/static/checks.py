"""Is an argument what a function of programs takes?"""

from __future__ import annotations

from typing import Any

from needle_edu.backend.naming import a_kind


def check_program(who: str, value: Any) -> None:
    """Raise a TypeError unless `value` is a program.

    Examples
    --------
    >>> check_program("run", 3)
    Traceback (most recent call last):
        ...
    TypeError: run: wanted a Program, as graph.capture(function, *examples) makes one; got an int
    """
    if not (hasattr(value, "body") and hasattr(value, "sources")):
        raise TypeError(
            f"{who}: wanted a Program, as graph.capture(function, *examples) makes one; got {a_kind(value)}"
        )


def check_function(who: str, value: Any) -> None:
    """Raise a TypeError unless `value` can be called.

    Examples
    --------
    >>> check_function("compile", 3)
    Traceback (most recent call last):
        ...
    TypeError: compile: wanted a function of tensors, got an int
    """
    if not callable(value):
        raise TypeError(f"{who}: wanted a function of tensors, got {a_kind(value)}")
