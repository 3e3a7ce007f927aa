"""All-reduce: every worker has an array, and every worker wants the sum of all. Three ways, from messages alone.

With N workers and n bytes each:

=====  =================================================  ===========  ==============================
way    idea                                               steps        bytes through the busiest link
=====  =================================================  ===========  ==============================
star   one worker adds up, and tells all others           2 (N - 1)    n, but one worker has N - 1 links
tree   pairs add up, then pairs of pairs; back down       2 ⌈log₂ N⌉   n
ring   everybody adds to one piece of N, and passes it on 2 (N - 1)    n / N a step, 2 n (N - 1) / N in all
=====  =================================================  ===========  ==============================

The tree has few steps, so it is best where messages are short and each costs its latency. The ring keeps every link
busy with different numbers at every moment, so it is best where messages are long; its time hardly grows with N.

Patarasuk and Yuan, Bandwidth optimal all-reduce algorithms for clusters of workstations, 2009;
Thakur, Rabenseifner and Gropp, Optimization of collective communication operations in MPICH, 2005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend.errors import DTypeError
from .buffers import contiguous

if TYPE_CHECKING:
    from .communicator import Communicator


def ring_all_reduce(comm: Communicator, array: Any) -> np.ndarray:
    """The sum over all workers, passed round a ring in pieces.

    Everybody's array is cut into as many pieces as there are workers. In each step, every worker sends one piece to the
    next worker and adds what comes from the one before. After N - 1 steps (*reduce-scatter*), each worker has the
    whole sum of one piece; N - 1 steps more (*all-gather*) carry these round.

    Parameters
    ----------
    comm : Communicator
    array : array_like
        Numbers, of the same shape and dtype in every worker.

    Returns
    -------
    numpy.ndarray
        A new array of that shape and dtype; the same bits in every worker, since each piece is added up in one order.

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> network = SimulatedNetwork(4)
    >>> network.run(lambda comm: ring_all_reduce(comm, np.full(8, comm.rank)))[2]
    array([6, 6, 6, 6, 6, 6, 6, 6])
    >>> network.steps, network.bytes_per_link[0, 1]
    (6, 96)
    """
    total = _own_copy("ring_all_reduce", comm, array)
    pieces = np.array_split(total.reshape(-1), comm.size)
    after, before = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size
    room = np.empty_like(pieces[0])  # the first piece is the longest
    for step in range(comm.size - 1):
        out, into = pieces[(comm.rank - step) % comm.size], pieces[(comm.rank - step - 1) % comm.size]
        into += comm.send_receive(out, after, room[: into.size], before)
    for step in range(comm.size - 1):
        out, into = pieces[(comm.rank - step + 1) % comm.size], pieces[(comm.rank - step) % comm.size]
        comm.send_receive(out, after, into, before)
    return total


def tree_all_reduce(comm: Communicator, array: Any) -> np.ndarray:
    """The sum over all workers, up a binary tree to worker 0, and down again.

    In round k of the way up, worker r sends its sum to worker r - 2^k if r is an odd multiple of 2^k; then it is done
    until the sum comes back. The way down is the same in reverse.

    Parameters and result are those of `ring_all_reduce`.

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> network = SimulatedNetwork(4)
    >>> network.run(lambda comm: tree_all_reduce(comm, [1.0 + comm.rank]))
    [array([10.]), array([10.]), array([10.]), array([10.])]
    >>> network.steps, network.bytes_per_link[3, 2]
    (4, 8)
    """
    total = _own_copy("tree_all_reduce", comm, array)
    room = np.empty_like(total)
    distance = 1
    while distance < comm.size and comm.rank % (2 * distance) == 0:
        if comm.rank + distance < comm.size:
            total += comm.receive(room, comm.rank + distance)
        distance *= 2
    if comm.rank:
        comm.send(total, comm.rank - distance)
        comm.receive(total, comm.rank - distance)
    while (distance := distance // 2) >= 1:
        if comm.rank + distance < comm.size:
            comm.send(total, comm.rank + distance)
    return total


def star_all_reduce(comm: Communicator, array: Any) -> np.ndarray:
    """The sum over all workers, added up by worker 0, as a parameter server does it.

    Parameters and result are those of `ring_all_reduce`.

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> SimulatedNetwork(3).run(lambda comm: star_all_reduce(comm, [1.0]).item())
    [3.0, 3.0, 3.0]
    """
    total = _own_copy("star_all_reduce", comm, array)
    if comm.rank:
        comm.send(total, 0)
        return comm.receive(total, 0)
    room = np.empty_like(total)
    for worker in range(1, comm.size):
        total += comm.receive(room, worker)
    for worker in range(1, comm.size):
        comm.send(total, worker)
    return total


def _own_copy(who: str, comm: Any, array: Any) -> np.ndarray:
    """A copy to add to."""
    if not hasattr(comm, "send_receive"):
        raise TypeError(f"{who}: comm is a Communicator, got {comm!r:.60}")
    numbers = contiguous(who, array)
    if numbers.dtype.kind not in "iuf":
        raise DTypeError(f"{who}: adds numbers, got dtype {numbers.dtype}")
    return numbers.copy()
