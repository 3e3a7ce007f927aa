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
        for memory in self.memories:
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
        memories: dict[str, dict[int, Any]] = {memory: {} for memory in self.memories}
        for name in saved:
            memory, _, place = name.partition(".")
            if name in self.hyperparameters:
                continue
            if memory not in memories or not place.isdecimal() or int(place) >= len(self.params):
                raise DataError(f"{who}: {name!r} belongs to no parameter of this optimiser")
            p, array = self.params[int(place)], np.asarray(saved[name])
            if array.shape != p.shape:
                raise ShapeError(f"{who}: {name}: got shape {array.shape}, wanted {p.shape}")
            memories[memory][int(place)] = Tensor(array, device=p.device, dtype=p.dtype).cached_data
        for name in self.hyperparameters:
            setattr(self, name, np.asarray(saved[name]).item())
        for memory, arrays in memories.items():
            setattr(self, memory, arrays)

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
