"""Steps of optimisers in the NumPy reference; the formulas are in backend/optimizer_steps.py."""

from collections.abc import Sequence

from .. import optimizer_steps
from ..dtypes import DTYPES
from ..errors import EDTYPE, EPLAN, OK
from .plan import FLOATS, kernel


@kernel
def optimizer_steps_(dtype: int, count: int, steps: Sequence[tuple]) -> int:
    """One step of each parameter: (kind, n, out, p, g, memories, numbers), as `nd_step` has them"""
    if dtype not in FLOATS:
        return EDTYPE
    kinds = tuple(optimizer_steps.KINDS)
    if any(not 0 <= kind < len(kinds) or n < 0 for kind, n, *_ in steps):
        return EPLAN
    for kind, n, out, p, g, memories, numbers in steps[:count]:
        out, p, g, *memories = (memory.view(DTYPES[dtype])[:n] for memory in (out, p, g, *memories))
        out[...] = optimizer_steps.step(kinds[kind], p, g, memories, optimizer_steps.Numbers(*numbers))
    return OK
