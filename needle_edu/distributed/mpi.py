"""A network of processes that talk by MPI, with an end to every wait.

MPI itself waits for ever, or kills everybody without a word. So nothing here blocks: each operation is begun, and then
asked again and again whether it is done. In between we look at the board (`board.py`): has a rank died, or said why it
stops? Has the time limit passed? Then every rank raises the same sentence. A thread watches over those that compute and
do not ask: they end a few seconds later. Only what is still there then is ended by `MPI_Abort`. An interrupt by mpiexec
raises nothing: see `interrupts.py`.

Before each operation of all ranks together, two numbers are added up that tell whether all are about to do the same.
"""

from __future__ import annotations

import atexit
import math
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn

import numpy as np

from ..backend.errors import DistributedError
from .board import Board
from .communicator import Communicator, Work
from .environment import LAUNCHER, gone
from .segments import forget_names

GRACE = 3.0  # seconds that ranks have to end by themselves once one has failed
SPIN = 0.005  # seconds of asking without a pause: messages are fast
PAUSE, LOOK = 0.0002, 0.05  # then between two questions, and between two looks at the board
LAST = 60  # seconds that MPI may take to end
HINT = "go on from the last checkpoint"


class MPIGroup(Communicator):
    """One rank of a program that mpiexec has started. `distributed.init()` makes it."""

    separate = True

    def __init__(self, mpi: Any, timeout: float):
        self._mpi, self.timeout = mpi, timeout
        world = mpi.COMM_WORLD
        self.rank, self.size = world.Get_rank(), world.Get_size()
        # Apart from messages of the program's own, and from one another.
        self._comm, self._control, self._end = world.Dup(), world.Dup(), world.Dup()
        here = world.Split_type(mpi.COMM_TYPE_SHARED)  # the ranks on this machine
        self._folder = here.bcast(tempfile.mkdtemp(prefix="needle_edu-") if here.Get_rank() == 0 else None)
        self.board = Board(self._folder, self.rank, self.size, here.allgather(self.rank))
        self.place = here.Get_rank()
        here.Barrier()
        if self.place == 0:
            forget_names()
        self._calls = 0
        self._broken: str | None = None
        self._ended = self._by_itself = False
        self._parent = os.getppid()
        atexit.register(self.close)
        threading.Thread(target=self._watch, name="needle_edu.distributed", daemon=True).start()

    # Messages between two

    def _send(self, array: np.ndarray, to: int) -> None:
        self._wait(self._comm.Isend(_bytes(array), to), f"send to rank {to}", to)

    def _receive(self, into: np.ndarray, source: int) -> None:
        self._wait(self._begin_receive(into, source), f"receive from rank {source}", source)

    def _send_receive(self, array: np.ndarray, to: int, into: np.ndarray, source: int) -> None:
        sending = self._comm.Isend(_bytes(array), to)
        self._receive(into, source)
        self._wait(sending, f"send to rank {to}", to)

    def _begin_receive(self, into: np.ndarray, source: int) -> Any:
        """Wait until something has come, look how much it is, and begin to take it."""
        probe = _Probe(self._comm, source)
        self._wait(probe, f"receive from rank {source}", source)
        coming = probe.status.Get_count(self._mpi.BYTE)
        if coming != into.nbytes:
            self.fail(
                f"receive: rank {self.rank} waits for {into.dtype} {into.shape}, {into.nbytes:,} bytes, from rank "
                f"{source}, who sends {coming:,} bytes"
            )
        return probe.message.Irecv(_bytes(into))

    # All together

    def _sum(self, numbers: np.ndarray) -> np.ndarray:
        total = np.empty_like(numbers)
        self._wait(self._comm.Iallreduce(numbers, total), "all_reduce")
        return total

    def _begin_sum(self, numbers: np.ndarray) -> Work:
        self._calls += 1
        self.board.enter(self._calls)
        request = self._comm.Iallreduce(self._mpi.IN_PLACE, numbers)
        return _MPIWork(self, request, numbers)

    def _spread(self, array: np.ndarray, root: int) -> None:
        self._wait(self._comm.Ibcast(_bytes(array), root), "broadcast")

    def _agree(self, what: str, array: np.ndarray) -> None:
        """Everybody's signature s: all are the same if the greatest s is the least one, -max(-s)."""
        self._calls += 1
        self.board.enter(self._calls)
        said = f"{what}({array.dtype} {array.shape})"
        signature = zlib.crc32(said.encode())
        both = np.array([signature, -signature], np.int64)
        self._wait(self._control.Iallreduce(self._mpi.IN_PLACE, both, op=self._mpi.MAX), said)
        if both[0] == -both[1]:
            return
        texts = np.empty((self.size, 160), np.uint8)
        own = np.frombuffer(said.encode()[:160].ljust(160), np.uint8)
        self._wait(self._control.Iallgather(own, texts), said)
        all_said = [row.tobytes().decode(errors="ignore").strip() for row in texts]
        other = next(rank for rank, text in enumerate(all_said) if text != all_said[0])
        self.fail(
            f"distributed: the ranks do not do the same: in call number {self._calls}, rank 0 calls "
            f"{all_said[0]}, and rank {other} {all_said[other]}"
        )

    # The end of every wait

    def _wait(self, request: Any, doing: str, whom: int | None = None) -> None:
        """Return when a request is done; raise if it never will be."""
        if self._broken:
            raise DistributedError(self._broken)
        begun = time.monotonic()
        next_look = begun + SPIN
        while not self._test(request):
            now = time.monotonic()
            if now < begun + SPIN:
                _let_others_run()
                continue
            if now >= next_look:
                self._look(doing, whom, now - begun)
                next_look = now + LOOK
            time.sleep(PAUSE)

    def _until(self, done: Callable[[], bool], doing: str) -> None:
        self._wait(SimpleNamespace(Test=done), doing)

    def _test(self, request: Any) -> bool:
        try:
            return bool(request.Test())
        except self._mpi.Exception as error:
            trouble = self.board.trouble()
            return self.fail(trouble or f"distributed: MPI reports in rank {self.rank}: {error}")

    def _look(self, doing: str, whom: int | None, waited: float) -> None:
        """Raise if there is no hope for what we wait for."""
        trouble = self.board.trouble()
        if trouble is not None:
            said_before = trouble.endswith(HINT)
            self.fail(trouble if said_before else f"{trouble} while rank {self.rank} was in {doing}; {HINT}")
        late = self.board.missing(self._calls) if whom is None else [whom]
        gone = [rank for rank in late if self.board.left(rank)]
        if gone:
            self.fail(
                f"distributed: rank {gone[0]} has ended, and rank {self.rank} waits for it in {doing}, call number "
                f"{self._calls}; {HINT}"
            )
        if waited > self.timeout:
            who = f"rank {', '.join(map(str, late))}" if late else "the others"
            self.fail(
                f"distributed: rank {self.rank} has waited {self.timeout:g} s for {who} in {doing}, call number "
                f"{self._calls} (init(timeout=...) allows more); {HINT}"
            )

    def fail(self, sentence: str) -> NoReturn:
        """Tell everybody why there is no going on, and raise it here."""
        self._broken = self._broken or sentence
        self.board.fail(self._broken)
        raise DistributedError(self._broken)

    def trouble(self) -> str | None:
        """What the board says."""
        return self.board.trouble()

    def lost(self) -> Any:
        """Whether an interrupt is no news: this rank has ended, or nobody can go on (see `interrupts.py`)."""
        return self._ended or self.trouble()

    @contextmanager
    def by_itself(self) -> Iterator[None]:
        """Within the block, nobody ends this rank because another one has failed."""
        self._by_itself = True
        try:
            yield
        finally:
            self._by_itself = False

    def stop(self, error: BaseException) -> None:
        """Note on the board that this rank ends with an error of its own."""
        if self._broken is None and not self._ended:
            text = " ".join(str(error).split())
            self._broken = f"rank {self.rank} has stopped: {type(error).__name__}: {text:.300}; {HINT}"
            self.board.fail(self._broken)

    def _watch(self) -> None:
        """End a rank that computes on when another one has failed, or when its mpiexec is gone."""
        since = None
        while not self._ended:
            time.sleep(0.2)
            trouble = None if self._by_itself else self.trouble()
            if os.getppid() != self._parent or gone(os.environ.get(LAUNCHER)):
                trouble = trouble or f"what has started rank {self.rank} has ended, and the rank with it"
            since = (since or time.monotonic()) if trouble else None
            if trouble and since and time.monotonic() - since > GRACE and not self._ended:
                print(f"needle_edu: rank {self.rank} ends: {_hinted(trouble)}", file=sys.stderr, flush=True)
                self.board.fail(_hinted(trouble))
                os._exit(1)

    def close(self) -> None:
        """The end of this rank's part: with the others if all is well, else at once."""
        if self._ended:
            return
        if self._broken is None:
            self.timeout = math.inf
            try:
                trouble = self.trouble()  # whoever is gone before this rank leaves has died
                if trouble is not None:
                    self.fail(_hinted(trouble))
                self.board.leave()
                # MPI_Finalize itself waits for the others without end, and lets no other thread run.
                self._wait(self._end.Ibarrier(), "its end")
            except DistributedError as error:
                print(f"needle_edu: {error}", file=sys.stderr)
            else:
                self._ended = True
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                signal.alarm(LAST)  # a rank that dies just now: then the system ends who waits for it
                self._mpi.Finalize()
                signal.alarm(0)
                if self.rank == min(self.board.peers):
                    shutil.rmtree(self._folder, ignore_errors=True)
                return
        sys.stdout.flush()
        sys.stderr.flush()
        until = time.monotonic() + GRACE + 1
        while self.board.others(working=True) and time.monotonic() < until:
            time.sleep(0.05)
        if self.board.others():
            time.sleep(0.3)  # mpiexec kills the others when the first one ends: they shall have said why
        if self.board.others(working=True):
            self._mpi.COMM_WORLD.Abort(1)
        if not self.board.others():
            shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(1)  # MPI_Finalize would wait for those who are gone


class _Probe:
    """A look for a message that has a size, in the form of a request."""

    def __init__(self, comm: Any, source: int):
        from mpi4py import MPI

        self._comm, self._source = comm, source
        self.status = MPI.Status()
        self.message: Any = None

    def Test(self) -> bool:
        self.message = self._comm.Improbe(self._source, status=self.status)
        return self.message is not None


class _MPIWork(Work):
    """A sum on its way."""

    def __init__(self, group: MPIGroup, request: Any, numbers: np.ndarray):
        self._group, self._request = group, request
        self._numbers = numbers  # MPI writes there, so it must live

    def test(self) -> bool:
        return bool(self._request.Test())

    def wait(self) -> None:
        self._group._wait(self._request, "a sum")


def _hinted(trouble: str) -> str:
    return f"{trouble.removesuffix('; ' + HINT)}; {HINT}"


def _bytes(array: np.ndarray) -> Any:
    return array.reshape(-1).view(np.uint8)


def _let_others_run() -> None:
    """Give the core to whom it may be waiting for: there may be more ranks than cores."""
    os.sched_yield() if hasattr(os, "sched_yield") else time.sleep(0)
