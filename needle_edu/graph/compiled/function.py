"""`compile`: a function that is captured at its first call, and afterwards runs as a program."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Sequence
from typing import Any

from needle_edu.autograd import Tensor, state
from needle_edu.backend import BuildError
from needle_edu.graph.passes import optimize
from needle_edu.graph.static import CaptureError, Program, capture
from needle_edu.graph.static.checks import check_function
from needle_edu.graph.static.flags import Flags
from needle_edu.graph.static.structure import flatten

from . import quick_call
from .executable import Executable, build
from .lowering import LoweringError
from .stages import PARTS, chosen_parts, program_passes

_CAPTURING = threading.RLock()  # one function is captured at a time, and the threads that call it wait


class Compiled:
    """A function that runs as a program; made by `compile`.

    Attributes
    ----------
    captures : int
        How often the function was captured: once for each combination of shapes, dtypes and devices, of tensors that
        want gradients and of modules that are training.
    runs_as : str
        What the latest call ran as: "C", "CUDA", "interpreter" (`why` says why), or "" before the first.
    passes : tuple of str
        The parts of the compiler that take part.
    why : str
        Why it was not compiled; empty if it was.
    programs : dict
        Kinds of arguments, and flags → what runs.
    """

    def __init__(self, function: Callable[..., Any], passes: Sequence[str] = PARTS):
        functools.update_wrapper(self, function)
        self.function, self.passes = function, tuple(passes)
        self.programs: dict[Any, Executable | Program] = {}
        self.captures = 0
        self._flags = Flags()  # all that any capture saw,
        self._set: tuple[bool, ...] = ()  # and what they were in the latest call
        self.runs_as = self.why = ""
        self._in_c: Any = None  # of the latest call's program, see quick_call.py

    def __call__(self, *arguments: Any) -> Any:
        if state.tracer is not None and state.tracing() is not None:
            return self.function(*arguments)  # it is part of another function that is being captured
        flags = self._flags.now()
        if flags == self._set:
            done = quick_call.in_c_run(self._in_c, arguments)
            if done is not NotImplemented:
                return done
        key, arrays = _kind(arguments)
        chosen = self.programs.get((key, flags)) or self.serving(*arguments)
        self._set = self._flags.now()
        if not isinstance(chosen, Executable):
            self.runs_as, self._in_c = "interpreter", None
            return chosen(*arguments)
        self.runs_as, self._in_c = chosen.language, chosen.in_c
        if arrays is None or chosen.program.device.has_overrides():
            return chosen(*arguments)
        return chosen.run(arrays)  # layouts say that these are of the right types

    def _made(self, arguments: tuple) -> Executable | Program:
        captured = capture(self.function, *arguments)
        self._flags.join(captured.flags)
        program = optimize(captured, program_passes(self.passes))
        self.captures += 1
        try:
            made = build(program, self.passes)
        except (LoweringError, BuildError) as error:
            self.why = str(error)
            return program
        self.why = ""
        return made

    def serving(self, *arguments: Any) -> Executable | Program:
        """Return what runs for such arguments; it is captured and compiled if it was not yet."""
        key, _ = _kind(arguments)
        with _CAPTURING:
            before = self._flags.now()
            if (key, before) not in self.programs:
                made = self._made(arguments)
                # The function itself may switch to training: its program serves afterwards as it would have before.
                self.programs[key, before] = self.programs[key, self._flags.now()] = made
            return self.programs[key, before]

    @property
    def program(self) -> Program:
        """The latest program.

        Raises
        ------
        CaptureError
            If there is none yet.
        """
        if not self.programs:
            raise CaptureError("compile: the function is captured at its first call; call it once")
        latest = next(reversed(self.programs.values()))
        return latest.program if isinstance(latest, Executable) else latest

    @property
    def source(self) -> str:
        """The C or CUDA text of the latest program; empty where there is none."""
        latest = next(reversed(self.programs.values()), None)
        return latest.source if isinstance(latest, Executable) else ""


def compile(function: Callable[..., Any], passes: Sequence[str] | None = None) -> Compiled:
    """Return a function that does the same as one C function per kind of arguments.

    At the first call with arguments of some shapes, dtypes and device the function is captured
    (`needle_edu.graph.capture` says what that means for it), simplified, written as C and compiled; the compiled
    library is kept in the cache. Later calls run it. Where C is impossible, the program is interpreted, and `why` says
    why.

    Parameters
    ----------
    function : callable
        A training step, say, or a model.
    passes : list of str, optional
        The parts of the compiler that take part, of `needle_edu.graph.compiled.PARTS`; by default all. Passes over the
        program run in the order of this list.

    Returns
    -------
    Compiled

    Raises
    ------
    CaptureError
        At a call, if the function cannot be captured.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> @ndl.compile
    ... def f(x):
    ...     return (x * 2).exp().sum()
    >>> f(ndl.Tensor([0.0, 0.0])).item(), f.captures, len(f.program.body)
    (2.0, 1, 3)

    What one part of the compiler is worth shows without it:

    >>> without = [name for name in ndl.graph.compiled.PARTS if name != "fusion"]
    >>> x = ndl.Tensor([0.0, 0.0])
    >>> for run in (ndl.compile(f.function), ndl.compile(f.function, without)):
    ...     print(run(x).item(), "fused" in run.source)
    2.0 True
    2.0 False
    """
    check_function("compile", function)
    return Compiled(function, chosen_parts("compile", passes))


def _kind(arguments: tuple) -> tuple[tuple, list | None]:
    """Return what decides which program serves some arguments; and their arrays, if all are tensors."""
    arrays = []
    for one in arguments:
        if type(one) is not Tensor:
            break
        arrays.append(one.realize_cached_data())
    else:  # layouts are interned: shape, dtype and device in one
        return tuple([one.layout for one in arrays]), arrays
    leaves, structure = flatten(arguments)
    return (
        repr(structure),
        *[
            one.realize_cached_data().layout
            if isinstance(one, Tensor)
            else (type(one), getattr(one, "shape", ()))
            for one in leaves
        ],
    ), None
