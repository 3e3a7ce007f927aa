"""A parameter server: one process has the parameters and steps; workers fetch them, and send back gradients.

*Synchronous*: the server waits for the gradients of all workers, and steps with their mean, as data parallelism does.
*Asynchronous*: it steps with each gradient as it comes. Nobody waits for a slow worker, but a gradient may belong to
parameters that are out of date. Its *staleness* is how many steps the server has taken since the worker fetched them.

The workers are processes of Ray, or, with `on="simulated"`, turns in this process whose durations are given: so the
same staleness comes out each time.

Li et al., Scaling distributed machine learning with the parameter server, 2014; Ho et al., More effective distributed
ML via a stale synchronous parallel parameter server, 2013.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..backend.arguments import real, several, switch, whole
from ..backend.errors import DistributedError
from ..backend.extras import needed

Arrays = list[np.ndarray]


@dataclass
class ServerRun:
    """What a training with a parameter server gave.

    Attributes
    ----------
    losses : list of float
        One per step of the server: the loss of the gradient, or the mean of those, that it stepped with.
    staleness : list of int
        One per gradient: how many steps the server had taken since its worker fetched the parameters.
    workers : list of int
        One per gradient: whose it was.
    parameters : list of numpy.ndarray
        At the end.

    Examples
    --------
    >>> ServerRun([1.0], [0, 2], [0, 1], []).mean_staleness
    1.0
    """

    losses: list[float] = field(default_factory=list)
    staleness: list[int] = field(default_factory=list)
    workers: list[int] = field(default_factory=list)
    parameters: Arrays = field(default_factory=list)

    @property
    def mean_staleness(self) -> float:
        """The mean over all gradients."""
        return float(np.mean(self.staleness)) if self.staleness else 0.0


class Server:
    """The parameters, and the optimiser that steps with the gradients that come.

    Examples
    --------
    >>> from needle_edu import nn, optim
    >>> server = Server(nn.Linear(1, 1, bias=False), lambda parameters: optim.SGD(parameters, lr=1.0))
    >>> version, (weight,) = server.fetch()
    >>> server.step([[weight]]), float(server.fetch()[1][0][0, 0])
    (1, 0.0)
    """

    def __init__(self, model: Any, optimizer: Callable[[list], Any]):
        self.parameters = model.parameters()
        self.optimizer = optimizer(self.parameters)
        self.version = 0

    def fetch(self) -> tuple[int, Arrays]:
        """How many steps were taken, and the parameters now."""
        return self.version, [np.array(readable(parameter)) for parameter in self.parameters]

    def step(self, gradients: Sequence[Sequence[np.ndarray]]) -> int:
        """Step with the mean of several workers' gradients; returns how many steps were taken."""
        for k, parameter in enumerate(self.parameters):
            mean = sum(np.asarray(given[k]) for given in gradients) / len(gradients)
            parameter.grad = Tensor(mean, device=parameter.device, dtype=parameter.dtype, requires_grad=False)
        self.optimizer.step()
        self.version += 1
        return self.version


class ServerWorker:
    """One worker: its own copy of the model, and its own examples.

    Examples
    --------
    >>> from needle_edu import nn
    >>> def make(rank, size):
    ...     model = nn.Linear(1, 1, bias=False)
    ...     return model, lambda: (model(Tensor([[2.0]])) * 3).sum()
    >>> loss, (gradient,) = ServerWorker(make, 0, 1).gradients([np.ones((1, 1), "float32")])
    >>> loss, gradient.tolist()
    (6.0, [[6.0]])
    """

    def __init__(self, make: Callable, rank: int, size: int):
        self.model, self.loss = make(rank, size)
        self.parameters = self.model.parameters()

    def gradients(self, parameters: Arrays) -> tuple[float, Arrays]:
        """The loss of the next batch with these parameters, and its gradients."""
        for own, given in zip(self.parameters, parameters, strict=True):
            own.replace_data(Tensor(given, device=own.device, dtype=own.dtype).cached_data)
            own.grad = None
        loss = self.loss()
        loss.backward()
        zeros = (np.zeros(p.shape, p.dtype) for p in self.parameters)
        grads = [
            z if p.grad is None else np.array(readable(p.grad))
            for p, z in zip(self.parameters, zeros, strict=True)
        ]
        return float(loss.item()), grads


def train_with_server(
    make: Callable[[int, int], tuple],
    optimizer: Callable[[list], Any],
    steps: int,
    workers: int = 2,
    asynchronous: bool = False,
    on: str = "ray",
    seconds: Sequence[float] | None = None,
) -> ServerRun:
    """Train with a parameter server.

    Parameters
    ----------
    make : callable
        ``make(rank, size)`` gives a worker's model and a function without arguments: the loss of its next batch. The
        server takes the parameters of ``make(0, size)``.
    optimizer : callable
        Makes the server's optimiser for its list of parameters.
    steps : int
        Of the server.
    workers : int
    asynchronous : bool
    on : {"ray", "simulated"}
        Processes of Ray, or turns in this process.
    seconds : sequence of float, optional
        For simulated workers: how long each takes for a gradient. 1 for all if not given.

    Raises
    ------
    ImportError
        If Ray is not installed.
    DistributedError
        If a worker dies.

    Examples
    --------
    A slow worker's gradients are stale; the fast ones' are not:

    >>> from needle_edu import nn, optim
    >>> def make(rank, size):
    ...     model = nn.Linear(1, 1, bias=False)
    ...     return model, lambda: (model(Tensor([[1.0]])) ** 2).sum()
    >>> sgd = lambda parameters: optim.SGD(parameters, lr=0.1)
    >>> run = train_with_server(make, sgd, 8, 2, True, "simulated", [1.0, 3.0])
    >>> run.workers, run.staleness
    ([0, 0, 0, 1, 0, 0, 0, 1], [0, 0, 0, 3, 1, 0, 0, 3])
    >>> train_with_server(make, sgd, 8, 2, False, "simulated").mean_staleness
    0.0
    """
    who = "train_with_server"
    whole(who, steps=steps, workers=workers)
    switch(who, asynchronous=asynchronous)
    for name, function in (("make", make), ("optimizer", optimizer)):
        if not callable(function):
            raise TypeError(f"{who}: {name} is a function, got {function!r:.60}")
    if on not in ("ray", "simulated"):
        raise ValueError(f'{who}: on is "ray" or "simulated", got {on!r}')
    server = Server(make(0, workers)[0], optimizer)
    crew: Any
    if on == "ray":
        if seconds is not None:
            raise ValueError(
                f"{who}: seconds are for simulated workers; those of Ray take the time they take"
            )
        crew = _RayCrew(make, workers)
    else:
        crew = _SimulatedCrew(make, workers, seconds)
    try:
        return (_asynchronous if asynchronous else _synchronous)(server, crew, steps, workers)
    finally:
        crew.close()


