"""Switching the recording of operations off and on, as a context manager or a decorator.

Inference needs no graph: under `no_grad` results are detached, which saves the memory of all intermediate
values. The setting belongs to the current thread and ends with the block, also by an error or an interrupt.
"""

import functools
import inspect
import operator
import types
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from needle_edu.backend.scope import Block, Change, Found, Run

from . import state

Function = TypeVar("Function", bound=Callable[..., Any])


class _Switch(Change):
    """The change that `set_grad_enabled` has made: in the innermost block, or else in the thread."""

    __slots__ = ("_decorate", "before", "enabled", "place")
    __call__ = Found(operator.attrgetter("_decorate"))

    def __init__(self, enabled: bool):
        super().__init__()
        self.enabled = enabled
        blocks = state.thread.blocks
        if blocks and isinstance(blocks[-1], state.Pass):
            blocks[-1] = state.Pass(blocks[-1].enabled)  # the shared ones never change
        self.place: Any = blocks[-1] if blocks else state.thread
        self.before: bool = self.place.enabled
        decorating = _decorating(self)
        next(decorating)
        self._decorate = decorating.send

    def take_back(self) -> None:
        if self.place is not None:
            self.place.enabled, self.place = self.before, None


def _decorating(switch: _Switch) -> Generator[Any, Any, None]:
    """Each further step decorates a function: nothing is switched before that function is called."""
    decorated = None
    try:
        while True:
            function = yield decorated
            switch.take_back()
            decorated = _in_mode(function, switch.enabled)
    except KeyboardInterrupt:  # at whatever line: no interrupt comes before `try`
        switch.take_back()
        raise


def set_grad_enabled(enabled: bool) -> _Switch:
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
    switch = _Switch(bool(enabled))
    if not enabled:
        state.threads_without_grad.add(state.thread.number)
    switch.place.enabled = switch.enabled
    return switch


class _GradScope(Block):
    """Base of `no_grad` and `enable_grad`; may be entered again and again, also nested."""

    enabled: bool

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        return object.__new__(cls) if function is None else _in_mode(function, cls.enabled)

    def begin(self, run: Run) -> None:
        run.enabled = self.enabled
        run.before = state.thread.blocks
        state.threads_without_grad.add(state.thread.number)
        run.before.append(run)

    def end(self, run: Run) -> None:
        if run.before is not None and run in run.before:
            run.before.remove(run)
        state.grad_enabled()  # forgets that this thread was in a block, if it was the last

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
        blocks = state.thread.blocks
        depth = len(blocks)
        try:
            state.threads_without_grad.add(state.thread.number)
            blocks.append(state.RECORDING if enabled else state.NOT_RECORDING)
            return function(*args, **kwargs)
        finally:
            del blocks[depth:]  # a plain statement: an interrupt falls into calls and loops only
            state.grad_enabled()

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
        blocks = state.thread.blocks
        depth = len(blocks)
        try:
            state.threads_without_grad.add(state.thread.number)
            blocks.append(state.RECORDING if enabled else state.NOT_RECORDING)
            result = resume(sent)
        except StopIteration as end:
            return end.value
        finally:
            del blocks[depth:]
            state.grad_enabled()
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
