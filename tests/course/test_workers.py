"""Several workers run one answer: their network ends whatever happens, and what it reports is not believed."""

import sys
import time

import numpy as np
import pytest

from needle_edu.course.compare import Mismatch
from needle_edu.course.workers import messages, results, traffic
from needle_edu.course.workers.network import Network, Replay, Trouble


def to_the_right(comm, times=1):
    """Every worker passes its number on."""
    own = np.array([comm.rank])
    for _ in range(times):
        own = comm.send_receive(
            own, (comm.rank + 1) % comm.size, np.empty_like(own), (comm.rank - 1) % comm.size
        )
    return own.item()


def report(network, found=()):
    """What an adapter makes of a run."""
    return {
        "results": list(found),
        "trouble": [],
        "heads": [[m.source, m.to, m.step] for m in network.messages],
        "arrays": [m.array for m in network.messages],
        "unread": network.unread,
    }


def test_messages_are_counted_in_steps():
    """All send at once: one step each time, however the threads take turns. Who sends to all needs a step for each."""
    network = Network(5)
    assert network.run(lambda comm: to_the_right(comm, 3)) == [2, 3, 4, 0, 1]
    found = report(network)
    assert sorted(step for _, _, step, _ in messages(found)) == [1] * 5 + [2] * 5 + [3] * 5
    traffic(found, "messages", least=15, most=15)
    traffic(found, "links", least=5, most=5)
    traffic(found, "numbers", least=3, most=3)

    def from_the_first(comm):
        if comm.rank:
            return comm.receive(np.zeros(2), 0).sum()
        return [comm.send(np.ones(2), other) for other in range(1, comm.size)]

    network = Network(4)
    assert network.run(from_the_first) == [[None] * 3, 2, 2, 2]
    assert [m.step for m in network.messages] == [1, 2, 3]
    with pytest.raises(Mismatch, match="too many numbers: expected at most 2, got 6"):
        traffic(report(network), "numbers", most=2)
    with pytest.raises(Mismatch, match="too few steps"):
        traffic(report(network), "steps", least=4)


def test_a_run_is_the_same_every_time():
    def work(comm):
        order.append(comm.rank)
        to_the_right(comm, 2)
        order.append(comm.rank)

    seen = []
    for _ in range(3):
        order: list = []
        Network(4).run(work)
        seen.append(order)
    assert seen[0] == seen[1] == seen[2] and sorted(seen[0]) == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_message_is_a_copy():
    def work(comm):
        mine, theirs = np.zeros(3), np.zeros(3)
        if comm.rank == 0:
            comm.send(mine, 1)
            mine[:] = 7
            comm.send(mine, 1)
            return mine
        comm.receive(theirs, 0)
        return theirs.copy(), comm.receive(theirs, 0)

    _, (first, second) = Network(2).run(work)
    assert first.tolist() == [0, 0, 0] and second.tolist() == [7, 7, 7]


def endless(comm):
    while comm.rank == 1:
        pass


def stubborn(comm):
    for _ in range(4):
        try:
            endless(comm)
        except BaseException:
            continue


@pytest.mark.parametrize(
    ("work", "kind"),
    [
        (lambda comm: comm.receive(np.zeros(1), 1 - comm.rank), "deadlock"),
        (lambda comm: comm.receive(np.zeros(1), 1) if comm.rank == 0 else None, "deadlock"),
        (endless, "time limit"),
        (stubborn, "time limit"),
        (
            lambda comm: [comm.send(np.zeros(1), 1) for _ in range(9999)] if comm.rank == 0 else 0,
            "too many messages",
        ),
    ],
    ids=["both wait", "one waits for one that is done", "loop", "loop that catches all", "messages"],
)
def test_what_never_ends_is_ended(work, kind):
    """And no thread stays behind."""
    threads = len(sys._current_frames())
    with pytest.raises(Trouble) as caught:
        Network(2).run(work, seconds=0.05)
    assert caught.value.kind == kind
    until = time.monotonic() + 20
    while len(sys._current_frames()) > threads and time.monotonic() < until:
        time.sleep(0.01)
    assert len(sys._current_frames()) == threads


def test_what_a_worker_raises_is_raised():
    with pytest.raises(ZeroDivisionError):
        Network(3).run(lambda comm: 1 // (comm.rank - 1) if comm.rank else comm.receive(np.zeros(1), 2))


def test_a_worker_alone_gets_what_was_written_down():
    replay = Replay(1, 3, [(0, np.array([5]))])
    assert to_the_right(replay.communicator) == 5
    assert [(to, array.tolist()) for to, array in replay.sent] == [(2, [1])]
    with pytest.raises(Trouble, match="worker 1 waits for worker 0"):
        to_the_right(replay.communicator)


def test_a_report_is_not_believed():
    """What is not there as it should be is a mismatch, or an error, which is no point either."""
    good = {"results": [1], "trouble": [], "heads": [], "arrays": [], "unread": 0}
    assert results(good) == [1]
    with pytest.raises(Mismatch, match=r"found unread messages: expected 0, got 2"):
        results(good | {"unread": 2})
    for trouble, status in (
        (["deadlock", "worker 0 waits for worker 1"], "found deadlock (your workers wait for each other)"),
        (["passed", "all is well"], "no end"),
    ):
        with pytest.raises(Mismatch) as caught:
            results(good | {"trouble": trouble})
        assert caught.value.status == status
    for forged in ({"heads": [[0, 1, 1]]}, {"heads": [[0, 1]]}, {"heads": None}, {"arrays": [1, 2]}):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            traffic(good | forged, "messages", most=9)
