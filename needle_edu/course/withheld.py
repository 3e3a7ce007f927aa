"""Names a question withholds: the library's own sigmoid is no answer to "write the sigmoid".

``check("q1", withheld=["sigmoid"])`` ends the tests of such a question. While the tests call the answer, Python
tells a `Watch` of every function that begins (`sys.setprofile`). If it is one of the library's, if a withheld name
is a part of its own (``sigmoid``, ``Sigmoid.compute``, ``_sigmoid``), and if code of the student's is among its
callers, the answer is refused with one sentence: in a notebook, under nbgrader and in grading alike. It is the
FUNCTION that is known, not the way to it, so an alias, a method, an op's class, `getattr` or a layer built on it
make no difference; and what the adapters and the engine call by themselves stays as it is.

This is a rule for honest work, not a lock. It does not see code that was typed or copied anew, other libraries,
what a cell computes while it is run (before its answer is called), a compiled kernel that is called by hand (grading
does: it computes with the reference kernels, which are Python), or another process; and whoever sets out to switch it
off can.
"""

from __future__ import annotations

import itertools
import os
import sys
import threading
import types
from collections.abc import Callable, Collection
from typing import Any

LIBRARY = os.path.dirname(os.path.dirname(__file__)) + os.sep
ADAPTERS_FILE = (
    "<adapters>"  # what the code of a homework's own adapters calls its file: ours too, not the student's
)
KEYWORD = "withheld"  # under it a call carries the names in, and a reply carries one out


class WithheldError(Exception):
    """Ends a call of a withheld function. An answer's own ``except`` may stop it, but not the refusal."""


class StudentsCode:
    """What the student wrote, as the adapters call it: whatever runs below `__call__` runs for the student.

    The answer need not be a function of theirs: ``sigmoid = functools.partial(nd.sigmoid)`` has no frame to
    be seen by.
    """

    def __init__(self, answer: Any):
        self.answer = answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.answer, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        result = self.answer(*args, **kwargs)
        for value in result if type(result) in (list, tuple) else (result,):
            if getattr(value, "cached_data", 0) is None:  # lazy mode has put the computation off
                value.realize_cached_data()
        return result


class Watch:
    """Notes, while its ``with`` block runs, whether the student's code calls what is withheld.

    Parameters
    ----------
    names : collection of str
        Case and underscores do not matter: ``"softmax_loss"`` is `SoftmaxLoss` too. ``"Conv.forward"`` is that method
        alone, and not the function `conv`. Without names nothing is watched.

    Attributes
    ----------
    refused : str
        The name that was called; empty if none was.

    Examples
    --------
    >>> from needle_edu import ndarray as nd
    >>> answer = StudentsCode(nd.tanh)
    >>> with Watch(["sigmoid"]) as watch:
    ...     y = answer(nd.array([0.0]))
    >>> y, watch.refused
    (NDArray([0.], dtype=float32, device=cpu()), '')
    >>> with Watch(["tanh"]) as watch:
    ...     y = answer(nd.array([0.0]))
    Traceback (most recent call last):
        ...
    needle_edu.course.withheld.WithheldError: the library's tanh is withheld here: write it yourself
    """

    def __init__(self, names: Collection[str]):
        self.names = {_plain(name): name for name in names}
        self.known: dict[str, str] = {}
        self.refused = ""

    def __enter__(self) -> Watch:
        self.start = sys._getframe(1)
        if self.names:
            self.before = sys.getprofile(), threading.getprofile()
            threading.setprofile(self.called)  # for threads that the answer begins
            sys.setprofile(self.called)
        return self

    def __exit__(self, *exception: object) -> None:
        if self.names:
            sys.setprofile(self.before[0])
            threading.setprofile(self.before[1])

    def called(self, frame: types.FrameType, event: str, argument: object) -> None:
        """Look at a function that begins; Python calls this."""
        if event != "call":
            return
        qualname = frame.f_code.co_qualname
        name = self.known.get(qualname)
        if name is None:
            name = self.known[qualname] = self.part_of(qualname)
        if name and _is_librarys(frame.f_code) and self.is_for_student(frame):
            self.refused = name
            raise WithheldError(sentence(name))  # this ends the profile too: hence the note

    def part_of(self, qualname: str) -> str:
        """The withheld name that is a part of a function's, or ``""``."""
        parts = _plain(qualname).split(".")
        both = [*parts, *map(".".join, itertools.pairwise(parts))]
        return next((self.names[part] for part in both if part in self.names), "")

    def is_for_student(self, frame: types.FrameType) -> bool:
        """Whether something of the student's stands between the start of the watch and this frame."""
        step = frame.f_back
        while step is not None and step is not self.start:
            if step.f_code is StudentsCode.__call__.__code__ or not _is_librarys(step.f_code):
                return True
            step = step.f_back
        return False


def sentence(name: str) -> str:
    """What the student reads, and the status of the test: fixed words and the name."""
    return f"the library's {name} is withheld here: write it yourself"


def watched(names: Collection[str], run: Callable[[], Any]) -> Any:
    """Return what `run` returns; if the student's code has called what is withheld, a refusal in its place.

    A refusal is a plain value, since it leaves the process as all values do: ``{"withheld": name}``. An
    answer that makes one up is refused just the same.
    """
    with Watch(names) as watch:
        try:
            result = run()
        except Exception:
            if not watch.refused:
                raise
    return {KEYWORD: watch.refused} if watch.refused else result


def refusal(reply: object, names: Collection[str]) -> str:
    """The sentence of a refusal, or ``""`` for any other reply.

    >>> refusal({"withheld": "sigmoid"}, ["sigmoid"])
    "the library's sigmoid is withheld here: write it yourself"
    >>> refusal(3.0, ["sigmoid"]), refusal({"withheld": "a text from elsewhere"}, ["sigmoid"])
    ('', '')
    """
    name = reply.get(KEYWORD) if type(reply) is dict else None
    return sentence(name) if type(name) is str and name in names else ""


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()


def _is_librarys(code: types.CodeType) -> bool:
    return code.co_filename.startswith((LIBRARY, ADAPTERS_FILE))
