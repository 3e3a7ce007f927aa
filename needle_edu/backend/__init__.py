"""The floor everything stands on: devices, their kernels, memory, and the errors they raise.

A `Device` (`cpu()`, `cpu_numpy()`, …) hands out `Storage` and owns a table of kernels, one per function of
csrc/include/needle_kernels.h; what runs it is a `Runtime`. `cpu()` compiles and loads the C library the first time a
kernel is asked for; without a compiler it runs on the NumPy reference. Nothing here knows what a tensor or a gradient
is.
"""

from . import compatibility, dtypes, memory, storage
from .devices import Device, all_devices, register_device, set_creators, set_kernel_module_factory
from .errors import (
    BuildError,
    DataError,
    DeviceError,
    DistributedError,
    DTypeError,
    GradientError,
    IndexOutOfRange,
    NeedleError,
    ShapeError,
    WorkerError,
    raise_kernel_error,
)
from .runtime import Runtime
from .settings import available_isas, get_isa, get_num_threads, set_isa, set_num_threads
from .standard_devices import cpu, cpu_numpy, cuda, cuda_sim, default_device, set_default_device
from .storage import Storage

BackendDevice = Device

__all__ = [
    "BackendDevice",
    "BuildError",
    "DTypeError",
    "DataError",
    "Device",
    "DeviceError",
    "DistributedError",
    "GradientError",
    "IndexOutOfRange",
    "NeedleError",
    "Runtime",
    "ShapeError",
    "Storage",
    "WorkerError",
    "all_devices",
    "available_isas",
    "compatibility",
    "cpu",
    "cpu_numpy",
    "cuda",
    "cuda_sim",
    "default_device",
    "dtypes",
    "get_isa",
    "get_num_threads",
    "memory",
    "raise_kernel_error",
    "register_device",
    "set_creators",
    "set_default_device",
    "set_isa",
    "set_kernel_module_factory",
    "set_num_threads",
    "storage",
]


def __dir__() -> list[str]:
    return sorted(__all__)
