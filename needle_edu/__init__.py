"""needle_edu: a deep-learning framework small enough to read and fast enough to use.

    import needle_edu as ndl

    x = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    loss = (x * x).sum()
    loss.backward()            # x.grad is now 2x
    ndl.viz.step(loss)         # in a notebook: walk through what just happened

The floors, each knowing only those before it: `backend` (devices and kernels), `ndarray` (strided arrays),
`autograd` and `ops` (tensors and the chain rule), `init`, `nn`, `optim`, `data` (what a model is written with),
`viz` and `course` (seeing and learning). What a program may not need (`data`, `viz`, `course`, …) loads on first use.
"""

import importlib

from . import autograd, backend, init, ndarray, nn, ops, optim
from ._version import __version__ as __version__
from .autograd import (
    Tensor as Tensor,
)
from .autograd import (
    TensorTuple as TensorTuple,
)
from .autograd import (
    enable_grad as enable_grad,
)
from .autograd import (
    grad_check as grad_check,
)
from .autograd import (
    no_grad as no_grad,
)
from .autograd import (
    override as override,
)
from .autograd import (
    set_grad_enabled as set_grad_enabled,
)
from .backend_selection import (
    BACKEND as BACKEND,
)
from .backend_selection import (
    NDArray as NDArray,
)
from .backend_selection import (
    all_devices as all_devices,
)
from .backend_selection import (
    array_api as array_api,
)
from .backend_selection import (
    cpu as cpu,
)
from .backend_selection import (
    cpu_numpy as cpu_numpy,
)
from .backend_selection import (
    cuda as cuda,
)
from .backend_selection import (
    cuda_sim as cuda_sim,
)
from .backend_selection import (
    default_device as default_device,
)
from .init import ones as ones
from .init import ones_like as ones_like
from .init import seed as seed
from .init import zeros as zeros
from .init import zeros_like as zeros_like
from .ops import *

_ROOMS = ("data", "metrics", "checkpoints", "backend_ndarray", "ladder", "viz", "course", "cli")
_NAMES = {"check": "course", "install_as": "aliasing"}


def __getattr__(name: str):
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS, *_NAMES])
