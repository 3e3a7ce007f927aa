"""Buckets: gradients that travel together.

A message of 4 bytes takes as long as one of 4,000, so gradients are collected until there is enough for one sum. The
backward pass comes to the last layer first; buckets are filled in that order, and the sum of a full one is under way
while the pass computes the gradients of the layers before.
"""

from __future__ import annotations

import numpy as np

from ..autograd import Tensor
from ..autograd.arrays import readable
from ..nn import Parameter
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


def buckets(parameters: list[Parameter], bucket_bytes: int) -> list[Bucket]:
    """Parameters in buckets of about so many bytes, the last parameters first.

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
        if not groups or filled + nbytes > bucket_bytes or groups[-1][0].dtype != parameter.dtype:
            groups.append([])
            filled = 0
        groups[-1].append(parameter)
        filled += nbytes
    return [Bucket(group) for group in groups]
