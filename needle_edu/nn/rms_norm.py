"""RMSNorm, and the gated network SwiGLU: what language models of the Llama family have for LayerNorm and two maps."""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import floating, real, switch, whole
from ..backend.errors import ShapeError
from .inputs import as_tensor
from .linear import Linear
from .module import Module
from .parameter import Parameter

EPSILON = {"float32": 1.1920928955078125e-07, "float64": 2.220446049250313e-16}


class RMSNorm(Module):
    r"""Divide by the root of the mean square over the last axes: :math:`y = w \odot x / \sqrt{M(x^2) + \epsilon}`.

    LayerNorm without its mean and its bias: cheaper, and as good.

    Parameters
    ----------
    normalized_shape : int or tuple of int
        The extents of the last axes, over which the mean is taken.
    eps : float, optional
        Keeps the division finite; by default the dtype's spacing at 1, as in PyTorch.
    elementwise_affine : bool
        Whether there is w.
    device, dtype
        Of the parameter.

    Attributes
    ----------
    weight : Parameter of shape normalized_shape, starting at 1, or None

    References
    ----------
    B. Zhang, R. Sennrich, "Root mean square layer normalization", NeurIPS 2019.

    Examples
    --------
    >>> RMSNorm(2)(Tensor([[3.0, 4.0]])).numpy().round(4).tolist()
    [[0.8485000133514404, 1.1313999891281128]]
    """

    def __init__(
        self, normalized_shape: int | tuple[int, ...], eps: float | None = None, elementwise_affine: bool = True,
        device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        extents = normalized_shape if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
        if not extents:
            raise ValueError("RMSNorm: normalized_shape has at least one extent, got ()")
        self.normalized_shape = tuple(whole("RMSNorm", normalized_shape=n)[0] for n in extents)
        if eps is not None:
            real("RMSNorm", 0, eps=eps)
        switch("RMSNorm", elementwise_affine=elementwise_affine)
        floating("RMSNorm", "parameters", dtype)
        self.eps = eps
        self.weight = None
        if elementwise_affine:
            self.weight = Parameter(init.ones(*self.normalized_shape, device=device, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., *normalized_shape)."""
        x, wanted = as_tensor(x), self.normalized_shape
        if x.shape[-len(wanted) :] != wanted:
            extents = ", ".join(map(str, wanted))
            raise ShapeError(f"RMSNorm({wanted}): got input of shape {x.shape}, wanted (..., {extents})")
        axes = tuple(range(-len(wanted), 0))
        eps = EPSILON.get(x.dtype.name, EPSILON["float32"]) if self.eps is None else self.eps
        y = x * ((x * x).mean(axes, keepdims=True) + eps) ** -0.5
        return y if self.weight is None else y * self.weight

    def extra_repr(self) -> str:
        """`normalized_shape`."""
        return str(self.normalized_shape)


class SwiGLU(Module):
    r"""The gated network :math:`(\operatorname{silu}(x W_g) \odot x W_u)\,W_d`.

    Parameters
    ----------
    dim, hidden_dim : int
        Features of input and result, and inside.
    bias : bool
        Whether the three maps add one.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    gate_proj, up_proj, down_proj : Linear, drawn in this order

    References
    ----------
    N. Shazeer, "GLU variants improve Transformer", 2020.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> SwiGLU(8, 20)(ndl.init.randn(4, 3, 8)).shape
    (4, 3, 8)
    """

    def __init__(
        self, dim: int, hidden_dim: int, bias: bool = False, device: Any = None, dtype: Any = "float32"
    ):
        super().__init__(device=device, dtype=dtype)
        whole("SwiGLU", dim=dim, hidden_dim=hidden_dim)
        switch("SwiGLU", bias=bias)
        place = {"device": device, "dtype": dtype}
        self.gate_proj = Linear(dim, hidden_dim, bias, **place)
        self.up_proj = Linear(dim, hidden_dim, bias, **place)
        self.down_proj = Linear(hidden_dim, dim, bias, **place)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (..., dim)."""
        x = as_tensor(x)
        return self.down_proj(ops.silu(self.gate_proj(x)) * self.up_proj(x))
