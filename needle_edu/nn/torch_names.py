"""PyTorch's names for the weights of recurrent layers, and its arrangement of them: ours are its transposes.

    W_ih (input, gates * hidden)    weight_ih, in a layer weight_ih_l0, weight_ih_l0_reverse, …   transposed
    W_hh (hidden, gates * hidden)   weight_hh, weight_hh_l0, …                                    transposed
    bias_ih, bias_hh                bias_ih, bias_hh, bias_ih_l0, …                               the same

Gates have the same order: i, f, g, o and r, z, n.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..autograd.arrays import readable
from ..backend.errors import DataError

THEIRS = {"W_ih": "weight_ih", "W_hh": "weight_hh", "bias_ih": "bias_ih", "bias_hh": "bias_hh"}


class TorchNames:
    """A module whose parameters PyTorch knows by other names."""

    def _torch_cells(self) -> list[tuple[str, str, Any]]:
        """(prefix of our names, suffix of theirs, cell) of each cell."""
        raise NotImplementedError

    def _torch_names(self) -> dict[str, str]:
        """Our name → theirs."""
        return {
            prefix + ours: theirs + suffix
            for prefix, suffix, cell in self._torch_cells()
            for ours, theirs in THEIRS.items()
            if getattr(cell, ours) is not None
        }

    def torch_state_dict(self) -> dict[str, np.ndarray]:
        """Name → numbers as PyTorch's module of the same name has them, to load there.

        Examples
        --------
        >>> from needle_edu import nn
        >>> {name: array.shape for name, array in nn.LSTM(3, 2).torch_state_dict().items()}
        {'weight_ih_l0': (8, 3), 'weight_hh_l0': (8, 2), 'bias_ih_l0': (8,), 'bias_hh_l0': (8,)}
        """
        own = self.state_dict()  # type: ignore[attr-defined]
        return {theirs: _transposed(own[ours]) for ours, theirs in self._torch_names().items()}

    def load_torch_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over what `state_dict()` of PyTorch's module gave; all of it, or, after an error, nothing.

        Raises
        ------
        DataError
            If names are missing or unknown.
        ShapeError, DTypeError
            If an array has not the shape or dtype of the parameter it belongs to.

        Examples
        --------
        >>> from needle_edu import nn
        >>> one, other = nn.GRU(3, 2), nn.GRU(3, 2)
        >>> one.load_torch_state_dict(other.torch_state_dict())
        >>> bool((one.gru_cells[0].W_ih.numpy() == other.gru_cells[0].W_ih.numpy()).all())
        True
        """
        names = self._torch_names()
        missing, unknown = sorted({*names.values()} - {*saved}), sorted({*saved} - {*names.values()})
        if missing or unknown:
            raise DataError(
                f"{type(self).__name__}.load_torch_state_dict: the saved state is of another model: "
                f"missing {missing or 'nothing'}, unknown {unknown or 'nothing'}"
            )
        taken = {ours: _transposed(_numbers(saved[theirs])) for ours, theirs in names.items()}
        self.load_state_dict(taken)  # type: ignore[attr-defined]


def _transposed(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array.T)


def _numbers(value: Any) -> np.ndarray:
    return readable(value.detach() if hasattr(value, "detach") else value)
