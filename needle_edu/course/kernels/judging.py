"""What a test says of a run of an answer in C or CUDA: is it clean, did every flavour give the same, what did it cost?

A test gets what `launching` reports as plain values, `found`, made where the student's code lives, and believes
nothing: what is not there as it should be is an answer that does not pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.backend.cudasim.report import KINDS
from needle_edu.course.compare import Mismatch
from needle_edu.course.kernels.launching import SECONDS

EXACTLY_ALIKE = (
    "check",
    "profile",
)  # the same order of threads as the plain run: the same operations, the same numbers


def clean(found: dict[str, Any]) -> list[np.ndarray]:
    """Return the arrays as the answer left them, if every run came to its end and all of them agree.

    Parameters
    ----------
    found : dict
        What ``answer.launch(…)`` returned.

    Returns
    -------
    list of numpy.ndarray
        All arrays among the arguments, in their order, as they are after the plain run.

    Raises
    ------
    Mismatch
        With the status "found race" (or whatever else the checker has found), the name of CUDA's error, or which runs
        differ.
    """
    for kind, text in found["findings"]:
        raise Mismatch(f"found {kind if kind in KINDS else 'something'}", "nothing", f"{text}"[:600])
    for run in ("check", "plain", "reverse", "profile"):
        if (error := found[run]["error"]) == "cudaErrorLaunchTimeout":
            raise Mismatch("time limit", "an end", f"none in {SECONDS:g} seconds; does a loop never end?")
        if "SIGILL" in error:  # `translation_unit.OWN_ARRAYS`
            raise Mismatch(
                "found out-of-bounds", "nothing", "an index outside of an array of the function's own"
            )
        if error:
            raise Mismatch(f"the {run} run ended early", "0 errors", f"{error}"[:100])
    plain = found["plain"]["arrays"]
    for run in EXACTLY_ALIKE:
        if [one.tobytes() for one in found[run]["arrays"]] != [one.tobytes() for one in plain]:
            raise Mismatch(f"another result in the {run} run")
    for one, other in zip(plain, found["reverse"]["arrays"], strict=True):
        if not np.allclose(one, other, rtol=1e-4, atol=1e-4, equal_nan=True):
            raise Mismatch("another result when the threads run in another order")
    return list(plain)


def cost(found: dict[str, Any], what: str, least: float | None = None, most: float | None = None) -> None:
    """Raise `Mismatch` unless a counter of the profiler is within bounds.

    Parameters
    ----------
    what : str
        ``"requests"``, ``"sectors"``, ``"bytes"``, ``"shared_requests"``, ``"bank_conflicts"``, ``"launches"``,
        ``"threads"`` or ``"coalescing"``.
    least, most : float, optional
        The bounds, which are allowed themselves. What an answer cannot do without is a lower bound: a report with less
        than that is of something else.
    """
    value = found["counters"][what]
    if type(value) not in (int, float) or value != value:
        raise Mismatch(f"wrong type of {what}")
    if least is not None and not value >= least:
        raise Mismatch(f"too few {what}", f"at least {least:.4g}", f"{value:.4g}")
    if most is not None and not value <= most:
        raise Mismatch(f"too many {what}", f"at most {most:.4g}", f"{value:.4g}")
