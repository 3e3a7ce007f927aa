"""Linear: every output is a weighted sum of all inputs, plus a bias; Bilinear: of all products of two inputs."""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import floating, switch, whole
from ..backend.errors import ShapeError
from .inputs import as_tensor
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
        super().__init__(device=device, dtype=dtype)
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
        x = as_tensor(x, self.weight.device)
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


class Bilinear(Module):
    r"""The bilinear map :math:`y_k = \sum_{ij} x_i W_{kij} z_j + b_k` of two inputs.

    Parameters
    ----------
    in1_features, in2_features, out_features : int
    bias : bool
        Whether to add b.
    device, dtype
        Where and in which element type the parameters live.

    Attributes
    ----------
    weight : Parameter of shape (out_features, in1_features, in2_features)
        Uniform up to 1 / sqrt(in1_features), as in PyTorch.
    bias : Parameter of shape (out_features,), or None
        Likewise, drawn second.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> Bilinear(3, 4, 2)(ndl.init.ones(8, 3), ndl.init.ones(8, 4)).shape
    (8, 2)
    """

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__()
        sizes = whole(
            "Bilinear", in1_features=in1_features, in2_features=in2_features, out_features=out_features
        )
        switch("Bilinear", bias=bias)
        floating("Bilinear", "parameters", dtype)
        self.in1_features, self.in2_features, self.out_features = m, n, k = sizes
        place = {"low": -(m**-0.5), "high": m**-0.5, "device": device, "dtype": dtype}
        self.weight = Parameter(init.rand(k, m, n, **place))
        self.bias = Parameter(init.rand(k, **place)) if bias else None

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        """`x` of shape (..., in1_features) and `z` of shape (..., in2_features) give (..., out_features)."""
        x, z = as_tensor(x), as_tensor(z)
        wanted = (self.in1_features,), (self.in2_features,)
        if (x.shape[-1:], z.shape[-1:]) != wanted or x.shape[:-1] != z.shape[:-1]:
            raise ShapeError(
                f"Bilinear({self.extra_repr()}): got inputs of shapes {x.shape} and {z.shape}, wanted "
                f"(..., {self.in1_features}) and (..., {self.in2_features})"
            )
        y = ops.einsum("...i,kij,...j->...k", x, self.weight, z)
        return y if self.bias is None else y + self.bias

    def extra_repr(self) -> str:
        """`in1_features, in2_features, out_features`, and `bias=False` if there is none."""
        sizes = f"{self.in1_features}, {self.in2_features}, {self.out_features}"
        return sizes + ("" if self.bias is not None else ", bias=False")
