"""A session: where variables have their values, and declared graphs are run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from needle_edu.autograd import Tensor
from needle_edu.backend import NeedleError, ShapeError
from needle_edu.backend.naming import a_kind
from needle_edu.graph.compiled import Compiled, compile
from needle_edu.graph.static import CaptureError

from .symbol import Assign, Group, Initializer, Placeholder, Symbol, Variable, _Gradient, in_order

CONFIGS = ("cpu", "gpu", "gpu fusion")


class Session:
    """Runs symbols, and keeps what variables hold.

    Parameters
    ----------
    config : str
        "cpu"; "gpu" and "gpu fusion", which tinyflow's programs name, are taken where `ndl.cuda()` is.

    Attributes
    ----------
    variables : dict
        Variable → tensor.

    Examples
    --------
    >>> import needle_edu.flow as tf
    >>> x = tf.placeholder(tf.float32)
    >>> tf.Session().run(x * 2, {x: [1.0, 2.0]})
    array([2., 4.], dtype=float32)
    """

    def __init__(self, config: str = "cpu"):
        if config not in CONFIGS:
            raise NeedleError(f"Session: config is one of {', '.join(CONFIGS)}, got {config!r}")
        self.config = config
        self.variables: dict[Variable, Tensor] = {}
        self._steps: dict[
            Any, Compiled | None
        ] = {}  # None: cannot be captured, so it is computed as it is declared

    def run(self, fetches: Any, feed_dict: Mapping[Symbol, Any] | None = None) -> Any:
        """Compute what is fetched, and write what is assigned.

        Parameters
        ----------
        fetches : Symbol, or sequence of Symbol
        feed_dict : mapping of Symbol to array, optional
            A value for each placeholder that is needed; any other symbol may be fed, too, in place of what it computes.

        Returns
        -------
        numpy.ndarray or None, or a list of them
            None for a group. A sum over all axes has shape (1,).

        Raises
        ------
        NeedleError
            If a placeholder is not fed, or a variable has no value yet.
        """
        if not isinstance(fetches, (Symbol, list, tuple)):
            raise TypeError(f"Session.run: fetches are a symbol or a list of symbols, got {a_kind(fetches)}")
        wanted = [fetches] if isinstance(fetches, Symbol) else list(fetches)
        for one in wanted:
            if not isinstance(one, Symbol):
                raise TypeError(f"Session.run: fetches are symbols, got {type(one).__name__}")
        for one in wanted:
            if isinstance(one, Initializer):
                self._initialize(one)
        for one in feed_dict or {}:
            if not isinstance(one, Symbol):
                raise TypeError(f"Session.run: feed_dict has a value for {one!r}, which is no symbol")
        fed = {symbol: _fed(symbol, value) for symbol, value in (feed_dict or {}).items()}
        found = self._computed(tuple(wanted), fed)
        results = iter(found)
        values = [None if isinstance(one, Group) else next(results).numpy() for one in wanted]
        return values[0] if isinstance(fetches, Symbol) else values

    def _initialize(self, initializer: Initializer) -> None:
        for variable in initializer.variables:
            needed = in_order([variable.init])  # type: ignore[list-item]
            if all(one in self.variables for one in needed if isinstance(one, Variable)):
                (value,) = self._step((variable.init,), needed, ())()  # type: ignore[arg-type]
                self._write(variable, value)

    def _computed(self, wanted: tuple[Symbol, ...], fed: dict[Symbol, Tensor]) -> Sequence[Tensor]:
        order = in_order(wanted, fed)
        step = self._step(wanted, order, tuple(fed))
        new = [
            one.variable for one in order if isinstance(one, Assign) and one.variable not in self.variables
        ]
        key = wanted, tuple(fed)
        if new or self._steps.get(key, step) is None:
            return step(*fed.values())
        if key not in self._steps:
            self._steps[key] = compile(step)
        try:
            return self._steps[key](*fed.values())  # type: ignore[misc]
        except CaptureError:
            self._steps[key] = None
            return step(*fed.values())

    def _step(self, wanted: tuple[Symbol, ...], order: list[Symbol], fed: tuple[Symbol, ...]) -> Any:
        def step(*feeds: Tensor) -> list[Tensor]:
            values: dict[Any, Any] = dict(zip(fed, feeds, strict=True))
            assigned = []
            for one in order:
                if one in values:
                    continue
                if isinstance(one, Placeholder):
                    raise NeedleError(
                        f"Session.run: {one!r} is needed, but not fed: feed_dict={{{one.name}: ...}}"
                    )
                if isinstance(one, Variable):
                    values[one] = self._value(one)
                elif isinstance(one, _Gradient):
                    values[one] = one.among(values)
                else:
                    values[one] = one.compute(*[values[x] for x in one.inputs])  # type: ignore[misc]
                if isinstance(one, Assign):
                    assigned.append((one.variable, values[one].detach()))  # as it is now
            results = [values[one].detach() for one in wanted if not isinstance(one, Group)]
            for variable, value in assigned:
                self._write(variable, value)
            return results

        return step

    def _value(self, variable: Variable) -> Tensor:
        if variable not in self.variables:
            raise NeedleError(
                f"Session.run: {variable!r} has no value yet; run tf.initialize_all_variables(), or assign one"
            )
        return self.variables[variable]

    def _write(self, variable: Variable, value: Tensor) -> None:
        held = self.variables.get(variable)
        if held is not None and held.shape == value.shape and held.dtype == value.dtype:
            held.data = value
            return
        self.variables[variable] = new = Tensor.make_const(value, True)
        new.name = variable.name
        self._steps.clear()  # what was captured reads the old tensor


def _fed(symbol: Symbol, value: Any) -> Tensor:
    wanted = symbol.dtype if isinstance(symbol, Placeholder) else "float32"
    try:
        array = np.asarray(value)
        cast = array.astype(wanted)
    except (TypeError, ValueError) as error:
        raise NeedleError(
            f"Session.run: {symbol!r} is fed {a_kind(value)}, which is no array of numbers: {error}"
        ) from None
    shape = getattr(symbol, "shape", None)
    if shape is not None and (
        len(shape) != array.ndim or any(n not in (None, m) for n, m in zip(shape, array.shape, strict=True))
    ):
        raise ShapeError(f"Session.run: {symbol!r} was declared with shape {shape}, got {array.shape}")
    return Tensor(cast, dtype=wanted)
