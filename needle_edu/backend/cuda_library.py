"""A library of CUDA kernels as the runtime of a device: what a card and its simulator share.

NumPy does not see the device's memory: elements come and go by `cudaMemcpy`. Kernels are launched, and the host goes
on; what one of them meets while it runs is raised by the next call that waits: a copy to the host, or `synchronize`.
If the library blocks (NEEDLE_EDU_CUDA_BLOCKING=1, and always on the simulator), it is raised by the call itself.
"""

import functools
from collections import deque
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from .c_library import CLibrary
from .errors import EINDEX, CudaError, DeviceError, IndexOutOfRange
from .storage import Storage

HEADERS = ("needle_kernels.h", "needle_cuda.h")


class CudaLibrary(CLibrary):
    """csrc/cuda, compiled and loaded.

    Parameters
    ----------
    ffi, lib
        cffi's objects, with the declarations of `HEADERS`.
    name : str
        Of the device, for messages.
    blocking : bool
        Wait for every kernel.
    """

    program_language = "CUDA"

    def __init__(self, ffi: Any, lib: Any, name: str, blocking: bool):
        self.name, self.blocking = name, blocking
        self._called: deque[str] = deque(maxlen=12)  # kernels, since somebody waited for them
        super().__init__(ffi, lib)
        lib.ndc_set_blocking(int(blocking))

    def table(self, names: Sequence[str]) -> Any:
        """Return the kernels, each watched for what CUDA reports; those that are not written yet say so."""
        table = SimpleNamespace()
        for name in names:
            kernel = getattr(self.lib, f"nd_{name}", None)
            if kernel is None:
                setattr(table, name, _absent(self.name, name))
            else:
                setattr(table, name, functools.partial(self._watched, name, kernel))
        return table

    def _watched(self, name: str, kernel: Callable[..., int], *arguments: Any) -> int:
        code = kernel(*arguments)
        if code < 0:
            self.raise_cuda(-code, f"the kernel {name!r} could not be launched")
        self._called.append(name)
        return code

    def raise_cuda(self, code: int, what: str) -> None:
        """Raise the `CudaError` of a number; `what` says where it was met."""
        name = self.ffi.string(self.lib.ndc_error_name(code)).decode()
        text = self.ffi.string(self.lib.nd_error_text(-code)).decode()
        raise CudaError(code, name, f"{what}: {text}")

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
        self.waited(function(to, source, nbytes), nbytes)

    def synchronize(self) -> None:
        """Wait until every kernel called so far has done its work, and raise what it met."""
        self.waited(self.lib.ndc_synchronize())

    def busy(self) -> bool:
        """Return whether the card has work to do yet; nobody waits for it."""
        code = self.lib.ndc_busy()
        if code < 0:
            self.waited(code)
        return bool(code)

    def bus(self) -> str:
        """Return where the card sits in its machine, such as "0000:17:00.0"; empty for a simulated one."""
        return ""

    def waited(self, code: int, nbytes: int | None = None) -> None:
        """Raise what the kernels called before, or the copy itself, have met: `code` is what waiting returned."""
        if not code:
            self._called.clear()
            return
        called, one = ", ".join(dict.fromkeys(self._called)), "NEEDLE_EDU_CUDA_BLOCKING=1 says which"
        self._called.clear()
        if code == EINDEX:
            suspects = self.ffi.string(self.lib.ndc_suspects()).decode()
            raise IndexOutOfRange(
                f"the index {self.error_detail()} is out of range, in one of the calls of {suspects} "
                f"since results were last waited for; {one}"
            )
        where = f"a copy of {nbytes} bytes" if nbytes is not None else "synchronize"
        self.raise_cuda(-code, f"{where}, or one of the kernels before it ({called or 'none'}; {one})")


def _absent(device: str, name: str) -> Callable[..., int]:
    def kernel(*_: Any) -> int:
        raise DeviceError(f"{device}() has no kernel {name!r} yet; compute this on cpu(): x.to(cpu())")

    return kernel
