"""What workers that train together can say to one another: messages from one to another, and sums over all.

A `Communicator` is one worker's end of the network. It knows its number, its *rank*, and how many there are. Whoever
brings a network defines `send`, `receive` and `send_receive`; everything else follows from these three, so the same
training runs in one process (`Alone`), on a simulated network (`simulation.py`), and in processes that talk by MPI
(`mpi.py`), where sums are left to MPI's own functions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..backend.arguments import integer
from ..backend.errors import DistributedError, DTypeError
from .all_reduce import ring_all_reduce
from .buffers import contiguous


class Work:
    """An operation that was begun and goes on by itself; this one is done already.

    Examples
    --------
    >>> Work().test()
    True
    """

    def test(self) -> bool:
        """Whether it is done; asking also drives it on."""
        return True

    def wait(self) -> None:
        """Return when it is done."""


class Communicator:
    """One worker's end of a network: the base of all.

    Attributes
    ----------
    rank : int
        The number of this worker, from 0.
    size : int
        How many workers there are.

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> def pass_on(comm):
    ...     into = np.empty(1)
    ...     comm.send_receive(np.array([10.0 * comm.rank]), (comm.rank + 1) % comm.size, into, comm.rank - 1)
    ...     return into.item()
    >>> SimulatedNetwork(3).run(pass_on)
    [20.0, 0.0, 10.0]
    """

    rank = 0
    size = 1
    place = 0  # the number of this worker among those of its machine
    separate = False  # whether the workers are processes, which may have a card each

    # What a network defines. `array` and `into` are contiguous NumPy arrays; ranks lie from 0 to size - 1.

    def _send(self, array: np.ndarray, to: int) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _send(self, array, to)")

    def _receive(self, into: np.ndarray, source: int) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _receive(self, into, source)")

    def _send_receive(self, array: np.ndarray, to: int, into: np.ndarray, source: int) -> None:
        raise NotImplementedError(f"{type(self).__name__} must define _send_receive")

    # Messages between two.

    def send(self, array: Any, to: int) -> None:
        """Send an array to worker `to`, who must `receive` it. Returns when the array may be written to again."""
        self._send(contiguous("send", array), self._other("send", "to", to))

    def receive(self, into: np.ndarray, source: int) -> np.ndarray:
        """Wait for an array from worker `source`, and write it into `into`, which is returned.

        Raises
        ------
        DistributedError
            If what comes has another size.
        """
        self._receive(_writable("receive", into), self._other("receive", "source", source))
        return into

    def send_receive(self, array: Any, to: int, into: np.ndarray, source: int) -> np.ndarray:
        """Send to one worker and receive from another at the same time; neither waits for the other.

        If everybody first sent and then received, all could wait for ever: a large message is not gone until somebody
        takes it.
        """
        who = "send_receive"
        self._send_receive(
            contiguous(who, array), self._other(who, "to", to), _writable(who, into),
            self._other(who, "source", source),
        )  # fmt: skip
        return into

    def _other(self, who: str, name: str, rank: int) -> int:
        """The rank of another worker; counted from the end if negative."""
        found = integer(who, name, rank, -self.size, DistributedError)
        found += self.size if found < 0 else 0
        if found >= self.size or found == self.rank:
            raise DistributedError(
                f"{who}: {name} is another worker of the {self.size}, from 0 to {self.size - 1}; got {rank!r} in "
                f"worker {self.rank}"
            )
        return found

    # All together. Each worker must call these in the same order, with the same shapes and dtypes.

    def all_reduce(self, array: Any, out: np.ndarray | None = None) -> np.ndarray:
        """The sum of the arrays of all workers: the same bits for everybody.

        Parameters
        ----------
        array : array_like
            Numbers, of the same shape and dtype in every worker.
        out : numpy.ndarray, optional
            Where the sum is written, of the same shape and dtype; it may be `array`. Otherwise a new array is made:
            of megabytes, that takes more than half as long as the sum.

        Returns
        -------
        numpy.ndarray
            `out`, or the new array.

        Raises
        ------
        DTypeError
            If these are no numbers.
        TypeError, ValueError
            If `out` cannot hold the sum.
        DistributedError
            If the workers do not fit together, or one of them is gone.

        Examples
        --------
        >>> from needle_edu.distributed import SimulatedNetwork
        >>> def total(comm):
        ...     a = np.array([1.0, comm.rank])
        ...     comm.all_reduce(a, out=a)
        ...     return a.tolist()
        >>> SimulatedNetwork(3).run(total)
        [[3.0, 3.0], [3.0, 3.0], [3.0, 3.0]]
        """
        numbers = contiguous("all_reduce", array)
        if numbers.dtype.kind not in "iuf":
            raise DTypeError(f"all_reduce: adds numbers, got dtype {numbers.dtype}")
        if out is not None:
            into = _writable("all_reduce", out)
            if (into.shape, into.dtype) != (numbers.shape, numbers.dtype):
                raise ValueError(
                    f"all_reduce: out is {into.dtype} {into.shape}, and the sum {numbers.dtype} {numbers.shape}"
                )
        self._agree("all_reduce", numbers)
        if out is None:
            return self._sum(numbers)
        if into is not numbers:
            into[...] = numbers
        self._begin_sum(into).wait()
        return out

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        return ring_all_reduce(self, numbers)

    def _begin_sum(self, numbers: np.ndarray) -> Work:
        """Begin to replace an array by the sum of all workers' arrays. Nobody looks whether they fit together."""
        numbers[...] = self._sum(numbers)
        return Work()

    def broadcast(self, array: np.ndarray, root: int = 0) -> np.ndarray:
        """Give everybody what worker `root` has: `array` is read there, and written elsewhere; it is returned."""
        into = _writable("broadcast", array)
        root = integer("broadcast", "root", root, 0, DistributedError)
        if root >= self.size:
            raise DistributedError(f"broadcast: there are {self.size} workers, got root {root}")
        self._agree(f"broadcast from {root}", into)
        self._spread(into, root)
        return array

    def _spread(self, array: np.ndarray, root: int) -> None:
        """Down a binomial tree: in each round, whoever has the array sends it to one who has not."""
        place, distance = (self.rank - root) % self.size, 1  # as if the root were 0
        while distance < self.size:
            if place < distance and place + distance < self.size:
                self._send(array, (place + distance + root) % self.size)
            elif distance <= place < 2 * distance:
                self._receive(array, (place - distance + root) % self.size)
            distance *= 2

    def all_gather_texts(self, text: str) -> list[str]:
        """The texts of all workers, in the order of their ranks.

        Texts differ in length, sums do not: first the lengths are added up, each in a place of its own, then the
        letters.
        """
        if not isinstance(text, str):
            raise TypeError(f"all_gather_texts: text is a str, got {text!r:.60}")
        letters = np.frombuffer(text.encode(), np.uint8)
        lengths = np.zeros(self.size, np.int64)
        lengths[self.rank] = len(letters)
        ends = np.cumsum(self.all_reduce(lengths))
        everything = np.zeros(ends[-1], np.uint8)
        everything[ends[self.rank] - len(letters) : ends[self.rank]] = letters
        everything = self.all_reduce(everything)
        return [part.tobytes().decode() for part in np.split(everything, ends[:-1])]

    def barrier(self) -> None:
        """Return when everybody has come here."""
        self._agree("barrier", np.zeros(0))
        self._sum(np.zeros(self.size, np.int8))

    def _agree(self, what: str, array: np.ndarray) -> None:
        """Complain, in every worker, unless all call the same with the same shape and dtype; see `mpi.py`."""

    def _until(self, done: Callable[[], bool], doing: str) -> None:
        """Return when `done()` is true: something goes on by itself."""
        while not done():
            time.sleep(0.0002)

    def stop(self, error: BaseException) -> None:
        """Tell the others that this worker ends with an error, so that they do not wait for it."""

    def trouble(self) -> str | None:
        """Why nobody can go on: another worker has died, or has said why it stops; None if all is well.

        Examples
        --------
        >>> Alone().trouble() is None
        True
        """
        return None

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """Within the block, this worker needs no other: it may finish its work though another one has failed.

        For what is left when all calls of all workers are made, such as writing the result.

        Examples
        --------
        >>> with Alone().by_itself():
        ...     print("written")
        written
        """
        yield

    def compute(self, seconds: float) -> None:
        """Say that this worker computes for a while: a simulated network lets that time go by."""


class Alone(Communicator):
    """The network of a process that has no others: sums are what it has.

    Examples
    --------
    >>> Alone().all_reduce([1.0, 2.0])
    array([1., 2.])
    """

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        return numbers.copy()

    def _begin_sum(self, numbers: np.ndarray) -> Work:
        return Work()


class _Here(threading.local):
    """The communicator of this thread, if it is a simulated worker."""

    communicator: Communicator | None = None


here = _Here()


def _writable(who: str, array: Any) -> np.ndarray:
    if not isinstance(array, np.ndarray) or not array.flags.c_contiguous or not array.flags.writeable:
        raise TypeError(f"{who}: it writes into a contiguous, writable NumPy array, got {_kind(array)}")
    if array.dtype.kind not in "biuf":
        raise DTypeError(f"{who}: wanted an array of numbers, got dtype {array.dtype}")
    return array


def _kind(array: Any) -> str:
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    return "a view with gaps" if not array.flags.c_contiguous else "one that is read-only"
