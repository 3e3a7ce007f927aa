"""N workers in one process, who share nothing but messages: what a homework's answers run on.

Each worker is a thread, and only one of them runs at a time: it has the turn until it waits for a message that has not
been sent, or ends. So the same function runs in the same order every time, and nobody waits in vain for long: when all
who are left wait and nothing is on its way, that is a *deadlock*, known at once and without a clock.

Time is counted in *steps*. In one step a worker may send one message and receive one, as a wire that carries both ways
does; a message is sent in the step after the sender's last one, and received no earlier than it was sent. What runs at
the same time has the same steps, however the threads took turns.

`needle_edu.distributed.SimulatedNetwork` is for looking and trusts what it runs. This network is for judging: it keeps
what the messages hold, ends what never ends, and can run a worker without the others (`Replay`).
"""

from __future__ import annotations

import _thread
import ctypes
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

MOST_MESSAGES = 2_000
LOOK = 0.02  # seconds between two looks at the clock
GRACE = 1.0  # seconds that a worker that is woken has to end
PATIENCE = 10  # times as long it may take by the clock: the machine may be busy


class Stopped(BaseException):
    """Ends a worker whose run is over. No `Exception`, so that an answer's own ``except`` does not stop it."""


class Trouble(Exception):
    """A run without results: `kind` is ``"deadlock"``, ``"time limit"`` or ``"too many messages"``."""

    def __init__(self, kind: str, text: str):
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True)
class Message:
    """One message: who sent it to whom, the array, and the step in which it was sent."""

    source: int
    to: int
    array: np.ndarray
    step: int


class Communicator:
    """What a worker has of the others: their number, and messages.

    It is the part of `needle_edu.distributed.Communicator` that passes messages from one to another, and no more: what
    that one makes of them is what a homework asks for. The same answer runs on both.

    Attributes
    ----------
    rank, size : int
        Which worker this is, from 0, and how many there are.
    """

    def __init__(self, network: Network | Replay, rank: int):
        self.rank, self.size, self._network = rank, network.size, network

    def send(self, array: np.ndarray, to: int) -> None:
        """Send a copy of an array to worker `to`, and go on at once: nobody waits until it is received."""
        self._network.send(self.rank, _worker(to, self, "send"), _array(array))

    def receive(self, into: np.ndarray, source: int) -> np.ndarray:
        """Wait for the next array from worker `source`, write it into `into`, and return that."""
        array = self._network.receive(self.rank, _worker(source, self, "receive"))
        if not isinstance(into, np.ndarray) or (into.shape, into.dtype) != (array.shape, array.dtype):
            wanted = f"{into.dtype} {into.shape}" if isinstance(into, np.ndarray) else type(into).__name__
            raise ValueError(
                f"receive: {wanted} is no place for what worker {source} sent, {array.dtype} {array.shape}"
            )
        into[...] = array
        return into

    def send_receive(self, array: np.ndarray, to: int, into: np.ndarray, source: int) -> np.ndarray:
        """Send to one worker and receive from one, at the same time."""
        self.send(array, to)
        return self.receive(into, source)

    def __repr__(self) -> str:
        return f"<worker {self.rank} of {self.size}>"


