"""Giving a module parts by name, and asking for them by name: what PyTorch's models do in their `__init__`.

In needle_edu an attribute is enough: `self.weight = Parameter(...)`. Only a buffer, a tensor that belongs to the state
but is not trained, has to be declared: a tensor alone may be anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..autograd import Tensor
from ..backend.arguments import switch
from .hooks import Hooked
from .parameter import Parameter


class Registering(Hooked):
    """What `Module` offers for registering buffers and parameters, and for finding parts by their names."""

    buffer_names: tuple[str, ...] = ()
    transient_names: tuple[str, ...] = ()

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Make a tensor an attribute that moves with the module, and is saved with it unless `persistent` is False.

        Parameters
        ----------
        name : str
        tensor : Tensor or None
            None is a place for a buffer that does not exist yet.
        persistent : bool
            Whether `state_dict` has it.

        Examples
        --------
        >>> from needle_edu import Tensor, nn
        >>> class Centred(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.register_buffer("mean", Tensor([3.0]))
        ...     def forward(self, x):
        ...         return x - self.mean
        >>> list(Centred().state_dict()), Centred().parameters()
        (['mean'], [])
        """
        who = f"{type(self).__name__}.register_buffer"
        self._check_name(who, name)
        switch(who, persistent=persistent)
        if tensor is not None and not isinstance(tensor, Tensor) or isinstance(tensor, Parameter):
            raise TypeError(
                f"{who}: {name} is a tensor or None, and no Parameter; got one {type(tensor).__name__}"
            )
        if tensor is not None and tensor.is_leaf():
            tensor.requires_grad_(False)
        setattr(self, name, tensor)
        self.buffer_names = (*(known for known in self.buffer_names if known != name), name)
        kept = tuple([known for known in self.transient_names if known != name])
        self.transient_names = kept if persistent else (*kept, name)

    def register_parameter(self, name: str, parameter: Parameter | None) -> None:
        """Make a parameter an attribute: ``module.name = parameter``. None says that there is none.

        Examples
        --------
        >>> from needle_edu import nn
        >>> model = nn.Module()
        >>> model.register_parameter("scale", nn.Parameter([1.0]))
        >>> [name for name, _ in model.named_parameters()]
        ['scale']
        """
        who = f"{type(self).__name__}.register_parameter"
        self._check_name(who, name)
        if parameter is not None and not isinstance(parameter, Parameter):
            raise TypeError(f"{who}: {name} is a Parameter or None, got one {type(parameter).__name__}")
        setattr(self, name, parameter)

    def add_module(self, name: str, module: Any) -> None:
        """Make a module an attribute: ``parent.name = module``. None says that there is none.

        Examples
        --------
        >>> from needle_edu import nn
        >>> model = nn.Module()
        >>> model.add_module("act", nn.ReLU())
        >>> model.act
        ReLU()
        """
        who = f"{type(self).__name__}.add_module"
        self._check_name(who, name)
        if module is not None and not isinstance(module, Registering):
            raise TypeError(f"{who}: {name} is a module or None, got one {type(module).__name__}")
        setattr(self, name, module)

    register_module = add_module

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) for every buffer, such as a running average, in this module and those inside it."""
        for path, module in self.named_modules():  # type: ignore[attr-defined]
            for name in module.buffer_names:
                buffer = getattr(module, name)
                if buffer is not None:
                    yield (f"{path}.{name}" if path else name), buffer

    def buffers(self) -> Iterator[Tensor]:
        """Every buffer in this module and those inside it."""
        return (buffer for _, buffer in self.named_buffers())

    def saved_buffers(self) -> Iterator[tuple[str, Tensor]]:
        """(name, tensor) for every buffer that `state_dict` has."""
        passing = {
            f"{path}.{name}" if path else name
            for path, module in self.named_modules()  # type: ignore[attr-defined]
            for name in module.transient_names
        }
        return ((name, buffer) for name, buffer in self.named_buffers() if name not in passing)

    def get_submodule(self, target: str) -> Any:
        """The module inside this one that `named_modules` has under the name `target`; "" is this one.

        Raises
        ------
        AttributeError
            If there is none of that name.

        Examples
        --------
        >>> from needle_edu import nn
        >>> nn.Sequential(nn.ReLU(), nn.Tanh()).get_submodule("modules.1")
        Tanh()
        """
        return self._named("get_submodule", target, self.named_modules())  # type: ignore[attr-defined]

    def get_parameter(self, target: str) -> Parameter:
        """The parameter that `named_parameters` has under the name `target`; else as `get_submodule`.

        Examples
        --------
        >>> from needle_edu import nn
        >>> nn.Sequential(nn.Linear(2, 3)).get_parameter("modules.0.weight").shape
        (2, 3)
        """
        return self._named("get_parameter", target, self.named_parameters())  # type: ignore[attr-defined]

    def get_buffer(self, target: str) -> Tensor:
        """The buffer that `named_buffers` has under the name `target`; else as `get_submodule`.

        Examples
        --------
        >>> from needle_edu import nn
        >>> nn.BatchNorm1d(2).get_buffer("running_var").numpy()
        array([1., 1.], dtype=float32)
        """
        return self._named("get_buffer", target, self.named_buffers())

    def _named(self, what: str, target: str, parts: Iterator[tuple[str, Any]]) -> Any:
        found = dict(parts)
        if target not in found:
            raise AttributeError(
                f"{type(self).__name__}.{what}: there is no {target!r}; there are {[*found]!r:.200}"
            )
        return found[target]

    def _check_name(self, who: str, name: str) -> None:
        """Refuse a name that is none, or that a method or another part has."""
        if not isinstance(name, str) or not name.isidentifier():
            raise KeyError(f"{who}: a name is a Python identifier without dots, got {name!r}")
        if hasattr(type(self), name):
            raise KeyError(
                f"{who}: {type(self).__name__} has a method or setting {name!r} already; choose another name"
            )
