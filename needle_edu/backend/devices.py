"""Devices: where arrays live and which kernels compute on them.

There is exactly one object per device, so devices are compared with `is`, used as keys, and kept by every
layout. A device is light until its first kernel is needed: only then is its `Runtime` opened, which for
`cpu()` means loading (once in a while compiling) the C library. The runtime has the kernels, allocates
storages and lowers layouts to the plans its kernels read; the NumPy reference and the C library are two
runtimes with the same interface.

Any kernel can be replaced while the program runs, ``with cpu().override("matmul", mine): ...``. So kernels
must be looked up where they are called: ``device.kernels.matmul(...)``.
"""

import os
import threading
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from .errors import DeviceError
from .overrides import Override
from .runtime import Runtime

_lock = threading.RLock()


def _new_lock() -> None:
    """In a forked child the thread that held the lock may be gone, and would never give it back."""
    global _lock
    _lock = threading.RLock()
    for attribute in vars(Device).values():
        if isinstance(attribute, cached_property) and hasattr(
            attribute, "lock"
        ):  # Python 3.11 has one in each
            attribute.lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)

_creators: dict[str, Callable[..., Any]] = {}
_kernel_module_factory: Callable[["Device"], Any] | None = None
_devices: dict[str, "Device"] = {}


class _FromRuntime(cached_property):
    """What the runtime gives under the same name: found once, it lies in the device itself, a fast place."""

    def __init__(self) -> None:
        super().__init__(lambda device: getattr(device.runtime, self.attrname or ""))


class Device:
    """A place to compute. Get one from `cpu()`, `cpu_numpy()`, `cuda()` or `cuda_sim()`.

    What runs it is its `runtime`; whatever `Runtime` lists under kernels and memory, the device has under the same
    name: ``device.kernels``, ``device.allocate``, ``device.copy_to_host``.

    Attributes
    ----------
    name : str
        ``"cpu"`` for `cpu()`; two devices are equal if their names are.
    reason : str
        Empty if the device can be used, else one sentence that says why not and what to do.

    Examples
    --------
    >>> from needle_edu.backend import cpu
    >>> cpu(), cpu().enabled(), cpu() is cpu()
    (cpu(), True, True)
    """

    def __init__(self, name: str, open_runtime: Callable[[], Runtime], reason: str | Callable[[], str] = ""):
        self.name = name
        if callable(reason):
            self._find_reason = reason
        else:
            self.reason = reason
        self._open_runtime = open_runtime
        self.overridden: dict[str, _KernelPlace] = {}

    def enabled(self) -> bool:
        """Return whether arrays can live here."""
        return not self.reason

    @cached_property
    def reason(self) -> str:
        """Why arrays cannot live here; found out at the first question if it takes long."""
        return self._find_reason()

    @cached_property
    def runtime(self) -> Any:
        """What runs this device, a `Runtime`; opened at the first use."""
        if self.reason:
            raise DeviceError(self.reason)
        with _lock:  # two threads may come here at once; the second finds what the first has opened
            if not self.opened():
                self.__dict__["runtime"] = self._open_runtime()
            return self.__dict__["runtime"]

    def run_on(self, open_runtime: Callable[[], Runtime]) -> None:
        """Let another runtime run this device, which can be used from now on.

        Raises
        ------
        DeviceError
            It has computed, or held an array, already.
        """
        if self.opened():
            raise DeviceError(
                f"run_on: {self!r} is in use already; choose its runtime before its first array"
            )
        self._open_runtime, self.reason = open_runtime, ""

    def opened(self) -> bool:
        """Return whether this device has computed, or held an array: whether its runtime is open."""
        return "runtime" in self.__dict__

    native = _FromRuntime()
    kernels = _FromRuntime()
    lower = _FromRuntime()
    error_detail = _FromRuntime()
    allocate = _FromRuntime()
    allocator = _FromRuntime()
    address = _FromRuntime()
    host_view = _FromRuntime()
    adopt = _FromRuntime()
    copy_from_host = _FromRuntime()
    copy_to_host = _FromRuntime()
    synchronize = _FromRuntime()

    def override(self, name: str, function: Callable[..., int]) -> Override:
        """Replace the kernel `name` by `function` until the returned object is undone.

        Parameters
        ----------
        name : str
            A kernel of the header without ``nd_``, such as ``"matmul"``.
        function : callable
            Takes what the kernel takes (plan and pointers) and returns 0 or an error code.

        Returns
        -------
        Override
            A context manager, and a handle with `undo()`. Overrides of one name stack: the youngest is in
            force. If the handle is lost, `restore` takes them out.

        Examples
        --------
        >>> from needle_edu.backend import cpu_numpy
        >>> calls = []
        >>> with cpu_numpy().override("add_dense", lambda *args: calls.append(args) or 0):
        ...     cpu_numpy().kernels.add_dense(0, 2, "out", "a", "b")
        0
        >>> calls
        [(0, 2, 'out', 'a', 'b')]
        """
        if not callable(getattr(self.kernels, name, None)):
            raise DeviceError(f"override: {self!r} has no kernel {name!r}")
        place = self.overridden.setdefault(name, _KernelPlace(vars(self.kernels), name))
        layer = Override(place, function)
        place.use((*place.stack, layer))
        return layer

    def restore(self, name: str | None = None) -> None:
        """Put the device's own kernel `name` back, whatever overrides there are; without a name, all kernels.

        Examples
        --------
        >>> from needle_edu.backend import cpu_numpy
        >>> own = cpu_numpy().kernels.add_dense
        >>> _ = cpu_numpy().override("add_dense", lambda *args: 0)
        >>> cpu_numpy().restore("add_dense")
        >>> cpu_numpy().kernels.add_dense is own
        True
        """
        for one in list(self.overridden) if name is None else [name]:
            if one in self.overridden:
                place = self.overridden[one]
                place.use(place.stack[:1])
            elif not hasattr(self.kernels, one):
                raise DeviceError(f"restore: {self!r} has no kernel {one!r}")

    def has_overrides(self) -> bool:
        """Return whether some kernel is not the device's own.

        Examples
        --------
        >>> from needle_edu.backend import cpu_numpy
        >>> with cpu_numpy().override("add_dense", lambda *args: 0):
        ...     cpu_numpy().has_overrides()
        True
        """
        return any(len(place.stack) > 1 for place in list(self.overridden.values()))

    def __getattr__(self, name: str) -> Any:
        # Reached for what the class lacks: the creators (randn, zeros, …), then Needle's kernel module. And if a
        # property of the class ended with an AttributeError: asked again, it says which.
        if hasattr(type(self), name):
            return object.__getattribute__(self, name)
        if name in _creators:
            return partial(_creators[name], self)
        public = not name.startswith("_") or name in ("__tile_size__", "__device_name__")
        if public and name != "kernel_module" and _kernel_module_factory is not None:
            return getattr(self.kernel_module, name)
        raise AttributeError(f"{self!r} has no attribute {name!r}")

    @cached_property
    def kernel_module(self) -> Any:
        """This device seen as one of Needle's kernel modules (`Array`, `ewise_add`, …)."""
        if _kernel_module_factory is None:
            raise DeviceError("Needle's kernel module is not loaded; import needle_edu.backend_ndarray first")
        return _kernel_module_factory(self)

    def __repr__(self) -> str:
        return f"{self.name}()"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and self.name == other.name

    __hash__ = object.__hash__  # one object per name, and every memoised layout hashes its device

    def __reduce__(self) -> tuple:
        return device_named, (self.name,)  # a copied or unpickled device is the same one


