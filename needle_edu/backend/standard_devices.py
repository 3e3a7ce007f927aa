"""The devices that needle_edu brings: the processor, its NumPy reference, and the graphics processors to come."""

import os
import shutil
import sys

from .devices import Device, register_device
from .errors import BuildError, DeviceError
from .runtime import Runtime


def _open_cpu() -> Runtime:
    """Open the C library, or say once why not and open the NumPy reference."""
    from . import native  # loaded when a kernel is needed, not by `import needle_edu`

    try:
        return native.open_runtime()
    except BuildError as error:
        if not native.switched_off():
            print(f"needle_edu: cpu() runs on NumPy, slower: {error}", file=sys.stderr)
        return _open_reference()


def _open_reference() -> Runtime:
    from .reference import ReferenceRuntime

    return ReferenceRuntime()


def _open_nothing() -> Runtime:
    raise DeviceError("this device has no runtime")


_cpu = register_device("cpu", _open_cpu)
_cpu_numpy = register_device("cpu_numpy", _open_reference)


def _open_simulator(name: str = "cuda_sim") -> Runtime:
    from .cudasim.device import open_runtime  # loaded when a kernel is needed

    return open_runtime(name)


def _open_simulator_as_cuda() -> Runtime:
    """Open the simulator under the card's name, and say so, once."""
    print("needle_edu: cuda() runs on the simulator (NEEDLE_EDU_CUDA=sim), not on a card", file=sys.stderr)
    return _open_simulator("cuda")


def _why_no_simulator(name: str = "cuda_sim") -> str:
    compiler = os.environ.get("CXX", "").split(" ")[0] or "g++"
    if not sys.platform.startswith("linux"):
        return f"{name}() is not available: the CUDA simulator runs on Linux, and this is {sys.platform}; use cpu()"
    if not shutil.which(compiler):
        return (
            f"{name}() is not available: it compiles CUDA with {compiler}, which was not found "
            "(Debian, Ubuntu: sudo apt install g++ binutils); use cpu()"
        )
    return ""


def _open_card() -> Runtime:
    from .nvidia.device import open_runtime

    return open_runtime()


def _why_no_card() -> str:
    from .nvidia.device import why_not_here

    return why_not_here()


def _register_cuda() -> Device:
    chosen = os.environ.get("NEEDLE_EDU_CUDA", "")
    if chosen == "sim":
        return register_device("cuda", _open_simulator_as_cuda, _why_no_simulator("cuda"))
    if chosen:
        reason = f"cuda() is not available: NEEDLE_EDU_CUDA is {chosen!r}; wanted sim, or nothing"
        return register_device("cuda", _open_nothing, reason)
    return register_device(
        "cuda", _open_card, _why_no_card
    )  # the driver is asked when somebody wants to know


_cuda = _register_cuda()
_cuda_sim = register_device("cuda_sim", _open_simulator, _why_no_simulator())
_default = _cpu


def cpu() -> Device:
    """Return the processor, with C kernels where they can be compiled.

    Examples
    --------
    >>> cpu().enabled()
    True
    """
    return _cpu


def cpu_numpy() -> Device:
    """Return the processor computing with NumPy: the reference that other devices are tested against.

    Examples
    --------
    >>> cpu_numpy().native
    False
    """
    return _cpu_numpy


class _Cuda:
    """``cuda()`` returns the NVIDIA graphics processor; ask ``cuda.is_available()`` before using it.

    With NEEDLE_EDU_CUDA=sim in the environment it is the simulated one, under this name.

    Examples
    --------
    >>> cuda()
    cuda()
    >>> cuda().enabled() or cuda().reason                      # doctest: +ELLIPSIS
    'cuda() is not available: ...'
    """

    __name__ = "cuda"

    def __call__(self) -> Device:
        return _cuda

    def is_available(self) -> bool:
        """Return whether arrays can live there: ``cuda().enabled()``.

        Examples
        --------
        >>> cuda.is_available() == cuda().enabled()
        True
        """
        return _cuda.enabled()

    def device_count(self) -> int:
        """Return how many cards there are.

        Examples
        --------
        >>> cuda.device_count() >= 0
        True
        """
        from .nvidia.device import device_count

        return device_count()

    def set_device(self, number: int) -> None:
        """Compute on the card of this number, counted from 0; said before the first array of `cuda()`.

        Raises
        ------
        DeviceError
            There is no such card, or another one is in use.

        Examples
        --------
        >>> cuda.set_device(0)
        """
        from .nvidia.device import choose

        choose(number, _cuda.opened())
        if not os.environ.get("NEEDLE_EDU_CUDA"):
            _cuda.reason = _why_no_card()

    def __repr__(self) -> str:
        return "cuda"


cuda = _Cuda()


def cuda_sim() -> Device:
    """Return the simulated graphics processor; ask `enabled()` before using it.

    Examples
    --------
    >>> cuda_sim().enabled() or "compiles CUDA with" in cuda_sim().reason
    True
    """
    return _cuda_sim


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