def _synchronous(server: Server, crew: Any, steps: int, workers: int) -> ServerRun:
    run = ServerRun()
    for _ in range(steps):
        version, parameters = server.fetch()
        for rank in range(workers):
            crew.begin(rank, parameters)
        answers = dict(crew.next() for _ in range(workers))
        server.step([answers[rank][1] for rank in range(workers)])  # in one order, so that sums are the same
        run.losses.append(float(np.mean([answers[rank][0] for rank in range(workers)])))
        run.workers += range(workers)
        run.staleness += [server.version - 1 - version] * workers
    run.parameters = server.fetch()[1]
    return run


def _asynchronous(server: Server, crew: Any, steps: int, workers: int) -> ServerRun:
    run, fetched = ServerRun(), {}
    for rank in range(workers):
        fetched[rank], parameters = server.fetch()
        crew.begin(rank, parameters)
    for _ in range(steps):
        rank, (loss, gradients) = crew.next()
        run.staleness.append(server.version - fetched[rank])
        run.workers.append(rank)
        run.losses.append(loss)
        server.step([gradients])
        fetched[rank], parameters = server.fetch()
        crew.begin(rank, parameters)
    run.parameters = server.fetch()[1]
    return run


class _SimulatedCrew:
    """Workers in this process: whose time is up next answers next; of two at the same time, the first rank."""

    def __init__(self, make: Callable, workers: int, seconds: Sequence[float] | None):
        self.seconds = several(
            "train_with_server", "seconds", [1.0] * workers if seconds is None else seconds
        )
        if len(self.seconds) != workers:
            raise ValueError(f"train_with_server: {workers} workers, but {len(self.seconds)} seconds")
        for value in self.seconds:
            real("train_with_server", 0, seconds=value)
        self.workers = [ServerWorker(make, rank, workers) for rank in range(workers)]
        self.now = 0.0
        self.busy: list[tuple[float, int, Arrays]] = []

    def begin(self, rank: int, parameters: Arrays) -> None:
        """Let a worker compute a gradient."""
        heapq.heappush(self.busy, (self.now + self.seconds[rank], rank, parameters))

    def next(self) -> tuple[int, tuple[float, Arrays]]:
        """The next answer: whose it is, its loss and its gradients."""
        self.now, rank, parameters = heapq.heappop(self.busy)
        return rank, self.workers[rank].gradients(parameters)

    def close(self) -> None:
        """Nothing to end."""


class _RayCrew:
    """Workers that are processes of Ray."""

    def __init__(self, make: Callable, workers: int):
        self.ray = needed("a parameter server", "ray", "ray", 'on="simulated" needs nothing')
        self.own = not self.ray.is_initialized()
        if self.own:
            self._start(workers)
        actor = self.ray.remote(num_cpus=1)(ServerWorker)
        self.workers = [actor.remote(make, rank, workers) for rank in range(workers)]
        self.busy: dict[Any, int] = {}

    def _start(self, workers: int) -> None:
        """Start Ray, which a busy machine may be too slow for: one time limit is longer, and there is a second try."""
        os.environ.setdefault("RAY_agent_register_timeout_ms", "120000")  # after 15 s it would end itself
        for attempt in (1, 2):
            try:
                self.ray.init(
                    num_cpus=workers, include_dashboard=False, log_to_driver=False, logging_level="ERROR"
                )
                return
            except Exception as error:
                self.ray.shutdown()
                if attempt == 2:
                    text = " ".join(str(error).split())
                    raise DistributedError(
                        f"train_with_server: Ray does not start, tried twice: {text:.300}; it gives up where a machine "
                        'is busy; on="simulated" needs no Ray'
                    ) from error

    def begin(self, rank: int, parameters: Arrays) -> None:
        """Let a worker compute a gradient."""
        self.busy[self.workers[rank].gradients.remote(parameters)] = rank

    def next(self) -> tuple[int, tuple[float, Arrays]]:
        """The answer that is there first."""
        (done,), _ = self.ray.wait(list(self.busy), num_returns=1)
        rank = self.busy.pop(done)
        try:
            return rank, self.ray.get(done)
        except self.ray.exceptions.RayTaskError:
            raise
        except self.ray.exceptions.RayError as error:
            text = " ".join(str(error).split())
            raise DistributedError(f"train_with_server: worker {rank} has died: {text:.200}") from None

    def close(self) -> None:
        """End the workers, and Ray itself if it was started here."""
        for worker in self.workers:
            self.ray.kill(worker)
        if self.own:
            self.ray.shutdown()
