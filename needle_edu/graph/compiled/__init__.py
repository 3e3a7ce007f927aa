"""Compiled programs: a program as one C function that calls the library's kernels, without Python in between."""

from .executable import Executable, build
from .function import Compiled, compile
from .fusion import Fused, fuse
from .lowering import LoweringError, lower
from .memory_plan import MemoryPlan, plan_memory
from .stages import CALL_PASSES, PARTS, staged

__all__ = [
    "CALL_PASSES",
    "PARTS",
    "Compiled",
    "Executable",
    "Fused",
    "LoweringError",
    "MemoryPlan",
    "build",
    "compile",
    "fuse",
    "lower",
    "plan_memory",
    "staged",
]
