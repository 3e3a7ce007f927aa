"""Which cards there are, as the driver knows: nothing of CUDA needs to be installed for that but the driver itself."""

import functools
from typing import Any, NamedTuple

_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...


class Card(NamedTuple):
    """A graphics card."""

    name: str
    capability: int
    """Its compute capability, 75 for 7.5."""
    bus: str = ""
    """Where it sits, "0000:17:00.0"."""


class Driver(NamedTuple):
    """NVIDIA's driver."""

    version: int
    """The newest CUDA whose programs it runs: 13000 for 13.0; 0 if there is no driver."""
    cards: tuple[Card, ...]


@functools.cache
def driver() -> Driver:
    """Return what NVIDIA's driver says, asked once.

    Examples
    --------
    >>> driver().version == 0 or driver().version > 9000
    True
    """
    try:
        import ctypes

        lib = ctypes.CDLL("libcuda.so.1")
    except (ImportError, OSError):
        return Driver(0, ())
    version, count = ctypes.c_int(0), ctypes.c_int(0)
    lib.cuDriverGetVersion(ctypes.byref(version))
    if lib.cuInit(0) or lib.cuDeviceGetCount(ctypes.byref(count)):
        return Driver(version.value, ())
    return Driver(version.value, tuple(_card(lib, ctypes, k) for k in range(count.value)))


def _card(lib: Any, ctypes: Any, number: int) -> Card:
    device, major, minor = ctypes.c_int(0), ctypes.c_int(0), ctypes.c_int(0)
    name, bus = (ctypes.create_string_buffer(100) for _ in range(2))
    lib.cuDeviceGet(ctypes.byref(device), number)
    lib.cuDeviceGetName(name, len(name), device)
    lib.cuDeviceGetPCIBusId(bus, len(bus), device)
    lib.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
    lib.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    capability = 10 * major.value + minor.value
    return Card(name.value.decode(errors="replace"), capability, bus.value.decode(errors="replace"))
