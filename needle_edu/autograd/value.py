"""Value: one node of the computation graph.

A value holds an array, and remembers how it came about: the operation (`op`) and the values that went in
(`inputs`). Values without an op are leaves: data and parameters. Links point from a result to its inputs
only, never back; so a graph has no cycles, and dropping the loss frees all of it at once.
"""

from typing import Any

from needle_edu.backend import storage

from . import arrays, events, state

next_serial = state.next_serial


class Value:
    """A node of the computation graph: an array and where it came from.

    Attributes
    ----------
    op : Op or None
        The operation that made this value; None for a leaf.
    inputs : tuple of Value
        What the operation was applied to, in operand order; empty for a leaf.
    cached_data : NDArray (numpy.ndarray in np mode), a tuple of them, or None
        The value itself; None in lazy mode until somebody needs it.
    requires_grad : bool
        Whether `backward` computes a gradient for this value.
    grad : Tensor or None
        Written by `backward` on leaves, and on interior values after `retain_grad()`.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x = Tensor([3.0])
    >>> y = x * x
    >>> y.op.name, [value is x for value in y.inputs], x.is_leaf()
    ('multiply', [True, True], True)
    """

    # No __init__: `fill_node` fills the slots. `version` is the version counter when the value was computed; `_serial`
    # grows from result to result and tells the order of the run (a leaf has none); `extra` is a dict of rare things.
    __slots__ = (
        "op", "inputs", "cached_data", "requires_grad", "grad", "version", "_serial", "extra", "__weakref__",
    )  # fmt: skip

    op: Any
    inputs: tuple
    cached_data: Any
    requires_grad: bool
    grad: Any
    version: int
    _serial: int
    extra: dict | None

    @classmethod
    def make_const(cls, data, requires_grad: bool = False):
        """Return a leaf around an array (or the array of another value), without copying it."""
        if isinstance(data, Value):
            data = data.realize_cached_data()
        return fill_node(object.__new__(cls), None, (), data, requires_grad)

    @classmethod
    def make_from_op(cls, op, inputs):
        """Return the result of applying `op` to `inputs`; of an op that does not say what it returns, one of these."""
        if op.value_class is None and cls is not Value:
            op.value_class = cls
        return op.apply(*inputs)

    @property
    def num_outputs(self) -> int:
        """Number of arrays in this value: 1, or the length of a TensorTuple."""
        return 1

    def is_leaf(self) -> bool:
        """Whether this value was made by no operation."""
        return self.op is None

    def realize_cached_data(self):
        """Return the array, computing it now if lazy mode has put that off."""
        if self.cached_data is None:
            _compute_missing(self)
        return self.cached_data

    def __copy__(self):
        """Return another leaf around the same array, with the same `.grad`."""
        leaf = _leaf(type(self), self.grad, *self._facts("copied"))
        if hasattr(self, "__dict__"):  # a class of the user's own
            vars(leaf).update(vars(self))
        return leaf

    def __reduce__(self):
        """Pickle (and deep-copy) a leaf by value: its data, its `.grad`, its label. A graph is not pickled.

        A `.grad` that is a node of a graph itself (``backward(create_graph=True)``) is kept as plain numbers.
        """
        grad = self.grad
        if isinstance(grad, Value) and grad.op is not None:
            grad = grad.make_const(grad)
        return _leaf, (type(self), grad, *self._facts("pickled")), getattr(self, "__dict__", None)

    def _facts(self, what: str) -> tuple:
        """Return what makes a leaf, or refuse the result of an operation."""
        if self.op is not None:
            raise arrays.NeedleError(
                f"only a leaf can be copied or pickled, not the result of an op: the graph behind this "
                f"result of {self.op.name} cannot be {what}; detach() it first"
            )
        return self.cached_data, self.requires_grad, (self.extra or {}).get("name")

    def _remember(self, key: str, thing) -> None:
        """Keep a rare fact about this value (its name, say) in `extra`."""
        if self.extra is None:
            self.extra = {}
        self.extra[key] = thing

    def replace_data(self, array) -> None:
        """Hold another array from now on; gradients that need the old numbers become an error.

        This is how an optimiser updates a parameter. `Tensor.data` does the same and checks the dtype.
        """
        if (tracer := state.tracing()) is not None:
            tracer.replaced(self)
        version = storage.new_version()
        self.cached_data, self.version = array, version  # both or neither, whenever an interrupt comes
        if self.op is not None:
            self._remember("replaced", True)
            storage.new_version()  # the value's is older than the latest: `backward` looks closer


def fill_node(node, op, inputs: tuple, data, requires_grad: bool):
    """Make an empty object a node of the graph, and return it: every node is made here, or by the same lines in op.py.

    An op's result comes as ``fill_node(object.__new__(Tensor), op, inputs, array, True)``, a leaf with None and ().
    """
    node.op = op
    node.inputs = inputs
    node.cached_data = data
    node.requires_grad = requires_grad
    node.grad = node.extra = None
    node.version = storage.latest_version
    if op is not None:
        node._serial = next_serial()
    return node


def _leaf(cls, grad, data, requires_grad: bool, label: str | None):
    """Make a leaf again from what `__reduce__` has kept of it, perhaps with the other kind of arrays."""
    parts = [
        part if isinstance(part, arrays.Array) else arrays.enter(part, dtype=part.dtype)
        for part in (data if isinstance(data, tuple) else (data,))
    ]
    leaf = cls.make_const(tuple(parts) if isinstance(data, tuple) else parts[0], requires_grad)
    leaf.grad = grad
    if label is not None:
        leaf._remember("name", label)
    return leaf


def refuse_history(data, operation: str) -> None:
    """Raise if a list holds a tensor that requires a gradient: as mere data its history would be lost."""
    if not isinstance(data, (list, tuple)) or not state.grad_enabled():
        return
    if set(map(type, data)) <= {int, float}:  # a long list of numbers: in a hurry
        return
    for item in data:
        if isinstance(item, (list, tuple)):
            refuse_history(item, operation)
        elif isinstance(item, Value) and item.requires_grad:
            raise arrays.GradientError(
                f"{operation}: this list holds a tensor that requires a gradient, and no gradient would reach "
                "it; join tensors with ops.stack([a, b]), or take their numbers alone: a.detach()"
            )


def _compute_missing(value: Value) -> None:
    """Compute `value` and whatever it needs, inputs first, without recursion: lazy chains can be long."""
    stack = [value]
    while stack:
        node = stack[-1]
        missing = [x for x in node.inputs if x.cached_data is None]
        if missing:
            stack.extend(missing)
            continue
        stack.pop()
        if node.cached_data is None:
            if node.op is None:
                raise arrays.NeedleError("this value has neither data nor an operation that could compute it")
            node.cached_data = node.op.computed([x.cached_data for x in node.inputs])
            node.version = storage.latest_version
            if state.hook is not None:
                events.computed(node)
