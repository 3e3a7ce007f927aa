"""Hooks on values: functions that see a gradient on its way back, and may change it.

`Tensor.register_hook` puts one in; the backward pass calls it when the value's adjoint is complete, before it is
written to a leaf's `.grad`, kept by `retain_grad()`, or handed on to the inputs. Modules use the same hooks
(needle_edu/nn/hooks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import state
from .arrays import GradientError
from .gradients import own, taken_by
from .unbroadcast import shape_of, unbroadcast
from .value import Value


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


def add_hook(value: Any, hook: Callable, who: str = "register_hook", kind: str = "hooks") -> HookHandle:
    """Let the backward pass call ``hook(gradient)`` at `value`; see Tensor.register_hook.

    Those of the kind "written" are called as ``hook(leaf)`` when its `.grad` has been written.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> handle = add_hook(x, lambda gradient: gradient * 10)
    >>> (x * x).sum().backward()
    >>> x.grad.numpy().tolist()
    [20.0, 40.0]
    """
    if not value.requires_grad:
        raise GradientError(f"{who}: this tensor requires no gradient, so no hook would ever be called")
    hooks = value.extra.get(kind) if value.extra else None
    handle = HookHandle({} if hooks is None else hooks, hook, who)
    if hooks is None:
        value._remember(kind, handle._hooks)
    return handle


def passed(node, g, taken: set[int]):
    """Return the complete adjoint `g` of `node` as its hooks leave it; `node.grad` gets it if that was asked for.

    The hooks may keep what they see, so its memory is nobody's to give away afterwards.
    """
    extra = node.extra
    if "hooks" in extra:
        if g.extra is not None and "partial" in g.extra:
            g = g.completed(node)
        for hook in tuple(extra["hooks"].values()):
            changed = hook(g)
            if changed is not None:
                g = _checked(changed, node)
        taken.update(taken_by(g))
    if "retain" in extra and node.op is not None:
        node.grad = own(g, taken)
    return g


def _checked(changed, node):
    """Return what a hook has returned, in the dtype of the node, or say what is wrong with it."""
    if not isinstance(changed, Value) or shape_of(changed) != shape_of(node):
        got = f"shape {shape_of(changed)}" if isinstance(changed, Value) else type(changed).__name__
        raise GradientError(
            f"a hook returns a gradient of its tensor's shape {shape_of(node)}, or None; got {got}"
        )
    return unbroadcast(changed if state.grad_enabled() else changed.make_const(changed), node, node)


def call_after_pass(function: Callable[[], None]) -> None:
    """Call a function once, when the backward pass that this thread is in has written its last gradient.

    For a hook that wants to end what it has begun, such as sums of gradients over several processes. A pass that an
    error stops calls nothing.

    Examples
    --------
    >>> from needle_edu import Tensor
    >>> x = Tensor([1.0, 2.0])
    >>> handle = x.register_hook(lambda gradient: call_after_pass(lambda: print("all of", x.grad.numpy())))
    >>> (x * x).sum().backward()
    all of [2. 4.]
    """
    if state.thread.after_pass is None:
        raise GradientError("call_after_pass: no backward pass is running in this thread")
    state.thread.after_pass.append(function)
