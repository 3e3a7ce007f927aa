"""The vision transformer: a picture is cut into square patches, and these are read as a sentence is.

    x = patches W + b, behind a vector of its own, + positions' rows;   each layer: x ← x + attention(norm(x)), …

The layers are `nn.TransformerEncoderLayer`s that normalise first. The vector in front belongs to no patch: it gathers
what the classes are told from.

Reference: A. Dosovitskiy et al., "An image is worth 16x16 words: Transformers for image recognition at scale", ICLR
2021.
"""

from __future__ import annotations

from typing import Any

from .. import init, ops
from ..autograd import Tensor
from ..backend.arguments import switch, whole
from ..backend.errors import ShapeError
from ..nn.containers import ModuleList
from ..nn.dropout import Dropout
from ..nn.group_norm import LayerNorm
from ..nn.inputs import as_tensor
from ..nn.linear import Linear
from ..nn.module import Module
from ..nn.parameter import Parameter
from ..nn.transformer import TransformerEncoderLayer


class ViT(Module):
    """A picture in; a vector for it and for each patch out, or scores of classes.

    Parameters
    ----------
    image_size, patch_size, channels : int
        Side of the pictures and of the patches, which divides it; channels.
    layers, heads, dim : int
        Number of layers; heads; features.
    hidden_dim : int, optional
        Features between a layer's two maps; by default 4 dim.
    classes : int, optional
        With it, `forward` gives scores.
    dropout : float
        In training.
    norm_eps : float
        What keeps the normalisations' division finite.
    pooler : bool
        Whether there is a map for `pooled`.
    device, dtype
        Of the parameters.

    Attributes
    ----------
    patches : Linear(channels patch_size², dim)
        Of a patch's numbers in the order channel, row, column.
    first, positions : Parameter of shape (1, 1, dim), (1, 1 + number of patches, dim)
        Drawn from N(0, 0.02²).
    layers : ModuleList of nn.TransformerEncoderLayer
    norm : LayerNorm
    pooler : Linear(dim, dim), or None
    head : Linear(dim, classes), or None

    Examples
    --------
    >>> import needle_edu as ndl
    >>> image = ndl.init.rand(2, 3, 8, 8)
    >>> ViT(8, 4, 3, layers=2, heads=2, dim=8)(image).shape, ViT(8, 4, 3, 2, 2, 8, classes=5)(image).shape
    ((2, 5, 8), (2, 5))
    """

    def __init__(
        self, image_size: int, patch_size: int, channels: int = 3, layers: int = 4, heads: int = 4, dim: int = 128,
        hidden_dim: int | None = None, classes: int | None = None, dropout: float = 0.0, norm_eps: float = 1e-12,
        pooler: bool = False, device: Any = None, dtype: Any = "float32",
    ):  # fmt: skip
        super().__init__(device=device, dtype=dtype)
        whole("ViT", image_size=image_size, patch_size=patch_size, channels=channels, layers=layers,
              heads=heads, dim=dim)  # fmt: skip
        switch("ViT", pooler=pooler)
        if image_size % patch_size:
            raise ShapeError(f"ViT: patches of {patch_size} do not divide a side of {image_size}")
        place = {"device": device, "dtype": dtype}
        self.image_size, self.patch_size, self.channels = image_size, patch_size, channels
        self.patches = Linear(channels * patch_size**2, dim, **place)
        self.first = Parameter(init.randn(1, 1, dim, std=0.02, **place))
        count = (image_size // patch_size) ** 2
        self.positions = Parameter(init.randn(1, 1 + count, dim, std=0.02, **place))
        self.dropout = Dropout(dropout)
        wide = 4 * dim if hidden_dim is None else hidden_dim
        options = {"layer_norm_eps": norm_eps, "batch_first": True, "norm_first": True, **place}
        self.layers = ModuleList(
            [TransformerEncoderLayer(dim, heads, wide, dropout, "gelu", **options) for _ in range(layers)]
        )
        self.norm = LayerNorm(dim, norm_eps, **place)
        self.pooler = Linear(dim, dim, **place) if pooler else None
        self.head = None if classes is None else Linear(dim, classes, **place)

    def forward(self, image: Tensor) -> Tensor:
        """`image` of shape (batch, channels, image_size, image_size).

        Gives (batch, 1 + number of patches, dim), the picture's own vector first; with classes, (batch, classes).
        """
        image = as_tensor(image, self.first.device)
        side, wanted = self.image_size, (self.channels, self.image_size, self.image_size)
        if image.ndim != 4 or image.shape[1:] != wanted:
            raise ShapeError(
                f"ViT: wanted pictures of shape (batch, {self.channels}, {side}, {side}), got {image.shape}"
            )
        x = self.patches(self.cut(image))
        first = self.first.broadcast_to((x.shape[0], 1, x.shape[2]))
        x = self.dropout(ops.concat([first, x], 1) + self.positions)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x)
        return x if self.head is None else self.head(ops.getitem(x, (slice(None), 0)))

    def cut(self, image: Tensor) -> Tensor:
        """Cut pictures into patches, row by row: (batch, number of patches, channels · patch_size²)."""
        batch, side, rows = image.shape[0], self.patch_size, self.image_size // self.patch_size
        x = image.reshape((batch, self.channels, rows, side, rows, side))
        return x.permute((0, 2, 4, 1, 3, 5)).reshape((batch, rows * rows, self.channels * side * side))

    def pooled(self, x: Tensor) -> Tensor:
        """What `forward` gave without classes makes one vector of each picture: tanh of a map of its first."""
        if self.pooler is None:
            raise ValueError("ViT.pooled: this model has no pooler; make it with pooler=True")
        return ops.tanh(self.pooler(ops.getitem(x, (slice(None), 0))))
