"""CUDA's compiler: where it is, what it can compile for, and our kernels compiled with it."""

import functools
import os
import re
import shutil
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..build import cache, pruning
from ..build.builder import shared_library
from ..paths import csrc_dir

HOW_TO_GET_NVCC = (
    'pip install "needle_edu[cuda]", or install the CUDA toolkit and put nvcc on PATH '
    "(or name its folder in CUDA_HOME)"
)
OLDEST = (11, 0)  # C++17


class Compiler(NamedTuple):
    """nvcc."""

    command: str
    version: tuple[int, int]
    newest_card: int = 10**6
    """The highest compute capability it compiles for; above all where it has not said."""

    @property
    def oldest_card(self) -> int:
        """The lowest compute capability that it and our kernels can do with (6.0 adds doubles atomically)."""
        return 75 if self.version >= (13, 0) else 60


def candidates() -> list[Path]:
    """Return where nvcc may be, the first choice first: CUDA_HOME, PATH, the packages of the extra ``cuda``."""
    places = [Path(os.environ["CUDA_HOME"]) / "bin" / "nvcc"] if os.environ.get("CUDA_HOME") else []
    on_path = shutil.which("nvcc")
    places += [Path(on_path)] if on_path else []
    packages = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    return [*places, *sorted(packages.glob("cu*/bin/nvcc")), packages / "cuda_nvcc" / "bin" / "nvcc"]


@functools.cache
def find_nvcc() -> Compiler | None:
    """Return the compiler, or None if there is none; looked for once."""
    for place in candidates():
        if place.is_file():
            return compiler_at(str(place))
    return None


def compiler_at(command: str) -> Compiler:
    """Return what an nvcc says of itself: release 13.0 is (13, 0); (0, 0) if it does not run."""
    release = re.search(r"release (\d+)\.(\d+)", _said(command, "--version"))
    if not release:
        return Compiler(command, (0, 0))
    cards = [int(one) for one in re.findall(r"compute_(\d+)\b", _said(command, "--list-gpu-arch"))]
    newest = {"newest_card": max(cards)} if cards else {}
    return Compiler(command, (int(release[1]), int(release[2])), **newest)


def _said(command: str, option: str) -> str:
    try:
        import subprocess

        return subprocess.run([command, option], capture_output=True, text=True, timeout=60).stdout
    except (ImportError, OSError, subprocess.SubprocessError):
        return ""


def kernel_library(
    compiler: Compiler, capability: int, optimise: Sequence[str] = ("-O3",), folder: Path | None = None
) -> Path:
    """Return the path of csrc/cuda, compiled for cards of a compute capability unless the cache has it.

    Parameters
    ----------
    compiler : Compiler
    capability : int
        75 for 7.5.
    optimise : sequence of str
        nvcc's options for that.
    folder : Path, optional
        Where to put the library; default the user's cache.

    Raises
    ------
    BuildError
        nvcc failed; carries its message.
    """
    return shared_library(
        "libneedle_cuda",
        sorted((csrc_dir() / "cuda").glob("*.cu")),
        include=(csrc_dir() / "include",),
        flags=_flags(capability, optimise),
        link=_link(compiler),
        compiler=[compiler.command],
        folder=folder,
        announce="needle_edu: compiling the CUDA kernels for your card, once; this takes a minute or two ...",
        room=64 << 20,
    )


def program_library(compiler: Compiler, capability: int, text: str, kernels: Path) -> Path:
    """Return the path of a library made of a program's text, which calls the kernels of another library.

    Raises
    ------
    BuildError
        nvcc failed; carries its message.
    """
    library = shared_library(
        "program",
        [cache.kept_text(text, "program", ".cu")],
        include=(csrc_dir() / "cuda", csrc_dir() / "include"),
        flags=(*_flags(capability, ("-O3",)), "-fmad=false"),  # a b + c is rounded twice, as in two kernels
        link=(*_link(compiler), str(kernels)),
        compiler=[compiler.command],
    )
    return pruning.program_used(library)


def _flags(capability: int, optimise: Sequence[str]) -> tuple[str, ...]:
    return (
        "-std=c++17",
        *optimise,
        "--extended-lambda",
        f"-gencode=arch=compute_{capability},code=sm_{capability}",
        "--forward-unknown-to-host-compiler",
        "-fPIC",
        "-fvisibility=hidden",
        "-fno-strict-aliasing",
    )


def _link(compiler: Compiler) -> tuple[str, ...]:
    lib = Path(compiler.command).resolve().parent.parent / "lib"
    return ("-cudart=static", *([f"-L{lib}"] if lib.is_dir() else []))
