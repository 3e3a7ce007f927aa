"""The errors needle_edu raises, and the codes its kernels return.

What is wrong with shapes, dtypes, devices, gradients and data is a `NeedleError` and at the same time the built-in
error a Python programmer would expect (`ShapeError` is a `ValueError`, `IndexOutOfRange` an `IndexError`), so that
either may be caught. A call that makes no sense (a probability of 2, a class in place of an object) is a plain
`ValueError` or `TypeError`. Kernels are C functions: they cannot raise, they return a small number instead.
`raise_kernel_error` turns that number into one of these errors, with the name of the operation and what it was given.
"""

# The codes of `enum nd_error` in csrc/include/needle_kernels.h; a test holds the two equal.
OK, EDTYPE, ENOMEM, EINDEX, EPLAN, EISA = range(6)


class NeedleError(Exception):
    """The base of the errors below: catch it to catch them all."""


class ShapeError(NeedleError, ValueError):
    """Shapes, axes or strides that do not fit the operation."""


class DTypeError(NeedleError, TypeError):
    """An element type that the operation does not know."""


class DeviceError(NeedleError, RuntimeError):
    """A device that is missing, disabled, or not the one the other operands live on."""


class IndexOutOfRange(NeedleError, IndexError):
    """An index outside the array it points into."""


class GradientError(NeedleError, RuntimeError):
    """A gradient that cannot be computed, or would be wrong."""


class DataError(NeedleError, ValueError):
    """A data file or buffer that is not what it should be."""


class WorkerError(NeedleError, RuntimeError):
    """A process that prepared batches died, or could not be started."""


class DistributedError(NeedleError, RuntimeError):
    """Workers that train together cannot go on: one has died, waits in vain, or does something else."""


class CudaError(DeviceError):
    """An error that CUDA reports; ``code`` is its number, ``name`` its name, such as ``cudaErrorIllegalAddress``."""

    def __init__(self, code: int, name: str, sentence: str):
        super().__init__(f"{name}: {sentence}")
        self.code, self.name = code, name


class BuildError(NeedleError, RuntimeError):
    """A C library that could not be compiled; carries the compiler's own message."""


def raise_kernel_error(code: int, operation: str, got: str = "", *, index: int | None = None) -> None:
    """Raise the error that a kernel's return code stands for.

    Parameters
    ----------
    code : int
        What the kernel returned, not 0.
    operation : str
        The name the reader knows, such as ``"matmul"``.
    got : str
        What the operation was given, for example ``"float32 (3, 4) and int32 (4,)"``.
    index : int, optional
        The offending index (`Device.error_detail()`, asked in the same thread) when `code` is ``EINDEX``.

    Examples
    --------
    >>> raise_kernel_error(EINDEX, "take", "an axis of 10 elements", index=12)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.IndexOutOfRange: take: index 12 is out of range; got an axis of 10 elements
    """
    if code == ENOMEM:
        raise MemoryError(_sentence(operation, "not enough memory for a scratch buffer", got))
    if code == EDTYPE:
        raise DTypeError(_sentence(operation, "no kernel for this combination of element types", got))
    if code == EINDEX:
        place = "an index" if index is None else f"index {index}"
        raise IndexOutOfRange(_sentence(operation, f"{place} is out of range", got))
    if code == EPLAN:
        raise ShapeError(_sentence(operation, "the kernel refused this layout of the operands", got))
    if code == EISA:
        raise DeviceError(_sentence(operation, "this processor lacks the instruction set", got))
    raise NeedleError(_sentence(operation, f"the kernel failed with the unknown code {code}", got))


def _sentence(operation: str, what: str, got: str) -> str:
    return f"{operation}: {what}" + (f"; got {got}" if got else "")
