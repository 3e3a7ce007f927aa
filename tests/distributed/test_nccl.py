"""Sums between cards, without a card: what we call of NCCL, against a stub (nccl_stub.c) and against NVIDIA's header.

The stub stands in for the library, and the simulator for cards, whose memory is then the host's. So this shows that the
right functions are called with the right arguments in the right order, not that cards add up.
"""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import distributed
from needle_edu.backend import DistributedError
from needle_edu.distributed import cards, nccl_library
from needle_edu.distributed.launching import mpiexec

HERE = Path(__file__).parent
LIMIT = 600  # seconds: an end to every wait, far beyond what a busy machine needs


@pytest.fixture(scope="module")
def stub(tmp_path_factory):
    """The stub, compiled."""
    if not shutil.which("gcc") or not ndl.cuda_sim().enabled():
        pytest.skip("NCCL STUB NOT RUN: it needs gcc, and the CUDA simulator")
    path = tmp_path_factory.mktemp("nccl") / "libnccl_stub.so"
    subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o", path, HERE / "nccl_stub.c", "-lrt"],
        check=True, timeout=LIMIT,
    )  # fmt: skip
    return path


@pytest.fixture
def named(stub, monkeypatch):
    """The stub is the library."""
    monkeypatch.setenv("NEEDLE_EDU_NCCL", str(stub))


def on_card(numbers, dtype="float32"):
    return ndl.ndarray.array(numbers, dtype=dtype, device=ndl.cuda_sim())


def alone():
    return cards.Cards(distributed.Alone(), ndl.cuda_sim())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_one_card(dtype, named):
    one = alone()
    a, b = on_card([1.0, 2.0], dtype), on_card([[3.0], [4.0]], dtype)
    one.all_reduce([a, b])
    one.wait()
    assert a.numpy().tolist() == [1, 2] and b.numpy().tolist() == [[3], [4]]
    (c,) = one.broadcast([b.T])
    assert c.numpy().tolist() == [[3, 4]]
    one.close()
    with pytest.raises(DistributedError, match="ncclAllReduce: the cards have parted"):
        one.all_reduce([a])


@pytest.mark.parametrize("name", ["ncclGetUniqueId", "ncclCommInitRank"])
def test_an_error_at_the_beginning(name, named, monkeypatch):
    monkeypatch.setenv("NCCL_STUB_FAIL", name)
    with pytest.raises(DistributedError, match=f"{name}, in rank 0: internal error: as the test wanted it"):
        alone()


@pytest.mark.parametrize(
    "name, said",
    [
        ("ncclAllReduce", "ncclAllReduce"),
        ("ncclCommGetAsyncError", "ncclCommGetAsyncError"),
        ("later", "a sum between cards"),
    ],
)
def test_an_error_in_a_sum_ends_it(name, said, named, monkeypatch):
    one = alone()
    monkeypatch.setenv("NCCL_STUB_FAIL", name)
    with pytest.raises(DistributedError, match=f"{said}, in rank 0: internal error: as the test wanted it"):
        one.all_reduce([on_card([1.0])])
        one.wait()
    one.abort()
    monkeypatch.delenv("NCCL_STUB_FAIL")
    with pytest.raises(DistributedError, match="the cards have parted"):
        one.all_reduce([on_card([1.0])])


