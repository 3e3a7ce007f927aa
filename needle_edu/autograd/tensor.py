"""Tensor: a value with operators.

Every operator here is one line that names an op. The op itself is found in the registry when the operator is
used, so this file knows no op, and a student's own version of one takes effect at once. Less common
operations (`exp`, `relu`, `max`, …) are methods too; they are installed from the registry, and tensor.pyi
lists them all. What needs no op (shape, dtype, `numpy()`, printing) is in array_value.py.
"""

import numpy as np

from needle_edu.backend import compatibility
from needle_edu.backend.arguments import switch

from . import arrays, state
from .array_value import ArrayValue
from .arrays import DTypeError, NeedleError
from .engine import run_backward
from .hooks import add_hook
from .registry import slot
from .value import Value, fill_node, refuse_history


def _binary(name: str, scalar_name: str):
    """Return an operator: the op `name` for two tensors, `scalar_name` for a tensor and a number."""
    op, scalar_op = slot(name), slot(scalar_name)

    def operator(self, other):
        if isinstance(other, Tensor):
            return op.instance.apply(self, other)
        if isinstance(other, (int, float, np.generic)):
            if type(other) is not float and isinstance(other, np.generic):
                other = other.item()
            return scalar_op.cls(other).apply(self)
        return op.instance.apply(self, as_tensor(other, name, self))

    return operator


def _reflected(name: str):
    """Return the operator for ``other <op> tensor`` where that is not the same as ``tensor <op> other``."""
    op = slot(name)
    return lambda self, other: op.instance.apply(as_tensor(other, name, self), self)


def _elementwise(name: str):
    """Return an operator of which no form with a number exists: a number becomes a constant."""
    op = slot(name)
    return lambda self, other: op.instance.apply(self, as_tensor(other, name, self))


