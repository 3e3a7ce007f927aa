"""How `cpu()` computes: with how many threads, and with which of the processor's instruction sets.

The kernels are compiled once for each instruction set; the best one that the processor has is chosen when the
library is loaded. Tests go through all of them with `set_isa`.
"""

from .standard_devices import cpu


def get_num_threads() -> int:
    """Return how many threads a kernel of `cpu()` may use.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return cpu().runtime.get_num_threads()


def set_num_threads(n: int) -> None:
    """Let kernels of `cpu()` use at most `n` threads, as the variable NEEDLE_EDU_NUM_THREADS does.

    Otherwise they use as many as OMP_NUM_THREADS says, or one for each processor.

    Examples
    --------
    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    cpu().runtime.set_num_threads(n)


def available_isas() -> tuple[str, ...]:
    """Return the instruction sets `cpu()` can use here, weakest first, such as ("base", "avx2").

    Examples
    --------
    >>> get_isa() in available_isas()
    True
    """
    return cpu().runtime.available_isas()


def get_isa() -> str:
    """Return the instruction set in use.

    Examples
    --------
    >>> get_isa() in ("base", "avx2", "avx512", "neon", "numpy")
    True
    """
    return cpu().runtime.get_isa()


def set_isa(name: str) -> None:
    """Use the instruction set `name` from now on, as the variable NEEDLE_EDU_ISA does.

    Examples
    --------
    >>> before = get_isa()
    >>> set_isa(available_isas()[0])
    >>> set_isa(before)
    """
    cpu().runtime.set_isa(name)
