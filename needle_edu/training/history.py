"""What a training has measured so far: numbers of each step, and of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backend.errors import DataError


class History:
    """Numbers by name, in the order in which they were measured.

    Attributes
    ----------
    steps : dict of lists
        A number per step.
    ends : list of int
        How many steps had been taken when each epoch ended.
    train : dict of lists
        A number per epoch, the mean over its steps.
    test : dict of lists
        A number per epoch, what `evaluate` gave.

    Examples
    --------
    >>> history = History()
    >>> for loss in (4.0, 2.0):
    ...     history.add_step({"loss": loss})
    >>> history.end_epoch({"accuracy": 0.5})
    >>> history.train, history.test, len(history)
    ({'loss': [3.0]}, {'accuracy': [0.5]}, 2)
    """

    def __init__(self) -> None:
        self.steps: dict[str, list[float]] = {}
        self.train: dict[str, list[float]] = {}
        self.test: dict[str, list[float]] = {}
        self.ends: list[int] = []

    def __len__(self) -> int:
        """How many steps were taken."""
        return max((len(values) for values in self.steps.values()), default=0)

    @property
    def position(self) -> int:
        """How many steps of the present epoch were taken."""
        return len(self) - (self.ends[-1] if self.ends else 0)

    def add_step(self, numbers: Mapping[str, float]) -> None:
        """Note what a step gave.

        Raises
        ------
        DataError
            If the names are not those of the steps before, or there are none.
        """
        if not numbers or (self.steps and set(numbers) != set(self.steps)):
            raise DataError(
                f"train: a step gave {sorted(numbers)}, wanted {sorted(self.steps) or 'one number at least'}: "
                "the same names at each step"
            )
        for name, value in numbers.items():
            self.steps.setdefault(name, []).append(float(value))

    def end_epoch(self, evaluation: Mapping[str, float]) -> None:
        """Note that an epoch is over, and how good the model is then."""
        begin = self.ends[-1] if self.ends else 0
        for name, values in self.steps.items():
            self.train.setdefault(name, []).append(float(np.mean(values[begin:])))
        for name, value in evaluation.items():
            self.test.setdefault(name, []).append(float(value))
        self.ends.append(len(self))

    def best(self, name: str, higher: bool) -> tuple[int, float] | None:
        """The first epoch, counted from 1, with the best number of this name, and that number; nan never is.

        Examples
        --------
        >>> history = History()
        >>> history.test["accuracy"] = [0.5, 0.75, 0.75]
        >>> history.best("accuracy", True), history.best("accuracy", False), history.best("loss", False)
        ((2, 0.75), (1, 0.5), None)
        """
        values = np.array(self.test.get(name) or self.train.get(name) or [])
        if not values.size or np.isnan(values).all():
            return None
        k = int(np.nanargmax(values) if higher else np.nanargmin(values))
        return k + 1, float(values[k])

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → array."""
        state = {"ends": np.array(self.ends, np.int64)}
        for kind in ("steps", "train", "test"):
            state |= {f"{kind}.{name}": np.array(values) for name, values in getattr(self, kind).items()}
        return state

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict` gave."""
        new: dict[str, dict[str, list[float]]] = {"steps": {}, "train": {}, "test": {}}
        for key, values in saved.items():
            kind, _, name = key.partition(".")
            if name:
                new[kind][name] = np.asarray(values).tolist()
        self.ends = np.asarray(saved["ends"]).tolist()
        self.steps, self.train, self.test = new["steps"], new["train"], new["test"]


def shown(name: str, value: float) -> str:
    """A number as people read it: shares of right answers in per cent.

    Examples
    --------
    >>> shown("loss", 0.31256), shown("accuracy", 0.8876), shown("loss", 123456.0)
    ('0.3126', '88.76 %', '1.235e+05')
    """
    return f"{100 * value:.2f} %" if name.endswith("accuracy") else f"{value:.4g}"
