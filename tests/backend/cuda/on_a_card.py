"""`make gpu`: what can only be known on a machine with a card, in eight minutes: values, gradients, errors, times.

    python -m tests.backend.cuda.on_a_card [--device cuda] [--minutes 8] [--out build/gpu.md]

It needs numpy, cffi, pytest, nvcc and a card, and no network. Each part ends when its share of the time is over, and
says how far it came. What is measured is printed, and written to a file with the date and the card's name. With
`--device cuda_sim` it is a rehearsal on the simulator: everything is run, and its times mean nothing.

- values: each kernel against the NumPy reference (tests/backend/kernel_cases.py), and long lines;
- ops: every op of the registry and its gradients against cpu(), in float64;
- errors: an index out of range, and a launch that cannot be;
- nccl: sums between cards (between_cards.py), where NCCL is installed;
- times: copies, elementwise and sums as bytes a second, products as operations a second, a step of training.
"""

import argparse
import datetime
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent / "autograd")]

import numpy as np  # noqa: E402

import needle_edu as ndl  # noqa: E402
from needle_edu import nn, optim  # noqa: E402
from needle_edu.backend import DeviceError, devices, errors, set_default_device  # noqa: E402

SHARES = {"values": 0.3, "ops": 0.25, "errors": 0.05, "nccl": 0.0, "times": 0.4}


class Report:
    """Lines that are printed and kept, and what did not hold."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.wrong: list[str] = []

    def say(self, line: str = "") -> None:
        print(line, flush=True)
        self.lines.append(line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.backend.cuda.on_a_card", description=__doc__)
    parser.add_argument("--device", default="cuda", help="cuda, or cuda_sim for a rehearsal")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--out", type=Path, default=Path("build/gpu.md"))
    options = parser.parse_args()
    device, report = devices.device_named(options.device), Report()
    if not device.enabled():
        print(device.reason)
        return 1
    begin = time.monotonic()
    runtime = device.runtime  # compiles
    report.say(f"# {device!r} on {card(device)}, {datetime.date.today()}\n")
    report.say(f"compiled and opened in {time.monotonic() - begin:.0f} s")
    left = options.minutes * 60 - (time.monotonic() - begin)
    parts = {"values": values, "ops": ops, "errors": index_errors, "nccl": nccl, "times": times}
    for name, part in parts.items():
        report.say(f"\n## {name}\n")
        try:
            part(device, runtime, report, time.monotonic() + left * SHARES[name])
        except Exception as error:  # the other parts are worth knowing all the same
            report.wrong.append(f"{name}: {type(error).__name__}: {error}")
    report.say(f"\n{time.monotonic() - begin:.0f} s; {len(report.wrong)} things that do not hold")
    for one in report.wrong:
        report.say(f"- {one}")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("\n".join(report.lines) + "\n")
    return 1 if report.wrong else 0


def card(device) -> str:
    lib, ffi = device.runtime.lib, device.runtime.ffi
    name, capability = ffi.new("char[100]"), ffi.new("int *")
    lib.ndc_device_name(lib.ndc_get_device(), name, 100, capability)
    return f"{ffi.string(name).decode()} (compute capability {capability[0] / 10:.1f})"


def values(device, runtime, report: Report, end: float) -> None:
    import test_cuda_device as tests
    from kernel_cases import LINES, REDUCE, long_lines

    held, trial = 0, 0
    for trial in range(1, 100):
        for name in tests.NAMES:
            if time.monotonic() > end:
                report.say(f"{held} kernels held, {trial - 1} rounds of {len(tests.NAMES)} are complete")
                return
            try:
                tests.check(runtime, name, trial)
                if name in (*REDUCE, *LINES):
                    for case in long_lines(name, np.random.default_rng(trial), 0):
                        tests.compare(runtime, name, 0, case, "long")
                held += 1
            except (AssertionError, DeviceError) as error:
                report.wrong.append(f"{name}: {' '.join(str(error).split())[:200]}")
        if trial == 3:
            break
    report.say(f"{held} kernels held, {trial} rounds of {len(tests.NAMES)}")


def ops(device, runtime, report: Report, end: float) -> None:
    from autograd_helpers import cases
    from test_hidden_device import forward_and_gradients

    held = 0
    for label, cls, attrs, inputs in cases():
        if time.monotonic() > end:
            report.say(f"time is over before {label}")
            break
        try:
            there, here = (forward_and_gradients(one, cls, attrs, inputs) for one in (device, ndl.cpu()))
            for a, b in zip(there, here, strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11)
            held += 1
        except (AssertionError, DeviceError) as error:
            report.wrong.append(f"{label}: {' '.join(str(error).split())[:200]}")
    report.say(f"{held} samples of ops held, forward and backward")


def index_errors(device, runtime, report: Report, end: float) -> None:
    x = ndl.NDArray(np.arange(5, dtype=np.float32), device=device)
    index = ndl.ndarray.array([1, 9], dtype="int64", device=device)
    try:
        x[index].numpy()
        report.wrong.append("an index out of range was not reported")
    except errors.IndexOutOfRange as error:
        report.say(f"index 9 of 5: {error}")
    assert x.sum().numpy().item() == 10, "and the device goes on"
    a_cell(device, report)
    report.say(f"memory in use: {runtime.lib.nd_pool_live_bytes():,} bytes, kept: {runtime.pool_bytes():,}")


def a_cell(device, report: Report) -> None:
    """A kernel of a notebook's cell runs where its arrays live, and what it does wrong is raised."""
    from needle_edu.backend.cudasim import cuda_cell

    text = "__global__ void twice(float *a, int n) { if (threadIdx.x < n) a[threadIdx.x] *= 2; }"
    twice = cuda_cell(text)["twice"]
    a = ndl.NDArray(np.arange(5, dtype=np.float32), device=device)
    twice[1, 32](a, 5)
    if a.numpy().tolist() != [0, 2, 4, 6, 8]:
        report.wrong.append(f"a cell's kernel computed {a.numpy()}")
    try:
        twice[1, 4096](a, 5)
        report.wrong.append("a block of 4,096 threads was not refused")
    except errors.CudaError as error:
        report.say(f"a block of 4,096 threads: {error}")


