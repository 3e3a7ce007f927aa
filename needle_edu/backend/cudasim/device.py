"""The runtime of `cuda_sim()`: csrc/cuda, our kernels in CUDA, compiled for the simulator.

NumPy does not see the device's memory, though here it could: elements come and go by `cudaMemcpy`, as on a card. What
kernels print appears, and errors that CUDA reports are raised, when the call that met them returns.
"""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..build import declarations
from ..c_library import CLibrary
from ..errors import DeviceError
from ..paths import csrc_dir
from ..storage import Storage
from .build import kernel_library
from .flavours import FLAVOURS
from .simulator import Simulator, open_simulator


class CudaSimRuntime(CLibrary):
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

        self.name = name

        self.simulator: Simulator = open_simulator()
        include = csrc_dir() / "include"
        sources = sorted((folder or csrc_dir() / "cuda").glob("*.cu"))
        library = kernel_library(
            sources,
            FLAVOURS[flavour],
            self.simulator.runtime,
            name="libneedle_cuda_sim",
            include=(include,),
            announce="needle_edu: compiling the CUDA kernels for the simulator, once; this takes about a minute ...",
        )
        ffi = FFI()
        for name in ("needle_kernels.h", "needle_cuda.h"):
            ffi.cdef(declarations.for_cffi((include / name).read_text()))
        super().__init__(ffi, ffi.dlopen(str(library)))

    def table(self, names: Sequence[str]) -> Any:
        """Return the kernels, each watched for what CUDA reports; those that are not written yet say so."""
        table = SimpleNamespace()
        for name in names:
            kernel = getattr(self.lib, f"nd_{name}", None)
            setattr(
                table,
                name,
                _absent(self.name, name) if kernel is None else functools.partial(self._watched, kernel),
            )
        return table

    def _watched(self, kernel: Callable[..., int], *arguments: Any) -> int:
        code = kernel(*arguments)
        if text := self.simulator.take_output():
            print(text, end="")
        if code < 0:
            self.simulator.raise_last_error(-code)
        return code

    def copy_from_host(self, storage: Storage, source: np.ndarray, offset: int = 0) -> None:
        """Copy all of `source` into the storage, from its element `offset` on."""
        self._move(self.lib.ndc_from_host, self._at(storage, offset, source), source, source.nbytes)

    def copy_to_host(self, storage: Storage, target: np.ndarray, offset: int = 0) -> None:
        """Fill `target` with elements of the storage, from its element `offset` on."""
        self._move(self.lib.ndc_to_host, target, self._at(storage, offset, target), target.nbytes)

    def _at(self, storage: Storage, offset: int, array: np.ndarray) -> Any:
        return self.ffi.cast("char *", storage.ptr) + offset * array.itemsize

    def _move(self, function: Callable[..., int], to: Any, source: Any, nbytes: int) -> None:
        to, source = (
            self.ffi.cast("void *", one.ctypes.data) if isinstance(one, np.ndarray) else one
            for one in (to, source)
        )
        self.simulator.raise_for(-function(to, source, nbytes))

    def synchronize(self) -> None:
        """Wait until every kernel called so far has done its work, and raise what it met."""
        self.simulator.raise_for(-self.lib.ndc_synchronize())


def _absent(device: str, name: str) -> Callable[..., int]:
    def kernel(*_: Any) -> int:
        raise DeviceError(f"{device}() has no kernel {name!r} yet; compute this on cpu(): x.to(cpu())")

    return kernel


def open_runtime(name: str = "cuda_sim") -> CudaSimRuntime:
    """Return the runtime of `cuda_sim()`, or of `cuda()` on the simulator; it is compiled unless the cache has it.

    Raises
    ------
    BuildError
        There is no g++, or it failed.
    """
    return CudaSimRuntime(name=name)
