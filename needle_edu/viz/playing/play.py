"""`viz.playground`: play with a small network, every step of it in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def playground(
    data: str = "moons",
    *,
    layers: Sequence[int] = (4, 4),
    activation: str = "tanh",
    lr: float = 0.1,
    batch_size: int = 40,
    seed: int = 0,
    live: bool = False,
):
    """Play with a small network that learns to tell points in a plane apart.

    Parameters
    ----------
    data : {"moons", "circles", "xor", "spiral"}
        Which 200 points, of two classes.
    layers : sequence of int
        How wide the hidden layers are: at most five, of at most 16; none for a straight line.
    activation : {"tanh", "relu", "sigmoid", "none"}
    lr : float
        The step size.
    batch_size : int
        How many points a step sees, at most 200.
    seed : int
    live : bool
        True makes a widget with buttons to step and run, and fields for the settings; needs anywidget and a running
        kernel. Without it `step(n)` takes the steps, and the page has a slider over those taken.

    Returns
    -------
    Playground

    Raises
    ------
    ValueError
        An unknown name, or a size that makes no sense.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> play = ndl.viz.playground("moons", lr=0.3).step(10)
    >>> play.moments[-1].step, play.loss < play.moments[0].loss
    (10, True)
    """
    from needle_edu.backend import NeedleError
    from needle_edu.backend.arguments import switch
    from needle_edu.viz.live import make_live
    from needle_edu.viz.playing.playground import Playground, chosen

    switch("viz.playground", live=live)
    choice = chosen(data, layers, activation, lr, batch_size, seed)
    made = Playground(choice)
    if not live:
        return made

    def answer(message: Any) -> dict[str, Any] | None:
        """A button of the page: steps, or another network."""
        if message.get("do") == "step":
            widget.island.step(int(message.get("count", 1)))
        elif message.get("do") == "choose":
            try:
                new = {**vars(widget.island.choice), **message["choice"]}
                widget.island = Playground(chosen(**new))
            except (NeedleError, ValueError, TypeError, KeyError) as error:
                return {"error": str(error).removeprefix("viz.playground: ")}
        return widget.island.frame()

    widget = make_live(made, answer)
    return widget
