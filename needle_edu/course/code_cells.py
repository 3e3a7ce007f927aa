"""The cell magics ``%%cuda`` and ``%%c``: what the cell defines is among the notebook's variables afterwards.

    %%cuda --check
    __global__ void scale(float *a, float by) { a[threadIdx.x] *= by; }

and in another cell ``scale[1, 32](a, 2.0)``. With a name on their line, ``%%cuda NAME``, they are answers of a homework
(`source_answers`). The compiler's complaints stand below the cell, with its line numbers.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import MutableMapping
from typing import Any, NoReturn

from needle_edu.backend import BuildError
from needle_edu.course.c_answers import CompileError

SEGMENTATION_FAULT = (
    "Note: C runs inside this kernel, and nothing watches it. An access to memory that is nobody's (a segmentation "
    "fault) ends the kernel, and all variables are lost; then restart it and run the cells again."
)
_noted = False


class UsageError(ValueError):
    """A magic's line that was not understood. Jupyter shows the sentence, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%%{self.prog}: {message}; {' '.join(self.format_usage().split())}")


def _options_of_cuda(words: list[str]) -> dict[str, Any]:
    parser = _Parser(prog="cuda", add_help=False, allow_abbrev=False)
    watched = parser.add_mutually_exclusive_group()
    watched.add_argument("--check", dest="flavour", action="store_const", const="check", default="plain")
    watched.add_argument("--profile", dest="flavour", action="store_const", const="profile", default="plain")
    parser.add_argument("--order", choices=("forward", "reverse", "lockstep", "seeded"))
    parser.add_argument("--seed", type=int, default=0)
    return vars(parser.parse_args(words))


def run(kind: str, line: str, text: str, namespace: MutableMapping) -> None:
    """Compile the text below a magic's line, and put what it defines into the namespace.

    Parameters
    ----------
    kind : {"cuda", "c"}
    line : str
        The rest of the first line: for CUDA ``--check``, ``--profile``, ``--order ORDER``, ``--seed N``; for C
        options of the compiler, such as ``-O3 -march=native``.
    text : str
        All below.

    Raises
    ------
    CompileError
        `lineno` is the line in the cell.
    UsageError
        The line was not understood.
    BuildError
        There is no compiler.
    """
    global _noted
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"%%{kind}: {error}") from None
    text = "\n" + text  # lines are counted as in the cell
    try:
        if kind == "cuda":
            from needle_edu.backend.cudasim import cuda_cell, lint

            defined = cuda_cell(text, **_options_of_cuda(words))
            namespace.update(defined)
            for remark in lint(text, next(iter(defined.values())).cell.name):
                print(remark)
        else:
            from needle_edu.backend.c_cells import c_cell

            namespace.update(c_cell(text, flags=words))
    except BuildError as error:
        raise _complaint(error) from None
    if kind == "c" and not _noted:
        _noted = True
        print(SEGMENTATION_FAULT)


def _complaint(error: BuildError) -> Exception:
    """The compiler's words as an error in the cell; the same error if it is about no line."""
    said = [line for line in str(error).splitlines() if not line.startswith("(command: ")]
    text = "\n".join(said[1:] if " could not make " in said[0] else said)
    found = re.search(r"^[^:\n]+:(\d+):", text, re.MULTILINE)
    if found is None:
        return error
    complaint = CompileError(text)
    complaint.lineno = int(found[1])
    return complaint