class Tensor(ArrayValue):
    """A multi-dimensional array whose history can be differentiated.

    Parameters
    ----------
    array : array_like, NDArray or Tensor
        The data, copied; the history of a tensor stays behind. Integers and booleans keep their kind, our own
        arrays their dtype; anything else becomes float32 (in np mode NumPy's dtype is kept). A list must not
        hold tensors that require a gradient: `ops.stack` joins those.
    device : Device, optional
        Where the data goes; by default where it is, or the default device.
    dtype : str or numpy.dtype, optional
        float32, float64, int32, int64 or bool.
    requires_grad : bool
        Whether `backward` computes a gradient for this tensor.

    Raises
    ------
    TypeError
        For other keywords; under the name `needle` they are ignored, with a warning.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x = Tensor([1.0, 2.0, 3.0])
    >>> y = (x * x).sum()
    >>> y.backward()
    >>> x.grad.numpy()
    array([2., 4., 6.], dtype=float32)
    """

    __slots__ = ()
    __array_ufunc__ = None  # NumPy arrays and scalars leave `array * tensor` to the tensor

    def __init__(self, array, *, device=None, dtype=None, requires_grad: bool = True, **unknown):
        if unknown:
            compatibility.unknown_keywords(type(self).__name__, unknown)
        if requires_grad is not True and requires_grad is not False:
            switch(type(self).__name__, requires_grad=requires_grad)
        if isinstance(array, Value):
            array = array.realize_cached_data()
        refuse_history(array, type(self).__name__)
        fill_node(self, None, (), arrays.enter(array, device, dtype), requires_grad)

    # -- operators -------------------------------------------------------------------------------------------
    __add__ = __radd__ = _binary("add", "add_scalar")
    __mul__ = __rmul__ = _binary("multiply", "mul_scalar")
    __truediv__ = _binary("divide", "divide_scalar")
    __rtruediv__ = _reflected("divide")
    __pow__ = _binary("power", "power_scalar")
    __rpow__ = _reflected("power")
    __floordiv__, __rfloordiv__ = _elementwise("floor_divide"), _reflected("floor_divide")
    __mod__, __rmod__ = _elementwise("remainder"), _reflected("remainder")
    __lt__ = _elementwise("less")
    __le__ = _elementwise("less_equal")
    __gt__ = _elementwise("greater")
    __ge__ = _elementwise("greater_equal")
    __and__ = __rand__ = _elementwise("logical_and")
    __or__ = __ror__ = _elementwise("logical_or")
    __xor__ = __rxor__ = _elementwise("logical_xor")

    def __invert__(self):
        return _NOT.instance.apply(self)

    def __neg__(self):
        return _NEGATE.instance.apply(self)

    def __pos__(self):
        return self

    def __sub__(self, other):
        if not isinstance(other, (Tensor, int, float)):
            other = other.item() if isinstance(other, np.generic) else as_tensor(other, "subtract", self)
        return self + _negative(other, self)

    def __rsub__(self, other):
        return _negative(self, other) + other

    def __abs__(self):
        return _ABS.instance.apply(self)

    def __matmul__(self, other):
        other = other if isinstance(other, Tensor) else as_tensor(other, "matmul", self)
        return _MATMUL.instance.apply(self, other)

    def __rmatmul__(self, other):
        return _MATMUL.instance.apply(as_tensor(other, "matmul", self), self)

    def __getitem__(self, index):
        if compatibility.integers_keep_axis:
            index = arrays.subscript(index)
        return _GETITEM.cls(index).apply(self)

    def __iter__(self):
        return (_GETITEM.cls(i).apply(self) for i in range(len(self)))

    # -- common methods --------------------------------------------------------------------------------------
    def matmul(self, other):
        """Return ``self @ other``."""
        return self @ other

    def sum(self, axes=None, keepdims=False, axis=None, dtype=None, out=None):
        """Return the sum over `axes` (all by default), which disappear from the shape unless `keepdims`.

        `axis` is another name for `axes`; `dtype` and `out` are None, as `numpy.sum(tensor)` hands them on.
        """
        if keepdims is not False or axis is not None or dtype is not None or out is not None:
            given = {
                "axes": axes,
                "keepdims": None if keepdims is False else keepdims,
                "axis": axis,
                "dtype": dtype,
                "out": out,
            }
            return _SUMMATION.function(self, **{k: v for k, v in given.items() if v is not None})
        return (_SUMMATION.instance if axes is None else _SUMMATION.cls(axes)).apply(self)

    def broadcast_to(self, shape):
        """Return this tensor expanded to `shape`; no data is copied."""
        return _BROADCAST_TO.cls(shape).apply(self)

    def reshape(self, *extents, shape=None):
        """Return the same elements in another shape, given as extents, as a tuple or by name; one may be -1."""
        if shape is None:
            shape = extents[0] if len(extents) == 1 else extents
        return _RESHAPE.cls(shape).apply(self)

    def transpose(self, axes=None):
        """Return this tensor with two axes swapped, by default the last two."""
        return (_TRANSPOSE.instance if axes is None else _TRANSPOSE.cls(axes)).apply(self)

    @property
    def T(self):
        """The transpose: the last two axes swapped."""
        return _TRANSPOSE.instance.apply(self)

    mT = T  # PyTorch's and the array API's name for it

    # -- gradients -------------------------------------------------------------------------------------------
    def backward(self, out_grad=None, create_graph: bool | None = None, accumulate: bool = False) -> None:
        """Compute the gradient of this tensor with respect to every leaf it depends on.

        Parameters
        ----------
        out_grad : Tensor, optional
            The adjoint to start with, of this tensor's shape; ones by default.
        create_graph : bool, optional
            Whether gradients are graph nodes, so that they can be differentiated again. None means
            ``needle_edu.autograd.CREATE_GRAPH``.
        accumulate : bool
            Add to the leaves' `.grad` instead of overwriting it.

        Raises
        ------
        GradientError
            If this tensor requires no gradient, if an op has none, or if a value that is needed was
            overwritten.
        """
        run_backward(self, out_grad, create_graph, accumulate)

    def detach(self):
        """Return a leaf with the same data (shared) that requires no gradient."""
        if (tracer := state.tracing()) is not None:
            tracer.looked_up(self)
        return Tensor.make_const(self)

    def ones_like(self):
        """Return ones of this tensor's shape, dtype and device: the adjoint that `backward` starts with."""
        return Tensor.make_const(arrays.xp.ones_like(self.realize_cached_data()))

    @property
    def data(self):
        """The data as a detached tensor; assigning a tensor of the same dtype replaces the data."""
        return self.detach()

    @data.setter
    def data(self, value) -> None:
        if not isinstance(value, Tensor):
            raise NeedleError(f"data: wanted a Tensor, got {type(value).__name__}")
        if value.dtype != self.dtype:
            raise DTypeError(f"data: wanted a tensor of dtype {self.dtype}, got {value.dtype}")
        self.replace_data(value.realize_cached_data())

    def requires_grad_(self, requires_grad: bool = True):
        """Switch the wish for a gradient on or off, in place; only leaves can be switched off."""
        switch("requires_grad_", requires_grad=requires_grad)
        if self.op is not None and not requires_grad:
            raise NeedleError("requires_grad_(False): only a leaf can be switched off; use detach()")
        self.requires_grad = bool(requires_grad)
        return self

    def retain_grad(self) -> None:
        """Ask `backward` to keep `.grad` of this tensor although it is not a leaf."""
        if not self.requires_grad:
            raise NeedleError("retain_grad: this tensor requires no gradient")
        self._remember("retain", True)

    def register_hook(self, hook):
        """Let `backward` call ``hook(grad)`` when it has this tensor's gradient; what the hook returns replaces it.

        A hook that returns None only looks. It is called before the gradient is written to `.grad` or handed on, and
        not by a student's own `compute_gradient_of_variables`. Returns a handle, whose `remove()` takes it out.

        Raises
        ------
        GradientError
            If this tensor requires no gradient; in `backward`, if the hook returns something else than a gradient.
        """
        return add_hook(self, hook)

    def register_post_accumulate_grad_hook(self, hook):
        """Let `backward` call ``hook(tensor)`` when it has written, or added to, this leaf's `.grad`.

        Returns a handle, whose `remove()` takes it out.

        Raises
        ------
        GradientError
            If this tensor is no leaf, or requires no gradient.
        """
        if self.op is not None:
            raise arrays.GradientError(
                "register_post_accumulate_grad_hook: this tensor is no leaf, and gets no `.grad`; use register_hook"
            )
        return add_hook(self, hook, "register_post_accumulate_grad_hook", "written")


