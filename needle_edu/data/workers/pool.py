"""This process's side of the workers: who prepares which batch, and what happens when one of them dies.

Batch k is prepared by worker k mod n, and each worker is given `prefetch_factor` batches to begin with and one more
whenever one of its batches was taken. So batches come in order whoever is fast or slow, and never more than that many
wait in memory.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import struct
import sys
import warnings
import weakref
from multiprocessing import connection
from typing import Any

import numpy as np

from ...backend.errors import WorkerError
from ...backend.naming import a_kind
from ..epoch import Epoch
from .block import Block
from .worker import ANSWER, IDLE, NOT_YET, SEVERAL, TASK, work

METHODS = ("fork", "spawn", "forkserver")
GRACE = 2.0  # seconds a worker is given to end


class Pool:
    """Workers for one loader; they start when the first batch is asked for."""

    def __init__(self, dataset: Any, stacked: bool, workers: int, prefetch: int, method: str | None):
        usual = "fork" if sys.platform == "linux" else "spawn"
        if method is not None and method not in multiprocessing.get_all_start_methods():
            raise ValueError(
                f"DataLoader: multiprocessing_context is one of {', '.join(METHODS)}, got {method!r}"
            )
        self.dataset, self.stacked, self.workers, self.prefetch = dataset, stacked, workers, prefetch
        self.method = method or usual
        self._crew: list[_Worker] = []
        self._epoch: Epoch | None = None
        self._given = 0  # batches of this epoch that somebody works on or has done
        self._marks, self._order = Block(), Block()

    def batch(self, epoch: Epoch, k: int) -> Any:
        """Batch number k of this epoch, which is asked for in order.

        The arrays of a stacked batch lie in shared memory: they hold until the next call.

        Raises
        ------
        WorkerError
            If a worker died.
        Exception
            Whatever the data set raised.
        """
        try:
            if self._epoch is not epoch or not self._crew:
                self._start(epoch, k)
            else:
                self._give()  # the memory of the batch before this one is free now
            return self._wait(epoch, k)
        except BaseException:  # an interrupt too
            self.stop()
            raise

    def stop(self) -> None:
        """End all workers; those that are busy at once. The next batch starts new ones."""
        crew, self._crew, self._epoch = self._crew, [], None
        if crew:
            self._end.detach()
            _end(crew, os.getpid())

    def _start(self, epoch: Epoch, k: int) -> None:
        count = len(epoch.order)
        np.frombuffer(self._order.memory(8 * count), np.int64, count)[:] = epoch.order
        if not self._crew:
            crew: list[_Worker] = []
            self._crew, self._end = crew, weakref.finalize(self, _end, crew, os.getpid())
            for number in range(self.workers):
                crew.append(_Worker(self, number))
        self._epoch, self._given = epoch, k
        for _ in range(self.prefetch * self.workers):
            self._give()

    def _give(self) -> None:
        """Give the next batch of the epoch, if there is one, to the worker whose turn it is."""
        epoch, k = self._epoch, self._given
        assert epoch is not None
        if k < len(epoch):
            start = int(epoch.ends[k - 1]) if k else 0
            task = TASK.pack(k, start, int(epoch.ends[k]), len(epoch.order), self._slot(k), epoch.base)
            worker = self._crew[k % self.workers]
            worker.owes += 1
            with contextlib.suppress(OSError):  # it is dead; whoever waits for its next batch finds out
                worker.tasks.send_bytes(task)
            self._given += 1

    def _slot(self, k: int) -> int:
        return (k // self.workers) % self.prefetch

    def _wait(self, epoch: Epoch, k: int) -> Any:
        worker = self._crew[k % self.workers]
        connection.wait([worker.answers, worker.process.sentinel])
        try:
            if not worker.answers.poll():
                raise EOFError
            _, size, failed = ANSWER.unpack(worker.answers.recv_bytes())
        except (EOFError, OSError):
            raise self._death(worker, epoch, k) from None
        worker.owes -= 1
        found = worker.slots[self._slot(k)].read(size, own=failed or not self.stacked)
        if failed:
            raise found
        return found

    def _death(self, worker: _Worker, epoch: Epoch, k: int) -> WorkerError:
        """What to say of a worker that ended before batch k was there."""
        worker.process.join(GRACE)
        code = worker.process.exitcode
        how = f"exit status {code}"
        if code is not None and code < 0:
            how = f"signal {-code}, {signal.Signals(-code).name}"
        mark, whose = worker.mark(), a_kind(self.dataset)
        indices = ", ".join(map(str, epoch.indices(k)[:8])) + (", …" if len(epoch.indices(k)) > 8 else "")
        where = {
            NOT_YET: "before it read anything"
            + ("" if self.method == "fork" else '; does the script begin with `if __name__ == "__main__":`?'),
            IDLE: f"before it began with batch {k} (examples {indices}) of {whose}",
            SEVERAL: f"while reading batch {k} (examples {indices}) of {whose}",
        }.get(mark, f"while reading example {mark} of {whose}")
        return WorkerError(f"DataLoader: worker {worker.number} died ({how}) {where}")


class _Worker:
    """One worker process, the pipes to it, and the memory for its batches."""

    def __init__(self, pool: Pool, number: int):
        self.number, self.marks = number, pool._marks
        self.owes = 0  # batches it was given and has not delivered
        self.slots = [Block() for _ in range(pool.prefetch)]
        context: Any = multiprocessing.get_context(pool.method)
        tasks, self.tasks = context.Pipe(duplex=False)
        self.answers, answers = context.Pipe(duplex=False)
        struct.pack_into("<q", self.marks.memory(8 * pool.workers), 8 * number, NOT_YET)
        what = (number, pool.dataset, pool.stacked, pool._order, pool._marks, self.slots, tasks, answers)
        self.process = context.Process(target=work, args=what, daemon=True, name=f"DataLoader-{number}")
        try:
            with warnings.catch_warnings():  # our kernels' threads wait, and know of forks
                warnings.filterwarnings("ignore", ".*multi-threaded.*", DeprecationWarning)
                self.process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise WorkerError(
                f"DataLoader: with {pool.method!r} the data set goes to the workers as a pickle, and this one does "
                f"not: {error}; classes and functions that stand at the top of a file do"
            ) from error
        finally:
            tasks.close()
            answers.close()

    def mark(self) -> int:
        """The example that the worker is reading, or IDLE, SEVERAL, NOT_YET."""
        return struct.unpack_from("<q", self.marks.memory(8 * (self.number + 1)), 8 * self.number)[0]


def _end(crew: list[_Worker], owner: int) -> None:
    """End all workers of a crew; in a process that was forked later they are not its own."""
    if os.getpid() != owner:
        return
    started = [worker for worker in crew if worker.process.pid is not None]
    for worker in started:
        with contextlib.suppress(OSError):
            worker.tasks.send_bytes(b"")  # nothing more to do: it ends by itself
        if worker.owes:
            worker.process.terminate()
    for worker in started:
        worker.process.join(GRACE)
        if worker.process.exitcode is None:
            worker.process.kill()
            worker.process.join()
        worker.tasks.close()
        worker.answers.close()
    crew.clear()
