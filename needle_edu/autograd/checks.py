"""Is this gradient right? Backpropagation against the definition of the derivative.

`grad_check` moves every element of every input a little up and down in float64 and compares the slope with
what `backward` says. It is how each op of the library is tested, and the first thing to try on an op of your
own.
"""

import numpy as np

from .arrays import GradientError
from .modes import enable_grad, no_grad
from .op import Op
from .tensor import Tensor
from .tensor_tuple import TensorTuple


def grad_check(
    function, *inputs, order: int = 1, eps: float = 1e-5, tol: float = 1e-5, seed: int = 0
) -> bool:
    """Compare the gradient that `backward` computes with central differences.

    Parameters
    ----------
    function : Op or callable
        Takes one tensor per input and returns a Tensor or TensorTuple.
    *inputs : array_like
        Where to compare; converted to float64. Integer and bool arrays are passed on as constants.
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
        Names the op, the input, the element and both numbers.

    Examples
    --------
    >>> from needle_edu import grad_check, ops
    >>> grad_check(ops.exp, [0.5, -1.0])
    True
    """
    points = [np.array(x.numpy() if isinstance(x, Tensor) else x) for x in inputs]
    points = [x if x.dtype.kind in "iub" else x.astype("float64") for x in points]
    moving = [k for k, x in enumerate(points) if x.dtype.kind == "f"]
    weights: list[np.ndarray] = []
    rng = np.random.default_rng(seed)

    def scalar(tensors):
        """The weighted sum of all results: one number whose gradient involves every entry of the Jacobian."""
        result = function(*tensors)
        parts = result.tuple() if isinstance(result, TensorTuple) else (result,)
        if not weights:
            weights.extend(rng.uniform(0.5, 1.5, part.shape) for part in parts)
        terms = [(part * _constant(w)).sum() for part, w in zip(parts, weights, strict=True)]
        return sum(terms[1:], start=terms[0])

    if order > 1:
        _check_second_order(scalar, points, moving, order, eps, tol, seed, _name(function))
    tensors = [_variable(x) for x in points]
    loss = scalar(tensors)
    if loss.requires_grad:
        loss.backward(create_graph=False)
    for k in moving:
        computed = None if tensors[k].grad is None else tensors[k].grad.numpy()
        _compare(_name(function), scalar, points, k, computed, eps, tol)
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


def _compare(name, scalar, points, k, computed, eps, tol) -> None:
    """Raise unless `computed` is the slope of `scalar` in every element of input `k`."""
    absent = computed is None
    found = np.zeros(points[k].shape) if computed is None else computed
    for index in np.ndindex(points[k].shape):
        here = points[k][index]
        step = eps * max(1.0, abs(here))
        values = []
        for moved in (here + step, here - step):
            points[k][index] = moved
            with no_grad():
                values.append(scalar([_constant(x) for x in points]).item())
        points[k][index] = here
        slope = (values[0] - values[1]) / (2 * step)
        if not abs(slope - found[index]) <= tol * max(1.0, abs(slope)):
            shown = "\n".join(
                f"  input {i} = {np.array2string(x, prefix='  input 0 = ')}" for i, x in enumerate(points)
            )
            place = f"[{', '.join(map(str, index))}]" if index else ""
            backward = "no gradient at all" if absent else repr(float(found[index]))
            raise GradientError(
                f"{name}: wrong gradient for input {k}{place}\n"
                f"  backward says     {backward}\n"
                f"  the slope there is {float(slope)!r}\n{shown}"
            )


def _variable(x: np.ndarray) -> Tensor:
    return Tensor(x, dtype=x.dtype if x.dtype.kind == "f" else None, requires_grad=x.dtype.kind == "f")


def _constant(x: np.ndarray) -> Tensor:
    return Tensor(x, dtype=x.dtype if x.dtype.kind == "f" else None, requires_grad=False)


def _name(function) -> str:
    return function.name if isinstance(function, Op) else getattr(function, "__name__", repr(function))
