"""Answers that are no Python: a cell whose first line is ``%%c NAME``, ``%%cuda NAME`` or ``%%text NAME``.

All below that line is C, CUDA or prose, and NAME is what the tests call it: for C and CUDA the name of the function,
for a text any. Here such a cell is told from others and taken apart, and nothing is run; `source_answers` makes of it
what tests can call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = ("c", "cuda", "text")
# What a student's copy says in place of a solution.
STUBS = {"c": "/* YOUR CODE HERE */", "cuda": "/* YOUR CODE HERE */", "text": "YOUR ANSWER HERE"}
_FIRST = re.compile(r"\s*%%(c|cuda|text)[ \t]+([A-Za-z_]\w*)[ \t]*(?:\n|\Z)")
_MARK = re.compile(r"^.*\b(?:BEGIN|END) SOLUTION\b.*$", re.MULTILINE)


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
    def is_kernel(self) -> bool:
        """Whether it is C or CUDA."""
        return self.kind in ("c", "cuda")

    @property
    def is_written(self) -> bool:
        """Whether anything but the stub stands in it."""
        return bool(self.text.strip()) and STUBS[self.kind] not in self.text


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
