"""`make simulator-speed`: how fast the simulator is, beside loops in C++, and what is wanted, as one table.

Processor time of one thread, the least of some rounds; what is compared takes turns. `--quick` leaves out the
applications. The command fails if something takes longer than wanted, which a busy machine may make happen.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from needle_edu.backend.cudasim import open_simulator

KERNELS = """
__global__ void matmul(const float *a, const float *b, float *out, int n) {
  const int j = blockIdx.x * blockDim.x + threadIdx.x, i = blockIdx.y * blockDim.y + threadIdx.y;
  if (i >= n || j >= n) return;
  float sum = 0;
  for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
  out[i * n + j] = sum;
}
enum { TILE = 16 };
__global__ void tiled(const float *a, const float *b, float *out, int n) {
  __shared__ float a_tile[TILE][TILE], b_tile[TILE][TILE];
  const int x = threadIdx.x, y = threadIdx.y, j = blockIdx.x * TILE + x, i = blockIdx.y * TILE + y;
  float sum = 0;
  for (int k = 0; k < n; k += TILE) {
    a_tile[y][x] = a[i * n + k + x];
    b_tile[y][x] = b[(k + y) * n + j];
    __syncthreads();
    for (int d = 0; d < TILE; d++) sum += a_tile[y][d] * b_tile[d][x];
    __syncthreads();
  }
  out[i * n + j] = sum;
}
__global__ void add(const float *a, const float *b, float *out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = a[i] + b[i];
}
__global__ void fill(float *out, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) out[i] = 1;
}
__global__ void wait(int times) { for (int i = 0; i < times; i++) __syncthreads(); }
extern "C" void run_matmul(const float *a, const float *b, float *out, int n) {
  matmul<<<dim3(n / 16, n / 16), dim3(16, 16)>>>(a, b, out, n);
}
extern "C" void run_tiled(const float *a, const float *b, float *out, int n) {
  tiled<<<dim3(n / 16, n / 16), dim3(16, 16)>>>(a, b, out, n);
}
extern "C" void run_add(const float *a, const float *b, float *out, int n) {
  add<<<(n + 255) / 256, 256>>>(a, b, out, n);
}
extern "C" void run_fill(float *out, int n) { fill<<<(n + 255) / 256, 256>>>(out, n); }
extern "C" void run_wait(int threads, int times) { wait<<<1, threads>>>(times); }
"""
LOOPS = """
extern "C" void loop_matmul(const float *a, const float *b, float *out, int n) {
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      float sum = 0;
      for (int k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      out[i * n + j] = sum;
    }
}
extern "C" void loop_add(const float *a, const float *b, float *out, int n) {
  for (int i = 0; i < n; i++) out[i] = a[i] + b[i];
}
"""
APPLICATION = """
import sys, time
from needle_edu import training
from needle_edu.backend import cuda_sim
from needle_edu.backend.cudasim import open_simulator
cuda_sim().runtime
with open_simulator().settings(workers=1):
    begin = time.process_time()
    training.run(sys.argv[1], small=True, steps=3, progress=False, device=cuda_sim())
    print(time.process_time() - begin)
"""
N, LONG = 256, 1 << 20


def seconds(*calls: Callable[[], object], rounds: int = 10) -> list[float]:
    """Return the least processor time of each call; they take turns."""
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for k, call in enumerate(calls):
            begin = time.process_time()
            call()
            least[k] = min(least[k], time.process_time() - begin)
    return least


def kernels(rows: list[tuple[str, float, float]]) -> None:
    """The kernels in every flavour, and the loops."""
    simulator, rng = open_simulator(), np.random.default_rng(0)
    program = {flavour: simulator.compile(KERNELS, flavour) for flavour in ("plain", "check", "profile")}
    loops = simulator.compile(LOOPS)
    host = [rng.standard_normal(LONG).astype(np.float32) for _ in range(3)]
    there = [simulator.array(one) for one in host]
    with simulator.settings(workers=1, timeout=0):
        plain = program["plain"]
        loop, kernel = seconds(lambda: loops.loop_matmul(*host, N), lambda: plain.run_matmul(*there, N))
        rows.append(("plain, naive product 256³: times the loop at -O2", kernel / loop, 1.5))
        loop, kernel = seconds(lambda: loops.loop_add(*host, LONG), lambda: plain.run_add(*there, LONG))
        rows.append(("plain, sum of 1 M floats: times the loop at -O2", kernel / loop, 20))
        for threads, wanted in ((256, 15), (1024, 30)):
            (spent,) = seconds(lambda threads=threads: plain.run_wait(threads, 1000))
            rows.append(
                (f"plain, a barrier of {threads} threads: ns for each", spent / threads / 1000 * 1e9, wanted)
            )
        for flavour, wanted in (("check", 0.35), ("profile", 0.6)):
            (spent,) = seconds(lambda flavour=flavour: program[flavour].run_tiled(*there, N), rounds=4)
            rows.append((f"{flavour}, product 256³ in tiles: seconds", spent, wanted))
        rows.append(("check, bytes for each byte that kernels touch", memory(simulator, program["check"]), 5))
    simulator.clear_report()
    simulator.clear_profile()


def memory(simulator, program) -> float:
    """What the process grows by under the checker, less the memory itself."""

    def resident() -> int:
        return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGESIZE")

    n = 8 << 20
    out = simulator.empty(n)  # which costs memory already
    before = resident()
    program.run_fill(out, n)
    return (resident() - before) / (4 * n)


def lenet(rows: list[tuple[str, float, float]]) -> None:
    """One step: forward, backward and Adam, on 16 images."""
    import needle_edu as ndl
    from needle_edu import nn, optim
    from needle_edu.training.applications.lenet import LeNet

    device, rng = ndl.cuda_sim(), np.random.default_rng(0)
    with open_simulator().settings(workers=1, timeout=0):
        model = LeNet.network(None, LeNet.shape, 10)
        model.to(device)
        optimizer = optim.Adam(model.parameters())
        x = ndl.Tensor(rng.standard_normal((16, 1, 28, 28)).astype(np.float32), device=device)
        y = ndl.Tensor(rng.integers(0, 10, 16), device=device)

        def step() -> None:
            optimizer.reset_grad()
            nn.SoftmaxLoss()(model(x), y).backward()
            optimizer.step()

        step()
        (spent,) = seconds(step)
    rows.append(("plain, a step of LeNet on 16 images: seconds", spent, 0.25))


def applications(rows: list[tuple[str, float, float]]) -> None:
    """Three small steps of each, in a process of its own, from making the data to the test's end. Nothing is written:
    Matplotlib takes half a second for the curves, on every device."""
    from needle_edu import training

    for name in training.APPLICATIONS:
        if name == "dqn" and not importlib.util.find_spec("gymnasium"):
            continue
        command = [sys.executable, "-c", APPLICATION, name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=tempfile.gettempdir())
        spent = float(done.stdout.split()[-1]) if done.returncode == 0 else float("inf")
        rows.append((f"plain, three small steps of {name}: seconds", spent, 2))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.backend.cuda.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the applications")
    options = parser.parse_args()
    rows: list[tuple[str, float, float]] = []
    shown = 0
    print(f"{'what':62}{'is':>9}{'wanted':>9}")
    for part in (kernels, lenet, *(() if options.quick else (applications,))):
        part(rows)
        for what, value, wanted in rows[shown:]:
            print(f"{what:62}{value:9.3g}{wanted:9.3g}{'' if value <= wanted else '  MISSED'}", flush=True)
        shown = len(rows)
    return int(any(value > wanted for _, value, wanted in rows))


if __name__ == "__main__":
    sys.exit(main())
