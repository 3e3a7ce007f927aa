"""CUDA without a graphics card: sources rewritten to C++, compiled by g++, run by the simulator in csrc/cudasim.

`rewriter` makes C++ of CUDA, `build` compiles it, `simulator` loads and calls it, `report` says what the checker found,
`profile` what a kernel costs; `cells` gives kernels to Python, `watching` runs them under the checker or the profiler;
`adapters` puts them into the backend in place of ours; `nvcc_lint` knows what nvcc refuses; `device` is the runtime
of `cuda_sim()`. docs/cuda.md explains the rooms.
"""

from .adapters import use_kernels
from .cells import cuda_cell
from .nvcc_lint import Remark, lint
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
    "Remark",
    "Report",
    "Simulator",
    "cuda_cell",
    "cuda_check",
    "cuda_profile",
    "lint",
    "open_simulator",
    "use_kernels",
]
