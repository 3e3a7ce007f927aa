"""Answers that are no Python: a cell whose first line is ``%%c NAME``, ``%%cuda NAME`` or ``%%text NAME``.

All below that line is C, CUDA or prose, and NAME is what the tests call it: for C and CUDA the name of the function,
for a text any. In Jupyter these lines are cell magics: importing `needle_edu.course` makes them known. A C cell is
compiled at once, so that the compiler's complaints stand below the cell; a text is kept as it is; CUDA cannot be run
here yet, and says so.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass

KINDS = ("c", "cuda", "text")
NO_SIMULATOR = "CUDA answers need the CUDA simulator, which is not part of needle_edu yet"
# What a student's copy says in place of a solution.
STUBS = {"c": "/* YOUR CODE HERE */", "cuda": "/* YOUR CODE HERE */", "text": "YOUR ANSWER HERE"}
_FIRST = re.compile(r"\s*%%(c|cuda|text)[ \t]+([A-Za-z_]\w*)[ \t]*(?:\n|\Z)")
_MARK = re.compile(r"^.*\b(?:BEGIN|END) SOLUTION\b.*$", re.MULTILINE)


class NeedsSimulator(RuntimeError):
    """A CUDA answer was to be called, and nothing here can run it."""


@dataclass(frozen=True)
class SourceCell:
    """A cell that is no Python.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    name : str
        What the tests call it.
    text : str
        All below the first line, with an empty line for each before it and for the author's marks of a solution:
        lines are numbered as in the cell.
    """

    kind: str
    name: str
    text: str

    @property
    def is_written(self) -> bool:
        """Whether anything but the stub stands in it."""
        return bool(self.text.strip()) and STUBS[self.kind] not in self.text


class Text(str):
    """The answer ``%%text NAME``: a test gets the text by calling it without arguments."""

    def __call__(self) -> str:
        return str(self).strip()


class Cuda(str):
    """The answer ``%%cuda NAME``: kept, and not run."""

    def __call__(self, *args: object, **kwargs: object) -> None:
        raise NeedsSimulator(NO_SIMULATOR)


def read(source: str) -> SourceCell | None:
    """The cell as one of these kinds; None if it is Python.

    Examples
    --------
    >>> read("%%c add\\nint add(void);")
    SourceCell(kind='c', name='add', text='\\nint add(void);')
    >>> read("add = 1") is None
    True
    """
    found = _FIRST.match(source)
    if found is None:
        return None
    text = _MARK.sub("", source[found.end() :])
    return SourceCell(found[1], found[2], "\n" * found[0].count("\n") + text)


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


def register_magics() -> None:
    """Make the first lines known to Jupyter, if this is a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        for kind in KINDS:
            shell.register_magic_function(_magic(kind, shell), "cell", kind)


def _magic(kind: str, shell) -> Callable:
    def magic(line: str, cell: str) -> None:
        found = read(f"%%{kind} {line}\n{cell}")
        if found is None:
            raise ValueError(f"%%{kind} wants one name on its line, such as %%{kind} add; got {line!r}")
        define(found, shell.user_ns)
        if kind == "cuda":
            print(f"{found.name} is kept. {NO_SIMULATOR}.")

    return magic
