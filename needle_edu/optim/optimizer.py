"""What all optimisers share: the parameters they look after, and forgetting or shortening gradients.

An optimiser never writes into an array that somebody else may hold. A step gives each parameter a NEW array,
so that a copy kept with `p.data` stays what it was, and gradients are replaced, not scaled in place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import real
from ..backend.errors import DataError, GradientError, ShapeError


class Optimizer:
    """The base of all optimisers: define `step`.

    Parameters
    ----------
    params : iterable of Tensor
        What to train, usually `model.parameters()`. One that is named twice is trained once.

    Attributes
    ----------
    params : list of Tensor
    hyperparameters : tuple of str
        Names of the attributes that `state_dict` saves as numbers.
    memories : tuple of str
        Names of the attributes that `state_dict` saves as arrays: dicts from the position of a parameter in
        `params` to an array of its shape.
    counters : tuple of str
        Names of the attributes that `state_dict` saves as whole numbers: dicts from the position of a parameter
        to how often something happened to it.

    Examples
    --------
    >>> class SignDescent(Optimizer):
    ...     def step(self):
    ...         for p in self.params:
    ...             p.data = p.data - 0.1 * p.grad.sign()
    >>> w = Tensor([1.0, -2.0])
    >>> (w * w).sum().backward()
    >>> SignDescent([w]).step()
    >>> w.numpy().round(3).tolist()
    [0.8999999761581421, -1.899999976158142]
    """

    hyperparameters: tuple[str, ...] = ()
    memories: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Tensor]):
        who = type(self).__name__
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            advice = f"{who}(model.parameters())" if hasattr(params, "parameters") else "a list: [w, b]"
            raise TypeError(
                f"{who}: params must be several tensors, got one {type(params).__name__}; give {advice}"
            )
        params = list(params)
        strangers = [type(p).__name__ for p in params if not isinstance(p, Tensor)]
        if strangers:
            raise TypeError(f"{who}: params must be tensors, got {strangers[0]}")
        self.params: list[Tensor] = list(dict.fromkeys(params))

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name, '?')}" for name in self.hyperparameters)
        return f"{type(self).__name__}({settings}) · {sum(p.size for p in self.params):,} parameters"

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense; `load_state_dict` asks this too. Here: finite, at least 0."""
        real(type(self).__name__, 0, **{name: value})

    def step(self) -> None:
        """Change every parameter that has a gradient; those whose `grad` is None stay as they are."""
        raise NotImplementedError(f"{type(self).__name__} must define step(self)")

    def reset_grad(self) -> None:
        """Set `grad` of every parameter to None."""
        for p in self.params:
            p.grad = None

    def clip_grad_norm(self, max_norm: float = 0.25) -> float:
        """Shorten all gradients by one factor, so that together they are at most `max_norm` long.

        Parameters
        ----------
        max_norm : float

        Returns
        -------
        float
            The length before: the square root of the sum of squares of all gradients.

        Examples
        --------
        >>> from needle_edu.optim import SGD
        >>> w = Tensor([3.0, 4.0])
        >>> (w * w / 2).sum().backward()
        >>> SGD([w]).clip_grad_norm(1.0)
        5.0
        >>> w.grad.numpy().round(3).tolist()
        [0.6000000238418579, 0.800000011920929]
        """
        real(f"{type(self).__name__}.clip_grad_norm", 0, max_norm=max_norm)
        with_grad = [(p, p.grad) for p in self.params if p.grad is not None]
        norm = math.sqrt(sum(float(np.square(g.numpy(), dtype=np.float64).sum()) for _, g in with_grad))
        factor = max_norm / (norm + 1e-6)
        if factor < 1:
            for p, grad in with_grad:
                p.grad = grad.detach() * factor
        return norm

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array of all an optimiser remembers: its settings, and for each parameter its averages."""
        saved = {name: np.asarray(getattr(self, name)) for name in self.hyperparameters}
        for memory in (*self.memories, *self.counters):
            for place, array in getattr(self, memory).items():
                saved[f"{memory}.{place}"] = np.array(array)
        return saved

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. All of it, or, after an error, nothing.

        Raises
        ------
        DataError, ShapeError
            If the state is of another kind of optimiser, or of other parameters.
        """
        who = f"{type(self).__name__}.load_state_dict"
        missing = [name for name in self.hyperparameters if name not in saved]
        if missing:
            raise DataError(f"{who}: the saved state is of another kind of optimiser: missing {missing}")
        new: dict[str, Any] = {memory: {} for memory in (*self.memories, *self.counters)}
        for name, value in saved.items():
            memory, _, place = name.partition(".")
            if name in self.hyperparameters:
                new[name] = self._setting(who, name, value)
            elif memory not in new or not place.isdecimal() or int(place) >= len(self.params):
                raise DataError(f"{who}: {name!r} belongs to no parameter of this optimiser")
            elif memory in self.counters:
                new[memory][int(place)] = _count(who, name, value)
            else:
                new[memory][int(place)] = _average(who, name, value, self.params[int(place)])
        places = [set(new[memory]) for memory in (*self.memories, *self.counters)]
        if any(found != places[0] for found in places):
            raise DataError(f"{who}: a parameter has only a part of {[*self.memories, *self.counters]}")
        vars(self).update(new)  # one call: all or nothing

    def _setting(self, who: str, name: str, value: Any) -> Any:
        """A saved setting as a Python number that makes sense."""
        array = readable(value)
        if array.ndim or array.dtype.kind not in "iuf":
            raise DataError(f"{who}: {name} is one number, got {value!r:.60}")
        try:
            self.check_hyperparameter(name, array.item())
        except ValueError as error:
            raise DataError(f"{who}: {error}") from error
        return array.item()

    def _arrays(self, p: Tensor) -> tuple[Any, Any]:
        """The arrays of `p` and of `p.grad`, checked to have one shape."""
        if not isinstance(p.grad, Tensor):
            raise GradientError(
                f"{type(self).__name__}.step: `grad` of a parameter is a {type(p.grad).__name__}, wanted a Tensor"
            )
        data, grad = p.realize_cached_data(), p.grad.realize_cached_data()
        if grad.shape != data.shape:
            raise GradientError(
                f"{type(self).__name__}.step: a parameter of shape {data.shape} has a gradient of shape "
                f"{grad.shape}"
            )
        return data, grad


def _count(who: str, name: str, value: Any) -> int:
    """A saved counter as a Python integer."""
    array = readable(value)
    if array.ndim or array.dtype.kind not in "iu" or array < 0:
        raise DataError(f"{who}: {name} is a whole number of at least 0, got {value!r:.60}")
    return int(array)


def _average(who: str, name: str, value: Any, p: Tensor) -> Any:
    """A saved average as an array of the kind that its parameter has."""
    try:
        array = readable(value)
    except ValueError as error:
        raise DataError(f"{who}: {name}: rows of different lengths make no array") from error
    if array.dtype.kind not in "iuf":
        raise DataError(f"{who}: {name} is an array of numbers, got {value!r:.60}")
    if array.shape != p.shape:
        raise ShapeError(f"{who}: {name}: got shape {array.shape}, wanted {p.shape}")
    return Tensor(array, device=p.device, dtype=p.dtype).cached_data
