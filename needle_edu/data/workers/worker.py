"""What runs in a worker process: wait for the number of a batch, read its examples, put them in shared memory.

A worker is told as little as possible, so that no pipe is ever full: five numbers per batch; the examples' own numbers
and the batch itself go through shared memory. Each batch starts both random generators at its own seed, so what a
transform draws depends on the batch, never on who prepares it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import struct
import threading
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ...backend.errors import WorkerError
from ...backend.random import start_at
from ..dataset import fetch, read
from .block import Block

TASK = struct.Struct(
    "<6q"
)  # the batch, where it begins and ends in the order, that one's length, the block, the seed
ANSWER = struct.Struct("<3q")  # the batch, bytes in the block, whether it is an error
IDLE, SEVERAL, NOT_YET = (
    -1,
    -2,
    -3,
)  # what a worker reads: nothing, a whole batch at once; or it has not begun
PATIENCE = 0.5  # seconds between two looks whether the parent lives


def work(
    number: int,
    dataset: Any,
    stacked: bool,
    order: Block,
    marks: Block,
    slots: list[Block],
    tasks: Connection,
    answers: Connection,
) -> None:
    """Serve until there is no more to do.

    Parameters
    ----------
    number : int
        Which worker this is.
    stacked : bool
        Whether a batch is one array per field; else it is the list of its examples.
    order : Block
        The examples of the epoch, one number of 64 bits each.
    marks : Block
        Per worker one number of 64 bits: the example it is reading.
    slots : list of Block
        Where batches go.
    tasks, answers : pipes
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent; it ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    mark = np.frombuffer(marks.memory(8 * (number + 1)), np.int64)

    def note(i: int) -> None:
        mark[number] = i

    note(IDLE)
    while True:
        try:
            task = tasks.recv_bytes()
        except EOFError:
            return
        if not task:
            return
        k, start, end, length, slot, seed = TASK.unpack(task)
        indices = np.frombuffer(order.memory(8 * length), np.int64, length)[start:end].copy()
        start_at(seed, k)
        failed = False
        try:
            note(SEVERAL)
            found = read(dataset, indices, note) if stacked else fetch(dataset, indices, note)
            size = slots[slot].write(found)
        except Exception as error:
            failed, size = True, slots[slot].write(_portable(error, number))
        note(IDLE)
        with contextlib.suppress(BrokenPipeError):  # the parent is gone, or wants no more
            answers.send_bytes(ANSWER.pack(k, size, failed))


def _portable(error: Exception, number: int) -> Exception:
    """The error with a note of where it was raised; one of another kind if it cannot travel to another process."""
    lines = "".join(traceback.format_exception(error))
    try:
        error.add_note(f"It was raised in worker {number}:\n{lines}")
        pickle.loads(pickle.dumps(error))
        return error
    except Exception:
        return WorkerError(f"worker {number} of a DataLoader: {type(error).__name__}: {error}\n{lines}")


def _die_with(parent: int) -> None:
    """End this process when its parent has ended, whatever it is doing then."""
    while os.getppid() == parent:
        time.sleep(PATIENCE)
    os._exit(1)
