"""`viz.kernel`: what a kernel on the CUDA simulator does with memory, as pictures."""

from __future__ import annotations

from typing import Any


def kernel(report: Any):
    """Show what the simulator knows of kernels: which thread touches which address, what that costs, which lanes part.

    Parameters
    ----------
    report : Profile, KernelProfile or Report
        ``simulator.profile()`` or one kernel of it: for each line the sectors and turns of a request; of the first warp
        each request, as the sectors of global memory or the banks of shared memory that its lanes touch; and the lanes
        that go together. ``simulator.report()``: what the checker found, with the threads and lines that are in it.

    Returns
    -------
    KernelView or FindingsView

    Raises
    ------
    TypeError
        Something else.
    NeedleError
        No kernel was profiled.

    Examples
    --------
    >>> from needle_edu.backend.cudasim import Report
    >>> from needle_edu.backend.cudasim.report import Facts
    >>> kernel(Report(lambda: Facts((), 0, {"add": 1}, {})))
    <FindingsView: the checker found nothing wrong>
    """
    from needle_edu.backend import NeedleError
    from needle_edu.backend.cudasim import KernelProfile, Profile, Report
    from needle_edu.viz.kernels.view import FindingsView, KernelView

    if isinstance(report, Report):
        return FindingsView(report)
    if isinstance(report, KernelProfile):
        return KernelView([report])
    if not isinstance(report, Profile):
        raise TypeError(
            "viz.kernel: wanted simulator.profile(), a kernel of it, or simulator.report(), got "
            f"{type(report).__name__}"
        )
    if not report:
        raise NeedleError(
            'viz.kernel: no kernel was profiled; compile with simulator.compile(source, "profile") and run it'
        )
    return KernelView(list(report.values()))
