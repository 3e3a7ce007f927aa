"""The runtime of `cuda()`: csrc/cuda, compiled by nvcc for the card that is there."""

import os
import sys
from pathlib import Path

from ..build import declarations
from ..cuda_library import HEADERS, CudaLibrary
from ..errors import BuildError, DeviceError
from ..paths import csrc_dir
from .cards import Driver, driver
from .nvcc import HOW_TO_GET_NVCC, OLDEST, Compiler, find_nvcc, kernel_library, program_library

_KEEP = 1 << 60  # bytes: all blocks that are given back are kept, until memory runs out or `trim`
_chosen = 0  # the number of the card


class CudaRuntime(CudaLibrary):
    """Our CUDA kernels on a card.

    Parameters
    ----------
    library : Path
        What `kernel_library` returned.
    number : int
        Which card.
    """

    def __init__(self, library: Path, number: int = 0):
        from cffi import FFI

        ffi = FFI()
        for header in HEADERS:
            ffi.cdef(declarations.for_cffi((csrc_dir() / "include" / header).read_text()))
        self.library_path = library
        blocking = os.environ.get("NEEDLE_EDU_CUDA_BLOCKING", "0") not in ("", "0")
        super().__init__(ffi, ffi.dlopen(str(library)), "cuda", blocking)
        if code := self.lib.ndc_set_device(number):
            self.raise_cuda(-code, f"cuda() cannot use card {number}")
        self._number = number
        self.lib.nd_pool_set_limit(_KEEP)

    def bus(self) -> str:
        """Return where the card sits in its machine."""
        return driver().cards[self._number].bus

    def program_library(self, text: str) -> Path:
        """Return a library made of a program's text, which calls our kernels."""
        compiler = find_nvcc()
        if compiler is None:
            raise BuildError(f"no nvcc was found; {HOW_TO_GET_NVCC}")
        return program_library(compiler, capability(), text, self.library_path)


def why_not(found: Driver, compiler: Compiler | None, number: int = 0, platform: str = sys.platform) -> str:
    """Return one sentence that says why kernels cannot run on a card, and what to do; empty if they can.

    Examples
    --------
    >>> why_not(Driver(0, ()), None, platform="linux")
    'cuda() is not available: there is no NVIDIA driver here; use cpu(), or cuda_sim(), which needs no card'
    """
    instead = "use cpu(), or cuda_sim(), which needs no card"
    if not platform.startswith("linux"):
        return f"cuda() is not available: it runs on Linux, and this is {platform}; use cpu()"
    if not found.version:
        return f"cuda() is not available: there is no NVIDIA driver here; {instead}"
    if not found.cards:
        return f"cuda() is not available: NVIDIA's driver finds no card (nvidia-smi shows what it sees); {instead}"
    if number >= len(found.cards):
        return f"cuda() is not available: there is no card {number}, only {len(found.cards)}; {instead}"
    if compiler is None:
        return f"cuda() is not available: nvcc, which compiles its kernels, was not found; {HOW_TO_GET_NVCC}"
    if compiler.version == (0, 0):
        return (
            f"cuda() is not available: {compiler.command} does not run, or says no release; {HOW_TO_GET_NVCC}"
        )
    release = "{}.{}".format(*compiler.version)
    if compiler.version < OLDEST:
        return (
            f"cuda() is not available: {compiler.command} is release {release}, and 11.0 or later is needed; "
            f"{HOW_TO_GET_NVCC}"
        )
    card = found.cards[number]
    has, needs, newest = (
        f"{one // 10}.{one % 10}" for one in (card.capability, compiler.oldest_card, compiler.newest_card)
    )
    if card.capability < compiler.oldest_card:
        return (
            f"cuda() is not available: {card.name} has compute capability {has}, and nvcc {release} compiles our "
            f"kernels for {needs} and later; {instead}"
        )
    if card.capability > compiler.newest_card:
        return (
            f"cuda() is not available: {card.name} has compute capability {has}, and nvcc {release} compiles for "
            f"{newest} and earlier; get a newer nvcc: {HOW_TO_GET_NVCC}"
        )
    if found.version // 1000 < compiler.version[0]:
        supported = f"{found.version // 1000}.{found.version % 1000 // 10}"
        return (
            f"cuda() is not available: the driver runs programs of CUDA {supported}, and nvcc is release {release}; "
            "update the driver, or use an older nvcc (CUDA_HOME)"
        )
    return ""


def why_not_here() -> str:
    """Return the same for this machine."""
    return why_not(driver(), find_nvcc(), _chosen)


def capability() -> int:
    """Return the compute capability, 75 for 7.5, of the card that `cuda()` computes on."""
    return driver().cards[_chosen].capability


def open_runtime() -> CudaRuntime:
    """Return the runtime of `cuda()`; its kernels are compiled unless the cache has them.

    Raises
    ------
    DeviceError
        There is no card, or no compiler for it.
    BuildError
        nvcc failed.
    """
    compiler = find_nvcc()
    if (reason := why_not(driver(), compiler, _chosen)) or compiler is None:
        raise DeviceError(reason)
    return CudaRuntime(kernel_library(compiler, capability()), _chosen)


def device_count() -> int:
    """Return how many cards there are; 0 without NVIDIA's driver.

    Examples
    --------
    >>> device_count() >= 0
    True
    """
    return len(driver().cards)


def chosen() -> int:
    """Return the number of the card that `cuda()` computes on, or will.

    Examples
    --------
    >>> chosen()
    0
    """
    return _chosen


def choose(number: int, opened: bool) -> None:
    """Make card `number` the one that `cuda()` opens; `opened` says that it has opened one already."""
    global _chosen
    count = max(device_count(), 1)  # the first may be chosen before anybody has looked for it
    if type(number) is not int or not 0 <= number < count:
        raise DeviceError(f"set_device: wanted the number of a card, below {count}, got {number!r}")
    if opened and number != _chosen:
        raise DeviceError(
            f"set_device: cuda() computes on card {_chosen} already; choose the card before the first array"
        )
    _chosen = number
