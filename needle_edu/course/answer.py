"""A student's answer as a test sees it: something to call that gives back plain values.

A test is written ``def test_q1_values(sigmoid): close(sigmoid(x), ...)``: the name of its parameter is the
name of what the student wrote. The test gets an `Answer` for it. Calling it sends the arguments wherever
the student's code lives (this process in a notebook, a sandbox when grading), and plain values come back. A
method of the answer is an adapter of `needle_edu.course.adapters`, such as ``sigmoid.op_forward(x)``: a few
lines that put the answer to work inside the framework and report numbers.
"""

from __future__ import annotations

import contextlib
import linecache
import signal
import threading
import time
import types
from collections.abc import Callable, Collection, Iterator
from functools import partial

from needle_edu.course import child, messages, withheld
from needle_edu.course.limits import Limits

PATIENCE = 6  # times as long it may take by the clock: the machine may be busy, or asleep


class AnswerError(Exception):
    """The answer gave no value; the text (`status`) says what happened instead, in fixed words."""

    def __init__(self, status: str, detail: str = ""):
        super().__init__(f"{status}: {detail}" if detail else status)
        self.status, self.detail = status, detail


class TimeLimit(BaseException):
    """Ends a call that takes too long. No `Exception`, so that an answer's own ``except`` does not stop it."""


class Answer:
    """One name the student defines, callable by a test.

    Parameters
    ----------
    name : str
        What the student's code calls it.
    ask : function
        ``ask(adapter, name, args, kwargs)`` returns plain values or raises `AnswerError`.
    withheld : collection of str
        Names in the library that are no answer; they travel with each call, as the keyword ``withheld``.
    """

    def __init__(self, name: str, ask: Callable, withheld: Collection[str] = ()):
        self._name, self._ask, self._withheld = name, ask, list(withheld)
        self._last: tuple | None = None  # what it was asked last: adapter, arguments, reply

    def __call__(self, *args, **kwargs):
        return self._put("call", args, kwargs)

    def __getattr__(self, adapter: str):
        if adapter.startswith("_"):
            raise AttributeError(adapter)
        return lambda *args, **kwargs: self._put(adapter, args, kwargs)

    def _put(self, adapter: str, args: tuple, kwargs: dict):
        rules = {withheld.KEYWORD: self._withheld} if self._withheld else {}
        reply = self._ask(adapter, self._name, args, kwargs | rules)
        if refused := withheld.refusal(reply, self._withheld):
            raise AnswerError(refused)
        self._last = adapter, args, reply
        return reply


def perform(namespace: dict, adapter: str, name: str, args: tuple, kwargs: dict, own: str = ""):
    """Call `namespace[name]` through an adapter, where the student's code lives, and return plain values.

    `own` is the text of the homework's own adapters. Every adapter takes the keyword ``withheld``, see
    `needle_edu.course.withheld`. Raises whatever the student's code raises; a result that no message can carry is a
    `messages.MessageError`.
    """
    from needle_edu.course import adapters

    if not is_written(name, namespace):
        raise NameError(f"{name} is not defined")
    known = adapters.table(own)
    found = known.get(adapter)
    if found is None:
        raise LookupError(
            f"there is no adapter {adapter!r}; known are {', '.join(known)}. A homework's own are found by its name: "
            'write it into the check, as in check("q1", homework="hw1")'
        )
    answer, names = withheld.StudentsCode(namespace[name]), kwargs.get(withheld.KEYWORD, ())
    kwargs = {key: value for key, value in kwargs.items() if key != withheld.KEYWORD}
    result = withheld.watched(names, lambda: adapters.plain(found(answer, *args, **kwargs)))
    return messages.decode(messages.encode(result))


