"""`with when_written():` around code that runs on a student's answers, of which some are not written yet.

A homework ends in training on one's own code. Until then its cells stumble over the first `raise
NotImplementedError()`, deep inside the framework; a page of traceback would say what one line says better.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_FRAMEWORK = Path(__file__).parents[1]


class NotWritten(NotImplementedError):
    """An answer that a cell needs is not written yet. Jupyter shows it as one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


@contextmanager
def when_written() -> Iterator[None]:
    """Run a block that calls a student's answers; say in one line which of them is not written yet.

    Any other exception passes, with its traceback; so does a `NotImplementedError` of the framework's own.

    Raises
    ------
    NotWritten
        If an answer in the block raised `NotImplementedError`.

    Examples
    --------
    >>> def sigmoid(a):
    ...     raise NotImplementedError()
    >>> with when_written():
    ...     sigmoid(1.0)
    Traceback (most recent call last):
        ...
    needle_edu.course.when_written.NotWritten: sigmoid is not written yet; this cell runs when it is
    """
    try:
        yield
    except NotImplementedError as error:
        *_, (frame, _) = traceback.walk_tb(error.__traceback__)
        code = frame.f_code
        is_answer = code.co_name.isidentifier() and not Path(code.co_filename).is_relative_to(_FRAMEWORK)
        if isinstance(error, NotWritten) or not is_answer:
            raise
        name = code.co_qualname.rpartition("<locals>.")[2].removesuffix(".__init__")  # Linear, Linear.forward
        raise NotWritten(f"{name} is not written yet; this cell runs when it is") from None
