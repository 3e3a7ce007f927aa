"""mpiexec interrupts who is left when a rank has died: nothing is raised where nobody can know of it."""

import contextlib
import os
import re
import signal
import time

import numpy as np
import pytest

from needle_edu import distributed
from needle_edu.backend import DistributedError
from needle_edu.distributed import mpi
from needle_edu.distributed.board import Board
from needle_edu.distributed.interrupts import heed_unless
from needle_edu.distributed.launching import mpiexec
from needle_edu.distributed.segments import forget_names
from needle_edu.training.interruption import Interruption

LIMIT = 600  # seconds: an end to every wait, far beyond what a busy machine needs


@pytest.fixture(autouse=True)
def ctrl_c():
    """Ctrl-C as in a program of its own, whatever started the tests; afterwards as it was."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGQUIT)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_an_interrupt_of_a_lost_program_raises_nothing():
    lost = []
    heed_unless(lambda: lost)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    lost.append("rank 1 has died")
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGQUIT)


def test_an_interrupt_in_training_counts_unless_it_is_lost(capsys):
    lost = []
    with Interruption(lambda: lost) as interruption:
        lost.append("rank 1 has died")
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        assert not interruption.asked and capsys.readouterr().err == ""
        lost.clear()
        signal.raise_signal(signal.SIGINT)
        assert interruption.asked


def test_who_is_ignored_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    heed_unless(lambda: None)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.skipif(os.name != "posix", reason="locks of files")
@pytest.mark.parametrize("states, said", [("WW", True), ("LW", True), ("WL", True), ("LL", False)])
def test_a_rank_is_missed_while_anyone_works(states, said, tmp_path):
    """Rank 1 has no process. All who have left wait for the others: one that ends while any works has died."""
    board = Board(tmp_path, 0, 2, [0, 1])
    board._rows["state"] = [{"W": 0, "L": 1}[letter] for letter in states]
    assert board.trouble() == ("rank 1 has died (killed, or out of memory)" if said else None)
    board.close()


def foreign(comm):
    """Rank 1 dies while rank 0 is in code that swallows every error, and then writes what it has."""
    mpi.GRACE = 0.1  # seconds: much less than what rank 0 does by itself
    comm.barrier()
    if comm.rank:
        os.kill(os.getpid(), signal.SIGKILL)
    with open("/proc/self/maps") as file:
        print("memory", *set(re.findall(r"/dev/shm/mpich_shm_\w+", file.read())), flush=True)
    with comm.by_itself():
        try:
            while comm.trouble() is None:
                time.sleep(0.01)
            for _ in range(3):
                signal.raise_signal(signal.SIGINT)
            time.sleep(2)  # after one second, mpiexec sends SIGQUIT
        except BaseException:
            print("swallowed", flush=True)
        print("written", flush=True)
    with contextlib.suppress(DistributedError):
        comm.all_reduce(np.zeros(3))
        print("no error", flush=True)
    comm.all_reduce(np.zeros(3))


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks at mapped memory in /proc")
def test_code_that_swallows_errors_meets_none(capfd):
    pytest.importorskip("mpi4py", reason="MPI TESTS NOT RUN: python -m pip install 'needle_edu[mpi]'")
    try:
        mpiexec()
    except ImportError as error:
        pytest.skip(f"MPI TESTS NOT RUN: {error}")
    with pytest.raises(DistributedError, match="rank 1 has died .*; go on from the last checkpoint"):
        distributed.launch(foreign, 2, timeout=LIMIT / 2, time_limit=LIMIT)
    said = capfd.readouterr().out
    assert "written" in said and "swallowed" not in said and "no error" not in said
    memory = re.findall(r"/dev/shm/\S+", said)
    assert not any(map(os.path.exists, memory)), "a killed rank has left shared memory behind"


def test_names_of_shared_memory_are_read_from_what_is_mapped(tmp_path):
    maps = tmp_path / "maps"
    line = "7f4d1c000000-7f4d1c205000 rw-s 00000000 00:19 2212      "
    names = [
        "/dev/shm/mpich_shm_needle_edu_0",
        "/dev/shm/other",
        "/dev/shm/mpich_shm_gone_0 (deleted)",
        "/usr/bin/x",
    ]
    maps.write_text("".join(f"{line}{name}\n" for name in names))
    assert forget_names(maps) == ["/dev/shm/mpich_shm_needle_edu_0"]
    assert forget_names(tmp_path / "none") == []
