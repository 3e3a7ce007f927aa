"""What a training shows while it runs: a bar for each epoch where somebody can watch it, a line after each epoch.

The bar is tqdm's, if that is installed; in a notebook it is drawn by the page. Where the output goes to a file there
are only the lines.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from typing import Any

from .history import History, shown


class Progress:
    """Shows one training.

    Parameters
    ----------
    epochs : int
    wanted : bool, optional
        None: a bar where it can be watched, and lines. True: the bar in any case. False: nothing at all.

    Raises
    ------
    ImportError
        If a bar is wanted and tqdm is not installed.
    """

    def __init__(self, epochs: int, wanted: bool | None = None):
        self.epochs, self.wanted = epochs, wanted
        self._bar: Any = None
        self._kind = _bar_class(wanted)

    def say(self, text: str) -> None:
        """A line, past the bar."""
        if self.wanted is not False:
            print(text, flush=True)

    def begin_epoch(self, number: int, steps: int, done: int) -> None:
        """A new bar; `number` counts from 1, `done` steps of `steps` were taken before."""
        if self._kind is not None:
            self._bar = self._kind(
                total=steps, initial=done, desc=f"epoch {number}/{self.epochs}", unit="step", leave=False
            )

    def step(self, numbers: Mapping[str, float]) -> None:
        """One step further."""
        if self._bar is not None:
            text = ", ".join(f"{name} {shown(name, value)}" for name, value in numbers.items())
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()

    def end_epoch(self, number: int, history: History, seconds: float) -> None:
        """The line of an epoch: each number as it was in training, and with fresh examples."""
        self.close()
        parts = [f"epoch {number}/{self.epochs}"]
        for name in dict.fromkeys([*history.train, *history.test]):
            mine, fresh = (values.get(name) for values in (history.train, history.test))
            text = [shown(name, mine[-1])] if mine else []
            text += [f"test {shown(name, fresh[-1])}"] if fresh else []
            parts.append(f"{name} {', '.join(text)}")
        self.say(" · ".join([*parts, f"{seconds:.1f} s"]))

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _bar_class(wanted: bool | None) -> Any:
    """tqdm's class for where we are; None for no bar."""
    in_notebook = _in_notebook()
    if wanted is False or (wanted is None and not in_notebook and not sys.stderr.isatty()):
        return None
    if wanted is None and importlib.util.find_spec("tqdm") is None:
        return None
    from ..backend.extras import needed

    if in_notebook and importlib.util.find_spec("ipywidgets") is not None:
        return needed("a progress bar", "tqdm.notebook", "train").tqdm
    return needed("a progress bar", "tqdm", "train", "without it there are lines").tqdm


def _in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows what is drawn."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")