def is_written(name: str, namespace: dict) -> bool:
    """Whether the student has defined `name`: it may still stand for a function or class of ours that set-up imported.

    >>> from needle_edu import nn
    >>> namespace = {"__name__": "__main__", "Linear": nn.Linear}
    >>> is_written("Linear", namespace)
    False
    >>> exec("class Linear: pass", namespace)
    >>> is_written("Linear", namespace)
    True
    """
    found = namespace.get(name)
    if not isinstance(found, (types.FunctionType, type)):
        return name in namespace
    module = found.__module__ or ""
    return module == namespace.get("__name__") or not module.startswith("needle_edu.")


def explain(error: BaseException, namespace: dict) -> str:
    """What an exception says to a student: its text, or a way out where we know one, and the line it is from."""
    text = str(error)[:300]
    if isinstance(error, RecursionError):
        text = "Python allows about 1,000 nested calls"
    elif "does not support ufuncs" in text:  # what NumPy says when it is given one of our arrays
        kind, use = ("a Tensor", "ndl.ops.exp") if "Tensor" in text else ("an NDArray", "nd.exp")
        text = f"NumPy's functions do not take {kind}; use the library's own, such as {use}"
    return (text + place(error, namespace)).removeprefix(", ")  # a bare assert has no text


def place(error: BaseException, namespace: dict) -> str:
    """The last line of the student's own code on the way to an error, e.g. ``", in line 2: return 1 / x"``."""
    found, step = "", error.__traceback__
    while step is not None:
        if step.tb_frame.f_globals is namespace:
            line = linecache.getline(step.tb_frame.f_code.co_filename, step.tb_lineno).strip()
            found = f", in line {step.tb_lineno}" + (f": {line[:100]}" if line else "")
        step = step.tb_next
    return found


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeLimit` inside the block after `seconds`, where Python can: in the main thread, with a timer.

    What counts is the time this thread has computed, so that nobody fails because the machine is busy with
    something else; whoever only waits is stopped after `PATIENCE` times as long.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    computed, began = time.thread_time(), time.monotonic()

    def look(number, frame):
        if time.thread_time() - computed >= seconds or time.monotonic() - began >= PATIENCE * seconds:
            signal.setitimer(signal.ITIMER_REAL, 0)  # once: a second one would meet the clean-up of the first
            raise TimeLimit

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds / 10)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def open_kernels() -> None:
    """Compile and load the kernels now, if that has not been done: no answer's time limit may have to pay for it."""
    from needle_edu.backend_selection import BACKEND, default_device

    if BACKEND == "nd" and default_device().enabled():
        default_device().kernels  # noqa: B018


def ask_here(namespace: dict, seconds: float = Limits.call, adapters: str = "") -> Callable:
    """The `ask` of a notebook: the answer runs in this process, on copies, and values still travel as messages.

    After a call that took longer than `seconds` no other is made. An answer in C runs in a child process (`child`).
    """
    stopped = False

    def ask(adapter, name, args, kwargs):
        nonlocal stopped
        args, kwargs = messages.decode(messages.encode((args, kwargs)))  # copies, as in a sandbox
        if stopped:
            raise AnswerError("not run: time limit before")
        if not is_written(name, namespace):
            raise AnswerError("not defined", f"run the cell that defines your {name}")
        open_kernels()
        run = partial(perform, namespace, adapter, name, args, kwargs, adapters)
        try:
            if getattr(type(namespace[name]), "in_child", False) is True:
                return child.in_child(run, seconds)
            with time_limit(seconds):
                return run()
        except TimeLimit as error:
            stopped = True
            where = place(error, namespace)
            raise AnswerError(
                "time limit", f"no answer in {seconds:g} seconds{where}; does a loop never end?"
            ) from None
        except child.NoValue as error:
            stopped = error.status == "time limit"
            raise AnswerError(error.status, str(error)) from None
        except messages.MessageError as error:
            raise AnswerError("wrong type", f"it returned {error}") from None
        except NotImplementedError:
            raise AnswerError("not written yet") from None
        except Exception as error:
            raise AnswerError(f"raised {type(error).__name__}", explain(error, namespace)) from error

    return ask
