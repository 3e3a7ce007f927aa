"""What an application is: what is learned, from what, and how good it is. The loop (`loop.py`) does the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend.arguments import real, switch, whole


@dataclass(frozen=True)
class Settings:
    """What somebody may choose about a training. An application builds itself from it.

    Attributes
    ----------
    epochs, batch_size, seed : int
    lr : float
        The step size.
    data : str, optional
        A data set's name, or a folder with its files; None leaves it to the application.
    small : bool
        A small model, few examples: a trial run, done in a second or two.
    workers : int
        Processes that read batches ahead.

    Examples
    --------
    >>> Settings(epochs=2, batch_size=32, lr=0.01, seed=0)
    Settings(epochs=2, batch_size=32, lr=0.01, seed=0, data=None, small=False, workers=0)
    >>> Settings(epochs=0, batch_size=32, lr=0.01, seed=0)
    Traceback (most recent call last):
    ValueError: train: epochs is a whole number of at least 1, got 0
    """

    epochs: int
    batch_size: int
    lr: float
    seed: int
    data: str | None = None
    small: bool = False
    workers: int = 0

    def __post_init__(self) -> None:
        whole("train", epochs=self.epochs, batch_size=self.batch_size)
        whole("train", 0, seed=self.seed, workers=self.workers)
        if self.seed > 2**32 - 1:
            raise ValueError(f"train: seed is at most 4294967295, got {self.seed}")
        real("train", 0, lr=self.lr)
        switch("train", small=self.small)


class Application:
    """The base of all applications: say `name`, `summary`, and define `__init__`, `batches` and `step`.

    Everything with a state (models, optimisers, schedulers, loaders) is a plain attribute: checkpoints take all of
    them, each under its name. Random numbers come from the global generator; it starts at the seed before `__init__`.

    Attributes
    ----------
    name, summary : str
        As `needle-edu train --list` shows them.
    epochs, batch_size, lr, seed
        What holds where nobody says otherwise.
    watch : str
        The metric of `evaluate` that early stopping watches.
    higher_is_better : bool
        Which way it gets better.
    batches_divide : bool
        Whether several processes may divide each batch: `batches` gives a loader with a seed, and the loss is a mean
        over examples.
    data : str
        What is learned from, in words; "" if nothing is.

    Examples
    --------
    One parameter w goes down the parabola (w - 3)^2:

    >>> from needle_edu import init, nn, optim, training
    >>> class Parabola(training.Application):
    ...     name, summary, epochs, lr, watch = "parabola", "down a parabola", 2, 0.25, "loss"
    ...     def __init__(self, settings):
    ...         super().__init__(settings)
    ...         self.model = nn.ParameterList([nn.Parameter(init.zeros())])
    ...         self.optimizer = optim.SGD(self.model.parameters(), lr=settings.lr)
    ...     def batches(self):
    ...         return range(5)
    ...     def step(self, batch):
    ...         loss = (self.model[0] - 3) ** 2
    ...         self.optimizer.reset_grad()
    ...         loss.backward()
    ...         self.optimizer.step()
    ...         return {"loss": loss.item()}
    >>> training.run(Parabola, progress=False).history.steps["loss"][:3]
    [9.0, 2.25, 0.5625]
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    epochs: ClassVar[int] = 10
    batch_size: ClassVar[int] = 128
    lr: ClassVar[float] = 1e-3
    seed: ClassVar[int] = 0
    watch: ClassVar[str] = "accuracy"
    higher_is_better: ClassVar[bool] = True
    batches_divide: ClassVar[bool] = False
    data: str = ""

    def __init__(self, settings: Settings):
        self.settings = settings

    def batches(self) -> Iterable[Any]:
        """The batches of one epoch: a loader, or anything with a length. Asked for at the start of each epoch."""
        raise NotImplementedError(f"{type(self).__name__} must define batches(self)")

    def step(self, batch: Any) -> Mapping[str, float]:
        """Learn from one batch; returns numbers to watch, the same names at each step, such as "loss"."""
        raise NotImplementedError(f"{type(self).__name__} must define step(self, batch)")

    def evaluate(self) -> Mapping[str, float]:
        """How good it is now, on examples that it does not learn from; nothing, if there are none."""
        return {}

    def picture(self, figure: Any, history: Any) -> bool | None:
        """Draw what was learned on a matplotlib figure; return False if there is nothing to draw (the default)."""
        return False

    def samples(self) -> Any:
        """Pictures that the model makes now: (n, C, H, W), from 0 to 1, C 1 or 3; None if it makes none."""
        return None

    def attention(self) -> Any:
        """Weights of attention for one example, (heads, queries, keys); None if the model has none."""
        return None

    def plane(self) -> Any:
        """Examples in a plane and their classes, arrays of shapes (n, 2) and (n,), where `self.model` tells them apart;
        None if it learns something else."""
        return None

    def parts(self) -> dict[str, Any]:
        """All attributes that have a state, by name: what a checkpoint holds."""
        return {
            name: thing
            for name, thing in vars(self).items()
            if hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")
        }

    @classmethod
    def settings_with(cls, **given: Any) -> Settings:
        """The settings of this application, with those given that are not None in place of its own.

        Examples
        --------
        >>> from needle_edu.training import APPLICATIONS
        >>> APPLICATIONS["mlp"].settings_with(epochs=3, lr=None).epochs
        3
        """
        usual = {name: getattr(cls, name) for name in ("epochs", "batch_size", "lr", "seed")}
        return Settings(**{**usual, **{name: value for name, value in given.items() if value is not None}})
