"""The training loop: epochs of steps, a look at fresh examples after each, and all that should survive a power cut.

The loop knows nothing of what is learned. It asks an application for the batches of an epoch, gives it one after
another, and notes the numbers that come back. After each epoch, and every half minute, everything that the rest depends
on goes into a checkpoint: parameters, what optimisers remember, where the loader is, the random numbers, the history.
So a training that was killed goes on with the very losses that it would have had.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any

from ..backend import Device, default_device, set_default_device
from ..backend.arguments import switch, whole
from ..backend.errors import DataError
from ..backend.random import seed as start_at
from ..checkpoints import RandomNumbers
from .application import Application
from .applications import named
from .folder import Folder
from .history import History
from .interruption import Interruption
from .parallel import Parallel, processes
from .progress import Progress
from .result import Result

SAVE_EVERY = 30.0  # seconds
FIXED = ("batch_size", "lr", "seed", "data", "small")  # what a resumed training cannot change


def run(
    application: str | type[Application],
    *,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    data: str | os.PathLike | None = None,
    device: Device | None = None,
    steps: int | None = None,
    small: bool | None = None,
    workers: int = 0,
    patience: int | None = None,
    out: str | os.PathLike | None = None,
    resume: bool = False,
    progress: bool | None = None,
    after_step: Callable[[Application, History], Any] | None = None,
) -> Result:
    """Train an application.

    In processes that mpiexec has started, each batch is divided among them, and only that of rank 0 writes and prints:
    ``mpiexec -n 2 needle-edu train mlp``.

    Ctrl-C (in a notebook, the interrupt button) ends the training after the step that is being made, and what was
    learned until then is returned and saved.

    Parameters
    ----------
    application : str or Application class
        One of `APPLICATIONS` by name, or your own.
    epochs, batch_size, lr, seed : optional
        The application's own where not given.
    data : str or path, optional
        A data set's name ("fashion-mnist", "digits"), or a folder with its files.
    device : Device, optional
        The default one if not given.
    steps : int, optional
        Stop after so many steps, counted from the beginning of the training.
    small : bool
        A trial run: a small model, few examples.
    workers : int
        Processes that read batches ahead.
    patience : int, optional
        Stop early: when so many epochs have brought nothing better than the best one before them.
    out : path, optional
        A folder for checkpoint, curves and result; without it nothing is written.
    resume : bool
        Go on with the training in `out`, with the settings that it was begun with.
    progress : bool, optional
        None: lines, and a bar where it can be watched. True: the bar anywhere. False: nothing.
    after_step : callable, optional
        Called as ``after_step(application, history)`` after each step, to look at what was learned so far. The training
        ends if it returns False.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        If an argument makes no sense.
    DataError
        If there is no such application or data set, `out` holds a training and `resume` is False, or the other way
        round.
    OSError
        If `out` cannot be written to, or the disk is full. The last checkpoint is whole.

    Examples
    --------
    >>> result = run("mlp", data="digits", small=True, epochs=2, progress=False)
    >>> len(result.history.ends), result.history.train["loss"][1] < result.history.train["loss"][0]
    (2, True)
    """
    kind = named(application)
    given: dict[str, Any] = {
        "epochs": epochs,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        "small": small,
    }
    given["data"] = None if data is None else os.fspath(data)
    if steps is not None:
        whole("train", steps=steps)
    if patience is not None:
        whole("train", patience=patience)
    switch("train", resume=resume)
    if progress is not None:
        switch("train", progress=progress)
    if after_step is not None and not callable(after_step):
        raise TypeError(f"train: after_step is a function of (application, history), got {after_step!r}")
    if resume and out is None:
        raise ValueError("train: resume=True needs the folder to go on in, out=")
    parallel = processes()
    folder = None if out is None or not (parallel.first or resume) else Folder(out)
    try:
        if folder is not None:
            folder.begin(resume)
            if resume:
                given = _as_begun(folder, kind, given)
        settings = kind.settings_with(workers=workers, **given)
        with _on(device):
            start_at(settings.seed)
            shown = Progress(settings.epochs, progress if parallel.first else False)
            app = kind(settings)
            parallel.prepare(app)
            return _Training(app, folder, shown, steps, patience, after_step, parallel).run(resume)
    except BaseException as error:
        parallel.communicator.stop(error)  # the other processes shall not wait for this one
        raise


class _Training:
    """One training: what `run` holds in its hands."""

    def __init__(
        self,
        app: Application,
        folder: Folder | None,
        progress: Progress,
        steps: int | None,
        patience: int | None,
        after_step: Callable[[Application, History], Any] | None,
        parallel: Parallel,
    ):
        self.parallel = parallel
        self.app, self.folder, self.progress = app, folder, progress
        self.steps, self.patience, self.after_step = steps, patience, after_step
        self.history = History()
        self.clock: dict[str, float] = {"seconds": 0.0}
        self._since = self._saved = time.perf_counter()

    def run(self, resume: bool) -> Result:
        if resume:
            assert self.folder is not None
            begun_on = self.folder.settings().get("learned_from")
            if begun_on != self.app.data:
                raise DataError(
                    f"train: the training in {self.folder.path} was begun on {begun_on or 'no data'}; found "
                    f"{self.app.data or 'none'}"
                )
            self.folder.load(self.parts())
            self.progress.say(
                f"resumed in epoch {len(self.history.ends) + 1}, after {len(self.history)} steps"
            )
        if self.app.data:
            self.progress.say(f"{self.app.name} on {self.app.data}")
        self._since = time.perf_counter()
        self.save()  # at once: a folder that cannot be written to shall not cost an hour
        try:
            with Interruption(self.parallel.communicator.trouble) as interruption:
                ended = self.learn(interruption)
        finally:
            self.progress.close()
        if ended != "diverged":
            self.save()
        last = {name: values[-1] for name, values in self.history.test.items()}
        if self.history.position and ended == "steps":
            last = dict(self.parallel.of_first(self.app.evaluate()))
        last = last or {name: values[-1] for name, values in self.history.steps.items()}
        out = None if self.folder is None else self.folder.path
        result = Result(self.app, self.history, last, ended, self.seconds(), out)
        if self.folder is not None and self.parallel.first:
            with self.parallel.communicator.by_itself():  # all sums are made
                self.folder.write(result)
        return result

    def learn(self, interruption: Interruption) -> str:
        """All that is left to do; why it ended is returned."""
        history, epochs = self.history, self.app.settings.epochs
        while len(history.ends) < epochs:
            number, began = len(history.ends) + 1, time.perf_counter()
            if self.parallel.after_step({}, interruption.asked)[1]:
                return "interrupted"
            if self.at_last_step():
                return "steps"
            if self.enough():
                return "early"
            batches = self.app.batches()
            self.progress.begin_epoch(number, len(batches), history.position)  # type: ignore[arg-type]
            for batch in self.remaining(batches):
                numbers, asked = self.parallel.after_step(self.app.step(batch), interruption.asked)
                history.add_step(numbers)
                self.progress.step(numbers)
                if self.after_step is not None:
                    stop = self.after_step(self.app, history) is False or interruption.asked
                    asked = self.parallel.after_step({}, asked or stop)[1]
                if not all(math.isfinite(value) for name, value in numbers.items() if name.endswith("loss")):
                    return "diverged"
                if time.perf_counter() - self._saved > SAVE_EVERY:
                    self.save()
                if asked:
                    return "interrupted"
                if self.at_last_step():
                    return "steps"
            history.end_epoch(self.parallel.of_first(self.app.evaluate()))
            self.progress.end_epoch(number, history, time.perf_counter() - began)
            self.save()
        return "finished"

    def at_last_step(self) -> bool:
        """Whether as many steps were taken as were asked for."""
        return self.steps is not None and len(self.history) >= self.steps

    def remaining(self, batches: Any) -> Iterable[Any]:
        """The batches that this epoch has left. A loader knows where it was; others are gone through once more."""
        if hasattr(batches, "load_state_dict"):
            return batches
        return islice(batches, self.history.position, None)

    def enough(self) -> bool:
        """Whether the last `patience` epochs have brought nothing better."""
        best = self.history.best(self.app.watch, self.app.higher_is_better)
        return (
            self.patience is not None
            and best is not None
            and len(self.history.ends) - best[0] >= self.patience
        )

    def seconds(self) -> float:
        """Of all runs of this training together."""
        now = time.perf_counter()
        self.clock["seconds"] += now - self._since
        self._since = now
        return self.clock["seconds"]

    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        begun = {name: value for name, value in asdict(self.app.settings).items() if value is not None}
        begun |= {"application": self.app.name, "learned_from": self.app.data}
        ours = {"settings": begun, "history": self.history, "clock": self.clock, "random": RandomNumbers()}
        theirs = self.app.parts()
        if theirs.keys() & ours.keys():
            raise DataError(
                f"train: {self.app.name}: an attribute is called {min(theirs.keys() & ours.keys())}"
            )
        return theirs | ours

    def save(self) -> None:
        self.seconds()
        if self.folder is not None and self.parallel.first:
            self.folder.save(self.parts())
        self._saved = time.perf_counter()


def _as_begun(folder: Folder, kind: type[Application], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that the training in a folder was begun with; those given now must be the same."""
    saved = folder.settings()
    if saved.get("application") != kind.name:
        raise DataError(
            f"train: {folder.path} holds a training of {saved.get('application')}, not of {kind.name}"
        )
    begun = {name: saved.get(name) for name in ("epochs", *FIXED)}
    for name in FIXED:
        if given[name] is not None and given[name] != begun[name]:
            raise ValueError(
                f"train: the training in {folder.path} was begun with {name} {begun[name]}, and cannot go on with "
                f"{given[name]}; leave it out, or begin anew in another folder"
            )
    return begun if given["epochs"] is None else {**begun, "epochs": given["epochs"]}


@contextmanager
def _on(device: Device | None) -> Iterator[None]:
    """Within the block, this is the default device."""
    before = default_device()
    if device is not None:
        set_default_device(device)
    try:
        yield
    finally:
        set_default_device(before)
