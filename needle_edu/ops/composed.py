"""All the functions that are made of ops, in the order of their table in docs/ops.md."""

from . import adaptive, attention, compositions, folding, interpolation, lp_pooling, unpooling
from .einstein import einsum

COMPOSED = (
    *compositions.FUNCTIONS,
    *adaptive.FUNCTIONS,
    *interpolation.FUNCTIONS,
    *folding.FUNCTIONS,
    *unpooling.FUNCTIONS,
    *lp_pooling.FUNCTIONS,
    *attention.FUNCTIONS,
    einsum,
)
