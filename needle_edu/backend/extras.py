"""Packages that only some people need: imported when used, and asked for in one sentence when they are not there."""

from __future__ import annotations

import importlib
from types import ModuleType


def needed(who: str, module: str, extra: str, otherwise: str = "") -> ModuleType:
    """Import a package that belongs to one of needle_edu's extras.

    Parameters
    ----------
    who : str
        What needs it, for the message.
    module : str
        What to import, such as "safetensors.numpy".
    extra : str
        The extra in pyproject.toml that brings it.
    otherwise : str, optional
        What can be done without it.

    Raises
    ------
    ImportError
        If it is not installed.

    Examples
    --------
    >>> needed("the example", "json", "train").__name__
    'json'
    >>> needed("the example", "nothing_of_this_name", "train")
    Traceback (most recent call last):
    ImportError: the example needs the package nothing_of_this_name: python -m pip install 'needle_edu[train]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise  # it is there, and lacks something itself
        raise ImportError(
            f"{who} needs the package {package}: python -m pip install 'needle_edu[{extra}]'"
            + (f"; {otherwise}" if otherwise else "")
        ) from None
