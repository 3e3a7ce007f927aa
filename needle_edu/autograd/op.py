"""Op: one operation, forward and backward.

An op knows how to `compute` its result from arrays, and, for each input, its vector-Jacobian product (vjp):
given the adjoint g of the result (the gradient of the final loss with respect to it), the contribution to the
adjoint of that input. A vjp is written with Tensor operations, so it can be differentiated again.

There are two ways to write an op. The library's own define `vjp0`, `vjp1`, … one method per input, and the
engine calls only those that are needed. The course's way, one `gradient(out_grad, node)` for all inputs,
works as well; each is derived from the other where it is missing.
"""

import inspect
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter_ns
from typing import Any

from needle_edu.backend import accelerator, storage
from needle_edu.backend.naming import a_kind

from . import arrays, events, state
from .arrays import GradientError, NeedleError
from .tensor import Tensor
from .tensor_tuple import TensorTuple
from .unbroadcast import unbroadcast
from .value import Value, fill_node, next_serial

_new = object.__new__  # Tensor(...) would run the public constructor, which copies and checks
_VJP_NAMES = [f"vjp{k}" for k in range(8)]
in_c_apply: Callable = accelerator.nothing  # `apply` of one or two tensors in C (csrc/python/graph.c)


class Op:
    """An operation on values.

    Class attributes
    ----------------
    name : str
        The name in the registry.
    symbol, formula, vjp_formulas
        How the op is drawn in a graph, and what it computes, in TeX: inputs are a, b, …, the result is y,
        adjoints carry a bar. There is one vjp formula per input.
    vjp_reads : tuple of str, or None
        For each vjp the values it reads: ``"b"`` the second input, ``"y"`` the result. `backward` refuses to
        use a value that was overwritten; None means that any of them may be read.
    vjps_on_arrays : bool
        True: the vjps (or `gradient`) use nothing but what arrays have as well, and `of`, so `backward` may call them
        with arrays in place of tensors (array_pass.py). Whoever writes other vjps must say so again.
    gradient_is_a_kernel : bool
        True: `gradient` of arrays is one kernel, where that of tensors is a composition.
    differentiable : bool
        False for comparisons and the like: the result never requires a gradient.
    value_class : type or None
        What `apply` returns: `Tensor` or `TensorTuple`. None: whose `make_from_op` is called.

    Examples
    --------
    Derive from `TensorOp` or `TensorTupleOp`:

    >>> from needle_edu import Tensor, grad_check
    >>> class Cube(TensorOp):
    ...     def compute(self, a):
    ...         return a * a * a
    ...     def vjp0(self, g, node):
    ...         (a,) = node.inputs
    ...         return g * 3 * a * a
    >>> Cube()(Tensor([2.0])), grad_check(Cube(), [2.0, -1.0])
    (Tensor([8.], op=Cube), True)
    """

    name = ""
    symbol = ""
    formula = ""
    vjp_formulas: tuple[str, ...] = ()
    vjp_reads: tuple[str, ...] | None = None
    vjps_on_arrays = False
    gradient_is_a_kernel = False
    differentiable = True
    value_class: Any = None
    vjps = None  # the functions vjp0, vjp1, …; None: ask `gradient`

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "name" not in own and cls.name in ("", cls.__mro__[1].__name__):  # nothing but a base's default
            cls.name = cls.__name__
        if "gradient" in own:
            cls.vjps, cls.vjp_reads = None, own.get("vjp_reads")
            cls.vjps_on_arrays = own.get("vjps_on_arrays", False)
        elif any(name in own for name in _VJP_NAMES):
            last = max(k for k, name in enumerate(_VJP_NAMES) if hasattr(cls, name))
            cls.vjps = tuple(getattr(cls, name, None) for name in _VJP_NAMES[: last + 1])
            cls.vjps_on_arrays = own.get("vjps_on_arrays", False)

    @property
    def attrs(self) -> dict:
        """What the op was made with besides its inputs, such as a scalar or axes; a switch that is off is left out."""
        cls: Any = type(self)
        found = {name: getattr(self, name, False) for name in attribute_names(cls)}
        return {name: value for name, value in found.items() if value is not False}

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
            got = "None" if grads == (None,) else f"{len(grads)} value(s)"
            raise GradientError(
                f"{self.name}: gradient returned {got} for {len(node.inputs)} input(s); "
                "return one Tensor per input, in order"
            )
        return tuple(
            unbroadcast(g, x, node) if g is not None or x.requires_grad and not self.ignores(k) else None
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
        cls: Any = type(self)
        if len(inputs) != (_input_count(cls) or len(inputs)):
            raise TypeError(f"{self.name}: takes {_input_count(cls)} tensor(s), got {len(inputs)}")
        return self.apply(*inputs)

    def apply(self, *inputs):
        """Compute the result for these values, and record how it came about if a gradient may be wanted."""
        if state.watched:
            return self._apply_watched(inputs)
        return self._result(inputs, self.computed([x.realize_cached_data() for x in inputs]))

    def of(self, *operands):
        """Return `apply` of tensors, or `compute` of arrays: a vjp calls an op that has no operator with this."""
        return (self.compute if operands[0].__class__ is arrays.Array else self.apply)(*operands)

    def computed(self, operands: list):
        """Return the checked result of `compute` for a list of arrays."""
        return self.check_result(self.compute(*operands), operands)

    def check_result(self, data, operands: list):
        """Return what `compute` made of the operands, or complain about it."""
        kind = self.value_class
        if kind is None:
            raise NotImplementedError(
                f"{self.name}: an Op does not know what it returns; derive from TensorOp (one tensor) or "
                "TensorTupleOp (several), or call Tensor.make_from_op(self, inputs)"
            )
        checked: Any = TensorTupleOp if issubclass(kind, TensorTuple) else TensorOp
        return checked.check_result(self, data, operands)

    def _result(self, inputs, data, keep=False):
        """Make the result; it remembers op and inputs if a gradient may be wanted (or if told to `keep`)."""
        records = self.differentiable and state.grad_enabled() and any(x.requires_grad for x in inputs)
        node = _new(self.value_class)
        if records or keep:
            return fill_node(node, self, tuple(inputs), data, records)
        return fill_node(node, None, (), data, False)

    def _apply_watched(self, inputs):
        """`apply` in lazy mode, while somebody listens to events, or while a function is captured."""
        if (tracer := state.tracing()) is not None:
            return tracer.apply(self, inputs)
        for x in inputs:
            events.announce(x)
        if state.LAZY_MODE:
            value = self._result(inputs, None, keep=True)
            events.created(value, self, inputs)
            return value
        began = perf_counter_ns()
        value = self._result(inputs, self.computed([x.realize_cached_data() for x in inputs]))
        events.created(value, self, inputs, (began, perf_counter_ns()))
        events.computed(value)
        return value


@lru_cache(1024)
def attribute_names(cls: Any) -> tuple[str, ...]:
    """Return the parameters of an op class's constructor."""
    return () if cls.__init__ is object.__init__ else tuple(inspect.signature(cls.__init__).parameters)[1:]


@lru_cache(1024)
def _input_count(cls: Any) -> int | None:
    """Return how many arrays an op class's `compute` takes; None if that is not fixed."""
    parameters = list(inspect.signature(cls.compute).parameters.values())[1:]
    fixed = all(p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters)
    return len(parameters) if fixed else None


class TensorOp(Op):
    """An op whose result is one tensor.

    Examples
    --------
    With the course's `gradient` in place of one vjp for each input:

    >>> class Product(TensorOp):
    ...     def compute(self, a, b):
    ...         return a * b
    ...     def gradient(self, out_grad, node):
    ...         a, b = node.inputs
    ...         return out_grad * b, out_grad * a
    >>> Product()(Tensor([2.0]), Tensor([3.0]))
    Tensor([6.], op=Product)
    """

    value_class = Tensor

    def check_result(self, data, operands):
        """Return what `compute` returned as one array, or say what is wrong with it."""
        if data is None:
            raise NeedleError(f"{self.name}: compute returned None; does it end with a `return`?")
        if isinstance(data, (tuple, list, Tensor, TensorTuple)):
            raise NeedleError(
                f"{self.name}: compute returned {a_kind(data)}; wanted one array "
                "(compute gets arrays, not tensors)"
            )
        return _entered(data, operands)


def _entered(data, operands):
    """Return a result as an array of ours; one of NumPy keeps float64 only where an operand has it."""
    if isinstance(data, arrays.Array):
        return data
    wide = any(getattr(operand, "dtype", None) == "float64" for operand in operands)
    return arrays.enter(data, dtype="float64" if wide and getattr(data, "dtype", "") == "float64" else None)


class _FewInputs(TensorOp):
    """An op of one or two tensors: `apply` written out, because it runs at every step of every model."""

    def apply(self, a, b=None):
        """Compute the result for `a` (and `b`); as `Op.apply`, with `fill_node` written out: a call is 6 % of an op."""
        if (node := in_c_apply(self, a, b)) is not None:
            return node
        x = a.cached_data
        if x is None or state.watched or (b is not None and b.cached_data is None):
            return TensorOp.apply(self, a) if b is None else TensorOp.apply(self, a, b)
        data = self.compute(x) if b is None else self.compute(x, b.cached_data)
        if data.__class__ is not arrays.Array:
            data = self.check_result(data, [x] if b is None else [x, b.cached_data])
        node = _new(Tensor)
        node.cached_data = data
        node.grad = node.extra = None
        node.version = storage.latest_version
        if (
            (a.requires_grad or (b is not None and b.requires_grad))
            and (not state.threads_without_grad or state.grad_enabled())
            and self.differentiable
        ):
            node.op = self
            node.inputs = (a,) if b is None else (a, b)
            node.requires_grad = True
            node._serial = next_serial()
        else:
            node.op = None
            node.inputs = ()
            node.requires_grad = False
        return node


class UnaryOp(_FewInputs):
    """An op of one tensor.

    Examples
    --------
    >>> class Half(UnaryOp):
    ...     def compute(self, a):
    ...         return a / 2
    >>> Half()(Tensor([3.0]))
    Tensor([1.5], op=Half)
    """


class BinaryOp(_FewInputs):
    """An op of two tensors.

    Examples
    --------
    >>> class Distance(BinaryOp):
    ...     def compute(self, a, b):
    ...         return abs(a - b)
    >>> Distance()(Tensor([3.0]), Tensor([5.0]))
    Tensor([2.], op=Distance)
    """


class TensorTupleOp(Op):
    """An op whose result is a tuple of tensors.

    Examples
    --------
    >>> class Halves(TensorTupleOp):
    ...     def compute(self, a):
    ...         return a[:2], a[2:]
    >>> Halves()(Tensor([1.0, 2.0, 3.0, 4.0]))[1].numpy()
    array([3., 4.], dtype=float32)
    """

    value_class = TensorTuple

    def check_result(self, data, operands):
        """Return what `compute` returned as a tuple, or say what is wrong with it."""
        if not isinstance(data, (tuple, list)):
            raise NeedleError(
                f"{self.name}: compute returned {type(data).__name__}; wanted a tuple of arrays"
            )
        return tuple([_entered(part, operands) for part in data])


def _accelerate(module: Any) -> None:
    global in_c_apply
    in_c_apply = accelerator.nothing
    if module is not None:
        module.nodes(Value, Tensor, arrays.Array, vars(state), vars(storage), next_serial)
        in_c_apply = module.apply


accelerator.connect(_accelerate)
