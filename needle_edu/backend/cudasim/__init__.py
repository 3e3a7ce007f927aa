"""CUDA without a graphics card: sources rewritten to C++, compiled by g++, run by the simulator in csrc/cudasim.

`rewriter` makes C++ of CUDA, `build` compiles it, `simulator` loads and calls it. docs/cuda.md explains the rooms.
"""

from .report import Finding, Report
from .simulator import CudaError, DeviceArray, Program, Simulator, open_simulator
from .source_text import CudaSyntaxError

__all__ = [
    "CudaError",
    "CudaSyntaxError",
    "DeviceArray",
    "Finding",
    "Program",
    "Report",
    "Simulator",
    "open_simulator",
]
