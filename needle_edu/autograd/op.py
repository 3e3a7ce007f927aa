"""Op: one operation, forward and backward.

An op knows how to `compute` its result from arrays, and, for each input, its vector-Jacobian product (vjp):
given the adjoint g of the result (the gradient of the final loss with respect to it), the contribution to the
adjoint of that input. A vjp is written with Tensor operations, so it can be differentiated again.

There are two ways to write an op. The library's own define `vjp0`, `vjp1`, … one method per input, and the
engine calls only those that are needed. The course's way, one `gradient(out_grad, node)` for all inputs,
works as well; each is derived from the other where it is missing.
"""

import inspect

from needle_edu.backend import storage

from . import arrays, events, state
from .arrays import GradientError, NeedleError
from .fit import fit
from .tensor import Tensor
from .tensor_tuple import TensorTuple
from .value import Value

_new = object.__new__  # Tensor(...) would run the public constructor, which copies and checks
_VJP_NAMES = [f"vjp{k}" for k in range(8)]


class Op:
    """An operation on values.

    Class attributes
    ----------------
    name : str
        The name in the registry.
    symbol, formula, vjp_formulas
        How the op is drawn in a graph, and what it computes, in TeX: inputs are a, b, …, the result is y,
        adjoints carry a bar. There is one vjp formula per input.
    reads : tuple of str, or None
        For each vjp the values it reads: ``"b"`` the second input, ``"y"`` the result. `backward` refuses to
        use a value that was overwritten; None means that any of them may be read.
    differentiable : bool
        False for comparisons and the like: the result never requires a gradient.
    """

    name = ""
    symbol = ""
    formula = ""
    vjp_formulas: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    differentiable = True
    vjps = None  # the functions vjp0, vjp1, …; None: ask `gradient`

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "name" not in own and cls.name in ("", cls.__mro__[1].__name__):  # nothing but a base's default
            cls.name = cls.__name__
        if "gradient" in own:
            cls.vjps, cls.reads = None, own.get("reads")
        elif any(name in own for name in _VJP_NAMES):
            last = max(k for k, name in enumerate(_VJP_NAMES) if hasattr(cls, name))
            cls.vjps = tuple(getattr(cls, name, None) for name in _VJP_NAMES[: last + 1])

    @property
    def attrs(self) -> dict:
        """What the op was made with besides its inputs, such as a scalar or axes."""
        if type(self).__init__ is object.__init__:
            return {}
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names if hasattr(self, name)}

    def compute(self, *arrays):
        """Return the result for these arrays."""
        raise NotImplementedError(f"{type(self).__name__} defines no compute(self, *arrays)")

    def gradient(self, out_grad, node):
        """Return the contribution to each input's adjoint: a Tensor, or a tuple with one per input.

        Parameters
        ----------
        out_grad : Tensor
            The adjoint of the result.
        node : Value
            The result; ``node.inputs`` are the values it was computed from.
        """
        if self.vjps is None:
            raise GradientError(
                f"{self.name}: no gradient; define `vjp0`, `vjp1`, … or `gradient(out_grad, node)`"
            )
        grads = tuple(None if vjp is None else vjp(self, out_grad, node) for vjp in self.vjps)
        return grads[0] if len(grads) == 1 else grads

    def gradient_as_tuple(self, out_grad, node) -> tuple:
        """Return `gradient` as a tuple with one entry per input, each reduced to its input's shape."""
        if isinstance(out_grad, TensorTuple) and out_grad.is_partial():
            out_grad = out_grad.completed(node)
        grads = self.gradient(out_grad, node)
        if isinstance(grads, TensorTuple) and not isinstance(node.inputs[0], TensorTuple):
            grads = grads.tuple()
        elif not isinstance(grads, (tuple, list)):
            grads = (grads,)
        if len(grads) != len(node.inputs):
            raise GradientError(
                f"{self.name}: gradient returned {len(grads)} value(s) for {len(node.inputs)} input(s); "
                "return one per input, in order"
            )
        return tuple(
            fit(g, x, node) if g is not None or x.requires_grad and not self.ignores(k) else None
            for k, (g, x) in enumerate(zip(grads, node.inputs, strict=True))
        )

    def ignores(self, operand: int) -> bool:
        """Whether the op has, on purpose, no derivative for this operand (a condition, for example)."""
        return self.vjps is not None and (operand >= len(self.vjps) or self.vjps[operand] is None)

    def __call__(self, *inputs):
        for x in inputs:
            if not isinstance(x, Value):
                raise TypeError(
                    f"{self.name}: wanted tensors, got {type(x).__name__}; make it one: Tensor(x)"
                )
        return self.apply(*inputs)

    def apply(self, *inputs):
        """Compute the result for these values, and record how it came about if a gradient may be wanted."""
        if state.watched:
            return self._apply_watched(inputs)
        data = self.check_result(self.compute(*[x.realize_cached_data() for x in inputs]))
        return self._result(inputs, data)

    def check_result(self, data):
        """Return what `compute` returned, or complain about it."""
        raise NotImplementedError("derive from TensorOp or TensorTupleOp")

    def _result(self, inputs, data, keep=False):
        """Make the result; it remembers op and inputs if a gradient may be wanted (or if told to `keep`)."""
        records = self.differentiable and state.grad_enabled() and any(x.requires_grad for x in inputs)
        value = _new(self._value_class)
        if records or keep:
            value._init(self, tuple(inputs), data, records)
        else:
            value._init(None, (), data, False)
        return value

    def _apply_watched(self, inputs):
        """`apply` in lazy mode, or while somebody listens to events."""
        for x in inputs:
            events.announce(x)
        if state.LAZY_MODE:
            value = self._result(inputs, None, keep=True)
            events.created(value, self, inputs)
            return value
        data = self.check_result(self.compute(*[x.realize_cached_data() for x in inputs]))
        value = self._result(inputs, data)
        events.created(value, self, inputs)
        events.computed(value)
        return value


