"""Pooling layers: smaller images, one number for each window. They have no parameters; the ops do the work."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..autograd import Tensor
from ..autograd.op import attribute_names
from ..backend.arguments import switch
from ..ops.adaptive import output_sizes
from .inputs import as_tensor
from .module import Module


class _Pool(Module):
    """Keeps the attributes of an op, which is made at once: what makes no sense is said here."""

    op_class: Any = None

    def __init__(self, *values: Any, **named: Any):
        super().__init__()
        self.op = type(self).op_class(*values, **named)

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, *extents) gives (N, C, *extents')."""
        # Through the function, not self.op: an override of the op is used at once.
        attributes = {name: getattr(self.op, name) for name in attribute_names(self.op_class)}
        return getattr(ops, self.op.name)(as_tensor(x), **attributes)

    def extra_repr(self) -> str:
        """The attributes; a switch that is off is left out."""
        shown = {name: value for name, value in self.op.attrs.items() if value is not None}
        return ", ".join([f"{name}={value!r}" for name, value in shown.items()])


class _MaxPool(_Pool):
    """Gives where the maxima are as well, if asked to."""

    def __init__(self, *values: Any, return_indices: bool = False, **named: Any):
        super().__init__(*values, **named)
        switch(type(self).__name__, return_indices=return_indices)
        self.return_indices = bool(return_indices)

    def forward(self, x: Tensor) -> Any:
        """`x` of shape (N, C, *extents) gives (N, C, *extents'), with `return_indices` also int64 places."""
        if not self.return_indices:
            return super().forward(x)
        attributes = {name: getattr(self.op, name) for name in attribute_names(self.op_class)}
        return getattr(ops, f"{self.op.name}_with_indices")(as_tensor(x), **attributes)

    def extra_repr(self) -> str:
        """The attributes; a switch that is off is left out."""
        return super().extra_repr() + (", return_indices=True" if self.return_indices else "")


class MaxPool1d(_MaxPool):
    """`ops.max_pool1d` as a layer: `MaxPool1d(kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False)`.

    With ``return_indices=True`` it gives a pair: the maxima, and where they are, for `MaxUnpool1d`.

    Examples
    --------
    >>> MaxPool1d(2)([[[1.0, 3.0, 2.0, 5.0]]]).numpy().tolist()
    [[[3.0, 5.0]]]
    """

    op_class = ops.MaxPool1d


class MaxPool2d(_MaxPool):
    """`ops.max_pool2d` as a layer: `MaxPool2d(kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False)`.

    With ``return_indices=True`` it gives a pair: the maxima, and where they are, for `MaxUnpool2d`.

    Examples
    --------
    >>> MaxPool2d(2)([[[[1.0, 2.0], [4.0, 3.0]]]]).numpy().tolist()
    [[[[4.0]]]]
    """

    op_class = ops.MaxPool2d


class AvgPool1d(_Pool):
    """`ops.avg_pool1d` as a layer: `AvgPool1d(kernel_size, stride=None, padding=0, ceil_mode=False, …)`.

    Examples
    --------
    >>> AvgPool1d(2)([[[1.0, 3.0, 2.0, 6.0]]]).numpy().tolist()
    [[[2.0, 4.0]]]
    """

    op_class = ops.AvgPool1d


class AvgPool2d(_Pool):
    """`ops.avg_pool2d` as a layer: `AvgPool2d(kernel_size, stride=None, padding=0, ceil_mode=False, …)`.

    Examples
    --------
    >>> AvgPool2d(2)([[[[1.0, 2.0], [4.0, 3.0]]]]).numpy().tolist()
    [[[[2.5]]]]
    """

    op_class = ops.AvgPool2d


class _AdaptivePool(Module):
    """Keeps the wanted size; the function does the work."""

    function = ""

    def __init__(self, output_size: Any):
        super().__init__()
        self.output_size = output_size
        output_sizes(self.function, output_size, int(self.function[-2]))

    def forward(self, x: Tensor) -> Tensor:
        """`x` of shape (N, C, *extents) gives (N, C, *output_size)."""
        return getattr(ops, self.function)(as_tensor(x), self.output_size)

    def extra_repr(self) -> str:
        """The wanted size."""
        return f"output_size={self.output_size!r}"


class AdaptiveAvgPool1d(_AdaptivePool):
    """`ops.adaptive_avg_pool1d` as a layer.

    Examples
    --------
    >>> AdaptiveAvgPool1d(1)([[[1.0, 3.0]]]).numpy().tolist()
    [[[2.0]]]
    """

    function = "adaptive_avg_pool1d"


class AdaptiveAvgPool2d(_AdaptivePool):
    """`ops.adaptive_avg_pool2d` as a layer: size 1 is the global mean before a classifier.

    Examples
    --------
    >>> AdaptiveAvgPool2d(1)([[[[1.0, 2.0], [4.0, 5.0]]]]).numpy().tolist()
    [[[[3.0]]]]
    """

    function = "adaptive_avg_pool2d"


class _AdaptiveMaxPool(_AdaptivePool):
    """Gives where the maxima are as well, if asked to."""

    def __init__(self, output_size: Any, return_indices: bool = False):
        super().__init__(output_size)
        switch(type(self).__name__, return_indices=return_indices)
        self.return_indices = bool(return_indices)

    def forward(self, x: Tensor) -> Any:
        """`x` of shape (N, C, *extents) gives (N, C, *output_size), with `return_indices` also int64 places."""
        if not self.return_indices:
            return super().forward(x)
        return getattr(ops, f"{self.function}_with_indices")(as_tensor(x), self.output_size)

    def extra_repr(self) -> str:
        """The wanted size; a switch that is off is left out."""
        return super().extra_repr() + (", return_indices=True" if self.return_indices else "")


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """`ops.adaptive_max_pool1d` as a layer; with ``return_indices=True`` a pair: the maxima, and where they are.

    Examples
    --------
    >>> AdaptiveMaxPool1d(1)([[[1.0, 3.0]]]).numpy().tolist()
    [[[3.0]]]
    """

    function = "adaptive_max_pool1d"


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """`ops.adaptive_max_pool2d` as a layer; with ``return_indices=True`` a pair: the maxima, and where they are.

    Examples
    --------
    >>> AdaptiveMaxPool2d((1, None))([[[[1.0, 2.0], [4.0, 5.0]]]]).numpy().tolist()
    [[[[4.0, 5.0]]]]
    """

    function = "adaptive_max_pool2d"
