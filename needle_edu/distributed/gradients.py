"""Buckets: gradients that travel together.

A message of 4 bytes takes as long as one of 4,000, so gradients are collected until there is enough for one sum. The
backward pass comes to the last layer first; buckets are filled in that order, and the sum of a full one is under way
while the pass computes the gradients of the layers before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..ndarray import zeros
from ..nn import Parameter
from .cards import Cards
from .communicator import Communicator, Work


class Bucket:
    """Parameters of one dtype whose gradients are added up over all workers in one go.

    Attributes
    ----------
    parameters : list of Parameter
    numbers : numpy.ndarray
        All gradients one after another, and at the end one number for each parameter: whether this worker has one.

    Examples
    --------
    >>> from needle_edu.distributed import Alone
    >>> w = Parameter(Tensor([1.0, 2.0]))
    >>> (w * w).sum().backward()
    >>> bucket = Bucket([w])
    >>> bucket.put(w)
    >>> bucket.begin(Alone())
    >>> bucket.end()
    >>> bucket.numbers.tolist(), w.grad.numpy().tolist()
    ([2.0, 4.0, 1.0], [2.0, 4.0])
    """

    def __init__(self, parameters: list[Parameter]):
        self.parameters = parameters
        sizes = [parameter.size for parameter in parameters]
        self.numbers = np.zeros(sum(sizes) + len(sizes), parameters[0].dtype)
        self._used = self.numbers[sum(sizes) :]
        places = np.split(self.numbers[: sum(sizes)], np.cumsum(sizes)[:-1])
        self._places = [place.reshape(p.shape) for place, p in zip(places, parameters, strict=True)]
        self._number = {id(parameter): k for k, parameter in enumerate(parameters)}
        self._missing = set(self._number)
        self._work: Work | None = None

    @property
    def full(self) -> bool:
        """Whether the gradients of all its parameters are there."""
        return not self._missing

    @property
    def under_way(self) -> bool:
        """Whether the sum was begun, and is not at its end."""
        return self._work is not None

    def put(self, parameter: Parameter) -> None:
        """Take the gradient of a parameter, which may come a second time before the sum begins."""
        k = self._number[id(parameter)]
        self._places[k][...] = readable(parameter.grad)
        self._used[k] = 1
        self._missing.discard(id(parameter))

    def begin(self, communicator: Communicator) -> None:
        """Begin the sum; a gradient that has not come counts as 0."""
        for k, parameter in enumerate(self.parameters):
            if id(parameter) in self._missing:
                self._places[k][...] = 0
                self._used[k] = 0
        self.numbers[: -len(self.parameters)] /= (
            communicator.size
        )  # the mean: the gradient of the mean loss of all
        self._work = communicator._begin_sum(self.numbers)

    def drive(self) -> None:
        """Ask for the sum: MPI gets on only while it is asked."""
        if self._work is not None:
            self._work.test()

    def end(self) -> None:
        """Wait for the sum, and write it into `.grad` of each parameter that any worker has used."""
        assert self._work is not None
        self._work.wait()
        self._work, self._missing = None, set(self._number)
        for k, parameter in enumerate(self.parameters):
            if self._used[k]:
                parameter.grad = Tensor(
                    self._places[k], device=parameter.device, dtype=parameter.dtype, requires_grad=False
                )


class CardBucket(Bucket):
    """A bucket whose gradients stay on the card, where they are added up one by one, begun in one go.

    What tells who has a gradient is small, and goes over the hosts by MPI, which knows if a worker has died.

    Attributes
    ----------
    parameters : list of Parameter
    """

    def __init__(self, parameters: list[Parameter], cards: Cards):
        self.parameters, self._cards = parameters, cards
        self._used = np.zeros(len(parameters), np.float32)
        self._arrays: list[Any] = [None] * len(parameters)
        self._number = {id(parameter): k for k, parameter in enumerate(parameters)}
        self._missing = set(self._number)
        self._work: Work | None = None

    def put(self, parameter: Parameter) -> None:
        """Take a gradient's part of the mean, in memory of its own."""
        assert parameter.grad is not None
        k = self._number[id(parameter)]
        self._arrays[k] = (parameter.grad.realize_cached_data() / self._cards.size).compact()
        self._used[k] = 1
        self._missing.discard(id(parameter))

    def begin(self, communicator: Communicator) -> None:
        """Begin the sums; a gradient that has not come counts as 0."""
        for k, parameter in enumerate(self.parameters):
            if id(parameter) in self._missing:
                self._arrays[k] = zeros(parameter.shape, parameter.dtype, parameter.device)
                self._used[k] = 0
        self._work = communicator._begin_sum(self._used)
        self._cards.all_reduce(self._arrays)

    def end(self) -> None:
        """Wait for the sums, and make them the `.grad` of each parameter that any worker has used."""
        self._cards.wait(first=self._work)
        self._work, self._missing = None, set(self._number)
        for k, parameter in enumerate(self.parameters):
            if self._used[k]:
                parameter.grad = Tensor(self._arrays[k], requires_grad=False)
            self._arrays[k] = None


def buckets(parameters: list[Parameter], bucket_bytes: int, cards: Cards | None = None) -> list[Bucket]:
    """Parameters in buckets of about so many bytes, the last parameters first.

    Those of a bucket have one dtype and live on one device; those on `cards`, if there are any, are added up there.

    Examples
    --------
    >>> from needle_edu import nn
    >>> [bucket.numbers.size for bucket in buckets(nn.Linear(3, 4).parameters(), 20)]
    [5, 13]
    """
    groups: list[list[Parameter]] = []
    filled = bucket_bytes
    for parameter in reversed(parameters):
        nbytes = parameter.size * parameter.dtype.itemsize
        kind = (parameter.dtype, parameter.device)
        full = filled + nbytes > bucket_bytes
        if not groups or full or kind != (groups[-1][0].dtype, groups[-1][0].device):
            groups.append([])
            filled = 0
        groups[-1].append(parameter)
        filled += nbytes
    return [
        Bucket(group) if cards is None or group[0].device != cards.device else CardBucket(group, cards)
        for group in groups
    ]