class Network:
    """A network of `size` workers, for one run.

    Attributes
    ----------
    messages : list of Message
        In the order in which they were sent.
    """

    def __init__(self, size: int):
        self.size = size
        self.messages: list[Message] = []
        self._workers = [_Worker(rank) for rank in range(size)]
        self._on_the_way: dict[tuple[int, int], deque[Message]] = {}
        self._ended = _closed()
        self._turn: _Worker | None = None  # who has it
        self._error: BaseException | None = None
        self._over = False

    def run(self, function: Callable[[Communicator], Any], seconds: float = 1.5) -> list:
        """Return what ``function(communicator)`` returns to each worker.

        `seconds` is what they may compute, all together.

        Raises
        ------
        Trouble
            If the workers wait for each other, compute too long, or send more than `MOST_MESSAGES`.
        Exception
            Whatever a worker raises, as it is.

        Examples
        --------
        >>> def neighbour(comm):
        ...     comm.send(np.array([comm.rank]), (comm.rank + 1) % comm.size)
        ...     return comm.receive(np.zeros(1, int), (comm.rank - 1) % comm.size)
        >>> Network(3).run(neighbour)
        [array([2]), array([0]), array([1])]
        >>> Network(2).run(lambda comm: comm.receive(np.zeros(1), 1 - comm.rank))
        Traceback (most recent call last):
            ...
        needle_edu.course.workers.network.Trouble: worker 0 waits for worker 1, worker 1 waits for worker 0
        """
        computed, began = time.process_time(), time.monotonic()
        try:
            for worker in self._workers:
                worker.start(partial(self._work, worker, function))
            self._pass_on(self.size - 1)
            while not self._ended.acquire(timeout=LOOK):
                if time.process_time() - computed > seconds or time.monotonic() - began > PATIENCE * seconds:
                    raise Trouble("time limit", f"no end in {seconds:g} seconds; does a loop never end?")
        finally:
            self._over = True
            for worker in self._workers:
                worker.end(interrupt=worker is self._turn)
        if self._error is not None:
            raise self._error
        return [worker.result for worker in self._workers]

    @property
    def unread(self) -> int:
        """How many messages nobody has received."""
        return sum(map(len, self._on_the_way.values()))

    # --- called by the worker that has the turn ---------------------------------------------------------------

    def _work(self, worker: _Worker, function: Callable[[Communicator], Any]) -> None:
        """What a worker's thread does."""
        try:
            worker.turn.acquire()
            if not self._over:
                sys.setprofile(threading.getprofile())  # as in every other thread: `withheld` watches
                worker.result = function(Communicator(self, worker.rank))
        except Stopped:
            pass
        except BaseException as error:
            self._error = error
        sys.setprofile(None)
        worker.done = True
        worker.ended.release()
        if not self._over:
            self._pass_on(worker.rank)

    def _pass_on(self, rank: int) -> None:
        """Give the turn to the next worker after `rank` that can go on; if there is none, the run has ended."""
        order = [self._workers[(rank + 1 + k) % self.size] for k in range(self.size)]
        unfinished = [worker for worker in order if not worker.done]
        ready = [worker for worker in unfinished if self._can_go_on(worker)]
        self._turn = ready[0] if ready and self._error is None else None
        if self._turn is not None:
            self._turn.turn.release()
            return
        if unfinished and self._error is None:
            self._error = Trouble("deadlock", _who_waits(unfinished))
        self._ended.release()

    def _can_go_on(self, worker: _Worker) -> bool:
        return worker.waits_for is None or bool(self._on_the_way.get((worker.waits_for, worker.rank)))

    def send(self, source: int, to: int, array: np.ndarray) -> None:
        """Put a copy of an array on its way."""
        if len(self.messages) >= MOST_MESSAGES:
            raise Trouble("too many messages", f"more than {MOST_MESSAGES:,}; does a loop never end?")
        worker = self._workers[source]
        worker.sent += 1
        message = Message(source, to, array.copy(), worker.sent)
        self.messages.append(message)
        self._on_the_way.setdefault((source, to), deque()).append(message)

    def receive(self, rank: int, source: int) -> np.ndarray:
        """Take the next message, and pass the turn on until there is one."""
        worker, waiting = self._workers[rank], self._on_the_way.setdefault((source, rank), deque())
        if not waiting:
            worker.waits_for = source
            self._pass_on(rank)
            worker.turn.acquire()
            if self._over:
                raise Stopped
            worker.waits_for = None
        message = waiting.popleft()
        worker.received = max(worker.received + 1, message.step)
        worker.sent = max(worker.sent, worker.received)
        return message.array.copy()


class _Worker:
    """A thread that waits for its turn."""

    def __init__(self, rank: int):
        self.rank, self.turn, self.ended = rank, _closed(), _closed()
        self.waits_for: int | None = None
        self.sent = self.received = 0  # the steps of its last messages
        self.result: Any = None
        self.done = False

    def start(self, work: Callable[[], None]) -> None:
        """Begin a thread; plainly, since `threading.Thread` would wait until it has begun."""
        self.thread = _thread.start_new_thread(work, ())

    def end(self, interrupt: bool) -> None:
        """Wake it if it waits; if it computes, raise `Stopped` in it, again and again if that is caught."""
        for _ in range(50 if interrupt else 0):
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), ctypes.py_object(Stopped))
            if self.ended.acquire(timeout=LOOK):
                return
        if not self.done and not interrupt:
            self.turn.release()
        self.ended.acquire(timeout=GRACE)


class Replay:
    """One worker without the others: what it receives has been written down before.

    Attributes
    ----------
    sent : list of (int, numpy.ndarray)
        To whom, and what.
    """

    def __init__(self, rank: int, size: int, arriving: Sequence[tuple[int, np.ndarray]]):
        self.size = size
        self.sent: list[tuple[int, np.ndarray]] = []
        self.communicator = Communicator(self, rank)
        self._arriving: dict[int, deque[np.ndarray]] = {}
        for source, array in arriving:
            self._arriving.setdefault(source, deque()).append(array)

    def send(self, source: int, to: int, array: np.ndarray) -> None:
        self.sent.append((to, array.copy()))

    def receive(self, rank: int, source: int) -> np.ndarray:
        if not self._arriving.get(source):
            raise Trouble("deadlock", f"worker {rank} waits for worker {source}")
        return self._arriving[source].popleft()


def _closed() -> threading.Lock:
    """A door that is closed: `acquire` waits until another thread has called `release`."""
    lock = threading.Lock()
    lock.acquire()
    return lock


def _worker(rank: object, communicator: Communicator, what: str) -> int:
    """The rank of another worker."""
    size, own = communicator.size, communicator.rank
    if isinstance(rank, (bool, np.bool_)) or not isinstance(rank, (int, np.integer)):
        raise TypeError(
            f"{what}: the other worker is a number from 0 to {size - 1}, got {type(rank).__name__}"
        )
    if not 0 <= rank < size:
        raise ValueError(f"{what}: there is no worker {rank}; there are 0 to {size - 1}")
    if rank == own:
        raise ValueError(f"{what}: worker {own} and itself; the other worker must be another one")
    return int(rank)


def _array(array: object) -> np.ndarray:
    if not isinstance(array, (np.ndarray, np.generic)) or array.dtype.hasobject:
        raise TypeError(f"send: wanted a NumPy array, got {type(array).__name__}")
    return np.asarray(array)


def _who_waits(workers: list[_Worker]) -> str:
    return ", ".join(f"worker {worker.rank} waits for worker {worker.waits_for}" for worker in workers)
