"""The profiler: where a run spends its time, and what it does in that time.

Each operation, forward and backward, and each kernel call of a compiled program, with its time, its floating-point
operations and its bytes, the module and the line it comes from. Shown as a table and as a timeline (Chrome trace file);
`needle_edu.viz.roofline` draws it below the roofs of a machine.
"""

from .compiled import KernelProfile
from .eager import Profile
from .machine import Machine, measure_machine
from .profiling import profile
from .report import Report
from .spans import Row, Span

__all__ = ["KernelProfile", "Machine", "Profile", "Report", "Row", "Span", "measure_machine", "profile"]


def __dir__() -> list[str]:
    return sorted(__all__)
