"""All the functions that are made of ops, in the order of their table in docs/ops.md."""

from . import adaptive, bags, compositions, folding, interpolation, lp_pooling, unpooling
from .attention import FUNCTIONS as _ATTENTION
from .einstein import einsum

COMPOSED = (
    *compositions.FUNCTIONS,
    *bags.FUNCTIONS,
    *adaptive.FUNCTIONS,
    *interpolation.FUNCTIONS,
    *folding.FUNCTIONS,
    *unpooling.FUNCTIONS,
    *lp_pooling.FUNCTIONS,
    *_ATTENTION,
    einsum,
)
