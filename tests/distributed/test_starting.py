"""A rank that waits in init() for others who never come ends with a sentence: interrupted, or after a time."""

import os
import re
import signal
import subprocess
import sys

import pytest

from needle_edu import distributed
from needle_edu.backend import DistributedError
from needle_edu.distributed.launching import mpiexec
from needle_edu.distributed.starting import watched

LIMIT = 600  # seconds: an end to every wait, far beyond what a busy machine needs
WAITS = """
import os, signal, time
from needle_edu.distributed.starting import watched
signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # ignored in what a shell runs in the background
signal.signal(signal.SIGUSR1, lambda *_: None)
with watched("rank 0", {timeout}):
    {does}
    time.sleep(600)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize(
    "timeout, does, said",
    [
        (600, "os.kill(os.getpid(), signal.SIGQUIT)", r"rank 0 was interrupted in init\(\) \(SIGQUIT\)"),
        (0.01, "pass", r"rank 0 has waited 0.01 s in init\(\)"),
        (0.5, "os.kill(os.getpid(), signal.SIGUSR1)", r"rank 0 has waited 0.5 s in init\(\)"),
    ],
)
def test_who_waits_ends_with_a_sentence(timeout, does, said):
    text = WAITS.format(timeout=timeout, does=does)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 1
    assert done.stderr.startswith("needle_edu: ") and done.stderr.count("\n") == 1
    assert re.search(said, done.stderr)


def test_signals_are_as_before_when_all_have_come():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    pipe = signal.set_wakeup_fd(-1)
    with watched("rank 0", LIMIT):
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(pipe) == -1


SCRIPT = """
import os, pathlib, signal, sys, time
from needle_edu import distributed
from needle_edu.distributed import starting

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell runs in the background
signal.signal(signal.SIGQUIT, signal.SIG_DFL)
waiting, begin = pathlib.Path(sys.argv[1]), starting.begin
if next(os.environ[sign] for sign in distributed.environment.SIGNS if sign in os.environ) == "1":
    while not waiting.exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

def noted(mpi):
    waiting.touch()
    begin(mpi)

starting.begin = noted
distributed.init()
"""


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_rank_killed_before_its_init(tmp_path, capfd):
    pytest.importorskip("mpi4py", reason="MPI TESTS NOT RUN: python -m pip install 'needle_edu[mpi]'")
    try:
        starter = mpiexec()
    except ImportError as error:
        pytest.skip(f"MPI TESTS NOT RUN: {error}")
    if not starter[0].endswith("gforker"):
        pytest.skip("other starters kill the ranks that are left at once")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    with pytest.raises(DistributedError):
        distributed.launch(script, 2, tmp_path / "waiting", time_limit=LIMIT)
    assert "needle_edu: rank 0 was interrupted in init()" in capfd.readouterr().out
