"""The C accelerator: steps of Python that every small operation takes, done in C where there is a compiler.

What is accelerated is written in Python first, where it is read, tested and runs without the accelerator; the C in
csrc/python does the same steps and returns None where the case is not the usual one. Nothing else depends on it.
NEEDLE_EDU_ACCELERATOR=0 switches it off.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

module: Any = None
"""The module `_needle_accelerator`; None while it is not loaded, or if there is none."""
_users: list[Callable[[Any], None]] = []


def nothing(*_: Any) -> None:
    """Stand in for a function of the accelerator: the steps in Python are taken."""


def connect(user: Callable[[Any], None]) -> None:
    """Call ``user(module)`` now and whenever the accelerator comes or goes: it binds the functions it uses.

    While there is none, `user` gets None.
    """
    _users.append(user)
    user(module)


def load(found: Any) -> None:
    """Use this module from now on, None: none."""
    global module
    module = None if os.environ.get("NEEDLE_EDU_ACCELERATOR") == "0" else found
    for user in _users:
        user(module)


@contextmanager
def switched_off() -> Iterator[None]:
    """Take the steps in Python for a while, to compare.

    Examples
    --------
    >>> with switched_off():
    ...     print(module)
    None
    """
    before = module
    load(None)
    try:
        yield
    finally:
        load(before)
