"""How libneedle_cpu is made from csrc/, and the cffi modules through which Python calls it.

Three files come out, all in one folder of the cache (or, from `pip install`, in the package):

- ``libneedle_cpu-….so``: the kernels. Files in csrc/cpu/isa/ are compiled once per instruction set, with the
  flags below and the set's name in ``ND_ISA``; csrc/cpu/instruction_sets.c chooses among them at load time.
- ``_needle_cpu-….so``: an extension module made by cffi, the fast way to call the library (150 ns). It needs
  Python.h. In the same file is the module `_needle_accelerator` (csrc/python, ../accelerator.py).
- ``_needle_cpu_dlopen-….py``: the same declarations for the slower way (290 ns) that needs only the library.
"""

import contextlib
import io
import platform
import re
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import BuildError
from ..paths import csrc_dir
from . import declarations
from .builder import FLAGS, Source, shared_library
from .cache import cached, key_of

_AVX2 = ("-mavx2", "-mfma")
_AVX512 = ("-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", *_AVX2, "-mprefer-vector-width=512")
ISAS: dict[str, dict[str, tuple[str, ...]]] = {
    "X86": {"base": (), "avx2": _AVX2, "avx512": _AVX512},
    "ARM64": {"base": (), "neon": ()},
    "OTHER": {"base": ()},
}
"""For each processor family, its instruction sets, weakest first, and the flags that allow them."""

_ROOM = 24 << 20  # bytes: objects, library and what the compiler puts down in between

_OWN_FLAGS = re.compile(rb"/\* build: ([^*]+?) \*/")
_EXPORT = '-DND_API=__attribute__((visibility("default")))'

_KEEP_THE_LOCK_FOR_SMALL_WORK = """
/* cffi lets other Python threads run during every call, by two macros of Python's. Giving the lock away and
 * taking it back costs 40 ns, and while another thread is busy (a data loader) it comes back 5 ms late. So
 * only calls with enough work do so. In cffi's wrapper the arguments are called x0, x1, ...: a plan, which
 * knows the number of its points, or an element type and a number of elements. */
#define ND_SMALL_WORK 16384
#undef Py_BEGIN_ALLOW_THREADS
#undef Py_END_ALLOW_THREADS
static const int x0 = 0, x1 = 0;  /* seen by wrappers that have no such argument */
#define ND_WORK _Generic((x0), const nd_plan *: ((const nd_plan *)(intptr_t)x0)->size, \\
                               int: (int64_t)(intptr_t)x1, default: INT64_MAX)
#define Py_BEGIN_ALLOW_THREADS \\
  { PyThreadState *_save = ND_WORK <= ND_SMALL_WORK ? NULL : PyEval_SaveThread();
#define Py_END_ALLOW_THREADS if (_save) PyEval_RestoreThread(_save); }
"""


def family(machine: str) -> str:
    """Return the processor family ("X86", "ARM64" or "OTHER") of a name as `platform.machine()` gives it."""
    names = {"x86_64": "X86", "amd64": "X86", "arm64": "ARM64", "aarch64": "ARM64"}
    return names.get(machine.lower(), "OTHER")


def cpu_sources(csrc: Path, machine: str) -> list[Source]:
    """Return every run of the compiler that libneedle_cpu needs on a `machine`."""
    kind = family(machine)
    common = () if kind == "OTHER" else (f"-DND_ISAS_{kind}",)
    runs = [
        Source(path, (f"-DND_ISA={isa}", *flags, *own_flags(path)))
        for path in sorted((csrc / "cpu" / "isa").glob("*.c"))
        for isa, flags in ISAS[kind].items()
    ]
    runs += [Source(path, (*common, *own_flags(path))) for path in sorted((csrc / "cpu").glob("*.c"))]
    for path in sorted((csrc / "cpu" / "ladder").glob("*.c")):
        portable = tuple(flag for flag in own_flags(path) if kind == "X86" or not flag.startswith("-m"))
        runs.append(Source(path, (*common, *portable)))
    return sorted(
        runs, key=lambda run: "gemm" not in run.path.name
    )  # the slow ones first, so that none is left over


def own_flags(path: Path) -> tuple[str, ...]:
    """Return the flags a C file asks for in a comment like ``/* build: -O2 */`` at its top."""
    with open(path, "rb") as file:
        found = _OWN_FLAGS.search(file.read(400))
    return tuple(found[1].decode().split()) if found else ()


