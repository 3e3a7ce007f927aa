"""What the cells of `source_cells` define: something that tests and adapters can call, where the answer lives.

In Jupyter their first lines are cell magics: importing `needle_edu.course` makes them known. A cell in C or CUDA is
compiled at once, so that the compiler's complaints stand below the cell; a text is kept as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, MutableMapping
from typing import Any

from needle_edu.backend.errors import BuildError
from needle_edu.course.source_cells import KINDS, SourceCell, read
from needle_edu.course.when_written import NotWritten


class NeedsCompiler(BuildError):
    """C or CUDA is to be compiled, and there is no compiler. Jupyter shows it as one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


class Text(str):
    """The answer ``%%text NAME``: a test gets the text by calling it without arguments."""

    def __call__(self) -> str:
        return str(self).strip()


class Unwritten:
    """Stands for a kernel until it is written: cells that run it say so in one line."""

    def __init__(self, name: str):
        self.name = name

    def run(self, *arguments: object) -> None:
        raise NotWritten(f"{self.name} is not written yet; this cell runs when it is")


def define(cell: SourceCell, namespace: MutableMapping, compiled: dict | None = None) -> None:
    """Define the answer in `namespace`, under its name: something that tests (for kernels: adapters) can call.

    Parameters
    ----------
    compiled : dict, optional
        Of a kernel: its libraries, where they have been made elsewhere (`kernels.compiling`).

    Raises
    ------
    NotWritten
        If nothing is written in it yet.
    CompileError
        If it is C or CUDA that does not compile, or has something in it that no answer may have.
    NeedsCompiler
        If there is no compiler.
    """
    namespace.pop(cell.name, None)  # what an earlier run has left is no answer any more
    if not cell.is_written:
        if cell.is_kernel:
            namespace[cell.name] = Unwritten(cell.name)
        raise NotWritten(f"{cell.name} is not written yet")
    namespace[cell.name] = _kernel(cell, compiled) if cell.is_kernel else Text(cell.text)


def _kernel(cell: SourceCell, compiled: dict | None) -> object:
    from needle_edu.course.kernels import compiling, launching, translation_unit

    if compiled is not None:
        return compiling.load(cell, compiled)
    if trouble := translation_unit.trouble():
        raise NeedsCompiler(trouble)
    from needle_edu.backend.cudasim.simulator import open_simulator

    unit, simulator = translation_unit.unit_of(cell), open_simulator()
    return launching.KernelAnswer(unit, translation_unit.build([unit], simulator.runtime), simulator)


def register_magics(shell: Any = None) -> None:
    """Make the first lines known to Jupyter, if this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if shell is None and ipython is not None else shell
    if shell is not None:
        for kind in KINDS:
            shell.register_magic_function(_magic(kind, shell), "cell", kind)


class DoesNotCompile(Exception):
    """A cell's `CompileError` as Jupyter shows it: the compiler's words. Of a SyntaxError, which that is, IPython would
    show the way through its own files besides.
    """

    def __init__(self, error: SyntaxError):
        super().__init__("\n".join(getattr(error, "__notes__", ())) or error.msg)
        self.lineno = error.lineno

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


def _magic(kind: str, shell) -> Callable:
    def magic(line: str, cell: str) -> None:
        try:
            run(line, cell)
        except SyntaxError as error:
            raise DoesNotCompile(error) from None

    def run(line: str, cell: str) -> None:
        if kind != "text" and (not line.strip() or line.lstrip().startswith("-")):
            from needle_edu.course import code_cells  # no answer: something to try out

            code_cells.run(kind, line, cell, shell.user_ns)
            return
        found = read(f"%%{kind} {line}\n{cell}")
        if found is None:
            raise ValueError(f"%%{kind} wants one name on its line, such as %%{kind} add; got {line!r}")
        define(found, shell.user_ns)

    return magic
