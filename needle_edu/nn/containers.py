"""Modules that put other modules together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import several
from ..backend.naming import a_kind
from .module import Module


class Identity(Module):
    """Gives back what it gets.

    Examples
    --------
    >>> Identity()(Tensor([1.0, 2.0])).numpy()
    array([1., 2.], dtype=float32)
    """

    def forward(self, x: Any) -> Any:
        """Anything."""
        return x


class Sequential(Module):
    """One module after the other, each fed with what the one before gave.

    Parameters
    ----------
    *modules : Module
        Functions of one argument will do as well.

    Raises
    ------
    TypeError
        If one of them cannot be called with an input: a list of modules, or a class instead of a module.

    Examples
    --------
    >>> from needle_edu import nn
    >>> model = nn.Sequential(nn.ReLU(), nn.Tanh()).append(nn.Sigmoid())
    >>> model[1], len(model[:2])
    (Tanh(), 2)
    >>> nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    Sequential() · 2,410 parameters
    ├─ modules.0: Linear(64, 32) · 2,080 parameters: weight (64, 32), bias (1, 32)
    ├─ modules.1: ReLU()
    └─ modules.2: Linear(32, 10) · 330 parameters: weight (32, 10), bias (1, 10)
    """

    def __init__(self, *modules: Module, device: Any = None, dtype: Any = None):
        super().__init__(device=device, dtype=dtype)
        for place, module in enumerate(modules):
            _check_part(f"Sequential: part {place}", module)
        self.modules = modules

    def append(self, module: Module) -> Sequential:
        """Put one more module at the end; returns the whole."""
        _check_part(f"Sequential: part {len(self.modules)}", module)
        self.modules = (*self.modules, module)
        return self

    def __len__(self) -> int:
        return len(self.modules)

    def __bool__(self) -> bool:
        return True  # without modules too: in Needle every module is true

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def __getitem__(self, index: Any) -> Any:
        part = self.modules[index]
        return Sequential(*part) if isinstance(index, slice) else part

    def forward(self, x: Any) -> Any:
        """The last module's output; `x` itself if there are no modules."""
        for module in self.modules:
            x = module(x)
        return x


class ModuleList(Module):
    """A list whose modules belong to the model that has it; what to do with them its `forward` says.

    An ordinary list does the same in needle_edu; this is PyTorch's name for it.

    Parameters
    ----------
    modules : iterable of Module

    Examples
    --------
    >>> from needle_edu import nn
    >>> layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    >>> len(layers), len(layers.parameters()), len(layers[1:])
    (3, 6, 2)
    """

    def __init__(self, modules: Iterable[Module] = ()):
        super().__init__()
        self.modules: list[Module] = []
        self.extend(several("ModuleList", "modules", modules))

    def append(self, module: Module) -> ModuleList:
        """Put one more module at the end; returns the list."""
        _check_part(f"ModuleList: part {len(self.modules)}", module)
        self.modules.append(module)
        return self

    def extend(self, modules: Iterable[Module]) -> ModuleList:
        """Put several more at the end; returns the list."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> None:
        """Put one more before position `index`."""
        _check_part(f"ModuleList: part {index}", module)
        self.modules.insert(index, module)

    def __len__(self) -> int:
        return len(self.modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.modules)

    def __getitem__(self, index: Any) -> Any:
        part = self.modules[index]
        return ModuleList(part) if isinstance(part, list) else part

    def __setitem__(self, index: int, module: Module) -> None:
        _check_part(f"ModuleList: part {index}", module)
        self.modules[index] = module

    def __delitem__(self, index: Any) -> None:
        del self.modules[index]

    def pop(self, index: int = -1) -> Module:
        """Take one out and return it."""
        return self.modules.pop(index)


class ModuleDict(Module):
    """A dict whose modules belong to the model that has it; in the order of insertion.

    An ordinary dict does the same in needle_edu; this is PyTorch's name for it.

    Parameters
    ----------
    modules : mapping from str to Module

    Examples
    --------
    >>> from needle_edu import nn
    >>> branches = nn.ModuleDict({"left": nn.Linear(2, 2)})
    >>> branches["right"] = nn.ReLU()
    >>> list(branches), [name for name, _ in branches.named_parameters()]
    (['left', 'right'], ['modules.left.weight', 'modules.left.bias'])
    """

    def __init__(self, modules: Mapping[str, Module] | None = None):
        super().__init__()
        self.modules: dict[str, Module] = {}
        if not isinstance(modules or {}, Mapping):
            raise TypeError(f"ModuleDict: wanted a mapping from names to modules, got {modules!r}")
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """Take over all that a mapping has."""
        for name, module in dict(modules).items():
            self[name] = module

    def pop(self, name: str) -> Module:
        """Take one out and return it."""
        return self.modules.pop(name)

    def __setitem__(self, name: str, module: Module) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise KeyError(f"ModuleDict: a name is text without dots, got {name!r}")
        _check_part(f"ModuleDict: part {name!r}", module)
        self.modules[name] = module

    def __getitem__(self, name: str) -> Module:
        return self.modules[name]

    def __delitem__(self, name: str) -> None:
        del self.modules[name]

    def __len__(self) -> int:
        return len(self.modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self.modules)

    def __contains__(self, name: object) -> bool:
        return name in self.modules

    def keys(self) -> Iterable[str]:
        """The names."""
        return self.modules.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self.modules.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """(name, module) of each."""
        return self.modules.items()


class Residual(Module):
    """fn(x) + x: the module learns what to add, and the gradient has a way past it.

    Parameters
    ----------
    fn : Module or function
        Its output has the shape of its input.

    Examples
    --------
    >>> from needle_edu import nn
    >>> Residual(nn.ReLU())(Tensor([-1.0, 2.0])).numpy()
    array([-1.,  4.], dtype=float32)
    """

    def __init__(self, fn: Callable[[Tensor], Tensor], device: Any = None, dtype: Any = None):
        super().__init__(device=device, dtype=dtype)
        _check_part("Residual: fn", fn)
        self.fn = fn

    def forward(self, x: Tensor) -> Tensor:
        """`x` of the shape that `fn` takes."""
        return self.fn(x) + x


def _check_part(what: str, module: Any) -> None:
    """Refuse what cannot be called with an input."""
    if isinstance(module, type):
        name = module.__name__
        raise TypeError(f"{what} is the class {name}; make a module: {name}()")
    if not callable(module):
        advice = "; unpack it: Sequential(*modules)" if isinstance(module, (list, tuple)) else ""
        raise TypeError(f"{what} is {a_kind(module)}, wanted a module{advice}")
