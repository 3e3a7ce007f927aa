"""TensorTuple: several tensors as one value of the graph, such as the result of `split`.

Its adjoint is a tuple as well. Each use of one part contributes to that part only; so while an adjoint is
being summed up, parts may still be missing (None), and the engine puts zeros where nothing arrived at all.
"""

from . import arrays
from .engine import run_backward
from .registry import slot
from .tensor import Tensor
from .value import Value

_TUPLE_ITEM, _MAKE_TUPLE = slot("tuple_get_item"), slot("make_tuple")


class TensorTuple(Value):
    """Several tensors as one value of the graph: what `split` returns.

    Examples
    --------
    >>> from needle_edu import Tensor, ops
    >>> parts = ops.split(Tensor([[1.0, 2.0], [3.0, 4.0]]), 0)
    >>> len(parts), parts[1].numpy()
    (2, array([3., 4.], dtype=float32))
    """

    __slots__ = ()

    @property
    def num_outputs(self) -> int:
        """Number of tensors."""
        return len(self.realize_cached_data())

    def __len__(self) -> int:
        return self.num_outputs

    def __getitem__(self, index):
        if isinstance(index, slice):
            return self.tuple()[index]
        return _TUPLE_ITEM.cls(index).apply(self)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def tuple(self) -> tuple:
        """Return the tensors as a Python tuple."""
        return tuple([self[i] for i in range(len(self))])

    def __add__(self, other):
        if not isinstance(other, TensorTuple) or len(other) != len(self):
            raise arrays.ShapeError(f"add: wanted a TensorTuple of {len(self)} tensors, got {other!r}")
        if self.is_partial() or other.is_partial():
            return self._merged(other)
        return _MAKE_TUPLE.instance.apply(*[a + b for a, b in zip(self, other, strict=True)])

    def __repr__(self) -> str:
        return f"TensorTuple{self.tuple()!r}"

    @classmethod
    def partial(cls, parts: list, present: frozenset[int]):
        """Return a tuple in which only the parts at the indices `present` are arrays, the others None.

        It is an adjoint while it is being summed up.
        """
        value = cls.make_const(tuple(parts))
        value._remember("partial", present)
        return value

    def is_partial(self) -> bool:
        """Whether parts may be None."""
        return self.extra is not None and "partial" in self.extra

    def _present(self) -> frozenset[int]:
        """Return the indices of the parts that are not None."""
        known = self.extra.get("partial") if self.extra else None
        return frozenset(range(len(self.cached_data))) if known is None else known

    def _merged(self, other):
        """Return the sum of two tuples of which at least one is partial."""
        parts, present = list(self.cached_data), self._present()
        for k in other._present():
            if k in present:
                part = Tensor.make_const(parts[k]) + Tensor.make_const(other.cached_data[k])
                parts[k] = part.cached_data
            else:
                parts[k] = other.cached_data[k]
        return TensorTuple.partial(parts, present | other._present())

    def completed(self, like):
        """Return this adjoint of `like` with zeros for the parts that nothing contributed to."""
        parts = [
            arrays.xp.zeros_like(known) if part is None else part
            for part, known in zip(self.cached_data, like.cached_data, strict=True)
        ]
        return TensorTuple.make_const(tuple(parts))

    def detach(self):
        """Return a leaf with the same data (shared) that requires no gradient."""
        return TensorTuple.make_const(self)

    def ones_like(self):
        """Return a tuple of ones: the adjoint that `backward` starts with."""
        return TensorTuple.make_const(
            tuple([arrays.xp.ones_like(part) for part in self.realize_cached_data()])
        )

    def backward(self, out_grad=None, create_graph: bool | None = None, accumulate: bool = False) -> None:
        """Compute the gradient of every leaf; `out_grad` is a TensorTuple. See `Tensor.backward`."""
        run_backward(self, out_grad, create_graph, accumulate)
