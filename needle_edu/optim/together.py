"""One step of all parameters of a group in one kernel call: what the base of the optimisers does with a `formula`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..autograd import Tensor
from ..autograd.arrays import held_once, optimizer_steps, same_layout
from ..autograd.state import tracing
from ..backend import accelerator
from ..backend.errors import DTypeError, GradientError
from ..backend.naming import a_kind
from ..backend.optimizer_steps import KINDS, Numbers

if TYPE_CHECKING:
    from .optimizer import Optimizer

in_c_steps: Callable = accelerator.nothing  # the usual step of a group in C (csrc/python/steps.c)


def step_together(optimizer: Optimizer, members: list[tuple[int, Tensor]], group: dict[str, Any]) -> None:
    """One step of parameters of one group, in one call."""
    if (tracer := tracing()) is not None:
        tracer.optimizer_step(optimizer, members, group)
        return
    told: dict[tuple, tuple] = {}  # what `formula` says: the same for all that were stepped as often
    if not members or _in_c(optimizer, members, group, told):
        return
    steps, found = [], []
    for place, p in members:
        overwrite = held_once(p)  # asked before we hold it, too
        data, grad = arrays_of(optimizer, p)
        state = optimizer.state.get(place, {})
        kind, starts, numbers, counts = _what_to_do(optimizer, state, group, told)
        memories = [state[name] if name in state else filled(data, start) for name, start in starts.items()]
        steps.append((kind, data, grad, memories, numbers, overwrite))
        found.append((place, p, state, memories, starts, counts))
    done = optimizer_steps(steps)
    for (place, p, state, memories, starts, counts), (new, kept) in zip(found, done, strict=True):
        if kept is not memories or not state:
            state = optimizer.state[place] = {**state, **dict(zip(starts, kept, strict=True))}
        state.update(counts)
        p.replace_data(new)


def _what_to_do(
    optimizer: Optimizer, state: dict[str, Any], group: dict[str, Any], told: dict[tuple, tuple]
) -> tuple[str, dict[str, float], Numbers, dict[str, Any]]:
    """What `formula` says of a parameter in this state, and what will have been counted; noted in `told`."""
    counted = (*optimizer.counters, *optimizer.numbers)
    key = (len(state), *[state.get(name) for name in counted])
    if key not in told:
        after = dict(state)
        kind, starts, numbers = optimizer.formula(after, group)
        counts = {name: after[name] for name in counted}
        told[key] = kind, starts, Numbers(-1.0 if group["maximize"] else 1.0, **numbers), counts
    return told[key]


def _in_c(
    optimizer: Optimizer, members: list[tuple[int, Tensor]], group: dict[str, Any], told: dict[tuple, tuple]
) -> bool:
    """Make the step in C, if it is a usual one: all were stepped as often, in dense arrays of the C library."""
    first = optimizer.state.get(members[0][0])
    if first is None or in_c_steps is accelerator.nothing:
        return False
    kind, starts, numbers, counts = _what_to_do(optimizer, first, group, told)
    return bool(in_c_steps(members, optimizer.state, first, counts, KINDS[kind], tuple(starts), numbers))


def _accelerate(module: Any) -> None:
    global in_c_steps
    in_c_steps = accelerator.nothing if module is None else module.optimizer_steps


accelerator.connect(_accelerate)


def arrays_of(optimizer: Optimizer, p: Tensor) -> tuple[Any, Any]:
    """The arrays of `p` and of `p.grad`, checked to have one shape."""
    if not isinstance(p.grad, Tensor):
        raise GradientError(
            f"{type(optimizer).__name__}.step: `grad` of a parameter is {a_kind(p.grad)}, wanted a Tensor"
        )
    data, grad = p.realize_cached_data(), p.grad.realize_cached_data()
    if same_layout(p.grad, p) and data.dtype.kind == "f":  # the usual case
        return data, grad
    if grad.shape != data.shape:
        raise GradientError(
            f"{type(optimizer).__name__}.step: a parameter of shape {data.shape} has a gradient of shape "
            f"{grad.shape}"
        )
    if data.dtype.kind != "f":  # whole numbers cannot take a small step: it would be cut to nothing
        raise DTypeError(
            f"{type(optimizer).__name__}.step: parameters are float32 or float64, got {data.dtype}"
        )
    if grad.dtype != data.dtype:
        grad = grad.__array_namespace__().astype(grad, data.dtype)
    return data, grad


def filled(p: Any, start: float) -> Any:
    """A memory at first: an array like the parameter, every number of which is `start`."""
    return p.__array_namespace__().full_like(p, start)
