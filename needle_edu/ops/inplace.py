"""In-place forms: methods whose name ends in ``_`` write into a tensor's own memory.

They stand outside the graph. What was written over is gone, so a derivative could not be computed from it: where one
may be wanted, these methods refuse. Under `no_grad`, or on tensors that require no gradient, they write; a graph that
still needs the old numbers notices in `backward` (on needle_edu's arrays, which count their writes).
"""

from needle_edu.autograd.arrays import DTypeError, GradientError, ShapeError, subscript
from needle_edu.autograd.modes import no_grad
from needle_edu.autograd.state import grad_enabled, tracing
from needle_edu.autograd.tensor import as_tensor
from needle_edu.backend import compatibility

from .indexing import own_index


def _write(name, tensor, compute, *others):
    """Write what `compute` makes of the tensor and `others` into the tensor."""
    others = tuple([as_tensor(other, name, tensor) for other in others])
    _refuse(name, tensor, *others)
    with no_grad():
        result = compute(tensor.detach(), *[other.detach() for other in others])
    if result.shape != tensor.shape:
        raise ShapeError(f"{name}: a result of shape {result.shape} does not fit the tensor's {tensor.shape}")
    _fitting(name, result, tensor)
    tensor.realize_cached_data()[...] = result.realize_cached_data()
    return tensor


def _refuse(name, *tensors):
    """Raise where a gradient may be wanted, or a captured function could not do it again."""
    if grad_enabled() and any(t.requires_grad for t in tensors):
        raise GradientError(
            f"{name}: writes over numbers of which a gradient may be wanted; use it under needle_edu.no_grad(), or "
            "compute a new tensor"
        )
    if (tracer := tracing()) is not None:
        tracer.in_place(name, *tensors)


def _fitting(name, result, tensor):
    """Raise where numbers would be cut: floats for integers, integers for bools."""
    if "biuf".index(result.dtype.kind) > "biuf".index(tensor.dtype.kind):
        raise DTypeError(f"{name}: a result of dtype {result.dtype} does not fit a tensor of {tensor.dtype}")


def add_(self, other):
    """Add a number or a tensor to this tensor, in place.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).add_(1)
    Tensor([2., 3.], requires_grad=False)
    """
    return _write("add_", self, lambda a, b: a + b, other)


def sub_(self, other):
    """Subtract a number or a tensor from this tensor, in place.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).sub_(1)
    Tensor([0., 1.], requires_grad=False)
    """
    return _write("sub_", self, lambda a, b: a - b, other)


def mul_(self, other):
    """Multiply this tensor by a number or a tensor, in place.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).mul_(3)
    Tensor([3., 6.], requires_grad=False)
    """
    return _write("mul_", self, lambda a, b: a * b, other)


def div_(self, other):
    """Divide this tensor, of floats, by a number or a tensor, in place.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).div_(2)
    Tensor([0.5, 1. ], requires_grad=False)
    """
    return _write("div_", self, lambda a, b: a / b, other)


def clip_(self, min=None, max=None):
    """Move every element of this tensor into [min, max], in place.

    >>> from needle_edu import Tensor
    >>> Tensor([-1.0, 2.0], requires_grad=False).clip_(0, 1)
    Tensor([0., 1.], requires_grad=False)
    """
    return _write("clip_", self, lambda a: a.clip(min, max))


def copy_(self, other):
    """Write a number or a tensor, which broadcasts, into this tensor.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).copy_(Tensor([7.0]).detach())
    Tensor([7., 7.], requires_grad=False)
    """
    return _write("copy_", self, lambda a, b: b.broadcast_to(a.shape), other)


def fill_(self, value):
    """Write one number into every element.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).fill_(5)
    Tensor([5., 5.], requires_grad=False)
    """
    if getattr(value, "size", 1) != 1:
        raise ShapeError(f"fill_: wanted one number, got shape {value.shape}; copy_ takes a tensor")
    return _write("fill_", self, lambda a, b: b.reshape(()).broadcast_to(a.shape), value)


def zero_(self):
    """Write zeros into every element.

    >>> from needle_edu import Tensor
    >>> Tensor([1.0, 2.0], requires_grad=False).zero_()
    Tensor([0., 0.], requires_grad=False)
    """
    return fill_(self, 0)


def __setitem__(self, index, value):
    """Write a number or a tensor, which broadcasts, to the elements at an index.

    >>> from needle_edu import Tensor
    >>> x = Tensor([1.0, 2.0, 3.0], requires_grad=False)
    >>> x[1:] = 7
    >>> x
    Tensor([1., 7., 7.], requires_grad=False)
    """
    value = as_tensor(value, "setitem", self)
    _refuse("setitem", self, value)
    if compatibility.integers_keep_axis:
        index = subscript(index)
    array, written = self.realize_cached_data(), value.realize_cached_data()
    _fitting("setitem", written, self)
    array[own_index(index)] = written


METHODS = (add_, sub_, mul_, div_, clip_, copy_, fill_, zero_, __setitem__)