def nccl(device, runtime, report: Report, end: float) -> None:
    from between_cards import between_cards

    between_cards(device, report)


def seconds(device, call, end: float) -> float:
    """The best of some rounds of a call, in each of which it is made often enough for 20 ms."""
    call()
    device.synchronize()
    often, best = 1, float("inf")
    while time.monotonic() < end:
        start = time.perf_counter()
        for _ in range(often):
            call()
        device.synchronize()
        took = time.perf_counter() - start
        if took < 0.02 and often < 10_000:
            often *= 2
            continue
        best = min(best, took / often)
        if took > 0.5 or often * took > 3:
            break
        often += often
    return best


def times(device, runtime, report: Report, end: float) -> None:
    large = 1 << (12 if device.name == "cuda_sim" else 27)
    a, b = (ndl.NDArray(np.ones(large, np.float32), device=device) for _ in range(2))
    host = np.ones(large, np.float32)
    report.say("| what | best | rate |\n|---|---|---|")

    def row(what: str, call, amount: float, unit: str) -> None:
        best = seconds(device, call, min(end, time.monotonic() + 10))
        report.say(f"| {what} | {best * 1e3:.3f} ms | {amount / best / 1e9:.1f} {unit} |")

    row(f"copy of {4 * large:,} bytes on the card (fill is half of it)", lambda: a + 0.0, 8 * large, "GB/s")
    row("a + b", lambda: a + b, 12 * large, "GB/s")
    row("exp(a)", lambda: ndl.exp(a), 8 * large, "GB/s")
    row("a.sum()", lambda: a.sum(), 4 * large, "GB/s")
    square = a.reshape((large // 64, 64))
    row("sum over columns", lambda: square.sum(axis=0), 4 * large, "GB/s")
    row("softmax of rows of 64", lambda: ndl.ops.softmax(ndl.Tensor(square), axis=1), 8 * large, "GB/s")
    row("from the host", lambda: runtime.copy_from_host(a.storage, host), 4 * large, "GB/s")
    row("to the host", lambda: runtime.copy_to_host(a.storage, host), 4 * large, "GB/s")
    for n in (64,) if device.name == "cuda_sim" else (512, 1024, 2048, 4096):
        x, y = (ndl.NDArray(np.ones((n, n), np.float32), device=device) for _ in range(2))
        row(f"product of {n} x {n} matrices", lambda x=x, y=y: x @ y, 2.0 * n**3, "Gflop/s")
    small = ndl.NDArray(np.ones(4, np.float32), device=device)
    row("the smallest call", lambda: small + small, 1, "G calls/s")
    set_default_device(device)
    try:
        for name, step in steps().items():
            best = seconds(device, step, min(end, time.monotonic() + 15))
            report.say(f"| {name} | {best * 1e3:.3f} ms | |")
    finally:
        set_default_device(ndl.cpu())
    beside_pytorch(report, device)


def steps() -> dict:
    """A step of training of an MLP and of a small convolutional network, as functions."""
    rng = np.random.default_rng(0)
    made = {}
    mlp = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 10))
    convolutions = nn.Sequential(
        *(
            nn.Conv(1, 16, 5),
            nn.ReLU(),
            nn.Conv(16, 16, 5, stride=2),
            nn.Flatten(),
            nn.Linear(16 * 14 * 14, 10),
        )
    )
    for name, model, shape in (
        ("a step of an MLP, 784-512-10, batch 128", mlp, (128, 784)),
        ("a step of two convolutions, 28 x 28, batch 64", convolutions, (64, 1, 28, 28)),
    ):
        x = ndl.Tensor(rng.standard_normal(shape).astype(np.float32))
        y = ndl.Tensor(rng.integers(0, 10, shape[0]))
        optimizer, loss_of = optim.Adam(model.parameters(), lr=1e-3), nn.SoftmaxLoss()

        def step(model=model, x=x, y=y, optimizer=optimizer, loss_of=loss_of):
            optimizer.reset_grad()
            loss_of(model(x), y).backward()
            optimizer.step()

        made[name] = step
    return made


def beside_pytorch(report: Report, device) -> None:
    """The same products by cuBLAS, where PyTorch is at hand."""
    try:
        import torch
    except ImportError:
        report.say("\nPyTorch is absent: no times beside it")
        return
    if not torch.cuda.is_available():
        report.say("\nPyTorch sees no card: no times beside it")
        return
    torch.backends.cuda.matmul.allow_tf32 = False
    for n in (1024, 2048, 4096):
        x, y = (torch.ones(n, n, device="cuda") for _ in range(2))
        for _ in range(3):
            x @ y
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(10):
            x @ y
        torch.cuda.synchronize()
        best = (time.perf_counter() - start) / 10
        report.say(
            f"| PyTorch's product of {n} x {n} | {best * 1e3:.3f} ms | {2.0 * n**3 / best / 1e9:.1f} Gflop/s |"
        )


if __name__ == "__main__":
    sys.exit(main())
