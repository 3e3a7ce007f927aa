"""DistributedDataParallel on simulated workers: the same as one process with the whole batch."""

import numpy as np
import pytest

from needle_edu import Tensor, data, distributed, init, nn, ops, optim
from needle_edu.backend import DistributedError
from needle_edu.distributed import DistributedDataParallel, DistributedSampler, SimulatedNetwork

X = np.random.RandomState(3).randn(50, 12, 6).astype("float32")
Y = np.random.RandomState(4).randint(0, 3, (50, 12))


def network():
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8), nn.Tanh(), nn.Linear(8, 3))


def train(comm, steps=50, bucket_bytes=200, micro=1):
    """Steps of Adam; each worker has its share of every batch, in `micro` parts."""
    init.seed(comm.rank)  # worker 0's weights count
    model = DistributedDataParallel(network(), bucket_bytes)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    loss = nn.SoftmaxLoss()
    for x, y in zip(X[:steps], Y[:steps], strict=True):
        own = np.split(np.arange(len(x))[comm.rank :: comm.size], micro)
        optimizer.reset_grad()
        for k, part in enumerate(own):
            value = loss(model(Tensor(x[part])), Tensor(y[part])) / micro
            if k < micro - 1:
                with model.no_sync():
                    value.backward(accumulate=True)
            else:
                value.backward(accumulate=True)
        optimizer.step()
    return [parameter.numpy() for parameter in model.parameters()]


@pytest.mark.parametrize("workers, bucket_bytes", [(2, 200), (2, 10**6), (3, 1)])
def test_equals_one_process_on_the_whole_batch(workers, bucket_bytes):
    (alone,) = SimulatedNetwork(1).run(train)
    together = SimulatedNetwork(workers).run(train, 50, bucket_bytes)
    for one, first, *others in zip(alone, *together, strict=True):
        np.testing.assert_allclose(first, one, rtol=0, atol=1e-6)
        assert all((first == other).all() for other in others)


def test_accumulated_gradients_are_added_up_once():
    (alone,) = SimulatedNetwork(1).run(train, 10)
    network = SimulatedNetwork(2)
    for one, other in zip(alone, network.run(train, 10, 10**6, 3)[1], strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)
    sums = len({message.step for message in network.messages})
    assert sums < 30  # not three a step


def test_unused_parameters():
    """A parameter that no worker uses gets no gradient; one that a single worker uses gets its share of it."""

    def gradients(comm):
        model = DistributedDataParallel(nn.ModuleList([nn.Linear(2, 1, bias=False) for _ in range(3)]))
        parts = list(model.module)
        x = Tensor(np.ones((1, 2), "float32"))
        y = parts[0](x) + parts[1](x) if comm.rank else parts[0](x)
        y.sum().backward()
        return [None if p.grad is None else p.grad.numpy().ravel().tolist() for p in model.parameters()]

    assert SimulatedNetwork(2).run(gradients) == [[[1.0, 1.0], [0.5, 0.5], None]] * 2


def test_parameters_and_buffers_are_those_of_worker_0():
    def state(comm):
        model = DistributedDataParallel(nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)))
        for _ in range(3):
            model(Tensor(np.random.RandomState(comm.rank).randn(5, 2).astype("float32")))
        model(Tensor(np.zeros((2, 2), "float32")))
        return {name: np.array(value) for name, value in model.state_dict().items()}

    first, second = SimulatedNetwork(2).run(state)
    assert first.keys() == second.keys() and "modules.0.weight" in first
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda rank: nn.Linear(2, 3 + rank), r"worker 0 has weight float32 \(2, 3\), and worker 1 weight"),
        (lambda rank: nn.Linear(2, 3, bias=not rank), "worker 0 has bias float32 .*, and worker 1 nothing"),
        (lambda rank: nn.Linear(2, 3, dtype="float64" if rank else "float32"), "worker 1 weight float64"),
    ],
)
def test_other_models_are_refused_by_every_worker(make, said):
    def attempt(comm):
        with pytest.raises(DistributedError, match=f"the models differ: .*{said}"):
            DistributedDataParallel(make(comm.rank))
        return True

    assert SimulatedNetwork(2).run(attempt) == [True, True]


def test_a_sampler_shows_each_example_to_one_worker():
    for drop_last in (False, True):
        samplers = [DistributedSampler(range(10), rank, 3, seed=5, drop_last=drop_last) for rank in range(3)]
        epochs = [[list(sampler) for sampler in samplers] for _ in range(2)]
        assert epochs[0] != epochs[1]
        for shares in epochs:
            seen = sorted(sum(shares, []))
            assert {len(share) for share in shares} == {len(samplers[0])} == {3 if drop_last else 4}
            assert len(set(seen)) == (9 if drop_last else 10)
    again = DistributedSampler(range(10), 0, 3, seed=5, drop_last=True)
    again.load_state_dict({"epoch": 1})
    assert list(again) == epochs[1][0]


@pytest.mark.parametrize("num_workers", [0, 1])
def test_loaders_divide_each_batch(num_workers):
    """Shares of the batch that one loader would give; after a checkpoint, too."""
    numbers = data.NDArrayDataset(np.arange(11, dtype="float32"))
    whole = [x.numpy().tolist() for (x,) in data.DataLoader(numbers, 4, shuffle=True, seed=1)]
    loaders = [
        data.DataLoader(numbers, 4, shuffle=True, seed=1, shard=(rank, 2), num_workers=num_workers)
        for rank in (0, 1)
    ]
    shares = [[x.numpy().tolist() for (x,) in loader] for loader in loaders]
    assert shares[0] == [batch[0::2] for batch in whole]
    assert shares[1] == [batch[1::2] + batch[:1] * (len(batch) % 2) for batch in whole]
    first, other = (data.DataLoader(numbers, 4, shuffle=True, seed=1, shard=(rank, 2)) for rank in (0, 1))
    next(first)
    other.load_state_dict(first.state_dict())  # what worker 0 has saved
    assert [x.numpy().tolist() for (x,) in other] == shares[1][1:]


def test_alone_nothing_is_added_up():
    model = DistributedDataParallel(nn.Linear(2, 1))
    ops.summation(model(Tensor([[1.0, 2.0]]))).backward()
    assert model.module.weight.grad.numpy().tolist() == [[1.0], [2.0]]
    assert (distributed.rank(), distributed.world_size()) == (0, 1)
