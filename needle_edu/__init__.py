"""needle_edu: a deep-learning framework small enough to read and fast enough to use.

    import needle_edu as ndl

    x = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    loss = (x * x).sum()
    loss.backward()            # x.grad is now 2x
    ndl.viz.step(loss)         # in a notebook: walk through what just happened

The floors, each knowing only those before it: `backend` (devices and kernels), `ndarray` (strided arrays),
`autograd` and `ops` (tensors and the chain rule), `init`, `nn`, `optim`, `data` (what a model is written with),
`graph` (a finished run as data, and static graphs), `viz` and `course` (seeing and learning). What a program may not
need (`data`, `graph`, `viz`, `course`, …) loads on first use.
"""

import builtins
import importlib
import types
import typing

from . import autograd, backend, init, ndarray, nn, ops, optim
from ._version import __version__ as __version__
from .autograd import (
    Tensor as Tensor,
    TensorTuple as TensorTuple,
    enable_grad as enable_grad,
    grad_check as grad_check,
    no_grad as no_grad,
    override as override,
    restore as restore,
    set_grad_enabled as set_grad_enabled,
)
from .backend_selection import (
    BACKEND as BACKEND,
    NDArray as NDArray,
    all_devices as all_devices,
    array_api as array_api,
    cpu as cpu,
    cpu_numpy as cpu_numpy,
    cuda as cuda,
    cuda_sim as cuda_sim,
    default_device as default_device,
)
from .init import ones as ones, ones_like as ones_like, seed as seed, zeros as zeros, zeros_like as zeros_like
from .ops import *  # what ops.__all__ names; its stub lists them all

_LOADED = ("autograd", "backend", "init", "ndarray", "nn", "ops", "optim")
_ROOMS = (
    "data",
    "metrics",
    "checkpoints",
    "backend_ndarray",
    "ladder",
    "graph",
    "flow",
    "distributed",
    "models",
    "viz",
    "course",
    "apps",
    "training",
    "cli",
)
_NAMES = {
    "check": "course", "compile": "graph", "install_as": "aliasing", "load": "saving", "save": "saving",
    "profile": "graph", "cuda_check": "backend.cudasim", "cuda_profile": "backend.cudasim",
    **dict.fromkeys((name for name in dir(ops) if hasattr(builtins, name)), "ops"),
}  # fmt: skip

_ELSEWHERE = {
    "tensor": "Tensor([1.0, 2.0])",
    "from_numpy": "Tensor(array)",
    "manual_seed": "seed(0)",
    "randn": "init.randn(2, 3)",
    "rand": "init.rand(2, 3)",
    "arange": "Tensor(numpy.arange(3))",
    "float32": "the name of the dtype, dtype='float32'",
    "float64": "the name of the dtype, dtype='float64'",
    "int64": "the name of the dtype, dtype='int64'",
    "device": "cpu() or cuda()",
    "functional": "nn.functional, or ops",
}


def __getattr__(name: str) -> typing.Any:
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    if name == "load_ipython_extension":  # `%load_ext needle_edu`
        return importlib.import_module(f"{__name__}.course").load_ipython_extension
    if name in _NAMES:
        return getattr(importlib.import_module(f"{__name__}.{_NAMES[name]}"), name)
    raise backend.naming.not_here(__name__, name, __dir__(), _ELSEWHERE)


def __dir__() -> list[str]:
    """What `needle_edu.<Tab>` shows: what is meant to be used, whatever else this file has imported."""
    own = {name for name, thing in globals().items() if not isinstance(thing, types.ModuleType)}
    return sorted(
        [*(name for name in own if not name.startswith("_")), *_LOADED, *_ROOMS, *_NAMES, "__version__"]
    )
