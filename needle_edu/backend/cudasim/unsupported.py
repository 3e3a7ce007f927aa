"""What of CUDA the simulator cannot run, said before the compiler says it worse."""

import re

from .source_functions import find_functions
from .source_text import CudaSyntaxError, line_of

_UNSUPPORTED = {
    r"\bwmma\s*::": "tensor cores (wmma)",
    r"\b(?:asm|__asm__)\b": "inline assembly (PTX)",
    r"\b(?:texture\s*<|tex[123]D\w*|surf[123]D\w*|cuda(?:TextureObject|SurfaceObject|Array)_t|cudaMallocArray)": (
        "textures and surfaces"
    ),
    r"\b(?:this_grid|grid_group|cudaLaunchCooperativeKernel)\b": "grids that wait for one another (grid.sync)",
    r"\bcudaHost(?:GetDevicePointer|AllocMapped|RegisterMapped)\b": "host memory that kernels reach",
    r"\b(?:cublas|cudnn|cusparse|cufft|curand)\w*\b": "cuBLAS, cuDNN or other libraries of CUDA",
    r"\bthrust\s*(?:::|/)": "Thrust",
    r"\bcub\s*(?:::|/)": "CUB",
    r"\b(?:cutlass|cute)\s*(?:::|/)": "CUTLASS",
    r"\bcuda\s*(?:::|/)\s*std\b": "libcu++ (cuda::std)",
    r"\bcuda(?:Device\w*PeerAccess|Memcpy\w*Peer\w*)\b": "second card",
    r"\bnvtx\w*\b": "markers for NVIDIA's profilers (NVTX); its own profiler needs none",
    r"\bcudaGraph\w*\b": "CUDA graphs",
    r"\b(?:__nv_fp[468]\w*|cuda_fp[468]\w*)\b": (
        "numbers of 8 bits and fewer; of 16 there are cuda_fp16.h and cuda_bf16.h"
    ),
    r"\b(?:(?:labeled|binary)_partition|cluster_group|this_cluster|cooperative_groups/(?!reduce\b)\w+)\b": (
        "groups but the block, its tiles and the active lanes, nor their scans and copies"
    ),
    r"\b__(?:shfl|shfl_up|shfl_down|shfl_xor|any|all|ballot)\s*\(": (
        "warp functions without a mask (call the one with _sync)"
    ),
    r"\b(?:cuda/(?:pipeline|barrier)|cuda::(?:pipeline|barrier|memcpy_async)|__pipeline_\w+)\b": "asynchronous copies",
    r"\bcudaLaunchKernel\w*\b": "launches but kernel<<<grid, block>>>(arguments)",
    r"\bcu(?:Init|CtxCreate|ModuleLoad\w*|LaunchKernel|MemAlloc|MemFree|Memcpy\w*|DeviceGet)\s*\(": (
        "interface to the driver; use functions of the runtime, such as cudaMalloc"
    ),
}
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_ANY = re.compile("|".join(f"({pattern})" for pattern in _UNSUPPORTED))


def refuse_unsupported(text: str, masked: str, name: str) -> None:
    """Raise the error that names the first construct which the simulator lacks, and its line.

    Examples
    --------
    >>> refuse_unsupported('asm("");', "asm(  );", "a.cu")
    Traceback (most recent call last):
        ...
    needle_edu.backend.cudasim.source_text.CudaSyntaxError: a.cu:1: asm: the simulator has no inline assembly (PTX)
    """
    for function in find_functions(_DIRECTIVE.sub(lambda line: re.sub(r"[^\n]", " ", line[0]), masked)):
        at = masked.find("<<<", function.begin, function.end)
        if at >= 0 and function.on_device and "__host__" not in function.head:
            raise CudaSyntaxError(
                f"{name}:{line_of(text, at)}: {function.name} launches a kernel: the simulator has no kernels that are "
                "launched by kernels (dynamic parallelism)"
            )
    found = _ANY.search(masked)
    if found:
        what = list(_UNSUPPORTED.values())[(found.lastindex or 1) - 1]
        construct = " ".join(found[0].split()).rstrip(" :<(/")
        raise CudaSyntaxError(
            f"{name}:{line_of(text, found.start())}: {construct}: the simulator has no {what}"
        )
