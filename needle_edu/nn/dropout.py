"""Dropout: at each training step, forget a random part of what a layer says."""

from __future__ import annotations

from typing import Any

from .. import init
from ..autograd import Tensor
from ..backend.arguments import real
from .inputs import as_tensor
from .module import Module


class Dropout(Module):
    """Set each element to zero with probability `p` while training, and divide the rest by 1 - p.

    The division keeps the expected value, so that nothing has to change in evaluation, where the input passes
    untouched. Draws one `np.random.rand(*x.shape)` in training, nothing in evaluation; an element stays where
    the number drawn is at most 1 - p.

    Parameters
    ----------
    p : float
        Probability of dropping an element, 0 <= p < 1.

    References
    ----------
    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15, 2014.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.init.seed(0)
    >>> layer = Dropout(0.5)
    >>> layer(ndl.init.ones(4)).numpy()
    array([0., 0., 0., 0.], dtype=float32)
    >>> layer.eval()(ndl.init.ones(4)).numpy()
    array([1., 1., 1., 1.], dtype=float32)
    """

    def __init__(self, p: float = 0.5, device: Any = None, dtype: Any = None):
        super().__init__()
        real("Dropout", 0, below=1, p=p)
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """`x` of any shape."""
        if not self.training or self.p == 0:
            return x
        x = as_tensor(x)
        mask = init.randb(*x.shape, p=1 - self.p, device=x.device, dtype=x.dtype)
        return x * mask / (1 - self.p)

    def extra_repr(self) -> str:
        """`p`."""
        return str(self.p)
