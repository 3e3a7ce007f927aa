"""The ladders: one computation, several times, each time faster by one idea, every step callable from here.

``ladder.matmul`` is the matrix product on the CPU, from three plain loops to what the library runs. The C files
are csrc/cpu/ladder/matmul_01_naive.c to matmul_11_threads.c, short and meant to be read in order; the twelfth rung
is `nd_matmul` itself (csrc/cpu/isa/gemm.c). ``python -m needle_edu.ladder`` measures all of them beside NumPy;
docs/kernels.md explains the numbers.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from needle_edu import ndarray
from needle_edu.backend import (
    BuildError,
    DeviceError,
    DTypeError,
    ShapeError,
    cpu,
    get_isa,
    get_num_threads,
    raise_kernel_error,
)
from needle_edu.ndarray.writing import may_overlap

__all__ = ["MatmulLadder", "Measurement", "Rung", "matmul"]

_PAUSE = 0.06  # seconds; after a product NumPy's threads spin for a while and hold their cores


def _library() -> tuple[Any, Any]:
    """cffi's `ffi` and `lib` of the C library, or an error that says why it is absent."""
    device = cpu()
    if not device.native:
        from needle_edu.backend import native

        raise BuildError(f"the ladder's rungs are C functions and the C library is absent: {native.reason}")
    return device.runtime.ffi, device.runtime.lib


@dataclass(frozen=True)
class Rung:
    """One way to multiply two matrices; call it like a function.

    Attributes
    ----------
    name : str
        Its key in `MatmulLadder.rungs`; the C function is ``nl_matmul_<name>``.
    source : str
        The C file, relative to csrc/cpu.
    idea : str
        What it does that the rung below does not.

    Examples
    --------
    >>> rung = matmul.rungs["loop_order"]
    >>> rung(np.eye(2, dtype="float32"), np.ones((2, 2), "float32"))
    NDArray([[1., 1.],
             [1., 1.]], dtype=float32, device=cpu())
    """

    name: str
    source: str
    idea: str

    def __call__(self, a: Any, b: Any) -> ndarray.NDArray:
        """Return the product of two matrices.

        Parameters
        ----------
        a, b : NDArray or numpy.ndarray, shapes (m, k) and (k, n), float32
            Views are copied into compact form first: the rungs are about loops, not about strides.

        Returns
        -------
        NDArray, shape (m, n), float32

        Raises
        ------
        ShapeError, DTypeError
            The operands are no matrices that fit each other, or not float32.
        BuildError
            The C library could not be compiled.
        """
        a, b = (self._operand(x) for x in (a, b))
        m, _, n = self._extents(a, b)
        out = ndarray.empty((m, n), device=cpu())
        error = self.call(out, a, b)()
        if error:
            raise_kernel_error(error, f"ladder.matmul {self.name}", f"{a.shape} and {b.shape}")
        return out

    def _operand(self, x: Any) -> ndarray.NDArray:
        self._check_type(x)
        return ndarray.asarray(x, device=cpu()).compact()

    def _check_type(self, x: Any) -> None:
        dtype = getattr(x, "dtype", type(x).__name__)
        if dtype != np.float32:
            raise DTypeError(
                f"ladder.matmul {self.name}: got {dtype}, wanted float32; np.asarray(x, 'float32') helps"
            )

    def _extents(self, a: ndarray.NDArray, b: ndarray.NDArray) -> tuple[int, int, int]:
        """Return m, k and n of two matrices that fit each other."""
        if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
            raise ShapeError(
                f"ladder.matmul {self.name}: got shapes {a.shape} and {b.shape}, wanted (m, k) and (k, n)"
            )
        return a.shape[0], a.shape[1], b.shape[1]

    def call(self, out: ndarray.NDArray, a: ndarray.NDArray, b: ndarray.NDArray) -> Callable[[], int]:
        """Return the C call itself, all arguments bound, for measuring; it returns 0 or an error code.

        The C function trusts what it is given, so it is given nothing but compact rows: views raise a ShapeError,
        ``x.compact()`` makes an operand of one. The call keeps its arrays alive.

        Parameters
        ----------
        out, a, b : NDArray on cpu(), shapes (m, n), (m, k) and (k, n), float32
            `out` shares no memory with the others.

        Raises
        ------
        ShapeError, DTypeError, DeviceError
            An array is not as described.
        """
        for name, x in (("out", out), ("a", a), ("b", b)):
            self._check_type(x)
            if not isinstance(x, ndarray.NDArray) or x.device is not cpu():
                raise DeviceError(
                    f"ladder.matmul {self.name}: {name} must be an NDArray on cpu(); ndarray.asarray(x) makes one"
                )
        m, k, n = self._extents(a, b)
        if out.shape != (m, n):
            raise ShapeError(f"ladder.matmul {self.name}: out has shape {out.shape}, wanted {(m, n)}")
        for name, x in (("out", out), ("a", a), ("b", b)):
            if not _has_compact_rows(x):
                raise ShapeError(
                    f"ladder.matmul {self.name}: {name} is a view with strides {x.strides}, wanted rows that follow "
                    f"each other; pass {name}.compact()"
                )
        if may_overlap(out, a) or may_overlap(out, b):
            raise ShapeError(f"ladder.matmul {self.name}: out shares its memory with a or b; give it its own")
        ffi, lib = _library()
        if self.name == "library":
            plan = cpu().lower(
                3,
                [0, 0, 0],  # float32
                [m, n, k],
                [x.layout.offset for x in (out, a, b)],
                [[n, 1, 0], [k, 0, 1], [0, 1, n]],
            )
            bound = partial(lib.nd_matmul, plan, out.storage.ptr, a.storage.ptr, b.storage.ptr)
        else:
            left, right, to = (ffi.cast("float *", x.storage.ptr) + x.layout.offset for x in (a, b, out))
            bound = partial(getattr(lib, f"nl_matmul_{self.name}"), m, n, k, left, right, to)
        bound.__dict__["operands"] = out, a, b  # a pointer alone keeps no memory
        return bound


