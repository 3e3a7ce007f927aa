"""Is this gradient right? Backpropagation against the definition of the derivative.

`grad_check` moves every element of every input a little up and down in float64 and compares the slope with
what `backward` says. It is how each op of the library is tested, and the first thing to try on an op of your
own.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import GradientError
from .modes import enable_grad, no_grad
from .op import Op
from .tensor import Tensor
from .tensor_tuple import TensorTuple
from .value import Value


def grad_check(
    function: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    eps: float = 1e-5,
    tol: float = 1e-5,
    seed: int = 0,
) -> bool:
    """Compare the gradient that `backward` computes with central differences.

    Parameters
    ----------
    function : Op or callable
        Takes one tensor per input and returns a Tensor or TensorTuple.
    *inputs : array_like
        Where to compare; converted to float64. Integer and bool arrays are passed on as constants, so write
        1.0 for a number that is to move.
    order : int
        2 also checks the gradient of the gradient.
    eps : float
        Half the distance of the two points, relative to the larger of 1 and the element.
    tol : float
        Largest accepted difference, relative to the larger of 1 and the slope.
    seed : int
        Of the random weights that turn an array result into one number.

    Returns
    -------
    bool
        True. A wrong gradient raises.

    Raises
    ------
    GradientError
        If the gradient is wrong: names the op, the input, the element, both numbers, and the adjoint
        `out_grad` of the result for which they hold. Also if no input can move.

    Examples
    --------
    >>> from needle_edu import grad_check, ops
    >>> grad_check(ops.exp, [0.5, -1.0])
    True
    """
    if isinstance(function, type):
        raise TypeError(f"grad_check: wanted an op or a function, got a class; write {function.__name__}()")
    points = [np.array(x.numpy() if isinstance(x, Tensor) else x) for x in inputs]
    points = [x if x.dtype.kind in "iub" else x.astype("float64") for x in points]
    moving = [k for k, x in enumerate(points) if x.dtype.kind == "f"]
    if not moving:
        raise GradientError(f"{_name(function)}: no input is a float, so there is no slope; write 1.0, not 1")
    weights: list[np.ndarray] = []
    rng = np.random.default_rng(seed)

    def scalar(tensors):
        """The weighted sum of all results: one number whose gradient involves every entry of the Jacobian."""
        result = function(*tensors)
        if not isinstance(result, Value):
            raise GradientError(
                f"{_name(function)}: returned {type(result).__name__}; wanted a Tensor (numpy() ends the graph)"
            )
        parts = result.tuple() if isinstance(result, TensorTuple) else (result,)
        if not weights:
            weights.extend(rng.uniform(0.5, 1.5, part.shape) for part in parts)
        terms = [(part * _constant(w, part.device)).sum() for part, w in zip(parts, weights, strict=True)]
        return sum(terms[1:], start=terms[0])

    if order > 1:
        _check_second_order(scalar, points, moving, order, eps, tol, seed, _name(function))
    tensors = [_variable(x) for x in points]
    with enable_grad():
        loss = scalar(tensors)
    if loss.requires_grad:
        loss.backward(create_graph=False)
    for k in moving:
        grad = tensors[k].grad
        computed = None if grad is None else grad.numpy()
        _compare(_name(function), scalar, points, k, computed, weights, eps, tol)
    return True


def _check_second_order(scalar, points, moving, order, eps, tol, seed, name) -> None:
    """Check the gradient of: the gradient of `scalar`, as a function of the inputs that can move."""

    def gradient(*variables):
        tensors = [_constant(x) for x in points]
        with enable_grad():
            for k, variable in zip(moving, variables, strict=True):
                tensors[k] = variable * 1.0 if variable.requires_grad else variable.detach().requires_grad_()
                tensors[k].retain_grad()
            scalar(tensors).backward(create_graph=True)
        grads = [tensors[k].grad for k in moving]
        total = None
        for variable, g in zip(variables, grads, strict=True):
            g = variable * 0.0 if g is None else g
            term = (g * g).sum() + (variable * 0.0).sum()
            total = term if total is None else total + term
        return total

    gradient.__name__ = f"the gradient of {name}"
    grad_check(gradient, *[points[k] for k in moving], order=order - 1, eps=eps, tol=tol * 10, seed=seed)


def _compare(name, scalar, points, k, computed, weights, eps, tol) -> None:
    """Raise unless `computed` is the slope of `scalar` in every element of input `k`."""
    found = np.zeros(points[k].shape) if computed is None else computed
    wrong = []
    for index in np.ndindex(points[k].shape):
        slope = _slope(scalar, points, k, index, eps)
        if not abs(slope - found[index]) <= tol * max(1.0, abs(slope)):
            wrong.append((index, slope))
    if wrong:
        index, slope = wrong[0]
        place = f"[{', '.join(map(str, index))}]" if index else ""
        backward = "no gradient at all" if computed is None else f"{found[index]:.8g}"
        arrays = [(f"input {i}", x) for i, x in enumerate(points)] + [("out_grad", w) for w in weights]
        shown = "\n".join([f"  {what:8} = {np.array2string(x, prefix=' ' * 13)}" for what, x in arrays])
        raise GradientError(
            f"{name}: wrong gradient for input {k}{place} ({len(wrong)} of {found.size} elements are wrong)\n"
            f"  backward says     {backward}\n"
            f"  the slope there is {slope:.8g}\n{shown}"
        )


def _slope(scalar, points, k, index, eps) -> float:
    """Return the slope of `scalar` in one element of input `k`, from a point on either side."""
    here = points[k][index]
    step = eps * max(1.0, abs(here))
    values = []
    for moved in (here + step, here - step):
        points[k][index] = moved
        with no_grad():
            values.append(scalar([_constant(x) for x in points]).item())
    points[k][index] = here
    return float(values[0] - values[1]) / (2 * float(step))


def _variable(x: np.ndarray) -> Tensor:
    return Tensor(x, dtype=x.dtype if x.dtype.kind == "f" else None, requires_grad=x.dtype.kind == "f")


def _constant(x: np.ndarray, device: Any = None) -> Tensor:
    return Tensor(x, device=device, dtype=x.dtype if x.dtype.kind == "f" else None, requires_grad=False)


def _name(function) -> str:
    return function.name if isinstance(function, Op) else getattr(function, "__name__", repr(function))
