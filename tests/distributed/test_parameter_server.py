"""The parameter server: synchronous it is data parallelism, asynchronous its gradients are stale."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from needle_edu import Tensor, nn, optim
from needle_edu.backend import DistributedError
from needle_edu.distributed import train_with_server


def problem(batch=6):
    """Make workers with shares of the same batches, and a linear model that starts at the same weights."""
    x = np.random.RandomState(0).randn(40, batch, 3).astype("float32")
    y = x @ np.array([[1.0], [-2.0], [0.5]], "float32")

    def make(rank, size):
        model = nn.Linear(3, 1, bias=False)
        model.weight.data = Tensor(np.zeros((3, 1), "float32"))
        batches = iter(zip(x[:, rank::size], y[:, rank::size], strict=True))

        def loss():
            a, b = next(batches)
            return ((model(Tensor(a)) - Tensor(b)) ** 2).mean()

        return model, loss

    return make


def sgd(parameters):
    return optim.SGD(parameters, lr=0.1)


def test_synchronous_equals_one_worker_with_whole_batches():
    one = train_with_server(problem(), sgd, 20, 1, on="simulated")
    three = train_with_server(problem(), sgd, 20, 3, on="simulated")
    np.testing.assert_allclose(three.parameters[0], one.parameters[0], atol=1e-6)
    np.testing.assert_allclose(three.losses, one.losses, atol=1e-6)
    assert set(three.staleness) == {0} and three.workers == [0, 1, 2] * 20


def test_staleness_is_the_steps_of_the_others():
    """N equal workers: each gradient is N - 1 steps old, from the second round on. It learns all the same."""
    run = train_with_server(problem(), sgd, 24, 4, asynchronous=True, on="simulated")
    assert run.staleness[:4] == [0, 1, 2, 3] and set(run.staleness[4:]) == {3}
    assert run.losses[-1] < run.losses[0] / 2
    alone = train_with_server(problem(), sgd, 24, 1, asynchronous=True, on="simulated")
    assert set(alone.staleness) == {0}


def test_bad_arguments():
    with pytest.raises(ValueError, match="train_with_server: 2 workers, but 3 seconds"):
        train_with_server(problem(), sgd, 1, 2, on="simulated", seconds=[1, 2, 3])
    with pytest.raises(ValueError, match='on is "ray" or "simulated", got "mpi"|got \'mpi\''):
        train_with_server(problem(), sgd, 1, 2, on="mpi")


def test_without_ray_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        ImportError, match=r"parameter server needs the package ray: .*needle_edu\[ray\].*simulated"
    ):
        train_with_server(problem(), sgd, 1, 2)


class LittleRay:
    """Ray's calls that the parameter server makes, in this process; the last task that was begun is done first."""

    class exceptions:
        class RayError(Exception):
            pass

        class RayTaskError(RayError):
            pass

    def __init__(self, dies=False, slow=0):
        self.running, self.killed, self.dies, self.slow = False, 0, dies, slow

    def is_initialized(self):
        return self.running

    def init(self, **options):
        assert options["num_cpus"] == 2
        self.slow -= 1
        if self.slow >= 0:
            raise RuntimeError("The current node timed out")
        self.running = True

    def shutdown(self):
        self.running = False

    def remote(self, **options):
        def actor(cls):
            def make(*args):
                thing = cls(*args)
                run = SimpleNamespace(remote=lambda *args: Task((0, thing.gradients(*args))))
                return SimpleNamespace(gradients=run)

            return SimpleNamespace(remote=make)

        return actor

    def wait(self, tasks, num_returns):
        return tasks[-1:], tasks[:-1]

    def get(self, task):
        if self.dies:
            raise self.exceptions.RayError("The actor died unexpectedly")
        return task[1]

    def kill(self, actor):
        self.killed += 1


class Task(tuple):
    """Something to be found again in a dict, though it holds arrays."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


def test_what_is_asked_of_ray(monkeypatch):
    """With a stand-in for Ray: the same numbers, and workers and Ray are ended, whatever happens."""
    ray = LittleRay()
    monkeypatch.setitem(sys.modules, "ray", ray)
    expected = train_with_server(problem(), sgd, 10, 2, on="simulated")
    found = train_with_server(problem(), sgd, 10, 2)
    np.testing.assert_array_equal(found.parameters[0], expected.parameters[0])
    assert ray.killed == 2 and not ray.running
    stale = train_with_server(problem(), sgd, 10, 2, asynchronous=True).staleness
    assert stale == [0] * 10  # the first worker never answers, the other one is always up to date
    monkeypatch.setitem(sys.modules, "ray", LittleRay(dies=True))
    with pytest.raises(DistributedError, match="train_with_server: worker 1 has died: The actor died"):
        train_with_server(problem(), sgd, 10, 2)


@pytest.mark.parametrize("slow", [1, 2])
def test_ray_on_a_busy_machine_has_two_tries(slow, monkeypatch):
    monkeypatch.setenv("RAY_agent_register_timeout_ms", "1")  # and afterwards it is as before
    monkeypatch.setitem(sys.modules, "ray", ray := LittleRay(slow=slow))
    if slow == 1:
        assert len(train_with_server(problem(), sgd, 3, 2).losses) == 3
    else:
        with pytest.raises(
            DistributedError, match=r'Ray does not start, tried twice: .*timed out; .*on="simulated"'
        ):
            train_with_server(problem(), sgd, 3, 2)
    assert not ray.running


@pytest.mark.slow
def test_on_ray():
    """Synchronous: the numbers of simulated workers. Asynchronous: every gradient's staleness is measured."""
    pytest.importorskip("ray", reason="RAY TESTS NOT RUN: python -m pip install 'needle_edu[ray]'")
    expected = train_with_server(problem(), sgd, 10, 2, on="simulated")
    found = train_with_server(problem(), sgd, 10, 2, on="ray")
    np.testing.assert_allclose(found.parameters[0], expected.parameters[0], atol=1e-6)
    assert set(found.staleness) == {0}
    run = train_with_server(problem(), sgd, 20, 2, asynchronous=True, on="ray")
    assert len(run.losses) == 20
    fetched, expected = (
        {0: 0, 1: 0},
        [],
    )  # who answers when is the machine's affair, what is stale then is not
    for step, worker in enumerate(run.workers):
        expected.append(step - fetched[worker])
        fetched[worker] = step + 1
    assert run.staleness == expected
