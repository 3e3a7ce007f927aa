"""Module: a piece of a network, made of parameters and of smaller modules.

A module keeps its parts as plain attributes: parameters, other modules, and dicts, lists or tuples of them.
Everything else follows from looking at those attributes in the order they were set: the list of parameters an
optimiser needs, a name for each ("modules.0.weight" is `model.modules[0].weight`), switching between training
and evaluation, saving and loading, and the tree that `repr` prints.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ..autograd import Tensor, state
from ..autograd.arrays import readable
from ..backend.errors import DataError, DTypeError, ShapeError
from .parameter import Parameter


class Module:
    """The base of all layers and models: define `forward`, and `__init__` if there are parts to make.

    Attributes
    ----------
    training : bool
        True while the model learns; Dropout and BatchNorm behave differently when it is False.
    buffer_names : tuple of str
        Names of attributes that are no parameters but belong to the saved state (running averages).

    Examples
    --------
    >>> from needle_edu import nn
    >>> class Twice(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.layer = nn.Linear(3, 3)
    ...     def forward(self, x):
    ...         return self.layer(self.layer(x))
    >>> model = Twice()
    >>> [name for name, parameter in model.named_parameters()]
    ['layer.weight', 'layer.bias']
    >>> model
    Twice() · 12 parameters
    └─ layer: Linear(3, 3) · 12 parameters: weight (3, 3), bias (1, 3)
    """

    training = True
    buffer_names: tuple[str, ...] = ()

    def __init__(self, *, device: Any = None, dtype: Any = None) -> None:
        # Every layer takes device and dtype, so that one set of keywords makes a whole model; a layer without
        # parameters, such as ReLU, has no use for them.
        self.training = True

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the module computes; called by `module(...)`."""
        raise NotImplementedError(f"{type(self).__name__} must define forward(self, ...)")

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        if state.hook is None:
            return self.forward(*args, **kwargs)
        return self._call_watched(args, kwargs)

    # ---- the parts ------------------------------------------------------------------------------

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (name "") and all modules inside it, each once, parents before children."""
        seen: set[int] = set()
        stack = [("", self)]
        while stack:
            name, module = stack.pop()
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module
                children = [(_join(name, key), part) for key, part in module._parts(Module)]
                stack.extend(reversed(children))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(name, parameter) for every parameter in this module and those inside it, each once.

        They come in the order of attributes, a module's parts where the module stands.
        """
        yield from _walk_parameters("", self, set())

    def parameters(self) -> list[Parameter]:
        """Every parameter in this module and those inside it, each once: what an optimiser wants."""
        return [parameter for _, parameter in self.named_parameters()]

    def _children(self) -> list[Module]:
        """All modules inside this one, at any depth (Needle's name)."""
        return [module for name, module in self.named_modules() if module is not self]

    def _parts(self, kind: type | tuple[type, ...]) -> list[tuple[str, Any]]:
        """(name, part) for attributes of this kind, also in dicts, lists, tuples, but not inside modules."""
        found, seen = [], set()
        stack = [("", vars(self))]
        while stack:
            name, value = stack.pop()
            if isinstance(value, kind):
                found.append((name, value))
            elif isinstance(value, (dict, list, tuple)) and id(value) not in seen:
                seen.add(id(value))
                items = value.items() if isinstance(value, dict) else enumerate(value)
                stack.extend(reversed([(_join(name, key), part) for key, part in items]))
        return found

    # ---- training and evaluation ----------------------------------------------------------------

    def train(self) -> Module:
        """Switch this module and all inside it to training; returns the module."""
        for _, module in self.named_modules():
            module.training = True
        return self

    def eval(self) -> Module:
        """Switch this module and all inside it to evaluation; returns the module."""
        for _, module in self.named_modules():
            module.training = False
        return self

    # ---- saving and loading ---------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Name → copy of the numbers, for every parameter and buffer: all that training has changed.

        Examples
        --------
        >>> from needle_edu import nn
        >>> {name: array.shape for name, array in nn.Linear(2, 3).state_dict().items()}
        {'weight': (2, 3), 'bias': (1, 3)}
        """
        return {name: tensor.numpy() for name, tensor in self._named_state().items()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Take over the numbers that `state_dict` gave. All of them, or, after an error, none.

        Parameters
        ----------
        saved : mapping from name to array_like

        Raises
        ------
        DataError
            If names are missing or unknown.
        ShapeError, DTypeError
            If an array does not have the shape or dtype of the tensor it belongs to.
        """
        own, who = self._named_state(), f"{type(self).__name__}.load_state_dict"
        missing = [name for name in own if name not in saved]
        unknown = [name for name in saved if name not in own]
        if missing or unknown:
            raise DataError(
                f"{who}: the saved state is of another model: missing {missing or 'nothing'}, "
                f"unknown {unknown or 'nothing'}"
            )
        arrays = {name: _array(who, name, saved[name]) for name in own}
        for name, tensor in own.items():
            if arrays[name].shape != tensor.shape:
                raise ShapeError(f"{who}: {name}: got shape {arrays[name].shape}, wanted {tensor.shape}")
            if arrays[name].dtype != tensor.dtype:
                raise DTypeError(f"{who}: {name}: got dtype {arrays[name].dtype}, wanted {tensor.dtype}")
        new = [Tensor(arrays[name], device=t.device, dtype=t.dtype).cached_data for name, t in own.items()]
        before = [tensor.cached_data for tensor in own.values()]
        try:
            _replace(own.values(), new)
        except BaseException:  # an interrupt, for instance
            _replace(own.values(), before)
            raise

    def _named_state(self) -> dict[str, Tensor]:
        """Every parameter and buffer by name."""
        named: list[tuple[str, Tensor]] = list(self.named_parameters())
        for name, module in self.named_modules():
            named += [(_join(name, buffer), getattr(module, buffer)) for buffer in module.buffer_names]
        found = dict(named)
        if len(found) < len(named):
            names = [name for name, _ in named]
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DataError(
                f"{type(self).__name__}: two tensors have the same name {twice[0]!r}; "
                "give dict keys and attributes names without dots"
            )
        return found

    # ---- printing -------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the brackets in `repr`; a layer returns its sizes."""
        return ""

    def __repr__(self) -> str:
        return "\n".join(_tree(self, "", "", ()))

    # ---- events ---------------------------------------------------------------------------------

    def _call_watched(self, args: tuple, kwargs: dict) -> Any:
        """`forward`, while somebody listens to events and wants to know which module they belong to."""
        name = type(self).__name__
        if _calling.modules:
            parts = _calling.modules[-1].named_modules()
            name = next((path for path, module in parts if module is self and path), name)
        modules, names = _calling.modules, state.module_path.names
        depth, length = len(modules), len(names)
        try:
            modules.append(self)
            names.append(name)
            return self.forward(*args, **kwargs)
        finally:
            del modules[depth:], names[length:]  # plain: an interrupt falls into calls and loops only


def _array(who: str, name: str, value: Any) -> np.ndarray:
    """A saved value as an array, or an error that names it."""
    try:
        return readable(value)
    except ValueError as error:
        raise DataError(f"{who}: {name}: rows of different lengths make no array") from error


def _replace(tensors: Iterable[Tensor], arrays: list) -> None:
    for tensor, array in zip(tensors, arrays, strict=True):
        tensor.replace_data(array)


class _Calling(threading.local):
    """The modules being called right now in this thread, outermost first."""

    def __init__(self) -> None:
        self.modules: list[Module] = []


_calling = _Calling()


def _join(name: str, key: Any) -> str:
    return f"{name}.{key}" if name else str(key)


def _walk_parameters(prefix: str, module: Module, seen: set[int]) -> Iterator[tuple[str, Parameter]]:
    """The named parameters of `module` that are not yet in `seen`, depth first."""
    seen.add(id(module))
    for key, part in module._parts((Module, Parameter)):
        if id(part) in seen:
            continue
        if isinstance(part, Module):
            yield from _walk_parameters(_join(prefix, key), part, seen)
        else:
            seen.add(id(part))
            yield _join(prefix, key), part


def _tree(module: Module, head: str, indent: str, ancestors: tuple[Module, ...]) -> Iterator[str]:
    """The lines of `repr`: one per module, with its own parameters' shapes and the count of all inside."""
    count = sum(parameter.size for parameter in module.parameters())
    own = ", ".join(f"{name} {parameter.shape}" for name, parameter in module._parts(Parameter))
    line = f"{head}{type(module).__name__}({module.extra_repr()})"
    if count:
        line += f" · {count:,} parameters"
    yield line + (f": {own}" if own else "")
    if any(module is ancestor for ancestor in ancestors):
        return
    children = module._parts(Module)
    for number, (name, child) in enumerate(children, start=1):
        branch, below = ("└─ ", "   ") if number == len(children) else ("├─ ", "│  ")
        yield from _tree(child, f"{indent}{branch}{name}: ", indent + below, (*ancestors, module))