def library(
    *,
    machine: str | None = None,
    compiler: Sequence[str] | None = None,
    extra_flags: Sequence[str] = (),
    folder: Path | None = None,
    fresh: bool = False,
) -> Path:
    """Return the path of libneedle_cpu, compiled if need be.

    Parameters
    ----------
    machine : str, optional
        For another processor, with its `compiler`: ``machine="aarch64", compiler=["aarch64-linux-gnu-gcc"]``.
    extra_flags : sequence of str
        Added at the end, such as ``("-O1", "-g", "-fsanitize=address,undefined")``.
    folder, fresh
        As in `build.shared_library`.
    """
    csrc = csrc_dir()
    return shared_library(
        "libneedle_cpu",
        cpu_sources(csrc, machine or platform.machine()),
        include=(csrc / "include", csrc / "cpu"),
        flags=(*FLAGS, _EXPORT, *extra_flags),
        # its threads wait for work to the end of the program: the library must not be unloaded under them
        link=("-Wl,-z,nodelete",) if sys.platform == "linux" else (),
        compiler=compiler,
        folder=folder,
        announce="needle_edu: compiling the C kernels, once; this takes about half a minute ...",
        fresh=fresh,
        room=_ROOM,
    )


def python_extension(library: Path, *, folder: Path | None = None, fresh: bool = False) -> Path:
    """Return the path of the cffi extension module `_needle_cpu`, which calls `library` in the same folder.

    Raises
    ------
    BuildError
        Python.h is missing or the compiler failed; `dlopen_module` needs neither.
    """
    csrc = csrc_dir()
    headers = declarations.headers(csrc)
    texts = [path.read_text() for path in headers]
    # The accelerator looks into CPython's objects; other Pythons do without.
    its_files = sorted((csrc / "python").glob("*.[ch]")) if sys.implementation.name == "cpython" else []
    its_texts = [path.read_text() for path in its_files]

    def make(temporary: Path) -> Path:
        python_h = Path(sysconfig.get_path("include"))
        if not (python_h / "Python.h").is_file():
            raise BuildError(
                "Python's headers (Python.h) are missing. Debian, Ubuntu: sudo apt install python3-dev"
            )
        includes = "".join(f'#include "{path.name}"\n' for path in headers)
        source = temporary / "_needle_cpu.c"
        ffi = _ffi(texts)
        ffi.set_source("_needle_cpu", includes + _KEEP_THE_LOCK_FOR_SMALL_WORK)
        with contextlib.redirect_stdout(io.StringIO()):  # it announces the file
            ffi.emit_c_code(str(source))
        mac = sys.platform == "darwin"
        return shared_library(
            "_needle_cpu",
            [source, *(path for path in its_files if path.suffix == ".c")],
            include=(csrc / "include",),
            flags=("-O2", "-std=gnu11", "-fPIC", f"-I{python_h}"),
            link=(str(library), f"-Wl,-rpath,{'@loader_path' if mac else '$ORIGIN'}")
            + (("-undefined", "dynamic_lookup") if mac else ()),
            folder=temporary,
        )

    key = key_of(
        [*texts, *its_texts, _KEEP_THE_LOCK_FOR_SMALL_WORK, library.name, str(sys.implementation.cache_tag)]
    )
    return cached(f"_needle_cpu-{key}.so", make, folder, fresh)


def dlopen_module(*, folder: Path | None = None, fresh: bool = False) -> Path:
    """Return the path of the Python module `_needle_cpu_dlopen`, whose `ffi.dlopen` opens the library."""
    texts = [path.read_text() for path in declarations.headers(csrc_dir())]

    def make(temporary: Path) -> Path:
        module = temporary / "_needle_cpu_dlopen.py"
        ffi = _ffi(texts)
        ffi.set_source("_needle_cpu_dlopen", None)
        with contextlib.redirect_stdout(io.StringIO()):
            ffi.emit_python_code(str(module))
        return module

    return cached(f"_needle_cpu_dlopen-{key_of(texts)}.py", make, folder, fresh)


def prebuild(folder: Path) -> list[Path]:
    """Make all three files in `folder`, for an installation; without Python.h the extension is left out."""
    made = [library(folder=folder), dlopen_module(folder=folder)]
    try:
        made.append(python_extension(made[0], folder=folder))
    except BuildError as error:
        print(f"needle_edu: {error}", file=sys.stderr)
    for path in folder.iterdir():  # objects, locks and checksums serve only the cache
        if path.is_dir():
            shutil.rmtree(path)
        elif path not in made:
            path.unlink()
    return made


def _ffi(texts: Sequence[str]) -> Any:
    import cffi  # with its parser of C it takes 60 ms to load: only here, where something is made

    ffi = cffi.FFI()
    for text in texts:
        ffi.cdef(declarations.for_cffi(text))
    return ffi
