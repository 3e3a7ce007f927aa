"""What came out of a training: the trained application, its history, a line, and a file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._version import __version__
from ..backend.files import whole_file
from .application import Application
from .history import History, shown

ENDED = {
    "finished": "",
    "steps": "stopped after the steps asked for",
    "early": "stopped early: it got no better",
    "interrupted": "interrupted",
    "diverged": "stopped: the loss is no finite number; a smaller step size (lr) may help",
}


@dataclass
class Result:
    """The end of a training.

    Attributes
    ----------
    application : Application
        With its models, as trained.
    history : History
    metrics : dict
        What the last evaluation gave; where there is none, the last step's numbers.
    ended : {"finished", "steps", "early", "interrupted", "diverged"}
        Why it ended.
    seconds : float
        What the training took, of all runs together if it was resumed.
    out : Path, optional
        The folder with checkpoint, curves and result.

    Examples
    --------
    >>> from needle_edu import training
    >>> result = training.run("mlp", data="digits", small=True, epochs=1, progress=False)
    >>> result.ended, sorted(result.metrics)
    ('finished', ['accuracy', 'loss'])
    """

    application: Application
    history: History
    metrics: dict[str, float]
    ended: str
    seconds: float
    out: Path | None = field(default=None)

    def line(self) -> str:
        """All that matters, in one line."""
        app = self.application
        parts = [app.name + (f" on {app.data}" if app.data else "")]
        parts += [f"{name} {shown(name, value)}" for name, value in self.metrics.items()]
        epochs, steps = len(self.history.ends), len(self.history)
        parts.append(_count(epochs, "epoch") if not self.history.position else _count(steps, "step"))
        parts += [f"seed {app.settings.seed}", f"{self.seconds:.1f} s", ENDED[self.ended]]
        return " · ".join(filter(None, parts))

    __str__ = line

    def record(self) -> dict[str, Any]:
        """The same and more, as the file `result.json` has it; a number that is not finite is None there."""
        app, history = self.application, self.history
        best = history.best(app.watch, app.higher_is_better)
        record = {
            "application": app.name,
            "data": app.data,
            "settings": asdict(app.settings),
            "ended": self.ended,
            "epochs": len(history.ends),
            "steps": len(history),
            "seconds": self.seconds,
            "metrics": self.metrics,
            "best": best and {"metric": app.watch, "epoch": best[0], "value": best[1]},
            "history": {
                "steps": history.steps,
                "ends": history.ends,
                "train": history.train,
                "test": history.test,
            },
            "needle_edu": __version__,
        }
        return _finite(record)

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all."""
        with whole_file(path, encoding="utf-8") as file:
            json.dump(self.record(), file, indent=1, allow_nan=False)
            file.write("\n")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _finite(value: Any) -> Any:
    """JSON knows no nan and no infinity."""
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
