"""The package that live views need, asked for when one is made: everything else works without it."""

from __future__ import annotations

from importlib import import_module

from needle_edu.backend import NeedleError


def require_anywidget(call: str, without: str) -> None:
    """Say what is missing if anywidget can't be imported.

    Parameters
    ----------
    call : str
        What needs it, as it was written.
    without : str
        The sentence that says what works all the same.

    Raises
    ------
    NeedleError
        anywidget is not installed; the message says how to install it.
    """
    try:
        import_module("anywidget")
    except ImportError as error:
        raise NeedleError(
            f"{call} needs the package anywidget, which is not installed: run `pip install anywidget`. {without}"
        ) from error
