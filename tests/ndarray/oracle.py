"""NumPy as the oracle, and the ONE table of where NDArray differs from it on purpose.

Every property test asks NumPy through these functions. A difference that is not listed here is a bug.
"""

from contextlib import contextmanager

import hidden_device  # noqa: F401  (registers it)
import numpy as np

from needle_edu.backend import available_isas, cpu, default_device, get_isa, set_isa
from needle_edu.backend.devices import device_named
from needle_edu.ndarray import NDArray

DIFFERENCES = {
    "total reductions": "a reduction over axis=None has shape (1,), not ()",
    "int with float": "an integer array with a float array gives the float's type, not float64",
    "float functions of integers": "divide, mean, exp, ... of integers or bools give float32, not float64",
    "float32 default": "array(x) is float32 whatever x is",
    "weak numbers": "an integer array with a Python float gives float32",
    "small types": "uint8, int8, int16, uint16 enter as int32, uint32 as int64, float16 as float32",
    "scalars are arrays": "a[0] of one axis is an array of shape (), not a NumPy scalar",
    "no in-place operators": "a += b binds a new array to a; the old one keeps its elements",
    "as many elements": "a[...] = b also accepts a b that only has as many elements (Needle)",
    "flip is always a view": "of an array of shape (), too; NumPy's flip then gives a copy",
}

DTYPES = ("float32", "float64", "int32", "int64", "bool")


def result_type(a: np.dtype, b: np.dtype) -> np.dtype:
    """The type of a + b: "int with float"."""
    kinds = {a.kind, b.kind}
    if kinds == {"i", "f"}:
        return a if a.kind == "f" else b
    return np.promote_types(a, b)


def float_of(dtype: np.dtype) -> np.dtype:
    """The type of exp(a): "float functions of integers"."""
    return dtype if dtype.kind == "f" else np.dtype("float32")


def total(result: np.ndarray, axis: object, keepdims: bool) -> np.ndarray:
    """The shape of a reduction: "total reductions"."""
    result = np.asarray(result)
    return result.reshape(1) if axis is None and not keepdims else result


def flip(x: np.ndarray, axis: int | None) -> np.ndarray:
    """A view of x with one axis or all reversed: "flip is always a view"."""
    return np.flip(x, axis) if x.ndim else x[...]


def places() -> list[str]:
    """Every way to compute this machine has: the reference, each instruction set of the C library, and a device whose
    memory NumPy cannot see. Or the one that `--device` names."""
    if default_device() is not cpu():
        return [default_device().name]
    return ["cpu_numpy", *(f"cpu:{isa}" for isa in available_isas()), "hidden"]


@contextmanager
def computing_on(place: str):
    """Yield the device of a place, with its instruction set switched on."""
    name, _, isa = place.partition(":")
    if not isa:
        yield device_named(name)
        return
    before = get_isa()
    set_isa(isa)
    try:
        yield cpu()
    finally:
        set_isa(before)


def strides_of(x: np.ndarray) -> tuple[int, ...]:
    """NumPy's strides in elements."""
    return tuple(stride // x.itemsize for stride in x.strides)


def same(ours: NDArray, expected: np.ndarray, context: object = "", rtol: float = 0.0) -> None:
    """Assert equal shape, dtype and elements; nan equals nan."""
    expected = np.asarray(expected)
    assert isinstance(ours, NDArray), f"{context}: got {type(ours).__name__}"
    assert ours.shape == expected.shape, f"{context}: shape {ours.shape}, expected {expected.shape}"
    assert ours.dtype == expected.dtype, f"{context}: dtype {ours.dtype}, expected {expected.dtype}"
    if rtol:
        np.testing.assert_allclose(ours.numpy(), expected, rtol=rtol, atol=rtol, err_msg=str(context))
    else:
        np.testing.assert_array_equal(ours.numpy(), expected, err_msg=str(context))
