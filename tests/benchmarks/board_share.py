"""What the live board takes of a training's time: the same training with `viz.train` and without, by turns.

    python -m tests.benchmarks.board_share

Processor time of the whole process, so that other programs on the machine count for little. Promised are 2 %.
"""

import time

import numpy as np

from needle_edu import training, viz

TRAININGS = {
    "mlp on digits": ("mlp", {"data": "digits", "epochs": 20}),
    "lenet on digits": ("lenet", {"data": "digits", "epochs": 6}),
}
ROUNDS = 3


def measure() -> None:
    """Print a line for each training."""
    for what, (name, settings) in TRAININGS.items():
        ways = {
            "board": lambda name=name, settings=settings: viz.train(name, **settings).wait(),
            "plain": lambda name=name, settings=settings: training.run(name, progress=False, **settings),
        }
        taken: dict[str, list[float]] = {way: [] for way in ways}
        for turn in range(ROUNDS + 1):  # the first warms up
            for way, run in ways.items():
                began = time.process_time()
                run()
                if turn:
                    taken[way].append(time.process_time() - began)
        board, plain = np.array(taken["board"]), np.array(taken["plain"])
        print(
            f"{what}: {plain.min():.2f} s; with a board {board.min() / plain.min() - 1:+.1%} of the least times, "
            f"{np.median(board / plain) - 1:+.1%} in the median pair"
        )


if __name__ == "__main__":
    measure()
