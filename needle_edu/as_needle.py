"""Run existing Needle code on needle_edu, unchanged: `python -m needle_edu.as_needle -m pytest tests/`.

The command takes python's own forms (a module, a piece of code, a file), makes `import needle` mean
needle_edu (see `needle_edu.aliasing`) and then runs what it was given as python itself would. Course tests
also import `mugrade`, the course's grading client; where it is not installed, a stand-in that submits nowhere
takes its place. All this holds in one process (and those it forks): a fresh Python that the program starts,
as `pytest -n 2` does, knows nothing of it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType

from .aliasing import AliasFinder, install_as

USAGE = """usage: python -m needle_edu.as_needle [--apps] (-m MODULE | -c CODE | FILE) [ARG ...]

Run a module, a piece of code or a file with `import needle` meaning needle_edu.

  --apps   also offer the course's applications (simple_ml, models, mlp_resnet, apps)
           where the program has no file of that name

The environment variable NEEDLE_BACKEND chooses what tensors compute on:
nd (NDArray, the default) or np (NumPy). A fresh Python that the program starts
(pytest -n 2, say) does not know the name; run tests in one process."""

# Under which names the course's files import its applications.
APPS = {
    "apps": "needle_edu.apps",
    "simple_ml": "needle_edu.apps.simple_ml",
    "models": "needle_edu.apps.models",
    "mlp_resnet": "needle_edu.apps.mlp_resnet",
}


class InsideFinder(AliasFinder):
    """Asked first for what lies below `alias`, once that name means our package: Python would look into the package's
    folder and load every file of it a second time."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for `alias.anything` while `alias` is ours, None for every other name."""
        package = sys.modules.get(self.alias)
        if fullname == self.alias or package is None or package is not sys.modules.get(self.original):
            return None
        return super().find_spec(fullname, path, target)


class MugradeFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds a module `mugrade` whose `submit` does nothing; asked last, so an installed one wins."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for `mugrade`, None for every other name."""
        return importlib.machinery.ModuleSpec(fullname, self) if fullname == "mugrade" else None

    def exec_module(self, module: ModuleType) -> None:
        """Fill the new module: `submit(result)` accepts anything and sends nothing."""
        module.__doc__ = "Stand-in for the course's grading client: submits nothing."
        vars(module)["submit"] = lambda result=None: None


def main(arguments: list[str]) -> int:
    """Do what the command line says; the exit status is that of the program run.

    Parameters
    ----------
    arguments : list of str
        What follows `python -m needle_edu.as_needle`.

    Returns
    -------
    int
        0, or 2 if the command line was not understood. A program that exits by itself does so.
    """
    rest = list(arguments)
    apps = bool(rest) and rest[0] == "--apps"
    if apps:
        rest.pop(0)
    if rest and rest[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    if rest and rest[0][:2] in ("-m", "-c") and len(rest[0]) > 2:  # -mpytest, as python allows
        rest[:1] = [rest[0][:2], rest[0][2:]]
    form = rest[0] if rest and rest[0] in ("-m", "-c") else "FILE"
    if not rest or (form != "FILE" and len(rest) < 2) or (form == "FILE" and rest[0].startswith("-")):
        print(USAGE, file=sys.stderr)
        return 2

    install_as("needle")
    sys.meta_path.append(MugradeFinder())
    if apps:
        sys.meta_path.insert(0, InsideFinder("apps", APPS["apps"]))
        sys.meta_path.extend(AliasFinder(alias, original) for alias, original in APPS.items())

    if form == "-m":
        sys.argv = rest[1:]
        sys.path[0] = os.getcwd()
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    elif form == "-c":
        sys.argv = ["-c", *rest[2:]]
        sys.path[0] = ""
        sys.modules["__main__"] = program = ModuleType("__main__")
        exec(compile(rest[1], "<string>", "exec"), program.__dict__)
    else:
        sys.argv = rest
        sys.path[0] = os.path.dirname(os.path.abspath(rest[0]))
        runpy.run_path(rest[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
