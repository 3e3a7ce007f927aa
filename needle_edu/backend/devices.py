"""Devices: where arrays live and which kernels compute on them.

There is exactly one object per device, so devices are compared with `is`, used as keys, and kept by every
layout. A device is light until its first kernel is needed: only then is its engine opened, which for
`cpu()` means loading (once in a while compiling) the C library. An engine has the kernels, allocates
storages and lowers layouts to the plans its kernels read; the NumPy reference and the C library are two
engines with the same interface.

Any kernel can be replaced while the program runs, ``with cpu().override("matmul", mine): ...``. So kernels
must be looked up where they are called: ``device.kernels.matmul(...)``.
"""

import os
import sys
import threading
from collections.abc import Callable, Mapping
from functools import cached_property, partial
from typing import Any

from .errors import BuildError, DeviceError
from .overrides import Override

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


class Device:
    """A place to compute. Get one from `cpu()`, `cpu_numpy()`, `cuda()` or `cuda_sim()`.

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

    def __init__(self, name: str, open_engine: Callable[[], Any], reason: str = ""):
        self.name = name
        self.reason = reason
        self._open_engine = open_engine
        self._overridden: dict[str, _KernelPlace] = {}

    def enabled(self) -> bool:
        """Return whether arrays can live here."""
        return not self.reason

    @cached_property
    def engine(self) -> Any:
        """What runs this device: a `ReferenceEngine` or a `NativeEngine`; opened at the first use."""
        if self.reason:
            raise DeviceError(self.reason)
        with _lock:  # two threads may come here at once; the second finds what the first has opened
            if "engine" not in self.__dict__:
                self.__dict__["engine"] = self._open_engine()
            return self.__dict__["engine"]

    # The properties below are used at every operation: each is computed once, then found in the object.

    @cached_property
    def kernels(self) -> Any:
        """The kernels, one attribute for each function of the header, without ``nd_``."""
        return self.engine.kernels

    @cached_property
    def allocate(self) -> Callable:
        """``allocate(dtype_code, n)`` returns a `Storage` of n elements, not initialised."""
        return self.engine.allocate

    @cached_property
    def allocator(self) -> Callable:
        """``allocator(dtype_code, n)`` returns ``allocate`` for this size, a function of no arguments."""
        return self.engine.allocator

    @cached_property
    def lower(self) -> Callable:
        """``lower(ndim, dtypes, shape, offsets, strides)`` returns the plan that this device's kernels read.

        `dtypes`, `offsets` and `strides` have one entry per operand, the output first; strides are in
        elements.
        """
        return self.engine.lower

    @cached_property
    def numpy_view(self) -> Callable:
        """``numpy_view(storage, dtype)`` returns a one-dimensional NumPy array over the same memory.

        ``numpy_view(storage, dtype, shape, offset, strides)`` sees it through a layout, counted in elements;
        without strides it is row-major.
        """
        return self.engine.numpy_view

    @cached_property
    def adopt(self) -> Callable:
        """``adopt(array)`` returns a `Storage` over a contiguous one-dimensional NumPy array's memory."""
        return self.engine.adopt

    @property
    def native(self) -> bool:
        """Whether the kernels are compiled code (False: the NumPy reference)."""
        return self.engine.native

    def error_detail(self) -> int:
        """Return the offending index after a kernel called in this thread returned ``EINDEX``."""
        return self.engine.error_detail()

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
        place = self._overridden.setdefault(name, _KernelPlace(vars(self.kernels), name))
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
        for one in list(self._overridden) if name is None else [name]:
            if one in self._overridden:
                place = self._overridden[one]
                place.use(place.stack[:1])
            elif not hasattr(self.kernels, one):
                raise DeviceError(f"restore: {self!r} has no kernel {one!r}")

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


