"""NVIDIA's NCCL, found and loaded: the functions that add up arrays of several cards.

Its wheel (`python -m pip install 'needle_edu[nccl]'`) brings one shared library, which needs no CUDA but the driver's.
What we call of it is declared here, as in its header nccl.h; enumerations are their numbers.
"""

from __future__ import annotations

import functools
import importlib.util
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

PATH = "NEEDLE_EDU_NCCL"  # a library to take in place of what is found
INSTALL = "python -m pip install 'needle_edu[nccl]'"
DECLARATIONS = """
typedef struct ncclComm *ncclComm_t;
typedef struct { char internal[128]; } ncclUniqueId;
int ncclGetVersion(int *version);
const char *ncclGetErrorString(int result);
const char *ncclGetLastError(ncclComm_t comm);
int ncclGetUniqueId(ncclUniqueId *id);
int ncclCommInitRank(ncclComm_t *comm, int ranks, ncclUniqueId id, int rank);
int ncclCommGetAsyncError(ncclComm_t comm, int *result);
int ncclCommDestroy(ncclComm_t comm);
int ncclCommAbort(ncclComm_t comm);
int ncclGroupStart(void);
int ncclGroupEnd(void);
int ncclAllReduce(const void *from, void *to, size_t count, int type, int operation, ncclComm_t comm, void *stream);
int ncclBroadcast(const void *from, void *to, size_t count, int type, int root, ncclComm_t comm, void *stream);
"""
SUM, BYTE = 0, 1  # ncclSum, ncclUint8
TYPES = {np.dtype("float16"): 6, np.dtype("float32"): 7, np.dtype("float64"): 8}


class Nccl(NamedTuple):
    """The library, as cffi opens it."""

    ffi: Any
    lib: Any
    path: str

    def version(self) -> tuple[int, int, int]:
        """Its release, such as (2, 32, 3)."""
        number = self.ffi.new("int *")
        self.lib.ncclGetVersion(number)
        return number[0] // 10_000, number[0] // 100 % 100, number[0] % 100

    def why(self, code: int) -> str:
        """What the library says of a result that is not 0, with what went wrong last."""
        last = self.ffi.string(self.lib.ncclGetLastError(self.ffi.NULL)).decode(errors="replace").strip()
        text = self.ffi.string(self.lib.ncclGetErrorString(code)).decode(errors="replace")
        return f"{text}: {last}" if last else text


def library() -> Nccl:
    """NCCL, loaded once: the one that NEEDLE_EDU_NCCL names, else the wheel's, else the system's.

    Raises
    ------
    ImportError
        If there is none, or it cannot be loaded.
    """
    return _opened(os.environ.get(PATH, ""))


def places() -> list[str]:
    """Where the library may be, the wheel's first.

    Examples
    --------
    >>> places()[-1]
    'libnccl.so.2'
    """
    try:
        wheel = importlib.util.find_spec("nvidia.nccl")
    except ModuleNotFoundError:  # there is no nvidia
        wheel = None
    folders = [] if wheel is None else [*(wheel.submodule_search_locations or ())]
    found = [Path(folder) / "lib" / "libnccl.so.2" for folder in folders]
    return [*(os.fspath(path) for path in found if path.is_file()), "libnccl.so.2"]


@functools.cache
def _opened(named: str) -> Nccl:
    from cffi import FFI

    ffi, problem = FFI(), ""
    ffi.cdef(DECLARATIONS)
    for path in [named] if named else places():
        try:
            lib = ffi.dlopen(path)
            for name in ("ncclGetLastError", "ncclCommInitRank", "ncclAllReduce", "ncclBroadcast"):
                getattr(lib, name)
            return Nccl(ffi, lib, path)
        except (OSError, AttributeError) as error:
            problem = problem or str(error)
    how = f"{PATH} names another" if named else f"{INSTALL}"
    raise ImportError(f"NCCL, which adds up what lies on cards, cannot be loaded: {how} ({problem:.200})")
