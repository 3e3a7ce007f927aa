"""What the live board takes of a training's time: the same training with `viz.train` and without.

    python -m tests.benchmarks.board_share [name of a training below] [pairs]

Promised are 2 %. One and the same training takes 20 % more or less from run to run on many machines, since processors
change their speed; whole trainings one after the other would need hundreds of pairs. So the two trainings run by turns
in one process, `TURN` steps each, and the clock of a training runs in its own turns only, from its beginning (data,
model, the board's thread) to its end (the last look). `TURN` is small, so both meet the same machine.
"""

import sys
import threading
import time
from typing import Any

import numpy as np

from needle_edu import training
from needle_edu.training import Application, History
from needle_edu.training.applications import named
from needle_edu.viz.training.board import Board

TURN = 3  # steps
TRAININGS = {
    "mlp": ("mlp", {"data": "digits", "epochs": 20}),
    "lenet": ("lenet", {"data": "digits", "epochs": 6}),
    "lenet-5s": ("lenet", {"data": "digits", "epochs": 30}),
    "lenet-20s": ("lenet", {"data": "digits", "epochs": 110}),
}


class Turns:
    """Who of two may run; each one's clock stands still while the other runs."""

    def __init__(self) -> None:
        self.changed, self.whose, self.gone = threading.Condition(), 0, set[int]()
        self.began, self.taken = [0.0, 0.0], [list[float](), list[float]()]

    def take(self, me: int) -> float:
        """Wait for my turn, and start my clock; seconds waited."""
        since = time.perf_counter()
        with self.changed:
            self.changed.wait_for(lambda: self.whose == me or (1 - me) in self.gone)
        self.began[me] = time.perf_counter()
        return self.began[me] - since

    def give(self, me: int, *, for_good: bool = False) -> None:
        """Stop my clock: the other one's turn."""
        self.taken[me].append(time.perf_counter() - self.began[me])
        with self.changed:
            self.whose = 1 - me
            if for_good:
                self.gone.add(me)
            self.changed.notify_all()


class BoardByTurns(Board):
    """The board as it is, but for its turns; that it waits for them is no time in which to look."""

    def __init__(self, turns: Turns, kind: type[Application], settings: dict[str, Any]):
        self.turns = turns
        super().__init__(kind, None, settings)

    def _after_step(self, app: Application, history: History) -> bool:
        goes_on = super()._after_step(app, history)
        if len(history) % TURN == 0:
            self.turns.give(1)
            self._looker.waited(self.turns.take(1))
        return goes_on


def pair(kind: type[Application], settings: dict[str, Any]) -> tuple[Turns, float]:
    """One training without a board and one with it, by turns; and the seconds of the board's own code."""
    turns, own = Turns(), [0.0]

    def plain() -> None:
        def after_step(app: Application, history: History) -> bool:
            if len(history) % TURN == 0:
                turns.give(0)
                turns.take(0)
            return True

        turns.take(0)
        training.run(kind, progress=False, after_step=after_step, **settings)
        turns.give(0, for_good=True)

    def with_board() -> None:
        turns.take(1)
        own[0] = BoardByTurns(turns, kind, settings).wait().spent
        turns.give(1, for_good=True)

    threads = [threading.Thread(target=run) for run in (plain, with_board)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return turns, own[0]


def measure(what: str, pairs: int) -> None:
    """Print the line of a training."""
    name, settings = TRAININGS[what]
    training.run(name, progress=False, **settings | {"epochs": 2})  # warms up
    plain, board, own, ratios = [], [], 0.0, []
    for _ in range(pairs):
        turns, spent = pair(named(name), settings)
        plain.append(sum(turns.taken[0]))
        board.append(sum(turns.taken[1]))
        own += spent
        ratios += [b / p for p, b in zip(*turns.taken, strict=False)]
    whole = np.array(board) / plain
    print(
        f"{what}, {pairs} pairs of {np.median(plain):.1f} s: with a board {sum(board) / sum(plain) - 1:+.1%} "
        f"(from pair to pair ±{whole.std():.1%}), {np.median(ratios) - 1:+.1%} in the median turn; "
        f"in the board's own code {own / sum(plain):.1%}"
    )


if __name__ == "__main__":
    many = {"mlp": 20, "lenet": 10, "lenet-5s": 3, "lenet-20s": 1}
    for one in sys.argv[1:2] or list(TRAININGS):
        measure(one, int(sys.argv[2]) if len(sys.argv) > 2 else many[one])
