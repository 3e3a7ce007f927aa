"""`cuda_check()` and `cuda_profile()`: blocks of Python in which the kernels of cells are watched.

    with ndl.cuda_check() as report:
        reverse[1, 64](a, 64)
    report                        # what is wrong, below the lines it is wrong in
    assert report.races == 0

A cell's kernels are compiled again in the flavour that the block asks for when they are first launched in it, and kept.
"""

import contextlib
from collections.abc import Iterator

from .profile import Profile
from .report import Report
from .simulator import CudaError, Simulator, check_settings, open_simulator

_watches: list["Watch"] = []


class Watch:
    """What the block that runs now wants of a launch: a flavour, and to know about errors."""

    def __init__(self, flavour: str, report: Report | None = None):
        self.flavour, self.report = flavour, report

    @contextlib.contextmanager
    def launching(self, simulator: Simulator) -> Iterator[None]:
        """Around a launch: an error that the checker explains is the report's, and not raised."""
        before = self._count(simulator)
        try:
            yield
        except CudaError as error:
            if self.report is None or self._count(simulator) == before:
                raise
            self.report.errors.append(error)

    def _count(self, simulator: Simulator) -> int:
        return 0 if self.report is None else simulator.findings_count()


def current_watch() -> Watch | None:
    """Return the watch of the innermost block that runs, if one does."""
    return _watches[-1] if _watches else None


@contextlib.contextmanager
def cuda_check(order: str | None = None, seed: int = 0, timeout: float | None = None) -> Iterator[Report]:
    """Run the kernels of cells under the checker within a block; what it finds is in the report.

    An error that the checker has found the reason of, such as an access out of bounds, is not raised in the block: it
    is in ``report.errors``.

    Parameters
    ----------
    order : {"forward", "reverse", "lockstep", "seeded"}, optional
        In which order the threads of a block run.
    seed : int
        Of the order "seeded".
    timeout : float, optional
        Seconds that one launch may take; 0 for no limit.

    Returns
    -------
    context manager of Report
        ``report.races``, ``report.out_of_bounds`` … count; ``report.listing()`` is the source with remarks.

    Raises
    ------
    BuildError
        There is no g++.
    ValueError
        There is no such order, or the time is none.
    RuntimeError
        A `cuda_check` block runs already.

    Examples
    --------
    >>> from needle_edu.backend.cudasim import cuda_cell
    >>> reverse = cuda_cell('''__global__ void reverse(int *a) {
    ...   __shared__ int s[64];
    ...   s[threadIdx.x] = a[threadIdx.x];
    ...   a[threadIdx.x] = s[63 - threadIdx.x];
    ... }''')["reverse"]
    >>> import numpy as np
    >>> a = open_simulator().array(np.arange(64, dtype=np.int32))
    >>> with cuda_check() as report:
    ...     reverse[1, 64](a)
    >>> report.races, report["reverse"].out_of_bounds, report.clean
    (1, 0, False)
    """
    check_settings("cuda_check", order, seed, timeout)
    simulator = open_simulator()
    report = Report(lambda: simulator.report().facts)
    with _watched("check", report), simulator.settings(order, seed, timeout):
        simulator.clear_report()
        try:
            yield report
        finally:
            report.keep()


@contextlib.contextmanager
def cuda_profile() -> Iterator[Profile]:
    """Count what the kernels of cells cost within a block; the profile is filled when the block ends.

    Returns
    -------
    context manager of Profile
        ``profile["transpose"].coalescing``, ``.bank_conflicts``, ``.flops`` …; ``profile.listing()`` is the source with
        the counters of each line. They are modelled.

    Raises
    ------
    BuildError
        There is no g++.
    RuntimeError
        A `cuda_profile` block runs already.

    Examples
    --------
    >>> from needle_edu.backend.cudasim import cuda_cell
    >>> copy = cuda_cell("__global__ void copy(float *a, float *b) { b[threadIdx.x] = a[2 * threadIdx.x]; }")["copy"]
    >>> import numpy as np
    >>> a = open_simulator().array(np.ones(64, dtype=np.float32))
    >>> with cuda_profile() as profile:
    ...     copy[1, 32](a, a)
    >>> profile["copy"].requests, profile["copy"].sectors
    (2, 12)
    """
    simulator = open_simulator()
    profile = Profile({}, 0, {})
    with _watched("profile"):
        simulator.clear_profile()
        try:
            yield profile
        finally:
            profile.keep(simulator.profile())


@contextlib.contextmanager
def _watched(flavour: str, report: Report | None = None) -> Iterator[None]:
    if any(one.flavour == flavour for one in _watches):
        raise RuntimeError(f"cuda_{flavour}: a cuda_{flavour} block runs already; end it first")
    watch = Watch(flavour, report)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)
