"""Compiling the kernels of a submission, in a room of its own, before any of its questions begins.

All of them become one library for each flavour, which each question's room is then given. If they do not compile
together, each is tried alone, so that a mistake in one costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from needle_edu.course import source_cells
from needle_edu.course.answer import AnswerError
from needle_edu.course.grading.question_result import Result
from needle_edu.course.grading.sandbox import BrokenSandbox, Sandbox
from needle_edu.course.grading.sandbox_base import START
from needle_edu.course.kernels.rules import CompileError
from needle_edu.course.limits import COMPILER
from needle_edu.course.questions import Homework, Question
from needle_edu.course.source_cells import SourceCell
from needle_edu.course.testing import Test, Verdict

Built = dict[str, Any] | AnswerError
"""What a question's room gets to load its answer; or why there is nothing to load."""


def compile_answers(
    sandbox: Sandbox, homework: Homework, answers: Mapping[str, str | None]
) -> dict[str, Built]:
    """Compile those answers that are kernels; return what came of each, by its question's name."""
    built: dict[str, Built] = {}
    cells: dict[str, SourceCell] = {}
    for question in homework.questions:
        cell = source_cells.read(answers.get(question.name) or "")
        if question.is_kernel and cell is not None and cell.kind == question.kind:
            try:
                cells[question.name] = _examined(cell, question)
            except AnswerError as error:
                built[question.name] = error
    if not cells:
        return built
    together = _compile(sandbox, cells)
    if isinstance(together, AnswerError) and len(cells) > 1:
        return built | {name: _compile(sandbox, {name: cell}) for name, cell in cells.items()}
    return built | dict.fromkeys(cells, together)


def _examined(cell: SourceCell, question: Question) -> SourceCell:
    from needle_edu.course.kernels.translation_unit import unit_of

    model = source_cells.read(question.answer.source)
    assert model is not None
    if not cell.is_written:
        raise AnswerError("not written yet")
    if cell.name != model.name:
        raise AnswerError(
            "not defined", f"the cell's first line names {cell.name}, and {model.name} is wanted"
        )
    try:
        unit_of(cell, unit_of(model))
    except CompileError as error:
        raise AnswerError("not allowed", _in_line(error.lineno, str(error.msg))) from None
    return cell


def _compile(sandbox: Sandbox, cells: Mapping[str, SourceCell]) -> Built:
    """Have the cells compiled in one room.

    Raises
    ------
    BrokenSandbox
        If that failed for no fault of theirs.
    """
    from needle_edu.backend.cudasim.build import runtime_library

    runtime = runtime_library()
    shown = (runtime.name, np.frombuffer(runtime.read_bytes(), np.uint8))
    texts = [(cell.kind, cell.name, cell.text) for cell in cells.values()]
    try:
        with sandbox.question(COMPILER) as inside:
            inside.ask({"setup": [], "compile": texts, "runtime": shown}, START)
            told = inside.hear(COMPILER.cells)
    except AnswerError as error:
        return AnswerError("does not compile", f"the compiler did not come to its end: {error.status}")
    match told:
        case {"libraries": dict(libraries)} if all(_is_bytes(one) for one in libraries.values()):
            return {"runtime": shown, "libraries": libraries}
        case {"error": str(said), "file": str(), "line": int(line), "text": str()}:
            return AnswerError("does not compile", f"the compiler says {_in_line(line, said[:500])}")
        case {"broken": str(why)}:
            raise BrokenSandbox(why)
    raise BrokenSandbox("the compiler's room gave no answer that can be read")


def _is_bytes(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.ndim == 1


def _in_line(line: int | None, text: str) -> str:
    return f"in line {line}: {text}" if line else text


def without_libraries(question: Question, tests: tuple[Test, ...], error: AnswerError) -> Result:
    """The result of an answer that did not come as far as to be run; its own text is no secret to its author."""
    verdicts = tuple(Verdict(test, False, error.status, str(error)) for test in tests)
    return Result(question, verdicts, (str(error)[:500],) if error.detail else ())
