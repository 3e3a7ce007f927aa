"""The ladders of CUDA kernels: one computation, several times, each time faster by one idea, every rung callable.

``ladders()["matmul"]`` has the matrix product from a thread for each element to register tiles that are loaded while
those before are multiplied; "reduce" a sum of many numbers; "transpose" a matrix turned over. The files in
csrc/cuda/ladder are short and self-contained, and meant to be read in order. What each idea saves, the profiler counts.
"""

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DTypeError, ShapeError
from ..paths import csrc_dir
from .profile import KernelProfile
from .report import Report
from .simulator import Program, open_simulator

_SHAPES = {"matmul": "(m, k) and (k, n)", "reduce": "(n,)", "transpose": "(rows, columns)"}


@dataclass(frozen=True)
class CudaRung:
    """One way to compute what the ladder is about, in a ``.cu`` file of its own; call it like a function.

    Attributes
    ----------
    ladder : {"matmul", "reduce", "transpose"}
    name : str
        The C function is ``ncl_<ladder>_<name>``, the kernel ``<ladder>_<name>``.
    source : Path
        The file.
    idea : str
        What it does that the rung below does not: the first line of the file.

    Examples
    --------
    >>> rung = ladders()["transpose"]["padded"]
    >>> rung.source.name
    'transpose_3_padded.cu'
    >>> rung(np.arange(6, dtype="float32").reshape(2, 3))
    array([[0., 3.],
           [1., 4.],
           [2., 5.]], dtype=float32)
    >>> rung.profile(np.ones((64, 64), "float32")).bank_conflicts
    0
    """

    ladder: str
    name: str
    source: Path
    idea: str

    def __call__(self, *arrays: Any, flavour: str = "plain") -> np.ndarray:
        """Return what the kernel computes, on the simulator.

        Parameters
        ----------
        *arrays : numpy.ndarray, float32
            Two matrices of shapes (m, k) and (k, n); one array of n numbers, n at least 1; or one matrix.
        flavour : {"plain", "check", "profile"}

        Returns
        -------
        numpy.ndarray, float32
            Of shape (m, n), (1,), or (columns, rows).

        Raises
        ------
        ShapeError, DTypeError
            The arrays are not as described.
        BuildError
            There is no g++.
        """
        given = [np.asarray(array) for array in arrays]
        extents, shape = self._extents(given)
        simulator = open_simulator()
        out = simulator.empty(shape)
        getattr(self.program(flavour), f"ncl_{self.ladder}_{self.name}")(
            *extents, *map(simulator.array, given), out
        )
        return out.numpy()

    def program(self, flavour: str = "plain") -> Program:
        """Return the compiled file; it stays compiled."""
        return _compiled(self.source, flavour)

    def check(self, *arrays: Any) -> Report:
        """Run it under the checker and return what that found: nothing."""
        simulator = open_simulator()
        simulator.clear_report()
        self(*arrays, flavour="check")
        return simulator.report()

    def profile(self, *arrays: Any) -> KernelProfile:
        """Run it under the profiler and return what its kernel costs."""
        simulator = open_simulator()
        simulator.clear_profile()
        self(*arrays, flavour="profile")
        return simulator.profile()[f"{self.ladder}_{self.name}"]

    def _extents(self, given: list[np.ndarray]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sizes that the C function takes, and the shape of the result."""
        shapes = [array.shape for array in given]
        for array in given:
            if array.dtype != np.float32:
                raise DTypeError(
                    f"{self.ladder} {self.name}: got {array.dtype}, wanted float32; np.asarray(x, 'float32') helps"
                )
        match self.ladder, shapes:
            case "matmul", [(m, k), (same, n)] if k == same and m and n:
                return (m, n, k), (m, n)
            case "reduce", [(n,)] if n:
                return (n,), (1,)
            case "transpose", [(rows, columns)] if rows and columns:
                return (rows, columns), (columns, rows)
        raise ShapeError(
            f"{self.ladder} {self.name}: got shapes {', '.join(map(str, shapes)) or 'none'}, wanted "
            f"{_SHAPES[self.ladder]}, none of them empty"
        )


@functools.cache
def _compiled(source: Path, flavour: str) -> Program:
    return open_simulator().compile(source, flavour)


@functools.cache
def ladders() -> dict[str, dict[str, CudaRung]]:
    """Return all rungs: of each ladder by name, from the ground up.

    Examples
    --------
    >>> for rung in ladders()["reduce"].values():
    ...     print(f"{rung.name:11}{rung.idea}")
    divided    the sum of n numbers: each block adds up 256 of them in a tree.
    strided    the same tree, but the first threads do the work: whole warps are at work or have nothing to do.
    sequential the tree from its other side: the lower half adds the upper half, place by place.
    shuffled   each thread adds up many numbers first, and the lanes of a warp hand theirs over in registers.
    """
    found: dict[str, dict[str, CudaRung]] = {ladder: {} for ladder in _SHAPES}
    for source in sorted((csrc_dir() / "cuda" / "ladder").glob("*.cu")):
        ladder, _, name = source.stem.split("_")
        with source.open() as lines:
            idea = lines.readline().split(" - ", 1)[1].strip()
        found[ladder][name] = CudaRung(ladder, name, source, idea)
    return found
