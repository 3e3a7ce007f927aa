"""The compiler's room: what runs in a sandbox to compile the answers of a submission, and what comes out of it.

It sees the answers' texts, the simulator's headers and its runtime, compiled before, and no input of any test. What
comes out is bytes, of three libraries, or the compiler's words.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from needle_edu.backend.cudasim.simulator import Simulator
from needle_edu.course.kernels.launching import KernelAnswer
from needle_edu.course.kernels.rules import CompileError
from needle_edu.course.kernels.translation_unit import build, unit_of
from needle_edu.course.source_cells import SourceCell


def compile_job(job: dict) -> dict[str, Any]:
    """Compile the answers of a job in the current user's home.

    Parameters
    ----------
    job : dict
        ``"compile"``: a list of kind, name and text of each answer; ``"runtime"``: name and bytes of the runtime.

    Returns
    -------
    dict
        ``"libraries"``: the bytes of each flavour's; or ``"error"``, ``"file"``, ``"line"`` and ``"text"``.
    """
    units = [unit_of(SourceCell(kind, name, text)) for kind, name, text in job["compile"]]
    try:
        found = build(units, put(*job["runtime"]))
    except CompileError as error:
        text = "\n".join(getattr(error, "__notes__", ()))
        return {
            "error": str(error.msg),
            "file": error.filename or "",
            "line": error.lineno or 0,
            "text": text[:4000],
        }
    return {"libraries": {name: np.frombuffer(path.read_bytes(), np.uint8) for name, path in found.items()}}


def put(name: str, content: np.ndarray) -> Path:
    """Write a library into the home folder, where nothing of this name is."""
    path = Path.home() / name
    if not path.exists():
        path.write_bytes(content.tobytes())
        path.chmod(0o700)
    return path


def load(cell: SourceCell, compiled: dict) -> KernelAnswer:
    """The answer of a cell, from what the compiler's room has made of it and the others."""
    simulator = Simulator(put(*compiled["runtime"]))
    libraries = {name: put(f"{name}.so", content) for name, content in compiled["libraries"].items()}
    return KernelAnswer(unit_of(cell), libraries, simulator)