def _open_cpu() -> Any:
    """Open the C library, or say once why not and open the NumPy reference."""
    from . import native  # loaded when a kernel is needed, not by `import needle_edu`

    try:
        return native.open_engine()
    except BuildError as error:
        if not native.switched_off():
            print(f"needle_edu: cpu() runs on NumPy, slower: {error}", file=sys.stderr)
        return _open_reference()


def _open_reference() -> Any:
    from .reference import ReferenceEngine

    return ReferenceEngine()


def _open_nothing() -> Any:
    raise DeviceError("this device has no engine")


_DEVICES = {
    device.name: device
    for device in (
        Device("cpu", _open_cpu),
        Device("cpu_numpy", _open_reference),
        Device(
            "cuda",
            _open_nothing,
            "cuda() is not available: this version of needle_edu has no CUDA kernels yet, they come with a "
            "later release; use cpu()",
        ),
        Device(
            "cuda_sim",
            _open_nothing,
            "cuda_sim() is not available: this version of needle_edu has no CUDA simulator yet, it comes "
            "with a later release; use cpu()",
        ),
    )
}
_default = _DEVICES["cpu"]


def device_named(name: str) -> Device:
    """Return the device of this name."""
    if name not in _DEVICES:
        raise DeviceError(f"no device {name!r}; there are {', '.join(_DEVICES)}")
    return _DEVICES[name]


def cpu() -> Device:
    """Return the processor, with C kernels where they can be compiled.

    Examples
    --------
    >>> cpu().enabled()
    True
    """
    return _DEVICES["cpu"]


def cpu_numpy() -> Device:
    """Return the processor computing with NumPy: the reference that other devices are tested against.

    Examples
    --------
    >>> cpu_numpy().native
    False
    """
    return _DEVICES["cpu_numpy"]


def cuda() -> Device:
    """Return the NVIDIA graphics processor; ask `enabled()` before using it.

    Examples
    --------
    >>> cuda().enabled() or cuda().reason                      # doctest: +ELLIPSIS
    'cuda() is not available: ...'
    """
    return _DEVICES["cuda"]


def cuda_sim() -> Device:
    """Return the simulated graphics processor; ask `enabled()` before using it.

    Examples
    --------
    >>> cuda_sim().enabled() or cuda_sim().reason              # doctest: +ELLIPSIS
    'cuda_sim() is not available: ...'
    """
    return _DEVICES["cuda_sim"]


def all_devices() -> list[Device]:
    """Return every device, disabled ones too.

    Examples
    --------
    >>> all_devices()
    [cpu(), cpu_numpy(), cuda(), cuda_sim()]
    """
    return list(_DEVICES.values())


def default_device() -> Device:
    """Return the device used where none is named.

    Examples
    --------
    >>> default_device()
    cpu()
    """
    return _default


def set_default_device(device: Device) -> None:
    """Make `device` the one used where none is named.

    Raises
    ------
    DeviceError
        If it is no device, or one that cannot be used here.

    Examples
    --------
    >>> set_default_device(cpu_numpy())
    >>> default_device()
    cpu_numpy()
    >>> set_default_device(cpu())
    """
    global _default
    if not isinstance(device, Device):
        raise DeviceError(f"set_default_device: wanted a device such as cpu(), got {device!r}")
    if not device.enabled():
        raise DeviceError(device.reason)
    _default = device


def set_creators(creators: Mapping[str, Any]) -> None:
    """Let devices create arrays: ``device.zeros(...)`` will call ``creators["zeros"](device, ...)``.

    Examples
    --------
    >>> import needle_edu                                   # needle_edu.ndarray gives the creators
    >>> cpu().zeros(2)
    NDArray([0., 0.], dtype=float32, device=cpu())
    """
    _creators.update(creators)


def set_kernel_module_factory(factory: Callable[[Device], Any]) -> None:
    """Let devices answer for attributes of Needle's kernel module: `factory(device)` makes the module.

    Examples
    --------
    >>> import needle_edu.backend_ndarray                   # gives the factory
    >>> cpu().Array(3).size
    3
    """
    global _kernel_module_factory
    _kernel_module_factory = factory
