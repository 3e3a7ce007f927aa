"""Checkpointing: compute a part of the network twice, and keep none of its intermediate values in between.

Reverse mode needs the values of the forward pass, so a deep network keeps all of them until backward comes by. Under
`checkpoint` a part of it is one node of the graph: it remembers its inputs and the function, and the values inside are
forgotten. When backward reaches the node, the function runs once more, now with a graph, and the adjoint is pulled back
through that. The gradient is exact; the price is a second forward pass of that part.

Source: T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training deep nets with sublinear memory cost", 2016.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from needle_edu.backend.random import global_state, set_global_state

from . import arrays, events, state
from .arrays import GradientError
from .engine import pull_back
from .modes import enable_grad
from .op import TensorOp
from .tensor import Tensor
from .topo import post_order


class _Checkpoint(TensorOp):
    """A function of tensors as one op, whose gradient runs the function again.

    `places` says which of the node's inputs each argument is; the inputs after them are what `fn` used besides, such as
    the weights of a layer. `randomness` is where the random numbers were when it ran first.
    """

    name = "checkpoint"

    def __init__(self, fn: Callable[..., Any], places: list[int], randomness: dict[str, Any]):
        self.fn, self.places, self.randomness = fn, places, randomness

    @property
    def attrs(self) -> dict:
        return {"fn": getattr(self.fn, "__name__", type(self.fn).__name__)}

    def gradient(self, out_grad, node):
        now, quiet = global_state(), events.quiet.on
        try:
            events.quiet.on = False  # what is computed again are graph nodes
            set_global_state("checkpoint", self.randomness)
            with enable_grad():
                again = _checked(self.fn(*[node.inputs[k] for k in self.places]))
        finally:
            events.quiet.on = quiet
            set_global_state("checkpoint", now)
        if again.shape != node.shape or not again.requires_grad:
            raise GradientError(
                f"checkpoint: the function gave a result of shape {node.shape}, and of shape {again.shape} when "
                "backward ran it again; it must do the same both times (did a setting change in between?)"
            )
        found = pull_back(again, out_grad, node.inputs)
        return tuple([_zeros_like(x) if g is None else g for g, x in zip(found, node.inputs, strict=True)])


def _zeros_like(x):
    return x.make_const(arrays.xp.zeros_like(x.realize_cached_data()))


def checkpoint(fn: Callable[..., Any], *inputs: Tensor) -> Tensor:
    """Return ``fn(*inputs)``, and keep no value inside it for backward: they are computed again when needed.

    Parameters
    ----------
    fn : callable
        Of tensors, with one tensor as its result; a module, for example. It runs twice, so it must do the same twice:
        random numbers come out the same (NumPy's and Python's global generators are put back for the second run), and
        what it changes outside, such as running averages of a batch norm, is changed twice.
    *inputs : Tensor
        Its arguments. Gradients reach them, and every other tensor that `fn` uses, such as weights.

    Returns
    -------
    Tensor
        The result. Gradients are exact, and may be differentiated again.

    Raises
    ------
    TypeError
        An argument or the result is no Tensor.
    GradientError
        In `backward`: `fn` did something else the second time, or a tensor it used was overwritten.

    References
    ----------
    T. Chen, B. Xu, C. Zhang, C. Guestrin, "Training deep nets with sublinear memory cost", 2016.

    Examples
    --------
    >>> from needle_edu import Tensor, ops
    >>> x = Tensor([1.0, 2.0])
    >>> y = checkpoint(lambda x: ops.exp(x * x), x)
    >>> y.op.name, y.numpy().round(2)
    ('checkpoint', array([ 2.72, 54.6 ], dtype=float32))
    >>> y.backward()                                        # the derivative is 2 x exp(x²)
    >>> x.grad.numpy().round(2)
    array([  5.44, 218.39], dtype=float32)
    """
    if not callable(fn):
        raise TypeError(
            f"checkpoint: wanted a function and then its arguments, got {type(fn).__name__} first"
        )
    for x in inputs:
        if not isinstance(x, Tensor):
            raise TypeError(
                f"checkpoint: wanted tensors as arguments, got {type(x).__name__}; put other settings into the "
                "function: checkpoint(lambda x: fn(x, setting), x)"
            )
    randomness = global_state()
    out = _checked(fn(*inputs))
    if not out.requires_grad:
        return out
    # What `fn` used besides its arguments are the other leaves of its graph, which is let go after this look.
    used = [x for x in post_order([out], inputs) if x.op is None and x.requires_grad]
    operands = list(dict.fromkeys([*inputs, *used]))
    op = _Checkpoint(fn, [operands.index(x) for x in inputs], randomness)
    return _node(op, operands, out.realize_cached_data())


def _node(op: _Checkpoint, operands: list[Tensor], data: Any) -> Tensor:
    """Return the result of `op`, whose array is known already."""
    for x in operands if state.watched else ():
        events.announce(x)
    node = op._result(operands, data)
    if state.watched:
        events.created(node, op, operands)
        events.computed(node)
    return node


def _checked(out: Any) -> Tensor:
    if not isinstance(out, Tensor):
        raise TypeError(f"checkpoint: the function returns one Tensor, got {type(out).__name__}")
    return out
