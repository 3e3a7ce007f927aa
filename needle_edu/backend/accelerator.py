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
_found: Any = None  # the module, whether it is used or not
_off = 0  # how many blocks of `switched_off` are open
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
    """Use this module from now on."""
    global _found
    _found = found
    _tell()


def _tell() -> None:
    global module
    on = _found is not None and not _off and os.environ.get("NEEDLE_EDU_ACCELERATOR") != "0"
    module = _found if on else None
    for user in _users:
        user(module)


@contextmanager
def switched_off() -> Iterator[None]:
    """Take the steps in Python for a while, in all threads, to compare.

    Examples
    --------
    >>> from needle_edu.backend import accelerator
    >>> with accelerator.switched_off():
    ...     print(accelerator.module)
    None
    """
    global _off
    _off += 1
    try:
        _tell()
        yield
    finally:
        _off -= 1
        _tell()
