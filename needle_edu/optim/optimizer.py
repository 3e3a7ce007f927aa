"""What all optimisers share: the parameters they look after, and forgetting or shortening gradients.

An optimiser never writes into an array that somebody else holds. A step gives each parameter a NEW array, so that a
copy kept with `p.data` stays what it was, and gradients are replaced, not scaled in place. Only where nobody but the
parameter has its array, and no view looks into it, the new numbers are written over the old: nobody can tell, and it
is faster.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..autograd import Tensor, state
from ..autograd.arrays import optimizer_steps
from ..autograd.state import tracing
from ..backend.arguments import real, switch
from ..backend.optimizer_steps import Numbers
from ..nn.module_state import forget_gradients
from ..nn.utils import clip_grad_norm_
from . import saving
from .attributes import Memory, Setting
from .together import arrays_of, filled, step_together


class Optimizer:
    """The base of all optimisers: define `step`, or `update`, the step of one parameter.

    Those that come with the library name a `formula` instead: then all parameters of a group are one kernel call.

    Parameters
    ----------
    params : iterable of Tensor, or of dict
        What to train, usually `model.parameters()`. One that is named twice is trained once. Dicts are groups, which
        may have settings of their own: `[{"params": body.parameters()}, {"params": head.parameters(), "lr": 0.1}]`.
    **settings
        What holds for every group that does not say otherwise.

    Attributes
    ----------
    params : list of Tensor
        All parameters. What is remembered of one is found by its position here.
    param_groups : list of dict
        Each with "params" and all settings. `optimizer.lr` reads the first group's; setting it sets every group's.
    hyperparameters : tuple of str
        Names of the settings that are numbers.
    options : dict
        Settings that are no numbers or need not be there, with what they are by default; they are saved where they
        differ from it. All optimisers have `maximize`: uphill instead of down, as if every gradient had the other sign.
    memories : tuple of str
        Names of what is remembered of each parameter as an array of its shape.
    extras : tuple of str
        The same for what only some settings need.
    counters : tuple of str
        Names of what is remembered as a whole number: how often something happened to the parameter.
    numbers : tuple of str
        Names of what is remembered as a number of any kind.

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
    options: dict[str, Any] = {"maximize": False}
    memories: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    shares: tuple[str, ...] = ("beta1", "beta2", "momentum")
    pairs: dict[str, tuple[str, str]] = {"betas": ("beta1", "beta2")}
    lr = Setting("lr")

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Make every setting and every memory an attribute, so that `optimizer.lr` and `optimizer.m[0]` can be read."""
        super().__init_subclass__(**keywords)
        cls.options = {
            k: v for kind in reversed(cls.__mro__) for k, v in vars(kind).get("options", {}).items()
        }
        for name in (*cls.hyperparameters, *cls.options):
            setattr(cls, name, Setting(name))
        for name in (*cls.memories, *cls.extras, *cls.counters, *cls.numbers):
            setattr(cls, name, Memory(name))

    def __init__(self, params: Iterable[Tensor] | Iterable[dict[str, Any]], **settings: Any):
        who = type(self).__name__
        if isinstance(params, (Tensor, Mapping)) or not isinstance(params, Iterable):
            has_them = hasattr(params, "parameters") or callable(params)
            advice = f"{who}(model.parameters())" if has_them else "a list: [w, b]"
            raise TypeError(
                f"{who}: params must be several tensors, got one {type(params).__name__}; give {advice}"
            )
        self.defaults = self._checked(settings)
        self.params: list[Tensor] = []
        self.param_groups: list[dict[str, Any]] = []
        self.state: dict[int, dict[str, Any]] = {}  # what is remembered, by the position of the parameter
        given: list[Any] = list(params)
        if not given:
            raise ValueError(
                f"{who}: params is empty; give model.parameters(), anew each time: an iterator that was walked "
                "through has nothing left"
            )
        grouped = all(isinstance(group, dict) for group in given)
        for group in given if grouped else [{"params": given}]:
            self.add_param_group(group)

    def __repr__(self) -> str:
        settings = {name: getattr(self, name, "?") for name in self.hyperparameters}
        settings |= {name: getattr(self, name) for name in self._options_in_use(self.param_groups[0])}
        shown = ", ".join(f"{name}={value}" for name, value in settings.items())
        groups = f" in {len(self.param_groups)} groups" if len(self.param_groups) > 1 else ""
        return f"{type(self).__name__}({shown}) · {sum(p.size for p in self.params):,} parameters{groups}"

    # ---- settings and groups --------------------------------------------------------------------

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Look after more parameters, with settings of their own: `{"params": [...], "lr": 0.1}`.

        Settings that the group does not name are those the optimiser was made with.

        Raises
        ------
        TypeError
            If it is no such dict, or names a setting that the optimiser does not have.
        ValueError
            If a setting makes no sense, or a parameter is in a group already.

        Examples
        --------
        >>> from needle_edu.optim import SGD
        >>> w, b = Tensor([1.0]), Tensor([1.0])
        >>> optimizer = SGD([{"params": [w]}, {"params": [b], "lr": 0.5}], lr=0.1)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.5]
        """
        who = type(self).__name__
        if not isinstance(group, dict) or "params" not in group:
            raise TypeError(f"{who}: a group is a dict {{'params': [...], 'lr': ...}}, got {group!r:.60}")
        given = group["params"]
        if not isinstance(given, Tensor) and not isinstance(given, Iterable):
            raise TypeError(f"{who}: params must be several tensors, got one {type(given).__name__}")
        members = [given] if isinstance(given, Tensor) else list(given)
        strangers = [type(p).__name__ for p in members if not isinstance(p, Tensor)]
        if strangers:
            raise TypeError(f"{who}: params must be tensors, got {strangers[0]}")
        members = list(dict.fromkeys(members))
        here = set(self.params)
        if any(p in here for p in members):
            raise ValueError(f"{who}: a parameter is in two groups; its step would be made twice")
        own = self._checked({name: value for name, value in group.items() if name != "params"})
        new = {"params": members, **self.options, **self.defaults, **own}
        self.check_group(new)
        self.param_groups.append(new)
        self.params.extend(members)

    def _checked(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Settings that make sense, each pair (such as PyTorch's `betas`) as the two numbers it stands for."""
        who = type(self).__name__
        known = {"lr", *self.hyperparameters, *self.options}
        found: dict[str, Any] = {}
        for name, value in settings.items():
            if name in self.pairs:
                try:
                    first, second = value
                except (TypeError, ValueError):
                    raise ValueError(f"{who}: {name} is a pair of numbers, got {value!r}") from None
                found |= dict(zip(self.pairs[name], (first, second), strict=True))
            elif name in known:
                found[name] = value
            else:
                raise TypeError(f"{who}: there is no setting {name!r}; the settings are {sorted(known)}")
        for name, value in found.items():
            self.check_hyperparameter(name, value)
        return found

    def _options_in_use(self, group: dict[str, Any]) -> list[str]:
        """Names of the options that are not what they are by default."""
        return [name for name, default in self.options.items() if group.get(name, default) != default]

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """Raise ValueError unless a setting makes sense; `load_state_dict` asks this too.

        Here: an option that is off or on stays one; a number is finite, at least 0, and less than 1 if it is one of
        `shares`.
        """
        who = type(self).__name__
        if isinstance(self.options.get(name), bool):
            switch(who, **{name: value})
        else:
            real(who, 0, below=1 if name in self.shares else math.inf, **{name: value})

    def check_group(self, group: dict[str, Any]) -> None:
        """Raise ValueError where settings that make sense alone make none together; here: never."""

    # ---- a step ---------------------------------------------------------------------------------

    def step(self) -> None:
        """Change every parameter that has a gradient; those whose `grad` is None stay as they are."""
        place = -1
        for group in self.param_groups:
            members: list[tuple[int, Tensor]] = []
            for p in group["params"]:
                place += 1
                if p.grad is not None:
                    members.append((place, p))
            if type(self).update is Optimizer.update:
                step_together(self, members, group)
                continue
            if (tracer := tracing()) is not None:
                tracer.own_update(self, members, group)
                continue
            for at, p in members:
                data, grad = arrays_of(self, p)
                state = dict(self.state.get(at, ()))
                new = self.update(data, -grad if group["maximize"] else grad, state, group)
                self.state[at] = state
                p.replace_data(new)

    def formula(
        self, state: dict[str, Any], s: dict[str, Any]
    ) -> tuple[str, dict[str, float], dict[str, float]]:
        """Which of the formulas in `needle_edu.backend.optimizer_steps` is a parameter's next step.

        Parameters
        ----------
        state, s : dict
            As for `update`; counters and numbers in `state` are to be changed, its arrays are not.

        Returns
        -------
        (str, dict, dict)
            The formula's name; the names of the memories it updates, in its order, each with what it starts at; and
            the numbers it is told.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must define step(self), or update(self, p, g, state, s)"
        )

    def update(self, p: Any, g: Any, state: dict[str, Any], s: dict[str, Any]) -> Any:
        """The step of one parameter; here: what `formula` says.

        Parameters
        ----------
        p, g : array
            The parameter and its gradient, of one shape and dtype; neither is written to.
        state : dict
            What is remembered of this parameter, by the names in `memories`, `counters` and `numbers`; empty at first.
            To be changed.
        s : dict
            The settings of the parameter's group.

        Returns
        -------
        array
            The new parameter.
        """
        kind, starts, numbers = self.formula(state, s)
        memories = [state[name] if name in state else filled(p, start) for name, start in starts.items()]
        [(new, memories)] = optimizer_steps([(kind, p, g, memories, Numbers(**numbers), False)])
        state.update(zip(starts, memories, strict=True))
        return new

    def reset_grad(self) -> None:
        """Set `grad` of every parameter to None."""
        for p in self.params:
            p.grad = None

    def zero_grad(self, set_to_none: bool = True) -> None:
        """PyTorch's name for `reset_grad`; without `set_to_none` the gradients that there are become zeros."""
        forget_gradients(f"{type(self).__name__}.zero_grad", self.params, set_to_none)

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
        norm = clip_grad_norm_(self.params, max_norm)
        told: Any = (
            norm if state.tracing() is not None else norm.item()
        )  # a captured function knows no numbers
        return told

    # ---- saving and loading ---------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array of all an optimiser remembers: its settings, and for each parameter its averages.

        Settings of the second group are called "groups.1.lr" and so on.
        """
        return saving.state_dict(self)

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. All of it, or, after an error, nothing.

        Raises
        ------
        DataError, ShapeError
            If the state is of another kind of optimiser, or of other parameters.
        """
        saving.load_state_dict(self, saved)
