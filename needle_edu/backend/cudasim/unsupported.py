"""What of CUDA the simulator cannot run, said before the compiler says it worse."""

import re

from .source_text import CudaSyntaxError, line_of

_UNSUPPORTED = {
    r"\bwmma\s*::": "tensor cores (wmma)",
    r"\b(?:asm|__asm__)\b": "inline assembly (PTX)",
    r"\b(?:texture\s*<|tex[123]D\w*|surf[123]D\w*|cudaTextureObject_t|cudaSurfaceObject_t)\b": "textures and surfaces",
    r"\b(?:this_grid|grid_group|cudaLaunchCooperativeKernel)\b": "grids that wait for one another (grid.sync)",
    r"\b(?:cudaMallocManaged|__managed__)\b": "managed memory",
    r"\b(?:cublas|cudnn|cusparse|cufft|curand)\w*\b": "CUDA's libraries",
    r"\bthrust\s*::": "the Thrust library",
    r"\bcub\s*::": "the CUB library",
    r"\bcudaGraph\w*\b": "CUDA graphs",
    r"\b(?:__half2?|__nv_bfloat16)\b": "16-bit floating-point numbers",
}
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
    found = _ANY.search(masked)
    if found:
        what = list(_UNSUPPORTED.values())[(found.lastindex or 1) - 1]
        construct = " ".join(found[0].split())
        raise CudaSyntaxError(
            f"{name}:{line_of(text, found.start())}: {construct}: the simulator has no {what}"
        )
