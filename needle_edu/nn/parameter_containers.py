"""Lists and dicts of parameters. Ordinary ones do the same in needle_edu; these are PyTorch's names for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import several
from .module import Module
from .parameter import Parameter


class ParameterList(Module):
    """A list whose tensors are parameters of the model that has it.

    Parameters
    ----------
    values : iterable of Parameter, Tensor or array_like
        What is no parameter becomes one.

    Examples
    --------
    >>> from needle_edu import nn
    >>> weights = nn.ParameterList([Tensor([1.0]), Tensor([2.0])]).append(Tensor([3.0]))
    >>> len(weights), weights[-1].item(), [name for name, _ in weights.named_parameters()]
    (3, 3.0, ['values.0', 'values.1', 'values.2'])
    """

    def __init__(self, values: Iterable[Any] = ()):
        super().__init__()
        self.values: list[Parameter] = []
        self.extend(several("ParameterList", "values", values) if not isinstance(values, Tensor) else values)

    def append(self, value: Any) -> ParameterList:
        """Put one more parameter at the end; returns the list."""
        self.values.append(_parameter("ParameterList", value))
        return self

    def extend(self, values: Iterable[Any]) -> ParameterList:
        """Put several more at the end; returns the list."""
        if isinstance(values, Tensor) or not isinstance(values, Iterable):
            raise TypeError(f"ParameterList: wanted several parameters, got one {type(values).__name__}")
        self.values.extend([_parameter("ParameterList", value) for value in values])
        return self

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.values)

    def __getitem__(self, index: Any) -> Any:
        part = self.values[index]
        return ParameterList(part) if isinstance(part, list) else part

    def __setitem__(self, index: int, value: Any) -> None:
        self.values[index] = _parameter("ParameterList", value)


class ParameterDict(Module):
    """A dict whose tensors are parameters of the model that has it; in the order of insertion.

    Parameters
    ----------
    parameters : mapping from str to Parameter, Tensor or array_like
        What is no parameter becomes one.

    Examples
    --------
    >>> from needle_edu import nn
    >>> scales = nn.ParameterDict({"left": Tensor([1.0])})
    >>> scales["right"] = Tensor([2.0])
    >>> list(scales), [name for name, _ in scales.named_parameters()]
    (['left', 'right'], ['named.left', 'named.right'])
    """

    def __init__(self, parameters: Mapping[str, Any] | None = None):
        super().__init__()
        self.named: dict[str, Parameter] = {}
        self.update(parameters or {})

    def update(self, parameters: Mapping[str, Any]) -> None:
        """Take over all that a mapping has."""
        if not isinstance(parameters, Mapping):
            raise TypeError(f"ParameterDict: wanted a mapping from names to parameters, got {parameters!r}")
        for name, value in dict(parameters).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"ParameterDict: a name is text without dots, got {name!r}")
        self.named[name] = _parameter("ParameterDict", value)

    def __getitem__(self, name: str) -> Parameter:
        return self.named[name]

    def __delitem__(self, name: str) -> None:
        del self.named[name]

    def __len__(self) -> int:
        return len(self.named)

    def __iter__(self) -> Iterator[str]:
        return iter(self.named)

    def __contains__(self, name: object) -> bool:
        return name in self.named

    def pop(self, name: str) -> Parameter:
        """Take one out and return it."""
        return self.named.pop(name)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self.named.keys()

    def values(self) -> Iterable[Parameter]:
        """The parameters."""
        return self.named.values()

    def items(self) -> Iterable[tuple[str, Parameter]]:
        """(name, parameter) of each."""
        return self.named.items()


def _parameter(who: str, value: Any) -> Parameter:
    """A parameter as it is; a tensor or array of floats as a new one."""
    if isinstance(value, Parameter):
        return value
    made = Parameter(value)
    if made.dtype.kind != "f":
        raise TypeError(f"{who}: parameters are floating-point numbers, got {made.dtype}")
    return made
