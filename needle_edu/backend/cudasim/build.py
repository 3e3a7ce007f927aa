"""How the simulator's runtime, and the libraries of kernels that stand on it, are compiled.

There is one runtime in a process, ``libcudasim-….so``: it has the device's memory. Each library of kernels, of our own
or of a student's cell, is linked against it by its full path, so that all of them find the same one.
"""

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from ..build.builder import Source, shared_library
from ..errors import BuildError
from ..paths import csrc_dir
from .flavours import Flavour
from .rewritten import rewritten

_RUNTIME_FLAGS = (
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-fvisibility=hidden",
    "-pthread",
    "-fno-gnu-unique",
    "-ftls-model=initial-exec",
)
_UNHOOKED = ("-fno-sanitize=thread", "-fno-sanitize-coverage=trace-pc", "-O2")
HOW_TO_GET_GXX = "Debian, Ubuntu: sudo apt install g++ binutils"


def find_gxx() -> list[str]:
    """Return the command of the C++ compiler: $CXX, else g++.

    Raises
    ------
    BuildError
        There is none; says how to get it. Or this is no Linux, whose signals, timers and linker the simulator needs.
    """
    if not sys.platform.startswith("linux"):
        raise BuildError(
            f"the CUDA simulator runs on Linux, and this is {sys.platform}; a container with Linux, or WSL, has it"
        )
    command = shlex.split(os.environ.get("CXX", "")) or ["g++"]
    if not shutil.which(command[0]):
        chosen = " (from $CXX)" if os.environ.get("CXX") else ""
        raise BuildError(
            f"the CUDA simulator compiles kernels with g++, and {command[0]}{chosen} was not found. {HOW_TO_GET_GXX}"
        )
    return command


def include_dir() -> Path:
    """Return the folder with cuda_runtime.h as the simulator has it."""
    return csrc_dir() / "cudasim" / "include"


def runtime_library(extra_flags: Sequence[str] = (), *, folder: Path | None = None) -> Path:
    """Return the path of the runtime, compiled unless the cache has it (some seconds)."""
    return shared_library(
        "libcudasim",
        [
            path
            for room in ("runtime", "check", "profile")
            for path in sorted((csrc_dir() / "cudasim" / room).glob("*.cpp"))
        ],
        include=(include_dir(),),
        flags=(*_RUNTIME_FLAGS, *extra_flags),
        # its threads wait for work to the end of the program: the library must not be unloaded under them
        link=("-Wl,-z,defs", "-Wl,-z,nodelete", "-ldl"),
        compiler=find_gxx(),
        folder=folder,
        announce="needle_edu: compiling the CUDA simulator, once; this takes some seconds ...",
    )


def kernel_library(
    sources: Sequence[Path],
    flavour: Flavour,
    runtime: Path,
    text: str | None = None,
    *,
    name: str = "",
    include: Sequence[Path] = (),
    flags: Sequence[str] = (),
    link: Sequence[str] = (),
    announce: str = "",
    of_python: bool = False,
) -> Path:
    """Return the path of a shared library made from ``.cu`` files for the simulator.

    Parameters
    ----------
    sources : sequence of Path
        The files; what they include in quotes from beside them is rewritten, too.
    flavour : Flavour
    runtime : Path
        What `runtime_library` returned.
    text : str, optional
        Compile this text, as if it were what the only file says: a notebook's cell is no file.
    name : str
        Of the library; default that of the first file.
    include : sequence of Path
        Folders of C headers, which need no rewriting.
    flags, link : sequence of str
        More of them, for every run of the compiler, and for the last one.
    announce : str
        Printed on stderr if there is something to compile.
    of_python : bool
        It is an extension module, whose functions of Python are found when Python loads it.

    Raises
    ------
    BuildError
        The source is no CUDA, or g++ refused it; messages point at the source's own lines.
    """
    folder = rewritten(sources, text, flavour.name)
    inside = csrc_dir() / "cudasim" / "inside"
    return shared_library(
        name or sources[0].stem,
        [
            *(folder / f"{source.name}.cpp" for source in sources),
            *(Source(inside / part, _UNHOOKED) for part in flavour.inside),
        ],
        include=(include_dir(), *include),
        flags=(*flavour.flags, *flags, f"-DCUDASIM_FLAVOUR={flavour.number}", f"-iquote{sources[0].parent}"),
        link=(
            str(runtime),
            f"-Wl,-rpath,{runtime.parent}",
            *(() if of_python else ("-Wl,-z,defs",)),
            "-Wl,-Bsymbolic",
            "-Wl,-z,nodelete",  # findings and counters name places in it, and the runtime remembers where it lies
            "-ldl",
            *flavour.link,
            *link,
        ),
        compiler=find_gxx(),
        announce=announce,
    )
