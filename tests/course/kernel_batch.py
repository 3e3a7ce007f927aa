"""Judging many answers in C and CUDA at once: they are compiled together, each in a namespace of its own.

A compiler's start costs more than a small kernel. So all wrong answers of a homework become one file for each flavour,
as the answers of a submission do when they are graded.
"""

import re
from collections.abc import Hashable
from dataclasses import replace

from needle_edu.backend.cudasim.simulator import open_simulator
from needle_edu.course import source_cells
from needle_edu.course.answer import ask_here
from needle_edu.course.kernels.launching import KernelAnswer
from needle_edu.course.kernels.rules import CompileError
from needle_edu.course.kernels.translation_unit import Unit, build, unit_of
from needle_edu.course.questions import Homework, Question
from needle_edu.course.testing import Verdict

Key = Hashable


_known: dict[tuple[str, str], KernelAnswer | CompileError] = {}


def answers_of(question: Question, sources: dict[Key, str]) -> dict[Key, KernelAnswer | CompileError]:
    """What each source compiles to, or why it does not; what this process has compiled before is kept."""
    model = question.answer.source
    new = {source: source for source in sources.values() if (model, source) not in _known}
    _known.update({(model, source): answer for source, answer in _compiled(question, new).items()})
    return {key: _known[model, source] for key, source in sources.items()}


def _compiled(question: Question, sources: dict[Key, str]) -> dict[Key, KernelAnswer | CompileError]:
    model = source_cells.read(question.answer.source)
    assert model is not None
    found: dict[Key, KernelAnswer | CompileError] = {}
    units: dict[Key, Unit] = {}
    for key, source in sources.items():
        cell = source_cells.read(source)
        try:
            assert cell is not None and cell.kind == model.kind, source
            if not cell.is_written:
                raise CompileError("not written yet")
            units[key] = replace(unit_of(cell, unit_of(model)), name=f"{cell.name}_{len(units)}")
        except CompileError as error:
            found[key] = error
    while units:
        try:
            libraries = build(list(units.values()), open_simulator().runtime)
            break
        except CompileError as error:  # whose it is, the file's name says
            guilty = [key for key, unit in units.items() if unit.name == error.filename]
            assert guilty, str(error)
            found[guilty[0]] = error
            del units[guilty[0]]
    if not units:
        return found
    return found | {key: KernelAnswer(unit, libraries, open_simulator()) for key, unit in units.items()}


def verdicts_of(
    homework: Homework,
    question: Question,
    answer: KernelAnswer | CompileError,
    *,
    whole: bool = True,
    seed: int = 7,
) -> list[Verdict]:
    """What the tests say, in this process; without `whole` only up to the first that fails."""
    if isinstance(answer, CompileError):
        return [Verdict(test, False, "does not compile", str(answer)) for test in question.tests]
    (name,) = re.findall(r"\A\s*%%\w+ (\w+)", question.answer.source)
    ask, found = ask_here({"__name__": "__main__", name: answer}, 20, homework.adapters), []
    for test in question.tests:
        found.append(test.verdict(ask, seed))
        if not whole and not found[-1].passed:
            break
    return found
