"""The engine against PyTorch eager: a tiny chain (pure overhead) and a training step of a real MLP."""

import os
import statistics
import subprocess
import sys
import time

import numpy as np

from .duel import AFTER_BLAS, Outcome


def test_chain_4x4(arena, fight):
    """Forward and backward of ((p*p).relu() @ p).sum() on 4x4: what the engine itself costs."""
    torch, ndl = arena
    start = np.random.default_rng(0).standard_normal((4, 4), dtype=np.float32)
    ours, theirs = ndl.Tensor(start), torch.tensor(start, requires_grad=True)

    def needle():
        (ndl.relu(ours * ours) @ ours).sum().backward()

    def pytorch():
        theirs.grad = None
        ((theirs * theirs).relu() @ theirs).sum().backward()

    fight("chain of 4 ops on 4x4, forward + backward", {"needle_edu": needle, "PyTorch": pytorch}, limit=0.35)


def test_mlp_step(arena, fight):
    """One Adam step of 784-400-100-10 on a batch of 128: forward, loss, backward, update."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((128, 784), dtype=np.float32), rng.integers(0, 10, 128)

    nn = ndl.nn
    model = nn.Sequential(nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 100), nn.ReLU(), nn.Linear(100, 10))
    loss_of, optimiser = nn.SoftmaxLoss(), ndl.optim.Adam(model.parameters(), lr=1e-3)
    x, y = ndl.Tensor(images, requires_grad=False), ndl.Tensor(labels, requires_grad=False)

    def needle():
        optimiser.reset_grad()
        loss_of(model(x), y).backward()
        optimiser.step()

    tnn = torch.nn
    tx, ty = torch.from_numpy(images), torch.from_numpy(labels)

    def pytorch(**options):
        twin = tnn.Sequential(
            tnn.Linear(784, 400), tnn.ReLU(), tnn.Linear(400, 100), tnn.ReLU(), tnn.Linear(100, 10)
        )
        twin_loss, adam = tnn.CrossEntropyLoss(), torch.optim.Adam(twin.parameters(), lr=1e-3, **options)

        def step():
            adam.zero_grad()
            twin_loss(twin(tx), ty).backward()
            adam.step()

        return step

    fight(
        "MLP 784-400-100-10, batch 128, Adam step",
        {"needle_edu": needle, "PyTorch": pytorch(), "PyTorch, fused Adam": pytorch(fused=True)},
        limit=0.75,
        **AFTER_BLAS,
        block_s=0.1,
    )


def test_import_time(request, benchmark):
    """What `import needle_edu` adds to `import numpy`, in fresh interpreters that take turns."""
    from .conftest import OUTCOMES

    # Byte code is kept, as on any ordinary machine.
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=compiled)
        return time.perf_counter() - start

    both = "import numpy, needle_edu"
    seconds(both)
    rounds: dict[str, list[float]] = {"needle_edu": [], "NumPy": []}
    for _ in range(15):
        rounds["NumPy"].append(seconds("import numpy"))
        rounds["needle_edu"].append(seconds(both))
    pairs = zip(rounds["needle_edu"], rounds["NumPy"], strict=True)
    added = statistics.median(ours - alone for ours, alone in pairs)
    print(f"needle_edu adds {added * 1e3:.0f} ms to the import of NumPy; the promise is at most 60")
    outcome = Outcome("import numpy, needle_edu", None, rounds)
    request.config.stash.setdefault(OUTCOMES, []).append(outcome)
    benchmark.pedantic(lambda: seconds(both), rounds=3)
