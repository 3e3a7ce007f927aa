"""The C library of `cpu()`: found or compiled, and loaded.

The library is called in one of two forms, through the same names: as a cffi extension module ("api",
faster, needs Python.h once) or opened by `dlopen`. NEEDLE_EDU_FORM=dlopen asks for the second,
NEEDLE_EDU_NATIVE=0 for neither.
"""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

from . import accelerator
from .build import cache, index
from .cpu_runtime import CpuRuntime
from .errors import BuildError
from .paths import PREBUILT

form: str | None = None
"""How the library is called, "api" or "dlopen"; None while it is not loaded."""
reason: str = "the C library has not been needed yet"
"""Why it is not loaded, or why not in the faster form; empty if all is well."""
library_path: Path | None = None
"""The library in use."""


def switched_off() -> bool:
    """Return whether NEEDLE_EDU_NATIVE=0 asks for the NumPy reference."""
    return os.environ.get("NEEDLE_EDU_NATIVE") == "0"


def open_runtime() -> CpuRuntime:
    """Load the C library, compiling it if need be.

    Raises
    ------
    BuildError
        It is switched off, or could not be compiled or loaded; `reason` has the same sentence.
    """
    global reason
    try:
        if switched_off():
            raise BuildError("NEEDLE_EDU_NATIVE=0 switches the C library off")
        try:
            ffi, lib = _load(fresh=False)
        except (OSError, ImportError):  # a damaged or foreign file in the cache
            ffi, lib = _load(fresh=True)
    except (OSError, ImportError) as error:
        reason = f"the compiled library does not load: {error}"
        raise BuildError(reason) from error
    except BuildError as error:
        reason = str(error)
        raise
    runtime = CpuRuntime(ffi, lib, library_path)
    runtime.read_environment()
    return runtime


def _load(fresh: bool) -> tuple[Any, Any]:
    """Return cffi's `ffi` and `lib` of the library."""
    global form, reason, library_path
    wanted = "dlopen" if os.environ.get("NEEDLE_EDU_FORM") == "dlopen" else "api"
    sources = index.state_of_sources()
    files = None if fresh else index.recall(wanted, sources)
    reason = ""
    if files is None:
        files = _make_or_recall_why_not(wanted, fresh, sources)
        if not reason:
            index.remember(wanted, sources, files)
    library, module = files
    if module.suffix == ".so":
        extension = _import("_needle_cpu", module)
        ffi, lib = extension.ffi, extension.lib
        form = "api"
        if sys.implementation.name == "cpython":
            in_c = _import("_needle_accelerator", module)  # in the same file
            in_c.optimizer_kernel(lib.nd_optimizer_steps)
            accelerator.load(in_c)
    else:
        ffi = _import("_needle_cpu_dlopen", module).ffi
        lib = ffi.dlopen(str(library))
        form = "dlopen"
    library_path = library
    return ffi, lib


def _make_or_recall_why_not(wanted: str, fresh: bool, sources: str) -> list[Path]:
    """Make the files; what has just failed in the compiler is not tried again at every start."""
    from .build.builder import CompilerFailed

    failure = index.recall_failure(wanted, sources)
    if failure:
        raise BuildError(failure)
    try:
        return _make(wanted, fresh)
    except CompilerFailed as error:
        note = index.remember_failure(wanted, sources, str(error))
        when = f"; it is tried again in {index.MINUTES} minutes, or when {note} is removed" if note else ""
        raise BuildError(f"{error}{when}") from error
    except BuildError:
        raise
    except (OSError, ImportError, AttributeError, RuntimeError) as error:
        # No room, no processes, no threads, no such function of the system: nothing that another attempt would mend.
        raise BuildError(f"the C kernels could not be compiled: {error}") from error


def _make(wanted: str, fresh: bool) -> list[Path]:
    """Return the library and the module that calls it, compiled unless the cache has them."""
    global reason
    from .build import cpu_library

    library = cpu_library.library(fresh=fresh)
    # They stay together, also where the disk of the usual folder is full.
    folder = None if library.parent in (PREBUILT, cache.default_folder()) else library.parent
    if wanted == "api":
        try:
            return [library, cpu_library.python_extension(library, folder=folder, fresh=fresh)]
        except BuildError as error:
            reason = f"calls take the slower dlopen form: {error}"
    return [library, cpu_library.dlopen_module(folder=folder, fresh=fresh)]


def _import(name: str, path: Path) -> Any:
    """Import the module `name` from a file of any name."""
    from importlib.machinery import ExtensionFileLoader, ModuleSpec, SourceFileLoader

    loader = (ExtensionFileLoader if path.suffix == ".so" else SourceFileLoader)(name, str(path))
    spec = ModuleSpec(name, loader, origin=str(path))
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
