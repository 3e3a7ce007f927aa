"""needle_edu under another name: `install_as("needle")` makes `import needle` give needle_edu.

Thousands of files written for the course "Deep Learning Systems" say `import needle as ndl`. An entry in
`sys.modules` alone would not serve them: `import needle.nn` would then load a second copy of every submodule,
with a second `Tensor` class that the first does not know. So we take part in the import itself, with a
*finder* (asked first for every name; see the Python documentation of `sys.meta_path`) that answers for
`needle` and everything below it, and whose *loader* hands out the very module objects of needle_edu.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from types import ModuleType

from .autograd.state import set_create_graph
from .backend.errors import NeedleError


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `alias` and `alias.anything`, and loads `original` and `original.anything` in their place.

    Parameters
    ----------
    alias : str
        The name that code imports, such as "needle".
    original : str
        The package that answers to it, such as "needle_edu".
    """

    def __init__(self, alias: str, original: str):
        self.alias = alias
        self.original = original

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The recipe for importing `fullname`, or None if the name is not ours or has no original."""
        if fullname != self.alias and not fullname.startswith(self.alias + "."):
            return None
        original = self.original + fullname[len(self.alias) :]
        try:
            found = importlib.util.find_spec(original)
        except ModuleNotFoundError:
            return None
        if found is None:
            return None
        is_package = found.submodule_search_locations is not None
        return importlib.machinery.ModuleSpec(fullname, self, loader_state=original, is_package=is_package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """The original module itself, not a copy.

        The import system will write the alias' spec into it; what stood there is kept for `exec_module`.
        """
        module = importlib.import_module(spec.loader_state)
        spec.loader_state = (module.__spec__, module.__loader__)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to run: only the module's own identity is put back."""
        module.__spec__, module.__loader__ = module.__spec__.loader_state  # type: ignore[union-attr]


def install_as(name: str) -> None:
    """Make `import name` and `import name.anything` give needle_edu's own modules.

    It wins over a package of that name on `sys.path`, and may be called again without harm. Calling it also
    sets `autograd.CREATE_GRAPH`, the one difference between the two names: code written for Needle expects
    every gradient to be a graph node that can itself be differentiated.

    Parameters
    ----------
    name : str
        A top-level module name, such as "needle".

    Raises
    ------
    NeedleError
        If another package was already imported under that name.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> before = ndl.autograd.CREATE_GRAPH
    >>> install_as("needle")
    >>> import needle.nn
    >>> needle.nn is ndl.nn, ndl.autograd.CREATE_GRAPH
    (True, True)
    >>> ndl.autograd.CREATE_GRAPH = before
    """
    if not name.isidentifier():
        raise NeedleError(f"install_as: wants a top-level module name such as 'needle', got {name!r}")
    package = importlib.import_module(__package__)
    if sys.modules.get(name, package) is not package:
        raise NeedleError(
            f"install_as: another module named {name!r} was already imported, from "
            f"{getattr(sys.modules[name], '__file__', 'memory')}; call install_as before importing it"
        )
    if not any(isinstance(finder, AliasFinder) and finder.alias == name for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder(name, __package__))
    importlib.import_module(name)
    set_create_graph(True)