def test_no_library(monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_NCCL", str(tmp_path / "none.so"))
    with pytest.raises(ImportError, match=r"^NCCL, .* cannot be loaded: NEEDLE_EDU_NCCL names another \("):
        nccl_library.library()
    monkeypatch.delenv("NEEDLE_EDU_NCCL")
    monkeypatch.setattr(nccl_library, "places", lambda: [str(tmp_path / "none.so")])
    nccl_library._opened.cache_clear()
    with pytest.raises(ImportError, match=r"cannot be loaded: python -m pip install 'needle_edu\[nccl\]' \("):
        nccl_library.library()
    nccl_library._opened.cache_clear()


def test_a_library_that_is_no_nccl(stub, monkeypatch, tmp_path):
    other = tmp_path / "other.so"
    subprocess.run(
        ["gcc", "-shared", "-x", "c", "-", "-o", other], input=b"int f;", check=True, timeout=LIMIT
    )
    monkeypatch.setenv("NEEDLE_EDU_NCCL", str(other))
    with pytest.raises(ImportError, match="ncclGetLastError"):
        nccl_library.library()


def declarations(text):
    """Functions by name, with the types of what they return and take: names and enumerations' names left out."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    found = {}
    for result, name, taken in re.findall(
        r"^\s*([\w ]+?[ *]+)(nccl\w+)\s*\(([^()]*)\);", text, flags=re.MULTILINE
    ):
        kinds = [result + " _", *(taken.split(",") if taken.strip() not in ("", "void") else [])]
        found[name] = [simple(kind) for kind in kinds]
    return found


def simple(kind):
    kind = re.sub(r"\b(ncclResult_t|ncclDataType_t|ncclRedOp_t)\b", "int", kind).replace(
        "cudaStream_t", "void *"
    )
    return "".join(re.sub(r"\w+\s*$", "", kind.strip()).split())


def test_declarations_and_numbers_are_those_of_nvidias_header():
    header = next((p for place in nccl_library.places() for p in [Path(place).parent.parent / "include/nccl.h"]
                   if p.is_file()), None)  # fmt: skip
    if header is None:
        pytest.skip("NCCL'S HEADER NOT COMPARED: python -m pip install 'needle_edu[nccl]'")
    text = header.read_text()
    theirs, ours = declarations(text), declarations(nccl_library.DECLARATIONS)
    assert len(ours) == 12 and ours == {name: theirs.get(name) for name in ours}
    assert "#define NCCL_UNIQUE_ID_BYTES 128" in text
    numbers = {"ncclSum": nccl_library.SUM, "ncclUint8": nccl_library.BYTE} | {
        f"ncclFloat{dtype.itemsize * 8}": number for dtype, number in nccl_library.TYPES.items()
    }
    assert {name: int(re.search(rf"\b{name}\s*=\s*(\d+)", text)[1]) for name in numbers} == numbers
    real = nccl_library.library()
    assert real.version() >= (2, 13, 0) and "invalid argument" in real.why(4)


def steps(comm, device):
    """Three steps of a model with running averages; rank 0 leaves a layer out in the second, all in the third."""
    from needle_edu import Tensor, backend, init, nn, optim
    from needle_edu.distributed import DistributedDataParallel

    backend.set_default_device(getattr(backend, device)())
    try:
        init.seed(comm.rank)
        model = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 2))
        aside = nn.Linear(6, 2)
        both = DistributedDataParallel(nn.Sequential(model, aside), 64, communicator=comm)
        sgd = optim.SGD(both.parameters(), lr=0.1, momentum=0.9)
        x = np.random.RandomState(7).randn(3, 8, 6).astype("float32")
        for k, batch in enumerate(x):
            sgd.reset_grad()
            part = Tensor(batch[comm.rank :: comm.size])
            y = model(part) if k > comm.rank else model(part) + aside(part)
            (y**2).mean().backward()
            sgd.step()
        values = [p.numpy().ravel() for p in [*both.parameters(), *both.buffers()]]
        return np.concatenate(values), both._cards is not None
    finally:
        backend.set_default_device(backend.cpu())


def needs_mpi():
    pytest.importorskip("mpi4py", reason="MPI TESTS NOT RUN: python -m pip install 'needle_edu[mpi]'")
    try:
        mpiexec()
    except ImportError as error:
        pytest.skip(f"MPI TESTS NOT RUN: {error}")


def test_a_model_on_two_cards_takes_the_steps_of_two_workers_on_the_processor(named):
    needs_mpi()
    alone()  # compiles the simulator's kernels, if need be: once
    (first, there), (second, here) = distributed.launch(
        steps, 2, "cuda_sim", timeout=LIMIT / 2, time_limit=LIMIT
    )
    assert there and here
    expected = [values for values, _ in distributed.SimulatedNetwork(2).run(lambda comm: steps(comm, "cpu"))]
    np.testing.assert_allclose(first, expected[0], rtol=0, atol=1e-6)
    np.testing.assert_allclose(second, expected[1], rtol=0, atol=1e-6)


def half_sums(comm):
    """Sums of every dtype, in pieces, and a rank that dies; what NCCL would wait for, for ever."""
    from needle_edu.backend import cuda_sim

    both = cards.connected(comm, [cuda_sim()])
    found = []
    for dtype in ("float16", "float32", "float64"):
        large = ndl.ndarray.array(np.arange(70_000) % 7 + comm.rank, dtype=dtype, device=cuda_sim())
        both.all_reduce([large])
        both.wait()
        found.append(bool((large.numpy() == 2 * (np.arange(70_000) % 7) + 1).all()))
    return found


@pytest.mark.slow
def test_sums_of_two_cards(named):
    needs_mpi()
    alone()
    assert distributed.launch(half_sums, 2, timeout=LIMIT / 2, time_limit=LIMIT) == [[True] * 3] * 2


def one_dies(comm):
    from needle_edu.backend import cuda_sim

    both = cards.connected(comm, [cuda_sim()])
    comm.barrier()
    if comm.rank:
        os.kill(os.getpid(), signal.SIGKILL)
    both._begin = lambda *_: None
    both._done = lambda: False
    both.all_reduce([ndl.ndarray.zeros(3, device=cuda_sim())])
    both.wait()


@pytest.mark.slow
def test_a_rank_that_dies_is_not_waited_for(named):
    needs_mpi()
    alone()
    with pytest.raises(DistributedError, match="rank 1 has died .* in a sum between cards; go on from"):
        distributed.launch(one_dies, 2, timeout=LIMIT / 2, time_limit=LIMIT)


@pytest.mark.slow
def test_without_a_library_the_hosts_add_up(monkeypatch, tmp_path, capfd):
    needs_mpi()
    monkeypatch.setenv("NEEDLE_EDU_NCCL", str(tmp_path / "none.so"))
    (_, there), (_, here) = distributed.launch(steps, 2, "cuda_sim", timeout=LIMIT / 2, time_limit=LIMIT)
    assert not there and not here
    said = capfd.readouterr().out
    assert said.count("gradients go over the hosts' memory: rank 0: NCCL, which adds up") == 1, said


def test_without_a_named_library_simulated_cards_are_added_up_by_the_hosts(monkeypatch):
    monkeypatch.delenv("NEEDLE_EDU_NCCL", raising=False)
    assert cards._card_of(None) == ""
    if ndl.cuda_sim().enabled():
        assert cards._card_of(ndl.cuda_sim()) == ""
