"""Linear: every output is a weighted sum of all inputs, plus a bias."""

from __future__ import annotations

from typing import Any

from .. import init
from ..autograd import Tensor
from ..backend.arguments import floating, switch, whole
from ..backend.errors import ShapeError
from .module import Module
from .parameter import Parameter


class Linear(Module):
    r"""The affine map :math:`y = x W + b`.

    Parameters
    ----------
    in_features, out_features : int
    bias : bool
        Whether to add b.
    device, dtype
        Where and in which element type the parameters live.

    Attributes
    ----------
    weight : Parameter of shape (in_features, out_features)
        Drawn first, by `init.kaiming_uniform(in_features, out_features)`.
    bias : Parameter of shape (1, out_features), or None
        Drawn second, by `init.kaiming_uniform(out_features, 1)`.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> layer = Linear(4, 2)
    >>> layer(ndl.init.ones(8, 4)).shape
    (8, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = "float32",
    ):
        super().__init__()
        in_features, out_features = whole("Linear", in_features=in_features, out_features=out_features)
        switch("Linear", bias=bias)
        floating("Linear", "parameters", dtype)
        self.in_features = in_features
        self.out_features = out_features
        place = {"device": device, "dtype": dtype}
        self.weight = Parameter(init.kaiming_uniform(in_features, out_features, **place))
        self.bias = None
        if bias:
            self.bias = Parameter(init.kaiming_uniform(out_features, 1, **place).reshape((1, out_features)))

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., in_features) gives (..., out_features); a single vector gives (1, out_features)."""
        try:
            y = x @ self.weight
        except ValueError as error:
            raise ShapeError(
                f"Linear({self.extra_repr()}): got input of shape {x.shape}, wanted "
                f"(..., {self.weight.shape[0]}); {self._advice(x.shape)}"
            ) from error
        return y if self.bias is None else y + self.bias

    def _advice(self, shape: tuple[int, ...]) -> str:
        elements = 1
        for extent in shape[1:]:
            elements *= extent
        if len(shape) > 2 and elements == self.weight.shape[0]:
            return "put nn.Flatten() before this layer"
        return f"make the layer with in_features={shape[-1] if shape else 1}, or reshape its input"

    def extra_repr(self) -> str:
        """`in_features, out_features`, and `bias=False` if there is none."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")