class _KernelPlace:
    """The place of one kernel in a device's table; the device's own version lies at the bottom of the stack."""

    __slots__ = ("name", "stack", "table")

    def __init__(self, table: dict[str, Any], name: str):
        self.table, self.name = table, name
        self.stack: tuple[Override, ...] = (Override(self, table[name]),)

    def use(self, stack: tuple[Override, ...]) -> None:
        function = stack[-1].entry
        # All or nothing: an interrupt cannot fall between plain assignments.
        self.stack, self.table[self.name] = stack, function


def register_device(
    name: str, open_runtime: Callable[[], Runtime], reason: str | Callable[[], str] = ""
) -> Device:
    """Add a device; `device_named` and `all_devices` then know it, in other threads, too.

    Parameters
    ----------
    name : str
        What `repr` shows, with ``()`` behind. Pickled arrays name their device by it.
    open_runtime : callable
        Returns the `Runtime`; called once, when the first kernel or storage is needed.
    reason : str or callable
        Why the device cannot be used here, one sentence that says what to do; empty if it can. Or a function that
        returns that, called when somebody asks.

    Raises
    ------
    DeviceError
        If there is a device of this name.

    Examples
    --------
    >>> from needle_edu.backend import register_device
    >>> register_device("cpu", lambda: None)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DeviceError: register_device: there is a device 'cpu' already; choose another name
    """
    device = Device(name, open_runtime, reason)
    if _devices.setdefault(name, device) is not device:
        raise DeviceError(f"register_device: there is a device {name!r} already; choose another name")
    return device


def device_named(name: str) -> Device:
    """Return the device of this name."""
    if name not in _devices:
        raise DeviceError(f"no device {name!r}; there are {', '.join(_devices)}")
    return _devices[name]


def all_devices() -> list[Device]:
    """Return every device, disabled ones too.

    Examples
    --------
    >>> all_devices()[:4]
    [cpu(), cpu_numpy(), cuda(), cuda_sim()]
    """
    return list(_devices.values())


def set_creators(creators: Mapping[str, Any]) -> None:
    """Let devices create arrays: ``device.zeros(...)`` will call ``creators["zeros"](device, ...)``.

    Examples
    --------
    >>> import needle_edu                                   # needle_edu.ndarray gives the creators
    >>> needle_edu.cpu().zeros(2)
    NDArray([0., 0.], dtype=float32, device=cpu())
    """
    _creators.update(creators)


def set_kernel_module_factory(factory: Callable[[Device], Any]) -> None:
    """Let devices answer for attributes of Needle's kernel module: `factory(device)` makes the module.

    Examples
    --------
    >>> import needle_edu.backend_ndarray                   # gives the factory
    >>> needle_edu.cpu().Array(3).size
    3
    """
    global _kernel_module_factory
    _kernel_module_factory = factory
