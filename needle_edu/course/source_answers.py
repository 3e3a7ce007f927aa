"""What the cells of `source_cells` define: something that tests and adapters can call, where the answer lives.

In Jupyter their first lines are cell magics: importing `needle_edu.course` makes them known. A C cell is compiled at
once, so that the compiler's complaints stand below the cell; a text is kept as it is; CUDA cannot be run here yet, and
says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any

from needle_edu.course.source_cells import KINDS, NO_SIMULATOR, SourceCell, read


class NeedsSimulator(RuntimeError):
    """A CUDA answer was to be called, and nothing here can run it."""


class Text(str):
    """The answer ``%%text NAME``: a test gets the text by calling it without arguments."""

    def __call__(self) -> str:
        return str(self).strip()


class Cuda(str):
    """The answer ``%%cuda NAME``: kept, and not run."""

    def __call__(self, *args: object, **kwargs: object) -> None:
        raise NeedsSimulator(NO_SIMULATOR)


def define(cell: SourceCell, namespace: MutableMapping, headers: dict[str, str] | None = None) -> None:
    """Define the answer in `namespace`, under its name: something that tests (for C: adapters) can call.

    Raises
    ------
    NotImplementedError
        If nothing is written in it yet.
    CompileError
        If it is C that does not compile.
    """
    namespace.pop(cell.name, None)  # what an earlier run has left is no answer any more
    if not cell.is_written:
        raise NotImplementedError(f"{cell.name} is not written yet")
    if cell.kind == "c":
        from needle_edu.course import c_answers  # the builder and cffi are not for everybody

        namespace[cell.name] = c_answers.compiled(cell, headers)
    else:
        namespace[cell.name] = {"text": Text, "cuda": Cuda}[cell.kind](cell.text)


def register_magics(shell: Any = None) -> None:
    """Make the first lines known to Jupyter, if this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if shell is None and ipython is not None else shell
    if shell is not None:
        for kind in KINDS:
            shell.register_magic_function(_magic(kind, shell), "cell", kind)


def _magic(kind: str, shell) -> Callable:
    def magic(line: str, cell: str) -> None:
        if kind != "text" and (not line.strip() or line.lstrip().startswith("-")):
            from needle_edu.course import code_cells  # no answer: something to try out

            code_cells.run(kind, line, cell, shell.user_ns)
            return
        found = read(f"%%{kind} {line}\n{cell}")
        if found is None:
            raise ValueError(f"%%{kind} wants one name on its line, such as %%{kind} add; got {line!r}")
        define(found, shell.user_ns)
        if kind == "cuda":
            print(f"{found.name} is kept. {NO_SIMULATOR}.")

    return magic
