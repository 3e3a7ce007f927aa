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
from .backend.compatibility import set_needle_rules
from .backend.errors import NeedleError

# Modules of Needle that we have under another name: the course's layout since 2023, and that of its first homeworks.
LAYOUT = {
    **dict.fromkeys(("nn.nn_basic", "nn.nn_conv", "nn.nn_sequence", "nn.nn_transformer"), "nn"),
    **dict.fromkeys(("ops.ops_mathematic", "ops.ops_logarithmic", "ops.ops_tuple"), "ops"),
    **dict.fromkeys(("init.init_basic", "init.init_initializers"), "init"),
    **dict.fromkeys(("data.data_basic", "data.data_transforms"), "data"),
    **{f"data.datasets.{name}_dataset": "data.datasets" for name in ("mnist", "cifar10", "ndarray", "ptb")},
    "backend_numpy": "backend_selection",
}


class AliasFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `alias` and `alias.anything`, and loads `original` and `original.anything` in their place.

    Parameters
    ----------
    alias : str
        The name that code imports, such as "needle".
    original : str
        The package that answers to it, such as "needle_edu".
    layout : dict, optional
        Names below `alias` that another module below `original` answers to.
    """

    def __init__(self, alias: str, original: str, layout: dict[str, str] | None = None):
        self.alias = alias
        self.original = original
        self.layout = layout or {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The recipe for importing `fullname`, or None if the name is not ours or has no original."""
        if fullname != self.alias and not fullname.startswith(self.alias + "."):
            return None
        below = fullname[len(self.alias) + 1 :]
        original = ".".join(filter(None, [self.original, self.layout.get(below, below)]))
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

    It wins over a package of that name on `sys.path`, and may be called again without harm. Modules that Needle
    calls otherwise (`LAYOUT`) are found too. Calling it also changes six habits of the whole process, on which code
    written for Needle counts, see docs/needle.md: every gradient is a graph node (`autograd.CREATE_GRAPH`), and what
    `backend.compatibility` lists. `set_habits(False)` takes them back.

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
    >>> install_as("needle")
    >>> import needle.nn
    >>> needle.nn is ndl.nn, ndl.autograd.CREATE_GRAPH
    (True, True)
    >>> set_habits(False)
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
        sys.meta_path.insert(0, AliasFinder(name, __package__, LAYOUT))
    importlib.import_module(name)
    importlib.import_module(f"{__package__}.backend_ndarray")  # with it devices have their kernel modules
    set_habits(True)


def set_habits(needle: bool) -> None:
    """Switch the process to Needle's habits, or back to needle_edu's: all six of docs/needle.md.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> set_habits(True)
    >>> bool(ndl.Tensor([0.0]))
    True
    >>> set_habits(False)
    >>> bool(ndl.Tensor([0.0]))
    False
    """
    set_create_graph(needle)
    set_needle_rules(needle)
