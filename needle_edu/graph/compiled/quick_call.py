"""The quick call: what `Executable.run` does in Python, done in C (csrc/python/program.c) for the usual case.

A program on small arrays computes for a microsecond. Looking up what it needs took ten times as long in Python. Nearly
all of that is the same at each call, so it is written down once, when the program is compiled, as a tuple of facts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import accelerator
from needle_edu.graph.static.places import DataOf, GradientOf
from needle_edu.graph.static.structure import LEAF, unflatten
from needle_edu.ndarray import NDArray

from .lowering import buffers

if TYPE_CHECKING:
    from .executable import Executable

SMALL_WORK = 16384  # elements: with so many, other Python threads may run meanwhile, as in a kernel call
DATA, GRADIENT, OTHER = range(3)  # what an update writes, as in program.c


def python_does_it(*_: Any) -> Any:
    """Stand in for the accelerator: the steps in Python are taken."""
    return NotImplemented


in_c_run: Callable[[Any, tuple], Any] = python_does_it


def facts_in_c(made: Executable) -> Any:
    """Return what C needs to call a program; None where Python has to call it.

    Returns
    -------
    Program of the accelerator, or None
        Without the accelerator, on other devices, and where a result is a constant.
    """
    module = accelerator.module
    if module is None or BACKEND != "nd" or made.language != "C":
        return None
    if any(not isinstance(place, int) for place, _ in made._results):
        return None
    sources = tuple([_source(made, *one) for one in made._sources])
    donors = {fresh: place - len(made._inputs) for _, place, fresh in made._donated}
    return module.Program(
        (
            _function(made),
            _address(made, made._arena.ptr),
            _address(made, made._table),
            tuple(made._inputs),
            sources,
            tuple([(layout, donors.get(k, -1)) for k, layout in enumerate(made._fresh)]),
            tuple(made._results),
            tuple(
                [
                    _update(target, result)
                    for (_, target), (_, result) in zip(made.program.updates, made._updates, strict=True)
                ]
            ),
            tuple(made._outputs),
            tuple(made._forgotten),
            None if _is_one_tensor(made) else made.program.unflatten,
            made._lock.acquire,
            made._lock.release,
            made.program.device.overridden,
            made.program.device.has_overrides,
            partial(_loaded_again, made),
            made._failed,
            _work(made) > SMALL_WORK,
        )
    )


def _address(made: Executable, pointer: Any) -> int:
    return int(made._ffi.cast("intptr_t", pointer))


def _function(made: Executable) -> int:
    return _address(made, made._function)


def _loaded_again(made: Executable) -> int:
    """Load the program for the instruction set in use, and return the address of its function."""
    made._load()
    return _function(made)


def _source(made: Executable, read: Callable[[], Any], layout: Any, name: str) -> tuple:
    source = made.program.sources[name][1]
    if type(source) is DataOf and read == source.read:
        return source.tensor, layout, None

    def checked() -> Any:
        array = made._as_captured(read(), layout, name)
        return array if type(array) is NDArray else array.storage.ptr

    return None, layout, checked


def _update(target: Any, result: int) -> tuple:
    what = {DataOf: DATA, GradientOf: GRADIENT}.get(type(target), OTHER)
    return what, None if what == OTHER else target.tensor, target.write, result


def _is_one_tensor(made: Executable) -> bool:
    """Whether the program returns a tensor, and not a tuple or dict of tensors."""
    nesting = made.program.unflatten
    return isinstance(nesting, partial) and nesting.func is unflatten and nesting.args == (LEAF,)


def _work(made: Executable) -> int:
    """Return the number of elements of the largest operand of a kernel call."""
    return max([one.n for call in made._calls for one in buffers(call.arguments)], default=0)


def _accelerate(module: Any) -> None:
    global in_c_run
    in_c_run = python_does_it
    if module is not None and BACKEND == "nd":
        in_c_run = module.run_program


accelerator.connect(_accelerate)
