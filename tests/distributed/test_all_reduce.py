"""Sums over all workers on a simulated network: the numbers, the messages, and what goes wrong."""

import numpy as np
import pytest

from needle_edu import Tensor, distributed
from needle_edu.backend import DistributedError, DTypeError
from needle_edu.distributed import SimulatedNetwork, cost

WAYS = [distributed.ring_all_reduce, distributed.tree_all_reduce, distributed.star_all_reduce]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("workers", [1, 2, 3, 5, 8])
def test_every_worker_has_the_sum(way, workers, rng):
    """Lengths that are no multiple of the workers, and shorter than their number, too."""
    for shape in ((7, 3), (16,), (2,), (), (0,)):
        arrays = rng.standard_normal((workers, *shape))
        results = SimulatedNetwork(workers).run(lambda comm: way(comm, arrays[comm.rank]))  # noqa: B023
        for result in results:
            np.testing.assert_allclose(result, arrays.sum(0), rtol=1e-12, atol=1e-12)
            assert result.tobytes() == results[0].tobytes() and result.shape == shape


@pytest.mark.parametrize("way", WAYS)
def test_dtypes_are_kept_and_the_argument_is_unchanged(way):
    for dtype in ("float16", "float32", "float64", "int64", "uint8"):
        own = [np.arange(5, dtype=dtype) for _ in range(3)]
        result = SimulatedNetwork(3).run(lambda comm: way(comm, own[comm.rank]))[1]  # noqa: B023
        assert (
            result.dtype == dtype
            and result.tolist() == [0, 3, 6, 9, 12]
            and own[1].tolist() == [0, 1, 2, 3, 4]
        )
    tensor = Tensor([1.0, 2.0])
    assert SimulatedNetwork(2).run(lambda comm: way(comm, tensor))[0].tolist() == [2.0, 4.0]


def test_messages_of_a_ring():
    """2 (N - 1) steps; in each, everybody sends one N-th to the next worker and to nobody else."""
    network = SimulatedNetwork(4)
    network.run(lambda comm: distributed.ring_all_reduce(comm, np.zeros(8, np.float32)))
    assert [(m.step, m.source, m.to, m.bytes) for m in network.messages] == [
        (step, worker, (worker + 1) % 4, 8) for step in range(1, 7) for worker in range(4)
    ]
    assert network.bytes_per_link == {(r, (r + 1) % 4): 48 for r in range(4)}


def test_messages_of_a_tree():
    network = SimulatedNetwork(5)
    network.run(lambda comm: distributed.tree_all_reduce(comm, np.zeros(1)))
    up = [(m.source, m.to) for m in network.messages if m.source > m.to]
    assert sorted(up) == [(1, 0), (2, 0), (3, 2), (4, 0)]
    assert sorted((m.to, m.source) for m in network.messages if m.source < m.to) == sorted(up)


@pytest.mark.parametrize("way", ["ring", "tree", "server"])
@pytest.mark.parametrize("workers", [2, 4, 8, 16])
def test_clocks_agree_with_the_cost_model(way, workers):
    """Two ways to the same number: messages sent one by one, and a formula."""
    network = SimulatedNetwork(workers, latency=1e-3, bandwidth=1e6)
    network.run(lambda comm: cost.WAYS[way](comm, np.zeros(1600, np.uint8)))
    expected = cost.Cost(1e-3, 1e6).sum(way, workers, 1600)
    assert network.seconds == pytest.approx(expected, rel=1e-9)


def test_clocks_show_a_straggler():
    def step(comm):
        comm.compute(1.0 if comm.rank == 2 else 0.1)
        comm.all_reduce(np.zeros(4))
        return comm.seconds

    times = SimulatedNetwork(4, latency=1e-3).run(step)
    assert min(times) > 1.0 and max(times) < 1.1


