"""Cards that add up among themselves: what NCCL does for workers whose models live on cards.

Each worker computes on a card of its own. Sums by MPI would take the way over both hosts' memory; NCCL's take that
between the cards. MPI stays for what is small: who is there, whether all do the same, whether one has died. NCCL itself
waits for ever for a card whose process is gone. So nobody waits inside it: what it does is put on the stream on which
our kernels run, and asked for again and again, as `mpi.py` does it; and if another rank has died, it is aborted.
"""

from __future__ import annotations

import atexit
import os
import platform
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..backend.devices import Device
from ..backend.errors import DistributedError
from ..backend.standard_devices import cuda
from ..ndarray import NDArray, empty
from .communicator import Communicator, Work
from .nccl_library import BYTE, PATH, SUM, TYPES, library

HOST = "gradients go over the hosts' memory"


class Cards:
    """The cards of all workers, connected. Everybody must make it, at the same point of the program.

    Parameters
    ----------
    communicator : Communicator
        The workers.
    device : Device
        This worker's card.

    Raises
    ------
    ImportError
        If NCCL cannot be loaded.
    DistributedError
        If it reports an error.
    """

    def __init__(self, communicator: Communicator, device: Device):
        self.communicator, self.device = communicator, device
        self._nccl = library()
        self._ffi, self._lib = self._nccl.ffi, self._nccl.lib
        identity = self._ffi.new("ncclUniqueId *")  # where the others find rank 0
        if communicator.rank == 0:
            self._check("ncclGetUniqueId", self._lib.ncclGetUniqueId(identity))
        communicator.broadcast(np.frombuffer(self._ffi.buffer(identity), np.uint8))
        self._comm: Any = None
        made = self._ffi.new("ncclComm_t *")
        done = self._lib.ncclCommInitRank(made, communicator.size, identity[0], communicator.rank)
        self._check("ncclCommInitRank", done)
        self._comm = made[0]
        atexit.register(self.close)

    @property
    def size(self) -> int:
        """How many cards there are."""
        return self.communicator.size

    def all_reduce(self, arrays: Sequence[NDArray]) -> None:
        """Begin to replace each array, compact and of floats, by the sum of all workers' arrays."""
        calls = [
            (address, address, array.size, TYPES[array.dtype], SUM) for address, array in self._at(arrays)
        ]
        self._begin("ncclAllReduce", calls)

    def broadcast(self, arrays: Sequence[NDArray]) -> list[NDArray]:
        """The arrays that worker 0 has, for all; those of the others only tell shapes and dtypes."""
        self.communicator._agree("broadcast between cards", np.zeros(len(arrays)))
        first = self.communicator.rank == 0
        found = [a.compact() if first else empty(a.shape, a.dtype, a.device) for a in arrays]
        calls = [(at, at, array.size * array.dtype.itemsize, BYTE, 0) for at, array in self._at(found)]
        self._begin("ncclBroadcast", calls)
        self.wait("a broadcast between cards")
        return found

    def wait(self, doing: str = "a sum between cards", first: Work | None = None) -> None:
        """Return when the cards are done with `first` and all that was begun.

        Raises
        ------
        DistributedError
            If another worker is gone, or NCCL reports an error; then nothing is left under way.
        """
        try:
            if first is not None:
                first.wait()
            self.communicator._until(self._done, doing)
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """End at once what is under way: the others may be gone."""
        comm, self._comm = self._comm, None
        if comm is not None:
            self._lib.ncclCommAbort(comm)

    def close(self) -> None:
        """Part from the other cards."""
        if self.communicator.trouble() is not None:
            self.abort()
        comm, self._comm = self._comm, None
        if comm is not None:
            self._lib.ncclCommDestroy(comm)

    def _at(self, arrays: Sequence[NDArray]) -> list[tuple[Any, NDArray]]:
        """The arrays with their addresses on the card."""
        address = self.device.runtime.address
        return [(self._ffi.cast("void *", address(array.storage)), array) for array in arrays]

    def _begin(self, name: str, calls: Sequence[tuple]) -> None:
        """Make calls of one function in one go, on the default stream, where our kernels run."""
        if self._comm is None:
            raise DistributedError(f"{name}: the cards have parted, after an error or at the end")
        function: Callable[..., int] = getattr(self._lib, name)
        self._check("ncclGroupStart", self._lib.ncclGroupStart())
        codes = [function(*arguments, self._comm, self._ffi.NULL) for arguments in calls]
        codes.append(self._lib.ncclGroupEnd())
        self._check(name, next(filter(None, codes), 0))

    def _done(self) -> bool:
        """Whether the card has done all that it was given."""
        later = self._ffi.new("int *")
        self._check("ncclCommGetAsyncError", self._lib.ncclCommGetAsyncError(self._comm, later))
        self._check("a sum between cards", later[0])
        return not self.device.runtime.busy()

    def _check(self, name: str, code: int) -> None:
        if code:
            raise DistributedError(f"{name}, in rank {self.communicator.rank}: {self._nccl.why(code)}")


def own_card(communicator: Communicator) -> None:
    """Let `cuda()` be a card of this worker's own: that of its place among the ranks of its machine.

    With fewer cards than ranks they are shared. Said before the first array of `cuda()`.

    Examples
    --------
    >>> from needle_edu.distributed import Alone
    >>> own_card(Alone())
    """
    count = cuda.device_count()
    if count:
        cuda.set_device(communicator.place % count)


_connected: dict[tuple[Communicator, Device | None], Cards | None] = {}


def connected(communicator: Communicator, devices: Sequence[Device]) -> Cards | None:
    """The cards of all workers, if the models of all live on cards; else None, and sums go over the hosts.

    Everybody must call it. Where there are cards and they cannot be connected, worker 0 says why.
    """
    device = next((one for one in devices if one.name in ("cuda", "cuda_sim")), None)
    if not communicator.separate:
        return None
    said = communicator.all_gather_texts(_card_of(device))
    if not any(said):
        return None
    if (communicator, device) not in _connected:
        problem = why_not(said)
        if problem and communicator.rank == 0:
            print(f"needle_edu: {HOST}: {problem}", file=sys.stderr)
        _connected[communicator, device] = None if problem or device is None else Cards(communicator, device)
    return _connected[communicator, device]


def why_not(said: Sequence[str]) -> str:
    """Why cards cannot be connected, by what each worker has said of its own; empty if they can.

    Examples
    --------
    >>> why_not(["card 0000:17:00.0", "card 0000:31:00.0"])
    ''
    >>> why_not(["card 0000:17:00.0", "card 0000:17:00.0"])
    'ranks 0 and 1 compute on one card; NCCL wants one for each, cuda.set_device(rank)'
    >>> why_not(["card 0000:17:00.0", ""])
    'rank 1 does not compute on a card'
    """
    for rank, text in enumerate(said):
        if not text.startswith("card "):
            return (
                f"rank {rank}: {text.removeprefix('no: ')}"
                if text
                else f"rank {rank} does not compute on a card"
            )
        if text in said[:rank]:
            return (
                f"ranks {said.index(text)} and {rank} compute on one card; NCCL wants one for each, "
                "cuda.set_device(rank)"
            )
    return ""


def _card_of(device: Device | None) -> str:
    """What this worker says of its card; nothing if it computes elsewhere.

    A simulated card has no NCCL, unless a library is named that stands in for it.
    """
    if device is None:
        return ""
    bus = device.runtime.bus()
    if not bus and PATH not in os.environ:
        return ""
    try:
        library()
    except ImportError as error:
        return f"no: {error}"
    return f"card {bus or f'simulated by {os.getpid()}'} of {platform.node()}"
