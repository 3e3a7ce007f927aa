"""A student's own backend, a pybind11 module in CUDA such as ``ndarray_backend_cuda.cu``, on the simulator.

    module = load_module("ndarray_backend_cuda.cu", "check")
    a = module.Array(10)
    module.fill(a, 1.0)

The file is compiled unchanged. Its Python side needs pybind11's headers and Python's own; nothing else of needle_edu
does. Modules of one name, of two students or of two flavours, may be loaded side by side.
"""

import importlib.util
import re
import sysconfig
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from pathlib import Path
from types import ModuleType

from ..build import cache
from ..errors import BuildError
from ..extras import needed
from .build import kernel_library
from .flavours import FLAVOURS
from .simulator import open_simulator
from .source_text import mask

_MODULE = re.compile(r"\bPYBIND11_MODULE\s*\(\s*(\w+)\s*,")
HOW_TO_GET_HEADERS = "Debian, Ubuntu: sudo apt install python3-dev"


def module_name(text: str) -> str | None:
    """Return the name that a source gives its pybind11 module; None if it has none.

    Examples
    --------
    >>> module_name("PYBIND11_MODULE(ndarray_backend_cuda, m) { }")
    'ndarray_backend_cuda'
    """
    found = _MODULE.search(mask(text))
    return found[1] if found else None


def read_source(who: str, path: Path | str, flavour: str) -> str:
    """Return the text of a ``.cu`` file; `who` is about to compile it in a flavour, and names itself in errors."""
    if not isinstance(flavour, str) or flavour not in FLAVOURS:
        raise ValueError(f"{who}: no flavour {flavour!r}; there are {', '.join(FLAVOURS)}")
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BuildError(f"{who}: {path} cannot be read: {error.strerror}") from None


def build_module(path: Path, flavour: str = "plain") -> Path:
    """Compile a ``.cu`` file with a pybind11 module for the simulator, and return the module's path.

    Parameters
    ----------
    path : Path
    flavour : {"plain", "check", "profile"}

    Raises
    ------
    BuildError
        g++ or a header is missing, the file defines no module, or g++ refused it.
    ValueError
        There is no such flavour.
    """
    text = read_source("build_module", path, flavour)
    path = Path(path)
    name = module_name(text)
    if name is None:
        raise BuildError(
            f"build_module: {path} defines no module; wanted PYBIND11_MODULE(ndarray_backend_cuda, m). "
            "Kernels without a module run in a notebook's cell that begins with %%cuda"
        )
    own_types = cache.key_of(
        [flavour, text]
    )  # pybind11 shares types among modules that have the same of this
    return kernel_library(
        [path],
        FLAVOURS[flavour],
        open_simulator().runtime,
        name=name,
        include=_headers(),
        flags=(f'-DPYBIND11_BUILD_ABI="_needle_edu_{own_types}"',),
        announce=f"needle_edu: compiling {path.name} for the simulator ({flavour}); pybind11 takes a while ...",
        of_python=True,
    )


def load_module(path: Path | str, flavour: str = "plain") -> ModuleType:
    """Compile and import a student's module; what it allocates lies in the simulated device's memory.

    Raises
    ------
    BuildError
        As `build_module`, or the module does not load: it calls something that the simulator lacks.
    """
    path = Path(path)
    library = build_module(path, flavour)
    name = module_name(path.read_text(encoding="utf-8", errors="replace")) or path.stem
    unique = f"{library.stem.replace('.', '_')}.{name}"  # Python asks for PyInit_ and what is behind the dot
    loader = ExtensionFileLoader(unique, str(library))
    spec = ModuleSpec(unique, loader, origin=str(library))
    try:
        module = importlib.util.module_from_spec(spec)
        loader.exec_module(module)
    except ImportError as error:
        missing = re.search(r"undefined symbol: (\w+)", str(error))
        reason = f"it calls {missing[1]}, which the simulator lacks" if missing else str(error)
        raise BuildError(f"load_module: {path.name} does not load: {reason}") from None
    return module


def _headers() -> tuple[Path, ...]:
    try:
        pybind11 = needed("a Python module in CUDA", "pybind11", "modules")
    except ImportError as error:
        raise BuildError(str(error)) from None
    python = Path(sysconfig.get_paths()["include"])
    if not (python / "Python.h").is_file():
        raise BuildError(
            f"a Python module in CUDA needs Python's headers, and {python} has no Python.h. {HOW_TO_GET_HEADERS}"
        )
    return Path(pybind11.get_include()), python
