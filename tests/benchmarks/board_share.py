"""What the live board takes of a training's time: the same training with `viz.train` and without, by turns.

    python -m tests.benchmarks.board_share [name of a training below] [pairs]

Processor time of the whole process, so that other programs on the machine count for little. Promised are 2 %. One and
the same training differs by several per cent from run to run; what the board says of itself is steadier: the
seconds within its own code, as a share of the training's.
"""

import sys
import time

import numpy as np

from needle_edu import training, viz

TRAININGS = {
    "mlp": ("mlp", {"data": "digits", "epochs": 20}),
    "lenet": ("lenet", {"data": "digits", "epochs": 6}),
    "lenet-5s": ("lenet", {"data": "digits", "epochs": 30}),
    "lenet-20s": ("lenet", {"data": "digits", "epochs": 110}),
}


def measure(what: str, pairs: int) -> None:
    """Print the line of a training."""
    name, settings = TRAININGS[what]
    taken: dict[str, list[float]] = {"board": [], "plain": []}
    own = []
    training.run(name, progress=False, **settings | {"epochs": 2})  # warms up
    for turn in range(pairs):
        for way in sorted(taken, reverse=bool(turn % 2)):  # who comes second finds a warmer machine
            began, clock = time.process_time(), time.perf_counter()
            if way == "board":
                board = viz.train(name, **settings).wait()
                own.append(board.spent / (time.perf_counter() - clock))
            else:
                training.run(name, progress=False, **settings)
            taken[way].append(time.process_time() - began)
    board_s, plain = np.array(taken["board"]), np.array(taken["plain"])
    print(
        f"{what}, {pairs} pairs: {plain.min():.2f} s; with a board {board_s.min() / plain.min() - 1:+.1%} of the least "
        f"times, {np.median(board_s / plain) - 1:+.1%} in the median pair; "
        f"in the board's own code {np.median(own):.1%} of the time"
    )


if __name__ == "__main__":
    chosen = sys.argv[1:2] or list(TRAININGS)
    for one in chosen:
        measure(one, int(sys.argv[2]) if len(sys.argv) > 2 else 3)
