"""CUDA without a graphics card: sources rewritten to C++, compiled by g++, run by the simulator in csrc/cudasim.

`rewriter` makes C++ of CUDA, `build` compiles it, `simulator` loads and calls it, `report` says what the checker found,
`profile` what a kernel costs; `cells` gives kernels to Python, `watching` runs them under the checker or the profiler;
`device` is the runtime of `cuda_sim()`. docs/cuda.md explains the rooms.
"""

from .cells import cuda_cell
from .profile import KernelProfile, Profile
from .report import Finding, Report
from .simulator import CudaError, DeviceArray, Program, Simulator, open_simulator
from .source_text import CudaSyntaxError
from .watching import cuda_check, cuda_profile

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
    "cuda_cell",
    "cuda_check",
    "cuda_profile",
    "open_simulator",
]