def as_tensor(data, operation: str, like: Tensor | None = None):
    """Return an argument of an op as a value: a number or an array becomes a constant, beside the tensor `like`.

    Raises
    ------
    GradientError
        If a list holds a tensor that requires a gradient.
    """
    if isinstance(data, Tensor) or (like is None and isinstance(data, Value)):
        return data
    refuse_history(data, operation)
    if like is None:
        return Tensor.make_const(arrays.enter(data, operation=operation))
    return Tensor.make_const(arrays.like(data, like.realize_cached_data(), operation))


def _negative(b, a):
    """Return -b for the sum ``a + -b``. Bools have no negative: they first take the result type of both."""
    if b.__class__ is not bool and not state.LAZY_MODE:
        try:
            return -b
        except TypeError:  # a bool tensor; any other reason is met again below
            pass
    is_number = not isinstance(b, Tensor)
    if not (isinstance(b, bool) if is_number else b.dtype.kind == "b"):
        return -b
    dtype = a.dtype if is_number else as_tensor(a, "subtract", b).dtype
    if dtype.kind == "b":
        raise DTypeError("subtract: not defined for two bools; convert a tensor with astype('int32')")
    return -(b if is_number else _ASTYPE.cls(dtype).apply(b))


_NEGATE, _MATMUL, _GETITEM, _SUMMATION = slot("negate"), slot("matmul"), slot("getitem"), slot("summation")
_BROADCAST_TO, _RESHAPE, _TRANSPOSE = slot("broadcast_to"), slot("reshape"), slot("transpose")
_ABS, _NOT, _ASTYPE = slot("abs"), slot("logical_not"), slot("astype")


def install_method(name: str, function) -> None:
    """Make an op's function a method of Tensor as well; it must not hide anything written above."""
    written = getattr(Tensor, name, None)
    if written is not None and getattr(written, "__module__", "") != function.__module__:
        raise NeedleError(f"Tensor already has {name!r}; the op can't be a method too")
    setattr(Tensor, name, function)
