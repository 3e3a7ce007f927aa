"""The runtime of `cuda_sim()`: csrc/cuda, our kernels in CUDA, compiled for the simulator.

NumPy does not see the device's memory, though here it could: elements come and go by `cudaMemcpy`, as on a card. What
kernels print appears, and errors that CUDA reports are raised, when the call that met them returns.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..build import declarations, pruning
from ..cuda_library import HEADERS, CudaLibrary
from ..paths import csrc_dir
from .build import kernel_library
from .flavours import FLAVOURS
from .simulator import Simulator, open_simulator


class CudaSimRuntime(CudaLibrary):
    """Our CUDA kernels on the simulator.

    Parameters
    ----------
    flavour : str
        One of `FLAVOURS`.
    folder : Path, optional
        Where the ``.cu`` files are, if not in csrc/cuda.
    name : str
        Of the device, for messages.
    """

    def __init__(self, flavour: str = "plain", folder: Path | None = None, name: str = "cuda_sim"):
        from cffi import FFI

        self.simulator: Simulator = open_simulator()
        include = csrc_dir() / "include"
        sources = sorted((folder or csrc_dir() / "cuda").glob("*.cu"))
        self.library_path = library = kernel_library(
            sources,
            FLAVOURS[flavour],
            self.simulator.runtime,
            name="libneedle_cuda_sim",
            include=(include,),
            announce="needle_edu: compiling the CUDA kernels for the simulator, once; this takes about a minute ...",
        )
        ffi = FFI()
        for header in HEADERS:
            ffi.cdef(declarations.for_cffi((include / header).read_text()))
        super().__init__(
            ffi, ffi.dlopen(str(library)), name, blocking=True
        )  # a launch has run when it returns

    def program_library(self, text: str) -> Path:
        """Return a library made of a program's text, which calls our kernels."""
        library = kernel_library(
            [csrc_dir() / "cuda" / "program.cu"],
            FLAVOURS["plain"],
            self.simulator.runtime,
            text,
            include=(csrc_dir() / "include",),
            link=(str(self.library_path),),
        )
        return pruning.program_used(library)

    def _watched(self, name: str, kernel: Callable[..., int], *arguments: Any) -> int:
        code = kernel(*arguments)
        if text := self.simulator.take_output():
            print(text, end="")
        if code < 0:
            self.raise_cuda(-code, name)
        self._called.append(name)
        return code

    def raise_cuda(self, code: int, what: str) -> None:
        """Raise the `CudaError` of a number, with what the simulator knows about it."""
        self.simulator.raise_last_error(code)


def open_runtime(name: str = "cuda_sim") -> CudaSimRuntime:
    """Return the runtime of `cuda_sim()`, or of `cuda()` on the simulator; it is compiled unless the cache has it.

    Raises
    ------
    BuildError
        There is no g++, or it failed.
    """
    return CudaSimRuntime(name=name)
