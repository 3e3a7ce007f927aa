"""All parameters as one vector, and back: for those who think of a network as a point in space."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .. import ops
from ..autograd import Tensor
from ..backend.arguments import several
from ..backend.errors import ShapeError


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """Return all parameters, one after the other, as one vector; it has a history, so it can be differentiated.

    Parameters
    ----------
    parameters : iterable of Tensor
        Of one dtype, at least one.

    Returns
    -------
    Tensor of shape (n,)

    Examples
    --------
    >>> parameters_to_vector([Tensor([[1.0, 2.0]]), Tensor([3.0])]).numpy()
    array([1., 2., 3.], dtype=float32)
    """
    found = _tensors("parameters_to_vector", parameters)
    return ops.concatenate([p.reshape((p.size,)) for p in found], 0)


def vector_to_parameters(vector: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give each parameter its part of a vector: what `parameters_to_vector` made one of.

    Raises
    ------
    ShapeError
        If the vector is not as long as all parameters together; then none has changed.

    Examples
    --------
    >>> w, b = Tensor([[1.0, 2.0]]), Tensor([3.0])
    >>> vector_to_parameters(Tensor([4.0, 5.0, 6.0]), [w, b])
    >>> w.numpy().tolist(), b.item()
    ([[4.0, 5.0]], 6.0)
    """
    who = "vector_to_parameters"
    if not isinstance(vector, Tensor):
        raise TypeError(
            f"{who}: vector is a tensor, got one {type(vector).__name__}; the vector comes first: "
            "vector_to_parameters(vector, model.parameters())"
        )
    found = _tensors(who, parameters)
    sizes = [math.prod(p.shape) for p in found]
    if vector.shape != (sum(sizes),):
        raise ShapeError(
            f"{who}: got a vector of shape {vector.shape} for parameters of {sum(sizes)} numbers, wanted "
            f"({sum(sizes)},)"
        )
    place = 0
    for p, size in zip(found, sizes, strict=True):
        part = vector.detach()[place : place + size].reshape(p.shape)
        p.replace_data(Tensor(part.numpy(), device=p.device, dtype=p.dtype).cached_data)
        place += size


def _tensors(who: str, parameters: Iterable[Tensor]) -> list[Tensor]:
    if hasattr(parameters, "parameters") or isinstance(parameters, Tensor):
        raise TypeError(
            f"{who}: parameters are several tensors, got one {type(parameters).__name__}; "
            "give model.parameters()"
        )
    found = several(who, "parameters", parameters)
    if not found or not all(isinstance(p, Tensor) for p in found):
        kinds = sorted({type(p).__name__ for p in found}) or "none"
        raise TypeError(f"{who}: parameters are tensors, at least one, got {kinds}; give model.parameters()")
    return found
