"""Dropout: at each training step, forget a random part of what a layer says.

The layers are the functions of `needle_edu/ops/dropping.py` with a memory of p, and know from `training` whether to
do anything at all.
"""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import real
from .inputs import as_tensor
from .module import Module


class Dropout(Module):
    """Set each element to zero with probability `p` while training, and divide the rest by 1 - p.

    The division keeps the expected value, so that nothing has to change in evaluation, where the input passes
    untouched. Draws one number in training, of which all others are made (`ops.dropout`), nothing in evaluation; under
    the name `needle` one `np.random.rand(*x.shape)`, where an element stays if its number is at most 1 - p.

    Parameters
    ----------
    p : float
        Probability of dropping an element, 0 <= p <= 1. With 0 and 1 nothing is drawn.

    References
    ----------
    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(0)
    >>> layer = Dropout(0.5)
    >>> layer(ndl.init.ones(4)).numpy()
    array([2., 0., 0., 2.], dtype=float32)
    >>> layer.eval()(ndl.init.ones(4)).numpy()
    array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, device: Any = None, dtype: Any = None, *, inplace: bool = False):
        super().__init__(device=device, dtype=dtype, inplace=inplace)
        real(type(self).__name__, 0, 1, p=p)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.dropout(as_tensor(x), self.p) if self.training and self.p else x

    def extra_repr(self) -> str:
        """`p`."""
        return str(self.p)


class Dropout1d(Dropout):
    """Drop whole channels of (batch, channels, length): neighbours in a sequence know too much of each other.

    Draws one `np.random.rand(batch, channels, 1)` in training.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(1)
    >>> Dropout1d(0.5)(ndl.init.ones(1, 3, 2)).numpy().tolist()
    [[[2.0, 2.0], [0.0, 0.0], [2.0, 2.0]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, channels, length)."""
        return ops.dropout1d(as_tensor(x), self.p, self.training)


class Dropout2d(Dropout):
    """Drop whole channels of (batch, channels, height, width): what a convolution finds, it finds in every pixel.

    Draws one `np.random.rand(batch, channels, 1, 1)` in training.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(1)
    >>> Dropout2d(0.5)(ndl.init.ones(1, 2, 1, 2)).numpy().tolist()
    [[[[2.0, 2.0]], [[0.0, 0.0]]]]
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (batch, channels, height, width)."""
        return ops.dropout2d(as_tensor(x), self.p, self.training)


class AlphaDropout(Dropout):
    """Dropout for networks of SELU: what is dropped becomes SELU's lowest value, and mean 0 and variance 1 stay.

    References
    ----------
    G. Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(1)
    >>> AlphaDropout(0.5)(ndl.init.ones(4)).numpy().round(4)
    array([ 1.6656, -0.7792,  1.6656,  1.6656], dtype=float32)
    """

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        return ops.alpha_dropout(as_tensor(x), self.p, self.training)
