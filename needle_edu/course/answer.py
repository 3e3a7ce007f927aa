"""A student's answer as a test sees it: something to call that gives back plain values.

A test is written ``def test_q1_values(sigmoid): close(sigmoid(x), ...)``: the name of its parameter is the
name of what the student wrote. The test gets an `Answer` for it. Calling it sends the arguments wherever
the student's code lives (this process in a notebook, a box when grading), and plain values come back. A
method of the answer is a probe of `needle_edu.course.probes`, such as ``sigmoid.op_forward(x)``: a few
lines that put the answer to work inside the framework and report numbers.
"""

from __future__ import annotations

import types
from collections.abc import Callable

from needle_edu.course import wire


class AnswerError(Exception):
    """The answer gave no value; the text (`status`) says what happened instead, in fixed words."""

    def __init__(self, status: str, detail: str = ""):
        super().__init__(f"{status} ({detail})" if detail else status)
        self.status, self.detail = status, detail


class Answer:
    """One name the student defines, callable by a test.

    Parameters
    ----------
    name : str
        What the student's code calls it.
    ask : function
        ``ask(probe, name, args, kwargs)`` returns plain values or raises `AnswerError`.
    """

    def __init__(self, name: str, ask: Callable):
        self._name, self._ask = name, ask

    def __call__(self, *args, **kwargs):
        return self._ask("call", self._name, args, kwargs)

    def __getattr__(self, probe: str):
        if probe.startswith("_"):
            raise AttributeError(probe)
        return lambda *args, **kwargs: self._ask(probe, self._name, args, kwargs)


def perform(namespace: dict, probe: str, name: str, args: tuple, kwargs: dict):
    """Call `namespace[name]` through a probe, where the student's code lives, and return plain values.

    Raises whatever the student's code raises; a result that no message can carry is a `wire.WireError`.
    """
    from needle_edu.course import probes

    if not is_written(name, namespace):
        raise NameError(f"{name} is not defined")
    found = probes.PROBES.get(probe)
    if found is None:
        raise LookupError(f"there is no probe {probe!r}; known are {', '.join(probes.PROBES)}")
    result = found(namespace[name], *args, **kwargs)
    return wire.decode(wire.encode(probes.plain(result)))


def is_written(name: str, namespace: dict) -> bool:
    """Whether the student has defined `name`: it may still stand for a function of ours that set-up imported."""
    found = namespace.get(name)
    if not isinstance(found, types.FunctionType):
        return name in namespace
    module = found.__module__ or ""
    return module == namespace.get("__name__") or not module.startswith("needle_edu.")


def ask_here(namespace: dict) -> Callable:
    """The `ask` of a notebook: the answer runs in this process, on copies, and values still pass the wire."""

    def ask(probe, name, args, kwargs):
        args, kwargs = wire.decode(wire.encode((args, kwargs)))  # copies, as in a box
        if not is_written(name, namespace):
            raise AnswerError("not defined", f"run the cell that defines your {name}")
        try:
            return perform(namespace, probe, name, args, kwargs)
        except wire.WireError as error:
            raise AnswerError("wrong type", f"it returned {error}") from None
        except NotImplementedError:
            raise AnswerError("not written yet") from None
        except RecursionError:
            raise AnswerError("raised RecursionError", "Python allows about 1,000 nested calls") from None
        except Exception as error:
            raise AnswerError(f"raised {type(error).__name__}", str(error)[:500]) from error

    return ask
