"""The functions of Needle's kernel modules, called one after the other, from fill to reduce, and compared with NumPy.

    for outcome in exercise(module): print(outcome)

Sizes are odd and do not divide a block, so that guards matter; matrices are views, so that strides do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from .simulator import CudaError, Simulator, open_simulator

Function = Callable[..., np.ndarray]
_EWISE: dict[str, Function] = {
    "ewise_add": np.add, "ewise_mul": np.multiply, "ewise_div": np.divide, "ewise_maximum": np.maximum,
    "ewise_eq": np.equal, "ewise_ge": np.greater_equal,
}  # fmt: skip
_SCALAR: dict[str, Function] = {
    "scalar_add": np.add, "scalar_mul": np.multiply, "scalar_div": np.divide, "scalar_power": np.power,
    "scalar_maximum": np.maximum, "scalar_eq": np.equal, "scalar_ge": np.greater_equal,
}  # fmt: skip
_UNARY: dict[str, Function] = {"ewise_log": np.log, "ewise_exp": np.exp, "ewise_tanh": np.tanh}


@dataclass(frozen=True)
class Outcome:
    """What came of calling one function: ``verdict`` is "right", "absent", or a sentence about what is wrong."""

    function: str
    verdict: str

    @property
    def fine(self) -> bool:
        return self.verdict in ("right", "absent")

    def __str__(self) -> str:
        return f"{self.function:18} {self.verdict}"


def exercise(module: ModuleType) -> list[Outcome]:
    """Call every function that Needle's backends have, and compare the results with NumPy's.

    An error of the device ends a call and not the list; what kernels print is printed.

    Parameters
    ----------
    module : module
        As `load_module` returns it.
    """
    simulator = open_simulator()
    outcomes = []
    for name, call in _calls(module):
        if not hasattr(module, name):
            outcomes.append(Outcome(name, "absent"))
            continue
        try:
            got, wanted = call()
            simulator.raise_last_error()
            verdict = _compared(got, np.asarray(wanted, np.float32))
        except Exception as error:
            verdict = _said(simulator, error)
        if text := simulator.take_output():
            print(text, end="")
        outcomes.append(Outcome(name, verdict))
    return outcomes


def _said(simulator: Simulator, error: Exception) -> str:
    """The error in a line; where the device has one, that knows the kernel and the thread."""
    try:
        simulator.raise_last_error()
    except CudaError as of_device:
        error = of_device
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _compared(got: np.ndarray, wanted: np.ndarray) -> str:
    if np.allclose(got, wanted, rtol=1e-4, atol=1e-5, equal_nan=True):
        return "right"
    wrong = ~np.isclose(got, wanted, rtol=1e-4, atol=1e-5, equal_nan=True)
    at = int(np.argmax(wrong))
    return (
        f"wrong: {int(wrong.sum())} of {wrong.size} elements, first number {at}: "
        f"{got.flat[at]:g}, and NumPy has {wanted.flat[at]:g}"
    )


def _calls(m: Any) -> Iterator[tuple[str, Callable[[], tuple[np.ndarray, Any]]]]:
    """Each function of the contract, and a call of it that returns its result and NumPy's."""
    rng = np.random.default_rng(0)

    def numbers(*shape: int) -> np.ndarray:
        return (rng.random(shape, np.float32) + 0.5).round(2)

    def up(array: np.ndarray) -> Any:
        handle = m.Array(array.size)
        m.from_numpy(np.ascontiguousarray(array, np.float32), handle)
        return handle

    def down(handle: Any, n: int) -> np.ndarray:
        return np.array(m.to_numpy(handle, [n], [1], 0)).ravel()

    def against(name: str, function: Function, *inputs: Any) -> tuple[np.ndarray, Any]:
        """Call a function whose output comes last, and NumPy's."""
        out = m.Array(301)
        getattr(m, name)(*(up(one) if isinstance(one, np.ndarray) else one for one in inputs), out)
        return down(out, 301), function(*inputs)

    a, b = numbers(301), numbers(301)
    b[::3] = a[::3]
    matrix = numbers(7, 45)
    view = matrix[1:6:2, 3:43:4]
    shape, strides, offset = list(view.shape), [90, 4], 48

    def fill() -> tuple[np.ndarray, Any]:
        out = m.Array(301)
        m.fill(out, 2.5)
        return down(out, 301), np.full(301, 2.5)

    def compact() -> tuple[np.ndarray, Any]:
        out = m.Array(view.size)
        m.compact(up(matrix), out, shape, strides, offset)
        return down(out, view.size), view.ravel()

    def ewise_setitem() -> tuple[np.ndarray, Any]:
        out, wanted = up(matrix), matrix.copy()
        wanted[1:6:2, 3:43:4] = values = numbers(*view.shape)
        m.ewise_setitem(up(values), out, shape, strides, offset)
        return down(out, matrix.size), wanted.ravel()

    def scalar_setitem() -> tuple[np.ndarray, Any]:
        out, wanted = up(matrix), matrix.copy()
        wanted[1:6:2, 3:43:4] = 8
        m.scalar_setitem(view.size, 8.0, out, shape, strides, offset)
        return down(out, matrix.size), wanted.ravel()

    def matmul() -> tuple[np.ndarray, Any]:
        left, right = numbers(19, 35), numbers(35, 21)
        out = m.Array(19 * 21)
        m.matmul(up(left), up(right), out, 19, 35, 21)
        return down(out, 19 * 21), (left @ right).ravel()

    def reduction(name: str, function: Function) -> tuple[np.ndarray, Any]:
        rows = numbers(43, 7)
        out = m.Array(43)
        getattr(m, name)(up(rows), out, 7)
        return down(out, 43), function(rows, 1)

    yield from (("fill", fill), ("compact", compact), ("ewise_setitem", ewise_setitem))
    yield "scalar_setitem", scalar_setitem
    s = float(a[5])
    for name, function in _EWISE.items():
        yield name, partial(against, name, function, a, b)
    for name, function in _SCALAR.items():
        yield name, partial(against, name, function, a, s)
    for name, function in _UNARY.items():
        yield name, partial(against, name, function, a)
    yield "matmul", matmul
    yield "reduce_max", lambda: reduction("reduce_max", np.max)
    yield "reduce_sum", lambda: reduction("reduce_sum", np.sum)
