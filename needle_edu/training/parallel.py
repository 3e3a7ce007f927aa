"""A training in several processes, which mpiexec has started: what it does otherwise than one alone.

Each process makes the same application from the same seed. Its loaders take their share of each batch, its models add
up their gradients; so the weights stay equal, and one process, of rank 0, writes and talks for all. The
numbers of a step are means over all processes. All must end in the same step, so whether to stop is asked of all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..backend.errors import DataError
from ..data import DataLoader
from ..distributed.communicator import Alone, Communicator
from ..distributed.environment import launched
from ..distributed.group import init
from ..nn import Module
from .application import Application


class Parallel:
    """The processes of one training, as one of them sees them.

    Examples
    --------
    >>> alone = Parallel(Alone())
    >>> alone.first, alone.after_step({"loss": 1.0}, False), alone.of_first({"loss": 1.0})
    (True, ({'loss': 1.0}, False), {'loss': 1.0})
    """

    def __init__(self, communicator: Communicator):
        self.communicator = communicator
        self.first = communicator.rank == 0
        self.alone = communicator.size == 1

    def prepare(self, application: Application) -> None:
        """Let the loaders of an application divide batches, and its models add up gradients.

        Raises
        ------
        DataError
            If its batches cannot be divided.
        DistributedError
            If the models of two processes differ.
        """
        if self.alone:
            return
        if not application.batches_divide:
            raise DataError(
                f"train: {application.name} cannot divide its batches among {self.communicator.size} processes; start "
                "it without mpiexec"
            )
        from ..distributed.data_parallel import DistributedDataParallel

        for thing in vars(application).values():
            if isinstance(thing, DataLoader):
                thing.shard = (self.communicator.rank, self.communicator.size)
            elif isinstance(thing, Module) and thing.parameters():
                DistributedDataParallel(thing, communicator=self.communicator)

    def after_step(self, numbers: Mapping[str, float], stop: bool) -> tuple[Mapping[str, float], bool]:
        """The means of a step's numbers over all processes, and whether any of them wants to stop."""
        if self.alone:
            return numbers, stop
        total = self.communicator.all_reduce(np.array([*numbers.values(), float(stop)], np.float64))
        means = total[:-1] / self.communicator.size
        return dict(zip(numbers, means.tolist(), strict=True)), bool(total[-1])

    def of_first(self, numbers: Mapping[str, float]) -> Mapping[str, float]:
        """The numbers of the first process, for all."""
        if self.alone:
            return numbers
        values = self.communicator.broadcast(np.array(list(numbers.values()), np.float64))
        return dict(zip(numbers, values.tolist(), strict=True))


def processes() -> Parallel:
    """The processes that this one was started with; itself alone if mpiexec has not started it.

    Examples
    --------
    >>> processes().alone
    True
    """
    return Parallel(init() if launched() else Alone())
