"""How ranks on one machine know of each other that they live: a notice board in a file, and a lock for each.

Each rank holds a lock on one byte of a file. The system takes the lock away when the process ends, however it ends, so
whoever can take it knows that its holder is dead: no heartbeat can be late, and no process number used again. On the
board, a shared page of memory, each rank writes what it is doing, and why it stops.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

WORKING, LEFT, FAILED = range(3)
ROW = np.dtype([("calls", "i8"), ("state", "i8"), ("said", "S480")])


class Board:
    """The board of one machine's ranks, and the lock of one of them.

    Parameters
    ----------
    folder : path
        The same for all, and empty at first.
    rank : int
    size : int
    peers : sequence of int
        The ranks on this machine.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     board = Board(folder, 0, 1, [0])
    ...     board.fail("rank 0 has no more paper")
    ...     board.close()
    >>> board.trouble()
    'rank 0 has no more paper'
    """

    def __init__(self, folder: str | os.PathLike, rank: int, size: int, peers: list[int]):
        import fcntl

        self.rank, self.peers = rank, peers
        path = Path(folder) / "board"
        with open(path, "ab") as file:
            if not os.fstat(file.fileno()).st_size:
                os.truncate(path, ROW.itemsize * size)
        self._rows = np.memmap(path, ROW, "r+", shape=(size,))
        self._lockf, self._try = fcntl.lockf, fcntl.LOCK_SH | fcntl.LOCK_NB
        self._unlock = fcntl.LOCK_UN
        # A process loses its locks when it closes the file even once, so it is opened once and kept.
        self._file = os.open(Path(folder) / "alive", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, rank)

    def enter(self, calls: int) -> None:
        """Note that this rank is in its call number `calls`."""
        self._rows[self.rank]["calls"] = calls

    def leave(self) -> None:
        """Note that this rank has ended as it should."""
        self._rows[self.rank]["state"] = LEFT

    def fail(self, sentence: str) -> None:
        """Note why this rank stops; what it has said first stays."""
        row = self._rows[self.rank]
        if row["state"] != FAILED:
            row["said"] = sentence.encode()[:480]
            row["state"] = FAILED

    def trouble(self) -> str | None:
        """Why nobody can go on: what a rank has said, or that one is dead; None if all is well."""
        for rank in self.peers:
            if self._rows[rank]["state"] == FAILED:
                return self._rows[rank]["said"].decode(errors="ignore")
        dead = next((rank for rank in self.peers if rank != self.rank and not self.lives(rank)), None)
        # Who leaves waits for the others to leave: nobody's process ends by itself while one is at work. The states are
        # read after the locks: what a dead rank has noted stays.
        if dead is not None and any(self._rows[rank]["state"] == WORKING for rank in self.peers):
            return f"rank {dead} has died (killed, or out of memory)"
        return None

    def missing(self, calls: int) -> list[int]:
        """Ranks that have not come to call number `calls`."""
        return [rank for rank in self.peers if self._rows[rank]["calls"] < calls]

    def left(self, rank: int) -> bool:
        """Whether a rank has ended as it should."""
        return bool(self._rows[rank]["state"] == LEFT)

    def lives(self, rank: int) -> bool:
        """Whether a rank's process is there: it holds its lock."""
        try:
            self._lockf(self._file, self._try, 1, rank)
        except OSError:
            return True
        self._lockf(self._file, self._unlock, 1, rank)
        return False

    def others(self, working: bool = False) -> list[int]:
        """Ranks whose processes are still there, but for this one; only those that go on working, if asked for."""
        found = [rank for rank in self.peers if rank != self.rank and self.lives(rank)]
        return [rank for rank in found if not working or self._rows[rank]["state"] == WORKING]

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._file)