class TensorOp(Op):
    """An op whose result is one tensor."""

    _value_class = Tensor

    def check_result(self, data):
        if isinstance(data, arrays.Array):
            return data
        if data is None:
            raise NeedleError(f"{self.name}: compute returned None; does it end with a `return`?")
        if isinstance(data, (tuple, list, Tensor, TensorTuple)):
            raise NeedleError(
                f"{self.name}: compute returned a {type(data).__name__}; wanted one array "
                "(compute gets arrays, not tensors)"
            )
        return arrays.enter(data)


class UnaryOp(TensorOp):
    """An op of one tensor: `apply` written out, because it runs at every step of every model."""

    def apply(self, a):
        x = a.cached_data
        if x is None or state.watched:
            return TensorOp.apply(self, a)
        data = self.compute(x)
        if data.__class__ is not arrays.Array:
            data = self.check_result(data)
        out = _new(Tensor)
        out.cached_data = data
        out.grad = out.adjoint = out.extra = None
        out.stamp = storage.clock
        if (
            a.requires_grad
            and (not state.threads_without_grad or state.grad_enabled())
            and self.differentiable
        ):
            out.op = self
            out.inputs = (a,)
            out.requires_grad = True
        else:
            out.op = None
            out.inputs = ()
            out.requires_grad = False
        return out


class BinaryOp(TensorOp):
    """An op of two tensors, likewise."""

    def apply(self, a, b):
        x = a.cached_data
        y = b.cached_data
        if x is None or y is None or state.watched:
            return TensorOp.apply(self, a, b)
        data = self.compute(x, y)
        if data.__class__ is not arrays.Array:
            data = self.check_result(data)
        out = _new(Tensor)
        out.cached_data = data
        out.grad = out.adjoint = out.extra = None
        out.stamp = storage.clock
        if (
            (a.requires_grad or b.requires_grad)
            and (not state.threads_without_grad or state.grad_enabled())
            and self.differentiable
        ):
            out.op = self
            out.inputs = (a, b)
            out.requires_grad = True
        else:
            out.op = None
            out.inputs = ()
            out.requires_grad = False
        return out


class TensorTupleOp(Op):
    """An op whose result is a tuple of tensors."""

    _value_class = TensorTuple

    def check_result(self, data):
        if not isinstance(data, (tuple, list)):
            raise NeedleError(
                f"{self.name}: compute returned {type(data).__name__}; wanted a tuple of arrays"
            )
        return tuple(data)