def _has_compact_rows(x: ndarray.NDArray) -> bool:
    """Whether the rows of a matrix follow each other without gaps, wherever in its memory they begin."""
    rows, columns = x.shape
    return not x.size or ((columns == 1 or x.strides[1] == 1) and (rows == 1 or x.strides[0] == columns))


@dataclass(frozen=True)
class Measurement:
    """One cell of the table: the size of the square matrices, who multiplied them, and how fast.

    Examples
    --------
    >>> Measurement(size=1000, name="tiled", seconds=0.5).gflops
    4.0
    """

    size: int
    name: str
    seconds: float

    @property
    def gflops(self) -> float:
        """Billions of floating-point operations per second; one multiply-add counts as two."""
        return 2 * self.size**3 / self.seconds / 1e9


class MatmulLadder:
    """The rungs of the matrix product.

    Examples
    --------
    >>> import numpy as np
    >>> from needle_edu import ladder
    >>> list(ladder.matmul.rungs)
    ['naive', 'loop_order', 'tiled', 'registers', 'packed', 'simd', 'wide', 'blocked', 'edges', 'direct', 'threads',
     'library']
    >>> a = np.arange(6, dtype="float32").reshape(2, 3)
    >>> ladder.matmul.rungs["tiled"](a, a.T).numpy()
    array([[ 5., 14.],
           [14., 50.]], dtype=float32)
    """

    def __init__(self, rungs: Sequence[Rung]):
        self.rungs: dict[str, Rung] = {rung.name: rung for rung in rungs}

    def measure(
        self, sizes: Sequence[int] = (64, 256, 1024), rungs: Sequence[str] | None = None, rounds: int = 5
    ) -> list[Measurement]:
        """Time rungs and NumPy on square matrices, in turn in each round; the best round's median counts.

        Parameters
        ----------
        sizes : sequence of int
            Numbers of rows (and columns) of the matrices.
        rungs : sequence of str, optional
            Names; by default all.
        rounds : int
            More rounds make it less likely that something else on the machine was in the way every time.

        Returns
        -------
        list of Measurement
            Size by size, the rungs in order and then ``"numpy"``.
        """
        chosen = [self.rungs[name] for name in (self.rungs if rungs is None else rungs)]
        found = []
        for size in sizes:
            x, y = np.random.default_rng(0).standard_normal((2, size, size), dtype=np.float32)
            z = np.empty_like(x)
            a, b, out = (ndarray.array(array, device=cpu()) for array in (x, y, z))
            calls = {rung.name: rung.call(out, a, b) for rung in chosen}
            calls["numpy"] = partial(np.matmul, x, y, out=z)
            best = dict.fromkeys(calls, float("inf"))
            for _ in range(rounds):
                time.sleep(_PAUSE)
                for name, call in calls.items():  # NumPy last, then the pause
                    if best[name] < 0.5 or best[name] == float("inf"):  # once is enough for what takes long
                        best[name] = min(best[name], _time(call))
            found += [Measurement(size, name, seconds) for name, seconds in best.items()]
        return found

    def bench(
        self, sizes: Sequence[int] = (64, 256, 1024), rungs: Sequence[str] | None = None, rounds: int = 5
    ) -> list[Measurement]:
        """Measure as `measure` does, and print a table of GFLOP/s and the part of NumPy's speed that it is."""
        found = self.measure(sizes, rungs, rounds)
        print(f"float32, {get_num_threads()} threads, {get_isa()}: GFLOP/s (percent of NumPy)")
        print(f"{'rung':<12}" + "".join(f"{f'{size} x {size}':>20}" for size in sizes))
        speed = {(cell.size, cell.name): cell.gflops for cell in found}
        for name in dict.fromkeys(cell.name for cell in found):
            cells = (f"{speed[s, name]:.1f} ({speed[s, name] / speed[s, 'numpy']:4.0%})" for s in sizes)
            print(f"{name:<12}" + "".join(f"{cell:>20}" for cell in cells))
        return found

    def __repr__(self) -> str:
        return "\n".join(f"{rung.name:<12}{rung.idea} ({rung.source})" for rung in self.rungs.values())


