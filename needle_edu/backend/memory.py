"""How much memory the arrays hold, and how much is kept for reuse.

Nothing is counted while the program runs: the answer is found, when somebody asks, by looking at every
`Storage` that is alive. So it is exact and costs an operation nothing.
"""

import gc

from . import devices
from .storage import Storage


def live_bytes() -> int:
    """Return the bytes of all storages that are alive, on every device.

    Examples
    --------
    >>> from needle_edu.backend import cpu, memory
    >>> before = memory.live_bytes()
    >>> storage = cpu().allocate(0, 1000)
    >>> memory.live_bytes() - before
    4000
    >>> del storage
    >>> memory.live_bytes() - before
    0
    """
    return sum(item.nbytes for item in gc.get_objects() if type(item) is Storage)


def pool_bytes() -> int:
    """Return the bytes that freed arrays left for the next ones, on every device; the NumPy reference keeps none."""
    return sum(device.runtime.pool_bytes() for device in devices.all_devices() if device.opened())


def trim() -> None:
    """Give the memory that any device keeps for reuse back to the system."""
    for device in devices.all_devices():
        if device.opened():
            device.runtime.trim()