def test_waiting_for_ever_is_said():
    def nobody_sends(comm):
        comm.receive(np.zeros(1), (comm.rank + 1) % 3)

    with pytest.raises(DistributedError, match="everybody waits for ever: worker 0 for 1, 1 for 2, 2 for 0"):
        SimulatedNetwork(3).run(nobody_sends)

    def one_leaves(comm):
        if comm.rank:
            comm.receive(np.zeros(1), 0)

    with pytest.raises(DistributedError, match="worker 1 for 0; done: 0"):
        SimulatedNetwork(2).run(one_leaves)


def test_other_shapes_and_errors_of_workers():
    with pytest.raises(
        DistributedError, match=r"float64 \(3,\).*float64 \(4,\)|float64 \(4,\).*float64 \(3,\)"
    ):
        SimulatedNetwork(2).run(lambda comm: distributed.star_all_reduce(comm, np.zeros(3 + comm.rank)))

    def one_fails(comm):
        if comm.rank == 1:
            raise KeyError("lost")
        comm.barrier()

    with pytest.raises(KeyError, match="lost"):
        SimulatedNetwork(3).run(one_fails)
    with pytest.raises(DTypeError, match="ring_all_reduce: adds numbers, got dtype bool"):
        SimulatedNetwork(1).run(lambda comm: distributed.ring_all_reduce(comm, [True]))
    with pytest.raises(DistributedError, match="send: to is another worker of the 2"):
        SimulatedNetwork(2).run(lambda comm: comm.send([1.0], comm.rank))


def test_texts_broadcasts_and_barriers():
    def talk(comm):
        comm.barrier()
        number = np.array([float(comm.rank)])
        comm.broadcast(number, root=2)
        return comm.all_gather_texts("ä" * comm.rank), number.item()

    assert SimulatedNetwork(5).run(talk) == [(["", "ä", "ää", "äää", "ääää"], 2.0)] * 5


def test_random_numbers_are_the_workers_own():
    def draw(comm):
        from needle_edu import init

        return init.rand(3).numpy().tolist()

    first = SimulatedNetwork(3).run(draw)
    assert first == SimulatedNetwork(3).run(draw) and first[0] != first[1]


def test_the_picture_has_every_message_and_its_bytes():
    network = SimulatedNetwork(3)
    network.run(lambda comm: distributed.ring_all_reduce(comm, np.zeros(3)))
    picture = distributed.draw_messages(network)
    assert picture.svg.count("<polygon") == len(network.messages) == 12
    assert "step 4: 0→1 8 B, 1→2 8 B, 2→0 8 B" in str(picture)
    assert "0→1 32 B" in str(picture) and "worker 2" in picture.html


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_a_sum_into_an_array_that_is_there(workers):
    def total(comm):
        a, into = np.arange(5.0) + comm.rank, np.empty(5)
        assert comm.all_reduce(a, out=into) is into
        assert a.tolist() == (np.arange(5.0) + comm.rank).tolist()
        assert comm.all_reduce(a, out=a) is a
        return into.tolist(), a.tolist()

    wanted = (np.arange(5.0) * workers + sum(range(workers))).tolist()
    assert SimulatedNetwork(workers).run(total) == [(wanted, wanted)] * workers


@pytest.mark.parametrize(
    ("out", "error", "said"),
    [
        (np.empty(3), ValueError, r"all_reduce: out is float64 \(3,\), and the sum float64 \(2,\)"),
        (np.empty(2, np.float32), ValueError, r"all_reduce: out is float32 \(2,\), and the sum float64 \(2,\)"),
        (np.empty(4)[::2], TypeError, "all_reduce: it writes into a contiguous, .* array, got a view with gaps"),
        ([0.0, 0.0], TypeError, "all_reduce: it writes into a contiguous, writable NumPy array, got list"),
    ],
)  # fmt: skip
def test_where_a_sum_cannot_be_written(out, error, said):
    with pytest.raises(error, match=said):
        distributed.Alone().all_reduce(np.ones(2), out=out)
