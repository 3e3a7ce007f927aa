"""The course: homework notebooks, immediate checks, and grading that does not trust what it grades.

A homework is a folder: a notebook with solutions and hidden tests, and what belongs to it (`homework_files`).
`commands.start` writes the student's copy, `check("q1")` judges one answer inside the notebook, and
`commands.grade` judges a class. The same tests serve all three. They are ordinary functions that call the
student's answer and look only at the VALUES that come back, so whoever holds the tests need not share a
process with whoever wrote the answer.
"""

from needle_edu.course.check import CheckFailed, check
from needle_edu.course.compare import Mismatch, close, same
from needle_edu.course.source_answers import register_magics
from needle_edu.course.when_written import NotWritten, when_written

__all__ = ["CheckFailed", "Mismatch", "NotWritten", "check", "close", "same", "when_written"]

register_magics()


def load_ipython_extension(shell: object) -> None:
    """``%load_ext needle_edu``: make ``%%cuda``, ``%%c`` and ``%%text`` known."""
    register_magics(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
