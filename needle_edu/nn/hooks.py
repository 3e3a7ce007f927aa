"""Hooks: functions that a module calls before and after its `forward`, to look at what passes or to change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Hooks:
    """The hooks of one module, in the order in which they were registered."""

    def __init__(self) -> None:
        self.before: dict[HookHandle, Callable] = {}
        self.after: dict[HookHandle, Callable] = {}

    def around(self, module: Any, args: tuple, kwargs: dict) -> Any:
        """`module.forward(*args, **kwargs)` with the hooks around it."""
        for hook in tuple(self.before.values()):
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        out = module.forward(*args, **kwargs)
        for hook in tuple(self.after.values()):
            changed = hook(module, args, out)
            out = out if changed is None else changed
        return out


class HookHandle:
    """What registering a hook gives back: `remove()` takes the hook out, as does leaving a `with` block.

    Examples
    --------
    >>> from needle_edu import Tensor, nn
    >>> layer, seen = nn.Identity(), []
    >>> with layer.register_forward_hook(lambda module, args, out: seen.append(out.shape)):
    ...     y = layer(Tensor([1.0, 2.0]))
    >>> y = layer(Tensor([1.0]))
    >>> seen
    [(2,)]
    """

    def __init__(self, hooks: dict[HookHandle, Callable], hook: Callable, who: str):
        if not callable(hook):
            raise TypeError(f"{who}: a hook is a function, got {type(hook).__name__}")
        self._hooks = hooks
        hooks[self] = hook

    def remove(self) -> None:
        """Take the hook out; again does no harm."""
        self._hooks.pop(self, None)

    def __enter__(self) -> HookHandle:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()
