"""Every application's own training step as a program.

A step draws its batch or noise from the global generator, and ends by looking at numbers: `loss.item()`, an accuracy. A
program can do neither. So the step runs once with the draws written down; afterwards the same draws are given out
again, and what is only told to the reader is not computed. The rest is the step as it stands in the application.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

from needle_edu import Tensor, cuda_sim, default_device, init, metrics, nn, optim, training
from needle_edu.backend.random import generator
from needle_edu.graph import capture
from needle_edu.graph.compiled import PARTS
from needle_edu.graph.static import CaptureError
from needle_edu.graph.static.unknown import UNKNOWN

from .equality import CUDA, Table, on_device, without_compiler

STEPS = 2  # of each, so that an optimiser's memory is read once


class Draws:
    """A generator whose draws are written down the first time, and given out again each time after."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []
        self.place: int | None = None  # None: they are drawn

    def again(self) -> None:
        """From now on what was drawn is given out, from the beginning."""
        self.place = 0

    def __getattr__(self, name: str) -> Any:
        def draw(*arguments: Any, **keywords: Any) -> Any:
            if self.place is None:
                made = getattr(generator(), name)(*arguments, **keywords)
                self.drawn.append(np.copy(made) if isinstance(made, np.ndarray) else made)
                return made
            self.place += 1
            made = self.drawn[self.place - 1]
            return np.copy(made) if isinstance(made, np.ndarray) else made

        return draw


def unknown(x: Tensor) -> bool:
    """Whether a tensor stands for one whose numbers are not there yet."""
    return getattr(x.realize_cached_data(), "device", None) is UNKNOWN


def _constant(values: Any) -> Tensor:
    return values if isinstance(values, Tensor) else Tensor(values, requires_grad=False)


@contextmanager
def nothing_told(app: Any, draws: Draws) -> Iterator[None]:
    """Within the block, steps draw from `draws`, look at no loss or accuracy, and leave schedules alone."""
    schedules = [
        cls for cls in vars(optim).values() if isinstance(cls, type) and issubclass(cls, optim.LRScheduler)
    ]
    with ExitStack() as stack:
        for cls in type(app).__mro__:
            module = sys.modules[cls.__module__]
            if hasattr(module, "generator"):
                stack.enter_context(mock.patch.object(module, "generator", lambda: draws))
            if hasattr(module, "_constant"):
                stack.enter_context(mock.patch.object(module, "_constant", _constant))
        numpy = Tensor.numpy
        stack.enter_context(
            mock.patch.object(Tensor, "numpy", lambda x: x.detach() if unknown(x) else numpy(x))
        )
        stack.enter_context(mock.patch.object(Tensor, "item", lambda x: 0.0))
        stack.enter_context(mock.patch.object(metrics, "accuracy", lambda *given: 0.0))
        for cls in schedules:
            if "step" in vars(cls):
                stack.enter_context(mock.patch.object(cls, "step", lambda self, *given: None))
        yield


def _plays_no_more(app: Any) -> None:
    """DQN: one batch of what it has played, and what the older network says of it."""
    batch = app.replay.sample(8)
    said, values = app.values(batch.next_states, app.target).detach(), app.values
    app.values = lambda states, network=None: values(states) if network is None else said
    app.replay.sample, app.replay.store = (lambda count: batch), (lambda *given: None)
    app.episodes.play, app._tried = (lambda action: ()), (lambda: 0)
    app.target.load_state_dict = lambda saved: None


def _judges_what_is_new(app: Any) -> None:
    """CycleGAN: a pool that is not full gives back what it is given, and this one never gets full."""
    for pool in (app.pool, app.other_pool):
        pool.exchange = lambda pictures: pictures


PREPARED = {"dqn": _plays_no_more, "cyclegan": _judges_what_is_new}  # what does more than tensors can


def made(name: str) -> tuple[Any, Any]:
    """A small application as a training begins, and its first batch."""
    kind = training.APPLICATIONS[name]
    settings = kind.settings_with(small=True, epochs=2, batch_size=8)
    init.seed(settings.seed)
    app = kind(settings)
    PREPARED.get(name, lambda app: None)(app)
    return app, next(iter(app.batches()))


def state(app: Any) -> list[Any]:
    """All that a training keeps: parameters, buffers, optimisers' memories."""
    parts = [
        part for _, part in sorted(app.parts().items()) if isinstance(part, (nn.Module, optim.Optimizer))
    ]
    found = [part.state_dict() for part in parts]
    return [np.asarray(one) for saved in found for one in saved.values() if hasattr(one, "shape")]


def outcome(name: str, draws: Draws, run_of: Any) -> list[Any]:
    """The state after some steps of a fresh application; `run_of(app, step)` says how a step is made."""
    app, batch = made(name)
    with nothing_told(app, draws):

        def step() -> Tensor:
            if draws.place is not None:
                draws.again()
            app.step(batch)
            return Tensor([0.0])

        run = run_of(app, step)
        for k in range(STEPS):
            init.seed(100 + k)  # dropout draws its keys
            run()
            if draws.place is None:
                draws.again()
    return state(app)


def add(table: Table, name: str, passes: dict[str, tuple], native: str = "C") -> None:
    """Compare an application's step: eager, and in every execution after these passes; or on the simulated card alone.

    Raises
    ------
    CaptureError
        If the step cannot be captured.
    """
    draws = Draws()
    with on_device(cuda_sim() if native == CUDA else default_device()):
        outcome(name, draws, lambda app, step: step)  # the draws are written down
        wanted = outcome(name, draws, lambda app, step: step)
        for called, chosen in passes.items():
            table.compare_made(
                name,
                called,
                chosen,
                lambda of: outcome(name, draws, lambda app, step: of(capture(step))),
                wanted,
                skipped={CUDA} if native == "C" else set(table.executions) - {CUDA},
            )


def table(names: Any = None, executions: dict[str, Any] | None = None) -> tuple[Table, dict[str, str]]:
    """The table of all applications, and which cannot be captured, and why."""
    found, refused = Table(without_compiler() if executions is None else executions), {}
    for name in training.APPLICATIONS if names is None else names:
        try:
            add(found, name, {"none": (), "all": PARTS})
            if found.executions[CUDA] is not None:
                add(found, name, {"all": PARTS}, native=CUDA)
        except CaptureError as error:
            refused[name] = str(error)
    return found, refused