def _time(call: Callable[[], Any], least: float = 0.02) -> float:
    """The median time of a call, repeated for `least` seconds, after one call to warm up unless that took long."""
    start = time.perf_counter()
    call()
    times = [time.perf_counter() - start]
    if times[0] < least:
        times = []
    spent = sum(times)
    while spent < least:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        spent += times[-1]
    return median(times)


matmul = MatmulLadder(
    [
        Rung("naive", "ladder/matmul_01_naive.c", "the definition: a row of a times a column of b"),
        Rung("loop_order", "ladder/matmul_02_loop_order.c", "the innermost loop runs along rows"),
        Rung("tiled", "ladder/matmul_03_tiled.c", "blocks of b that stay in the cache"),
        Rung("registers", "ladder/matmul_04_registers.c", "a tile of out stays in registers"),
        Rung(
            "packed",
            "ladder/matmul_05_packed.c",
            "a and b are copied into the order in which the tile reads them",
        ),
        Rung("simd", "ladder/matmul_06_simd.c", "the tile in vector registers, with fused multiply-add"),
        Rung("wide", "ladder/matmul_07_wide.c", "the widest registers of this processor"),
        Rung(
            "blocked",
            "ladder/matmul_08_blocked.c",
            "all three loops in blocks: each number of b is packed once",
        ),
        Rung("edges", "ladder/matmul_09_edges.c", "tiles of every size, which write to out themselves"),
        Rung("direct", "ladder/matmul_10_direct.c", "packs only what is read often"),
        Rung("threads", "ladder/matmul_11_threads.c", "each core takes a share of the rows"),
        Rung("library", "isa/gemm.c", "any strides, types and batches; blocks that follow the caches"),
    ]
)
"""The matrix product on the CPU."""


def main(words: Sequence[str]) -> int:
    """Print the table for the sizes given, or say in one sentence why not."""
    try:
        sizes = [int(word) for word in words] or [64, 256, 1024]
        if min(sizes) < 1:
            raise ValueError
    except ValueError:
        print("python -m needle_edu.ladder [SIZE ...]: sizes of square matrices, for example 64 256 1024")
        return 2
    try:
        print(matmul, end="\n\n")
        matmul.bench(sizes)
    except BuildError as error:
        print(error)
        return 1
    return 0


def __dir__() -> list[str]:
    return sorted(__all__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
