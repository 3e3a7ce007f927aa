"""From answers to libraries: all kernels of a submission become one C++ file, compiled once for each flavour.

Each answer lies in a namespace of its own, so that no two of them meet. Below it stand the functions that launch it,
which are ours: what they launch, and with which parameters, is known from the head of each function. An answer in C
runs as one thread of a kernel; so the checker sees every access it makes.

    namespace answer_scale {
    void scale(float *a, int n) { … }                                   the student's, with its own line numbers
    }
    extern "C" void launch_scale_scale(unsigned grid__x, …, float *a, int n) { … }                               ours
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from needle_edu.backend.cudasim.build import HOW_TO_GET_GXX, kernel_library
from needle_edu.backend.cudasim.flavours import FLAVOURS
from needle_edu.backend.cudasim.rewriter import rewrite
from needle_edu.backend.errors import BuildError
from needle_edu.course.kernels.rules import CompileError, Function, NotAllowed, allowed_functions
from needle_edu.course.source_cells import SourceCell

# With names that no parameter of an answer can have.
CONFIGURATION = "unsigned grid__x, unsigned grid__y, unsigned block__x, unsigned block__y, unsigned shared__"
# The checker sees no arrays that a function keeps for itself: there an index out of bounds ends the profile.
OWN_ARRAYS = ("-fsanitize=bounds-strict", "-fsanitize-undefined-trap-on-error")
PRELUDE = "".join(f"#include <{name}.h>\n" for name in ("float", "limits", "math", "stdint"))
PRELUDE += "#define restrict __restrict__\n"


@dataclass(frozen=True)
class Unit:
    """An answer on its way to the compiler: its name, ``"c"`` or ``"cuda"``, its text, and its functions."""

    name: str
    kind: str
    text: str
    functions: tuple[Function, ...]

    @property
    def launched(self) -> list[Function]:
        """What a test can run: the one function in C; the kernels in CUDA."""
        return [function for function in self.functions if function.is_kernel or self.kind == "c"]

    def declaration(self, function: Function) -> str:
        """How the function that launches `function` is declared, for C and for cffi."""
        own = [f"{kind} {name}" for kind, name in zip(function.types, function.parameters, strict=True)]
        return f"void launch_{self.name}_{function.name}({', '.join([CONFIGURATION, *own])})"

    def source(self) -> str:
        """The answer in its namespace, and what launches it."""
        lines = [f"namespace answer_{self.name} {{"]
        lines += ["namespace in_c {"] if self.kind == "c" else []
        lines += [f'#line 1 "{self.name}"', self.text, '#line 1 "launchers"']
        lines += ["}"] if self.kind == "c" else []
        for function in self.launched:
            arguments, pairs = (
                ", ".join(function.parameters),
                zip(function.types, function.parameters, strict=True),
            )
            if self.kind == "c":
                own = ", ".join(f"{kind} {name}" for kind, name in pairs)
                lines.append(
                    f"__global__ void {function.name}({own}) {{ in_c::{function.name}({arguments}); }}"
                )
            launch = f"{function.name}<<<dim3(grid__x, grid__y), dim3(block__x, block__y), shared__>>>({arguments});"
            lines.append(f'extern "C" {self.declaration(function)} {{ {launch} }}')
        return "\n".join([*lines, "}"])


def unit_of(cell: SourceCell, model: Unit | None = None) -> Unit:
    """A cell, examined; `model` is the instructor's, whose functions it must have with the same parameters.

    Raises
    ------
    NotAllowed
        If there is something in it that may not be there, or not what must be.
    """
    try:
        unit = Unit(cell.name, cell.kind, cell.text, allowed_functions(cell.text, cell.kind, cell.name))
    except NotAllowed as error:
        if error.lineno:
            error.add_note(f"{cell.name}:{error.lineno}: {error.msg}")  # as the compiler would say it
        raise
    own = {function.name: function for function in unit.launched}
    for wanted in model.launched if model else ():
        head = f"{wanted.name}({', '.join(wanted.types)})"
        if wanted.name not in own:
            raise NotAllowed(f"the tests run {head}, and there is no {wanted.name} in this answer")
        if own[wanted.name].types != wanted.types:
            raise NotAllowed(f"the tests run {head}, and this answer has {', '.join(own[wanted.name].types)}")
    return unit


def build(units: Sequence[Unit], runtime: Path) -> dict[str, Path]:
    """Compile answers together; return the library of each flavour.

    Parameters
    ----------
    units : sequence of Unit
        Of different names.
    runtime : Path
        The simulator's, compiled before.

    Raises
    ------
    CompileError
        With the compiler's message; `lineno` is the line in the cell, ``file`` its name.
    BuildError
        If there is no compiler.
    """
    for unit in units:
        try:
            rewrite(unit.text, unit.name)
        except BuildError as error:
            raise _complaint(str(error)) from None
    text = PRELUDE + "\n".join(unit.source() for unit in units)
    found = {}
    for name, flavour in FLAVOURS.items():
        if name == "profile":
            flavour = flavour._replace(flags=(*flavour.flags, *OWN_ARRAYS))
        try:
            found[name] = kernel_library([Path("answers.cu")], flavour, runtime, text, name="answers")
        except BuildError as error:
            if trouble():
                raise
            raise _complaint(str(error)) from None
    return found


def trouble(path: str | None = None) -> str:
    """Why answers in C and CUDA cannot be compiled here, in a sentence; empty if they can."""
    if shutil.which("g++", path=path) and shutil.which("addr2line", path=path):
        return ""
    return f"answers in C and CUDA are compiled by g++ and read by the binutils, which are missing. {HOW_TO_GET_GXX}"


def _complaint(said: str) -> CompileError:
    """The compiler's message as an error in the cell."""
    lines = [line for line in said.splitlines() if not line.startswith("(command: ")]
    text = re.sub(r"(?:/[^\s:]*/)(?=\w+:\d+)", "", "\n".join(lines))
    found = re.search(r"^(\w+):(\d+):(?:\d+:)? (?:(?:fatal )?error: )?(.*)", text, re.M)
    error = CompileError(found[3] if found else text[:500])
    error.filename, error.lineno = (found[1], int(found[2])) if found else (None, None)
    error.add_note(text)
    return error
