"""A cell of CUDA on a card: compiled by nvcc, called like its twin on the simulator (`cudasim.simulator.Program`)."""

import os
from pathlib import Path
from typing import Any

from ..build import cache
from ..build.builder import shared_library
from ..errors import BuildError, CudaError
from . import device
from .nvcc import find_nvcc

# Behind every cell: compute on the card that was chosen; wait until all is done, and say what went wrong first.
_FINISH = """
#include <cstdio>
extern "C" int needle_use(int card) { return int(cudaSetDevice(card)); }
extern "C" int needle_finish(const char **name, const char **text) {
  cudaError_t error = cudaGetLastError(), later = cudaDeviceSynchronize();
  if (error == cudaSuccess) error = later;
  fflush(stdout);  // what kernels have printed
  *name = cudaGetErrorName(error);
  *text = cudaGetErrorString(error);
  return int(error);
}
"""


def is_there() -> bool:
    """Return whether cells can run on a card here: there is one, with nvcc for it, and nobody wants the simulator."""
    return os.environ.get("NEEDLE_EDU_CUDA") != "sim" and not device.why_not_here()


class CardProgram:
    """A CUDA source compiled for the card.

    Parameters
    ----------
    text : str
        CUDA C++17.
    behind : str
        More of it, such as `signatures.launchers` writes.
    name : str
        What messages call the text.
    functions : dict of str
        Declarations of its ``extern "C"`` functions, by name.
    capability : int, optional
        Of the card, 75 for 7.5; default the card that is there.

    Raises
    ------
    BuildError
        There is no nvcc, or it refused the source.
    """

    def __init__(
        self, text: str, behind: str, name: str, functions: dict[str, str], capability: int | None = None
    ):
        from cffi import FFI

        self.functions, self._launchers = functions, set[str]()
        self.ffi = FFI()
        for declaration in functions.values():
            self.ffi.cdef(declaration)
        self.ffi.cdef("int needle_use(int); int needle_finish(const char **, const char **);")
        self.lib = self.ffi.dlopen(str(_compiled(text + behind + _FINISH, name, capability)))

    def launch(self, launcher: str, config: list[int], arguments: list[Any]) -> None:
        """Launch a kernel and wait; as `Program.launch`."""
        __tracebackhide__ = True
        if launcher not in self._launchers:
            self.ffi.cdef(f"void {launcher}(const unsigned *, void **);")
            self._launchers.add(launcher)
        values = self.ffi.new("void *[]", [self.ffi.cast("void *", one) for one in arguments] or 1)
        self.use_card(launcher.partition("launch_")[2])
        getattr(self.lib, launcher)(self.ffi.new("unsigned[7]", config), values)
        self.finish(launcher.partition("launch_")[2])

    def call(self, name: str, addresses: list[Any]) -> Any:
        """Call a host function with numbers and addresses, and wait."""
        function = getattr(self.lib, name)
        wanted = self.ffi.typeof(function).args
        if len(wanted) != len(addresses):
            raise TypeError(
                f"{name}: {self.functions[name]} takes {len(wanted)} arguments, got {len(addresses)}"
            )
        lowered = [
            self.ffi.cast(kind, one) if kind.kind == "pointer" else one
            for kind, one in zip(wanted, addresses, strict=True)
        ]
        self.use_card(name)
        result = function(*lowered)
        self.finish(name)
        return result

    def use_card(self, who: str) -> None:
        """Make the card that `set_device` chose this thread's, also where no array has opened `cuda()` yet."""
        if self.lib.needle_use(device.chosen()):
            self.finish(who)

    def finish(self, who: str) -> None:
        """Wait until the card has done everything, and raise what went wrong."""
        name, text = self.ffi.new("const char **"), self.ffi.new("const char **")
        if code := self.lib.needle_finish(name, text):
            said = (self.ffi.string(one[0]).decode(errors="replace") for one in (name, text))
            raise CudaError(code, next(said), f"{who}: {next(said)}")


def _compiled(text: str, name: str, capability: int | None) -> Path:
    compiler = find_nvcc()
    if compiler is None:
        raise BuildError(f"{name}: nvcc, which compiles for a card, was not found")
    capability = device.capability() if capability is None else capability
    folder = cache.default_folder() / "cuda" / cache.key_of(["nvcc", name, text])
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / name
    source.write_text(f'#line 1 "{name}"\n{text}', encoding="utf-8")
    lib = Path(compiler.command).resolve().parent.parent / "lib"
    return shared_library(
        source.stem,
        [source],
        flags=(
            "-std=c++17",
            "-O3",
            "--extended-lambda",
            f"-gencode=arch=compute_{capability},code=sm_{capability}",
            "--forward-unknown-to-host-compiler",
            "-fPIC",
        ),
        link=("-cudart=static", *([f"-L{lib}"] if lib.is_dir() else [])),
        compiler=[compiler.command],
    )
