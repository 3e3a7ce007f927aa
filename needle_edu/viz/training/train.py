"""`viz.train`: train an application while a board in the notebook shows what happens inside it."""

from __future__ import annotations

from typing import Any

from needle_edu.backend.arguments import switch, whole


def train(application: Any, *, every: int | None = None, wait: bool = False, **settings: Any):
    """Train in a thread of its own, and show it: curves, step sizes, gradients and activations of each layer, how far
    each step moves the weights, and, where the training has them, feature maps, attention, a plane cut into classes,
    what is mistaken for what, and samples.

    Cells that run meanwhile change nothing of the training, and it nothing of them. Looking takes less than one
    hundredth of the training's time. `board.stop()` and `board.resume()`, or the button of the board, let it pause.

    Parameters
    ----------
    application : str or Application class
        One of `training.APPLICATIONS` by name, or your own.
    every : int, optional
        Look at parameters and layers at these steps, so that the board is the same in every run; otherwise as often as
        one hundredth of the time allows.
    wait : bool
        Return when the training has ended.
    **settings
        What `training.run` takes: epochs, batch_size, lr, seed, data, steps, small, workers, patience, out, resume.

    Returns
    -------
    Board

    Raises
    ------
    TypeError
        A setting that `training.run` does not have, or that makes no sense in a thread.

    Examples
    --------
    >>> from needle_edu import viz
    >>> board = viz.train("mlp", data="digits", small=True, epochs=1, every=1)
    >>> board.wait().state, len(board.looks)
    ('finished', 1)
    """
    import inspect

    from needle_edu import training
    from needle_edu.training.applications import named
    from needle_edu.viz.training.board import Board

    if every is not None:
        whole("viz.train", every=every)
    switch("viz.train", wait=wait)
    taken = set(inspect.signature(training.run).parameters) - {
        "application",
        "progress",
        "after_step",
        "device",
    }
    for name in settings:
        if name not in taken:
            raise TypeError(f"viz.train: there is no setting {name!r}; there are {', '.join(sorted(taken))}")
    board = Board(named(application), every, settings)
    return board.wait() if wait else board
