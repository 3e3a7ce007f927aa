"""CUDA without a graphics card: sources rewritten to C++, compiled by g++, run by the simulator in csrc/cudasim.

`rewriter` makes C++ of CUDA, `build` compiles it, `simulator` loads and calls it, `report` says what the checker found,
`profile` what a kernel costs; `device` is the runtime of `cuda_sim()`. docs/cuda.md explains the rooms.
"""

from .profile import KernelProfile, Profile
from .report import Finding, Report
from .simulator import CudaError, DeviceArray, Program, Simulator, open_simulator
from .source_text import CudaSyntaxError

__all__ = [
    "CudaError",
    "CudaSyntaxError",
    "DeviceArray",
    "Finding",
    "KernelProfile",
    "Profile",
    "Program",
    "Report",
    "Simulator",
    "open_simulator",
]
