"""Homework 7, data parallelism: see homework_tests.py; and that workers who wait, loop or die cost one question."""

import re
import sys

import pytest

from needle_edu.course.grading import run_question

from .homework_tests import HomeworkTests
from .wrong_answers import changed

HEAD = "def reduce_scatter(comm, array):\n"
RING = "def ring_all_reduce(comm, array):\n    "
STUCK = {
    "all wait": (
        f"{HEAD}    return comm.receive(array.copy(), (comm.rank + 1) % comm.size)",
        "found deadlock (your workers wait for each other)",
    ),
    "one loops for ever": (
        f"{HEAD}    while True:\n        try:\n            while comm.rank == 1: pass\n            return array\n"
        "        except Exception:\n            pass",
        "time limit",
    ),
    "one sends for ever": (
        f"{HEAD}    while comm.rank == 0:\n        comm.send(array, 1)\n    return array",
        "too many messages",
    ),
}  # fmt: skip
DIES = f"import os\n{HEAD}    os._exit(0)"


def threads() -> int:
    """How many there are, also of those that `threading` does not know."""
    return len(sys._current_frames())


class TestHomework7(HomeworkTests, homework="hw7"):
    count = 7
    every = 120
    seeds = 1
    slips = [
        ("q3", "def broadcast(comm, array, root=0): return comm.send(array, comm.rank)", "worker 0 and itself"),
        ("q3", "def broadcast(comm, array, root=0): comm.send([1], 1 - comm.rank)", "wanted a NumPy array, got"),
        ("q4", f"{HEAD}    return comm.receive(array[:1], 1 - comm.rank)", "worker 0 waits for worker 1, worker 1"),
        ("q4", f"{HEAD}    comm.send_receive(array, 1 - comm.rank, array[:1], 1 - comm.rank)", "is no place for"),
        ("q5", f"{RING}return comm.send(array, comm.rank + 1)", "there is no worker 2; there are 0 to 1, in line 2"),
        ("q5", f"{RING}if comm.rank == 1:\n        return array + nothing", "'nothing' is not defined, in line 3"),
    ]  # fmt: skip

    @pytest.mark.parametrize("stuck", STUCK)
    def test_whoever_never_ends_is_ended(self, stuck):
        """In the notebook's own process: the check comes back, and no thread stays behind."""
        answer, status = STUCK[stuck]
        before = threads()
        verdict = self.verdicts("q4", stuck, answer)[0]
        assert not verdict.passed and verdict.status == status
        assert threads() == before

    def test_it_costs_its_own_question_alone(self):
        """A deadlock, a process that ends itself, an endless loop; the others have their points."""
        answers = self.solutions | {"q3": changed(self.solutions["q3"], "if own < step:", "if own > step:")}
        answers |= {
            "q4": DIES,
            "q5": STUCK["one loops for ever"][0].replace("reduce_scatter", "ring_all_reduce"),
        }
        given = {q: (answers[q], ()) for q in ("q2", "q3", "q4", "q5", "q7")}
        found = {r.question.name: r for r in run_question.run_submission(self.homework, given, hidden=False)}
        assert [q for q, result in found.items() if result.points] == ["q2", "q7"]
        assert all(result.judged for result in found.values())

    @pytest.mark.slow
    def test_check_from_a_terminal(self, tmp_path, capsys):
        super().test_check_from_a_terminal(tmp_path, capsys)

    def test_the_students_workers_train_one_model(self, capsys):
        """What the end of the notebook promises of the student's own code."""
        self.whole_notebook()
        said = capsys.readouterr().out
        curves = [line.split()[2:] for line in said.splitlines() if "workers:" in line]
        assert len(curves) == 3 and all(len(curve) == 6 for curve in curves)
        losses = [[float(loss) for loss in curve] for curve in curves]
        assert losses[0][-1] < 0.5 * losses[0][0]
        for curve in losses[1:]:
            assert curve == pytest.approx(losses[0], rel=2e-3)
        assert re.search(r"1024 +\d+\.\d ms +0%", said)
