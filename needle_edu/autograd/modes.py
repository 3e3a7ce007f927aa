"""Switching the recording of operations off and on, as a context manager or a decorator.

Inference needs no graph: under `no_grad` results are detached, which saves the memory of all intermediate
values. The setting belongs to the current thread and is restored when the block ends, also by an error.
"""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, Self, TypeVar

from . import state

Function = TypeVar("Function", bound=Callable[..., Any])


class set_grad_enabled:  # noqa: N801 - used like a function
    """Record operations for backward or not.

    Takes effect at once; as a context manager or decorator only within the block or function.

    Examples
    --------
    >>> from needle_edu import Tensor, set_grad_enabled
    >>> x = Tensor([1.0])
    >>> with set_grad_enabled(False):
    ...     y = x * 2
    >>> y.requires_grad
    False
    """

    def __init__(self, enabled: bool) -> None:
        self.enabled = bool(enabled)
        self.previous = [state.set_grad_mode(self.enabled)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        state.set_grad_mode(self.previous.pop())

    def __call__(self, function: Function) -> Function:
        state.set_grad_mode(self.previous.pop())  # a decorator: nothing happens until the function is called
        return _in_mode(function, self.enabled)


class _GradScope:
    """Base of `no_grad` and `enable_grad`; may be entered again and again, also nested."""

    enabled: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return object.__new__(cls) if function is None else _in_mode(function, cls.enabled)

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        self.previous: list[bool] = []

    def __enter__(self) -> Self:
        self.previous.append(state.set_grad_mode(self.enabled))
        return self

    def __exit__(self, *exception: object) -> None:
        state.set_grad_mode(self.previous.pop())

    def __call__(self, function: Function) -> Function:
        return _in_mode(function, self.enabled)


class no_grad(_GradScope):  # noqa: N801
    """Within the block (or the decorated function), results require no gradient and keep no history.

    Examples
    --------
    >>> from needle_edu import Tensor, no_grad
    >>> @no_grad()
    ... def predict(x):
    ...     return x * 2
    >>> predict(Tensor([1.0])).requires_grad
    False
    """

    enabled = False


class enable_grad(_GradScope):  # noqa: N801
    """Record operations again within a `no_grad` block.

    Examples
    --------
    >>> from needle_edu import Tensor, enable_grad, no_grad
    >>> x = Tensor([1.0])
    >>> with no_grad():
    ...     with enable_grad():
    ...         y = x * 2
    >>> y.requires_grad
    True
    """

    enabled = True


def _in_mode(function: Any, enabled: bool) -> Any:
    """Return `function` such that it runs in a mode, also when it runs in several steps."""
    if not callable(function) or isinstance(function, type) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"a grad mode decorates a function, a generator or a coroutine, got {function!r}; "
            "write `with no_grad():` around the lines it is for"
        )

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        previous = state.set_grad_mode(enabled)
        try:
            return function(*args, **kwargs)
        finally:
            state.set_grad_mode(previous)

    def generator(*args: Any, **kwargs: Any) -> Any:
        return (yield from _steps(function(*args, **kwargs), enabled))

    async def coroutine(*args: Any, **kwargs: Any) -> Any:
        return await types.coroutine(_steps)(function(*args, **kwargs), enabled)

    if inspect.isgeneratorfunction(function):
        wrapper = generator
    elif inspect.iscoroutinefunction(function):
        wrapper = coroutine
    return functools.wraps(function)(wrapper)


def _steps(running: Any, enabled: bool) -> Any:
    """Run a generator or coroutine in a mode; between two steps its caller's own mode is on."""
    resume, sent = running.send, None
    while True:
        previous = state.set_grad_mode(enabled)
        try:
            result = resume(sent)
        except StopIteration as end:
            return end.value
        finally:
            state.set_grad_mode(previous)
        try:
            resume, sent = running.send, (yield result)
        except GeneratorExit:
            running.close()
            raise
        except BaseException as error:
            resume, sent = running.throw, error


def is_grad_enabled() -> bool:
    """Whether operations are recorded for backward in this thread.

    Examples
    --------
    >>> with no_grad():
    ...     is_grad_enabled()
    False
    """
    return state.grad_enabled()
