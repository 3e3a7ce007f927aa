"""Hooks of modules: functions called around `forward`, and on the gradient's way back through the module.

A module with backward hooks gives its inputs to `forward`, and its outputs to the world, as parts of two tuples of the
graph. When the adjoint of the outputs' tuple is complete, the gradients of all outputs are known; when that of the
inputs' tuple is, the module has done its part of the backward pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from ..autograd import Tensor, TensorTuple, is_grad_enabled
from ..autograd.hooks import HookHandle, add_hook
from ..backend.errors import GradientError


class Hooks:
    """The hooks of one module, in the order in which they were registered."""

    def __init__(self) -> None:
        self.before: dict[HookHandle, Callable] = {}
        self.after: dict[HookHandle, Callable] = {}
        self.before_backward: dict[HookHandle, Callable] = {}
        self.after_backward: dict[HookHandle, Callable] = {}

    def around(self, module: Any, args: tuple, kwargs: dict) -> Any:
        """`module.forward(*args, **kwargs)` with the hooks around it."""
        for hook in tuple(self.before.values()):
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        way_back = None
        if (self.before_backward or self.after_backward) and is_grad_enabled():
            way_back = _WayBack(self, module)
            args = way_back.entered(args)
        out = module.forward(*args, **kwargs)
        for hook in tuple(self.after.values()):
            changed = hook(module, args, out)
            out = out if changed is None else changed
        return out if way_back is None else way_back.left(out)


def is_hooked(module: Any) -> bool:
    """Whether hooks have been hung on to a module; True also where all of them were removed again."""
    return module._hooks is not None


class Hooked:
    """What a module offers to those who want to look at it while it works, without changing it."""

    _hooks: Hooks | None = None

    def register_forward_pre_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, args)`` before each `forward`; unless it returns None, that is the new input.

        Returns
        -------
        HookHandle
            `remove()` takes the hook out.
        """
        return self._hook("before", hook, "register_forward_pre_hook")

    def register_forward_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, args, output)`` after each `forward`; unless it returns None, that is the output.

        Returns
        -------
        HookHandle
            `remove()` takes the hook out.
        """
        return self._hook("after", hook, "register_forward_hook")

    def register_full_backward_pre_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, grad_output)`` when `backward` reaches the module; see `register_full_backward_hook`.

        Unless it returns None, that is the gradient of the outputs from there on.
        """
        return self._hook("before_backward", hook, "register_full_backward_pre_hook")

    def register_full_backward_hook(self, hook: Callable) -> HookHandle:
        """Call ``hook(module, grad_input, grad_output)`` when `backward` has passed through the module.

        Both are tuples, with one gradient for each positional argument and each output, None where no gradient is
        wanted. Unless the hook returns None, that is the gradient of the inputs. The graph shows two tuples more.

        Examples
        --------
        >>> from needle_edu import nn
        >>> layer, seen = nn.ReLU(), []
        >>> handle = layer.register_full_backward_hook(lambda module, grads, _: seen.append(grads[0].numpy().tolist()))
        >>> layer(Tensor([-1.0, 2.0])).sum().backward()
        >>> seen
        [[0.0, 1.0]]
        """
        return self._hook("after_backward", hook, "register_full_backward_hook")

    def _hook(self, when: str, hook: Callable, who: str) -> HookHandle:
        self._hooks = self._hooks or Hooks()
        return HookHandle(getattr(self._hooks, when), hook, f"{type(self).__name__}.{who}")


class _WayBack:
    """One call of a module, waiting for its gradients."""

    def __init__(self, hooks: Hooks, module: Any):
        self.hooks, self.module = hooks, module
        self.inputs: _Parts | None = None
        self.outputs: _Parts | None = None
        self.grad_output: tuple | None = None

    def entered(self, args: tuple) -> tuple:
        """The arguments as `forward` gets them."""
        self.inputs = _Parts(args)
        return self.inputs.watched(self._inputs_known)

    def left(self, out: Any) -> Any:
        """The output as the caller gets it."""
        if isinstance(out, TensorTuple):
            return ops.make_tuple(*self.left(out.tuple()))
        several = isinstance(out, (tuple, list))
        self.outputs = _Parts(out if several else (out,))
        parts = self.outputs.watched(self._outputs_known)
        return (list(parts) if isinstance(out, list) else parts) if several else parts[0]

    def _outputs_known(self, g: TensorTuple) -> TensorTuple:
        assert self.inputs is not None and self.outputs is not None
        grads = self.outputs.spread(g)
        for hook in tuple(self.hooks.before_backward.values()):
            changed = hook(self.module, grads)
            grads = (
                grads
                if changed is None
                else self._as_given(changed, grads, "register_full_backward_pre_hook")
            )
        self.grad_output = grads
        if not self.inputs.places:  # nothing further to wait for
            self._call_after((None,) * self.inputs.count)
        return self.outputs.packed(grads)

    def _inputs_known(self, g: TensorTuple) -> TensorTuple | None:
        assert self.inputs is not None
        if self.grad_output is None:  # a gradient of something that `forward` has put aside
            return None
        return self.inputs.packed(self._call_after(self.inputs.spread(g)))

    def _call_after(self, grads: tuple) -> tuple:
        for hook in tuple(self.hooks.after_backward.values()):
            changed = hook(self.module, grads, self.grad_output)
            grads = (
                grads if changed is None else self._as_given(changed, grads, "register_full_backward_hook")
            )
        self.grad_output = None
        return grads

    def _as_given(self, changed: Any, grads: tuple, who: str) -> tuple:
        """What a hook returned, if it has gradients just where there were some."""
        changed = changed if isinstance(changed, tuple) else (changed,)
        if [isinstance(g, Tensor) for g in changed] != [isinstance(g, Tensor) for g in grads]:
            shown = ", ".join("None" if g is None else "a tensor" for g in grads)
            raise GradientError(
                f"{type(self.module).__name__}.{who}: a hook returns None, or gradients where it got some: ({shown})"
            )
        return changed


class _Parts:
    """Those of several things that are tensors with a gradient, as one value of the graph."""

    def __init__(self, things: Any):
        self.things = tuple(things)
        self.count = len(self.things)
        self.places = [k for k, x in enumerate(self.things) if isinstance(x, Tensor) and x.requires_grad]

    def watched(self, hook: Callable) -> tuple:
        """All the things, the tensors among them as parts of a tuple whose adjoint `hook` gets; they are given away."""
        things, self.things = self.things, ()
        if not self.places:
            return things
        node = ops.make_tuple(*[things[k] for k in self.places])
        add_hook(node, hook)
        parts = dict(zip(self.places, node, strict=True))
        return tuple([parts.get(k, thing) for k, thing in enumerate(things)])

    def spread(self, g: TensorTuple) -> tuple:
        """The adjoint of the tuple as one gradient for each thing, None where there is none."""
        found = dict(zip(self.places, g, strict=True))
        return tuple([found.get(k) for k in range(self.count)])

    def packed(self, grads: tuple) -> TensorTuple:
        """The opposite of `spread`."""
        return ops.make_tuple(*[grads[k] for k in self.places])
