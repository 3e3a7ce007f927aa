"""Real processes, started by mpiexec: the same sums, and one sentence whatever goes wrong.

Each test starts processes with a time limit, and `launch` ends them whatever happens.
"""

import os
import signal

import numpy as np
import pytest

from needle_edu import distributed
from needle_edu.backend import DistributedError
from needle_edu.distributed.launching import mpiexec

pytest.importorskip("mpi4py", reason="MPI TESTS NOT RUN: python -m pip install 'needle_edu[mpi]'")
try:
    mpiexec()
except ImportError as error:
    pytest.skip(f"MPI TESTS NOT RUN: {error}", allow_module_level=True)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mpiexec and /proc")
LIMIT = 600  # seconds: an end to every wait, far beyond what a busy machine needs


def sums(comm):
    """Every kind of sum and message, and the names of what is wrong."""
    own = np.arange(5.0) + 10 * comm.rank
    found = {
        "rank": comm.rank,
        "ring": distributed.ring_all_reduce(comm, own).tolist(),
        "tree": distributed.tree_all_reduce(comm, own).tolist(),
        "star": distributed.star_all_reduce(comm, own).tolist(),
        "mpi": comm.all_reduce(own).tolist(),
        "half": comm.all_reduce(np.full(3, 0.5, np.float16)).tolist(),
        "texts": comm.all_gather_texts(f"rank {comm.rank}"),
        "spread": comm.broadcast(np.array([comm.rank + 1.0]), root=1).tolist(),
    }
    large = np.full(1_000_000, comm.rank + 1.0, np.float32)  # larger than what MPI sends without asking
    found["large"] = distributed.ring_all_reduce(comm, large)[::300_000].tolist()
    return found


def test_sums_of_two_processes_and_a_function_of_this_file():
    first, second = distributed.launch(sums, 2, time_limit=LIMIT)
    assert first.pop("rank") == 0 and second.pop("rank") == 1 and first == second
    total = [10.0, 12.0, 14.0, 16.0, 18.0]
    assert first == {
        **dict.fromkeys(("ring", "tree", "star", "mpi"), total),
        "half": [1.0, 1.0, 1.0], "texts": ["rank 0", "rank 1"], "spread": [2.0], "large": [3.0] * 4,
    }  # fmt: skip


def gradient_steps(comm):
    """Fifty steps of gradient descent, and the weights' bytes."""
    from needle_edu import Tensor, init, nn, optim

    init.seed(comm.rank)
    x = np.random.RandomState(7).randn(50, 8, 6).astype("float32")
    model = distributed.DistributedDataParallel(
        nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 2)), 64
    )
    sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for batch in x:
        sgd.reset_grad()
        (model(Tensor(batch[comm.rank :: comm.size])) ** 2).mean().backward()
        sgd.step()
    return np.concatenate([p.numpy().ravel() for p in model.parameters()])


def test_two_processes_take_the_steps_of_one():
    """Against simulated workers, who add up in another order, and one worker with whole batches."""
    first, second = distributed.launch(gradient_steps, 2, time_limit=LIMIT)
    assert first.tobytes() == second.tobytes()
    for workers in (1, 2):
        expected = distributed.SimulatedNetwork(workers).run(gradient_steps)[0]
        np.testing.assert_allclose(first, expected, rtol=0, atol=1e-6)


def marked(mark):
    """Other processes that have this mark in their environment."""
    found = []
    for folder in filter(str.isdecimal, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open(f"/proc/{folder}/environ", "rb") as file:
                if (
                    f"MARK_OF_THIS_TEST={mark}".encode() in file.read().split(b"\0")
                    and int(folder) != os.getpid()
                ):
                    found.append(int(folder))
        except OSError:
            continue
    return found


def mishap(comm, what):
    """Rank 1 does something else than rank 0."""
    comm.barrier()
    if what == "shape":
        comm.all_reduce(np.zeros(3 + comm.rank))
    elif what == "order" and comm.rank:
        comm.broadcast(np.zeros(3))
    elif what == "bytes":
        comm.send(np.zeros(2), 0) if comm.rank else comm.receive(np.zeros(3), 1)
        comm.barrier()
    elif what == "error" and comm.rank:
        raise ValueError("the disk is full")
    elif what == "leaves" and comm.rank:
        return
    elif what == "dies" and comm.rank:
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "waits for ever" and comm.rank:
        while True:
            pass
    comm.all_reduce(np.zeros(3))


@pytest.mark.parametrize(
    "what, said",
    [
        ("shape", r"rank 0 calls all_reduce\(float64 \(3,\)\), and rank 1 all_reduce\(float64 \(4,\)\)"),
        ("dies", "rank 1 has died .*go on from the last checkpoint"),
        pytest.param(
            "order", "rank 0 calls all_reduce.*, and rank 1 broadcast from 0", marks=pytest.mark.slow
        ),
        pytest.param(
            "bytes", "rank 0 waits for .* 24 bytes, from rank 1, who sends 16 bytes", marks=pytest.mark.slow
        ),
        pytest.param("error", "ValueError: the disk is full", marks=pytest.mark.slow),
        pytest.param(
            "leaves", "rank 1 has ended, and rank 0 waits for it in all_reduce", marks=pytest.mark.slow
        ),
        pytest.param("waits for ever", "rank 0 has waited 5 s for rank 1", marks=pytest.mark.slow),
    ],
)
def test_one_sentence_and_nobody_waits(what, said, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("MARK_OF_THIS_TEST", str(tmp_path))  # all processes inherit it
    timeout = 5 if what == "waits for ever" else LIMIT / 2
    with pytest.raises(DistributedError, match=said):
        distributed.launch(mishap, 2, what, timeout=timeout, time_limit=LIMIT)
    assert marked(tmp_path) == []
