"""L-BFGS: Newton's method without the matrix, from the last few steps and what they did to the gradient.

A Newton step is d = -H⁻¹ g. Each step s that was made, and the change y of the gradient along it, say something of
the curvature: H s ≈ y. From the last few such pairs the product H⁻¹ g follows in two loops over them. It is for smooth
losses over all data, not for noisy batches: there y is mostly noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..autograd import Tensor, enable_grad, no_grad
from ..autograd.arrays import readable
from ..backend.arguments import whole
from ..backend.errors import DataError, NeedleError
from .line_search import Place, strong_wolfe
from .optimizer import Optimizer

LAST = ("last.d", "last.g", "last.t")


class LBFGS(Optimizer):
    r"""Broyden, Fletcher, Goldfarb and Shanno's method with limited memory; each step calls a closure several times.

    With the pairs :math:`s_k = x_{k+1} - x_k`, :math:`y_k = g_{k+1} - g_k` of all parameters as one vector x, the
    direction is :math:`d = -H^{-1} g`, computed by two loops over the newest `history_size` pairs that have
    :math:`y^T s > 10^{-10}`. The very first step is along -g, at most `lr` long in the sum of absolute values.

    Parameters
    ----------
    params : iterable of Tensor
        All of one dtype; groups are not taken, as in PyTorch: there is one direction for all.
    lr : float
        How far along d; with a line search, where the search begins.
    max_iter : int
        Most directions in one call of `step`.
    max_eval : int, optional
        Most calls of the closure in one call of `step`; 1.25 `max_iter` if not given.
    tolerance_grad : float
        Done when no slope is larger.
    tolerance_change : float
        Done when a step, or the change of the loss, is smaller.
    history_size : int
        How many pairs are remembered.
    line_search_fn : None or "strong_wolfe"
        None goes `lr` along d. "strong_wolfe" looks for a place where the loss has fallen enough and the slope is
        flat enough, and never makes the loss larger.
    maximize : bool
        Climb instead.

    References
    ----------
    J. Nocedal, S. Wright, "Numerical optimization", 2nd ed., Springer 2006, algorithms 7.4, 7.5 and 3.5.

    Examples
    --------
    >>> w = Tensor([1.0, 1.0], dtype="float64")
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - Tensor([3.0, -2.0], dtype="float64")) ** 2 * Tensor([1.0, 10.0], dtype="float64")).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()                                    # the loss where the step began
    94.0
    >>> w.numpy().round(3).tolist()
    [3.0, -2.0]
    """

    hyperparameters = ("lr", "max_iter", "max_eval", "tolerance_grad", "tolerance_change", "history_size")
    options = {"line_search_fn": None}

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1.0,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
        *,
        maximize: bool = False,
    ):
        whole("LBFGS", 1, max_iter=max_iter)
        super().__init__(
            params,
            lr=lr,
            max_iter=max_iter,
            max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
            tolerance_grad=tolerance_grad,
            tolerance_change=tolerance_change,
            history_size=history_size,
            line_search_fn=line_search_fn,
            maximize=maximize,
        )
        if len(self.param_groups) > 1:
            raise ValueError(
                f"LBFGS: got {len(self.param_groups)} groups, wanted one: all parameters have one direction; "
                "give model.parameters()"
            )
        if len({p.dtype for p in self.params}) > 1:
            raise TypeError(
                f"LBFGS: got parameters of {sorted({str(p.dtype) for p in self.params})}, wanted one dtype; "
                "convert with model.to(dtype='float32')"
            )
        self.curvatures: list[tuple[np.ndarray, np.ndarray]] = []  # (s, y), oldest first
        self.last: dict[
            str, Any
        ] = {}  # the last step: its direction d, its length t, the gradient g it was made from

    def check_hyperparameter(self, name: str, value: Any) -> None:
        """As for every optimiser; counts are whole numbers, and there is one line search."""
        if name in ("max_iter", "max_eval", "history_size"):
            whole("LBFGS", 1, **{name: value})
        elif name == "line_search_fn":
            if value not in (None, "strong_wolfe"):
                raise ValueError(f"LBFGS: line_search_fn is None or 'strong_wolfe', got {value!r:.60}")
        else:
            super().check_hyperparameter(name, value)

    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor:  # type: ignore[override]
        """Go up to `max_iter` directions along.

        Parameters
        ----------
        closure : function without arguments
            Forgets the gradients, computes the loss anew, calls its `backward()`, and returns the loss.

        Returns
        -------
        Tensor
            The loss where the step began.

        Raises
        ------
        TypeError
            If there is no closure.
        NeedleError
            If its loss is not one number.
        """
        if not callable(closure):
            raise TypeError(
                f"LBFGS.step: closure is a function that computes the loss anew, got {closure!r:.60}; write "
                "def closure(): optimizer.zero_grad(); loss = …; loss.backward(); return loss"
            )
        s = self.param_groups[0]
        first = self._called(closure)
        loss, g = self._read(first)
        calls = 1
        if np.abs(g).max(initial=0.0) <= s["tolerance_grad"]:
            return first
        for left in reversed(range(s["max_iter"])):
            length = s["lr"] * (1.0 if self.last else min(1.0, 1.0 / float(np.abs(g).sum())))
            d = self._next_direction(g)
            self.last = {"d": d, "g": g, "t": length}
            slope = float(g @ d)
            if slope > -s["tolerance_change"]:
                break
            x, before = self._place(), loss
            if s["line_search_fn"]:
                found, looks = strong_wolfe(
                    self._look(closure, x, d), length, Place(0.0, loss, slope, g),
                    float(np.abs(d).max()), s["max_eval"] - calls,
                )  # fmt: skip
                calls += looks
                length, loss, g = found.t, found.loss, found.gradient
                self.last["t"] = length
                self._go(x + length * d)
            else:
                self._go(x + length * d)
                if left:  # after the last direction nobody asks
                    loss, g = self._read(self._called(closure))
                    calls += 1
            done = calls >= s["max_eval"] or np.abs(g).max() <= s["tolerance_grad"]
            little = np.abs(length * d).max() <= s["tolerance_change"]
            if done or little or not abs(loss - before) >= s["tolerance_change"]:
                break
        return first

    def _next_direction(self, g: np.ndarray) -> np.ndarray:
        """Remember the pair of the last step, and return the direction at gradient `g`."""
        if self.last:
            step, change = self.last["t"] * self.last["d"], g - self.last["g"]
            curvature = float(change @ step)
            if curvature > 1e-10:
                self.curvatures = [*self.curvatures, (step, change)][-self.param_groups[0]["history_size"] :]
        return -two_loops(self.curvatures, g)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array: the settings, the pairs ("steps" and "changes", one a row), and the last step."""
        saved = super().state_dict()
        if self.curvatures:
            saved |= {
                name: np.stack(rows)
                for name, rows in zip(("steps", "changes"), zip(*self.curvatures, strict=True), strict=True)
            }
        return saved | {f"last.{name}": np.array(value) for name, value in self.last.items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave. All of it, or, after an error, nothing.

        Raises
        ------
        DataError
            If the state is of another kind of optimiser, or of other parameters.
        """
        own = {name: readable(saved[name]) for name in ("steps", "changes", *LAST) if name in saved}
        n = sum(p.size for p in self.params)
        names = own.keys() - {"steps", "changes"}
        rows = len(own["steps"]) if "steps" in own and own["steps"].ndim else 0
        wanted = {"steps": (rows, n), "changes": (rows, n), "last.d": (n,), "last.g": (n,), "last.t": ()}
        odd = [name for name, array in own.items() if array.shape != wanted[name] or array.dtype.kind != "f"]
        if odd or (names and names != set(LAST)) or ("steps" in own) != ("changes" in own):
            raise DataError(
                f"LBFGS.load_state_dict: got {sorted(own)}, of which {odd or 'none'} have another shape or dtype; "
                f"wanted all of {sorted(wanted)}, of {n} parameters"
            )
        super().load_state_dict({name: value for name, value in saved.items() if name not in own})
        self.curvatures = list(zip(own["steps"].copy(), own["changes"].copy(), strict=True)) if rows else []
        self.last = {name.removeprefix("last."): own[name].copy() for name in LAST if name in own}

    def _called(self, closure: Callable[[], Tensor]) -> Tensor:
        """The loss that a closure computes."""
        with enable_grad():
            loss = closure()
        if not isinstance(loss, Tensor) or loss.size != 1:
            what = f"a tensor of shape {loss.shape}" if isinstance(loss, Tensor) else f"{loss!r:.60}"
            raise NeedleError(f"LBFGS.step: the closure returns the loss, one number, got {what}")
        return loss

    def _look(self, closure: Callable[[], Tensor], x: np.ndarray, d: np.ndarray) -> Callable[[float], Place]:
        """The place x + t d, as a function of t."""

        def look(t: float) -> Place:
            self._go(x + t * d)
            loss, g = self._read(self._called(closure))
            return Place(t, loss, float(g @ d), g)

        return look

    def _place(self) -> np.ndarray:
        """All parameters as one vector."""
        return np.concatenate([p.numpy().ravel() for p in self.params])

    def _read(self, loss: Tensor) -> tuple[float, np.ndarray]:
        """A loss as a number, and all gradients as one vector; a parameter without one has zeros."""
        slopes = [
            np.zeros(p.size, p.dtype) if p.grad is None else p.grad.numpy().ravel() for p in self.params
        ]
        sign = -1 if self.param_groups[0]["maximize"] else 1
        return sign * float(loss.item()), sign * np.concatenate(slopes)

    def _go(self, x: np.ndarray) -> None:
        """Give every parameter its part of a vector."""
        place = 0
        with no_grad():
            for p in self.params:
                part = x[place : place + p.size].reshape(p.shape)
                p.replace_data(Tensor(part, device=p.device, dtype=p.dtype).cached_data)
                place += p.size


def two_loops(pairs: list[tuple[np.ndarray, np.ndarray]], g: np.ndarray) -> np.ndarray:
    """H⁻¹ g by pairs (s, y), oldest first: a multiple of the identity, corrected by each.

    The multiple is yᵀs / yᵀy of the newest pair: the curvature along the last step.

    Examples
    --------
    >>> s, y = np.array([1.0, 0.0]), np.array([4.0, 0.0])         # along s the curvature is 4
    >>> two_loops([(s, y)], np.array([8.0, 1.0]))
    array([2.  , 0.25])
    """
    shares = []
    for step, change in reversed(pairs):
        share = (step @ g) / (change @ step)
        g = g - share * change
        shares.append(share)
    if pairs:
        step, change = pairs[-1]
        g = g * ((change @ step) / (change @ change))
    for (step, change), share in zip(pairs, reversed(shares), strict=True):
        g = g + (share - (change @ g) / (change @ step)) * step
    return g
