"""How long a drawing takes, from the tensor to the page, beside torchlens on the same network where that is installed.

    python -m tests.benchmarks.drawing

The least and the median of several times, warm; of torchlens, one time. torchlens computes the network once more to
see it, and Graphviz draws, whose time is in torchlens's (2.36 gives it two minutes); ours replays the finished graph,
and lays it out itself.
"""

import importlib.util
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import needle_edu as ndl
from needle_edu import nn, viz
from needle_edu.training.applications.lenet import LeNet

TIMES, FEW, PASSES = 5, 33, 333  # passes of three operations each


def lenet() -> Any:
    """The loss of LeNet's step on a batch of digits."""
    images = ndl.Tensor(np.zeros((8, 1, 28, 28), "float32"), requires_grad=False)
    classes = ndl.Tensor(np.arange(8), requires_grad=False)
    loss = nn.SoftmaxLoss()(LeNet.network(None, (1, 28, 28), 10)(images), classes)  # type: ignore[arg-type]
    loss.backward()
    return loss


def recurrent(passes: int = PASSES) -> Any:
    """h = tanh(x W + h U), so many times: three nodes each."""
    w, u, h = (ndl.init.rand(*shape, requires_grad=True) for shape in ((4, 4), (4, 4), (1, 4)))
    x = ndl.init.rand(1, 4, requires_grad=False)
    fed = x @ w
    for _ in range(passes):
        h = (fed + h @ u).tanh()
    return h


def chain(length: int) -> Any:
    """So many products, one after the other."""
    x = ndl.Tensor([1.0])
    for _ in range(length):
        x = x * 1.0
    return x


def taken(what: str, run: Callable[[], Any]) -> None:
    """Print how long it takes."""
    run()
    times = []
    for _ in range(TIMES):
        began = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - began))
    print(f"{what}: {min(times):.0f} ms, median {np.median(times):.0f}")


def torchlens_times() -> None:
    """The same networks in PyTorch, drawn by torchlens."""
    import torch
    import torchlens

    class Recurrent(torch.nn.Module):
        def __init__(self, passes: int) -> None:
            super().__init__()
            self.passes = passes
            self.w, self.u = (torch.nn.Parameter(torch.rand(4, 4)) for _ in range(2))

        def forward(self, x: Any) -> Any:
            fed, h = x @ self.w, torch.rand(1, 4)
            for _ in range(self.passes):
                h = (fed + h @ self.u).tanh()
            return h

    t = torch.nn
    net = t.Sequential(
        t.Conv2d(1, 6, 5, padding=2), t.ReLU(), t.MaxPool2d(2), t.Conv2d(6, 16, 5), t.ReLU(), t.MaxPool2d(2),
        t.Flatten(), t.Linear(400, 120), t.ReLU(), t.Linear(120, 84), t.ReLU(), t.Linear(84, 10),
    )  # fmt: skip
    torchlens.trace(net, torch.zeros(8, 1, 28, 28))  # warms up
    with tempfile.TemporaryDirectory() as folder:
        where = {"vis_outpath": f"{folder}/graph", "vis_save_only": True, "vis_fileformat": "svg"}
        for what, model, x in (
            ("LeNet", net, torch.zeros(8, 1, 28, 28)),
            ("RNN of 100 nodes", Recurrent(FEW), torch.rand(1, 4)),
            ("RNN of 1,000 nodes", Recurrent(PASSES), torch.rand(1, 4)),
        ):
            began = time.perf_counter()
            log = torchlens.trace(model, x)
            seen = time.perf_counter()
            print(
                f"torchlens {torchlens.__version__}: {what}: {seen - began:.2f} s to see it",
                end="",
                flush=True,
            )
            try:
                log.draw("unrolled", **where)
            except Exception as error:
                print(f", no picture: {error}", flush=True)
            else:
                print(f", {time.perf_counter() - seen:.2f} s to draw it", flush=True)


if __name__ == "__main__":
    loss, few, hidden, long, longer = lenet(), recurrent(FEW), recurrent(), chain(1000), chain(20_000)
    taken("LeNet's step", lambda: viz.draw(loss).html)
    taken("RNN of 100 nodes, unfolded", lambda: viz.draw(few, modules=False, roll=False).html)
    taken("RNN of 1,000 nodes, unfolded", lambda: viz.draw(hidden, modules=False, roll=False).html)
    taken("chain of 1,000 nodes, unfolded", lambda: viz.draw(long, modules=False, roll=False).html)
    taken("chain of 20,000 nodes, summarised", lambda: viz.draw(longer).html)
    if importlib.util.find_spec("torchlens") is not None:
        torchlens_times()
