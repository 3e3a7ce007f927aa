"""Blocks that end when their `with` statement ends, even if Ctrl-C falls into the very moment of leaving.

Python looks for an interrupt whenever a function of its own begins. If one comes just as `__exit__` begins,
`__exit__` does not run, and what it was to put back stays as it was: `no_grad` for ever, say. Two things are
certain all the same. A `with` statement holds the function it will call at the end, and lets go of it when it is
over, however it ends: a weak reference to that function tells us. And no interrupt falls between plain
assignments, nor into a function written in C: they are done whole or not at all.
"""

import functools
import operator
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Self

# Runs an iterator of C, such as `map(setattr, …)`, to its end, in one call of C that no interrupt can cut.
at_once: Any = functools.partial(deque, maxlen=0)


class Run:
    """One run through a block, from `__enter__` to `__exit__`; `before` is what the block found and will put back."""

    __slots__ = ("before", "block", "enabled", "running", "watch")

    def __init__(self, block: "Block"):
        self.block = block
        self.before: Any = None
        self.enabled = True  # of use to the grad modes only
        self.running: list[Run] = _thread.running
        self.watch: Any = None  # a weak reference to the exit function, as long as the block runs


class _Thread(threading.local):
    asked: Run | None = None  # made when `with` asked for its exit function; `__enter__` comes next

    def __init__(self) -> None:
        self.running: list[Run] = []  # innermost last


_thread = _Thread()


class _Exit:
    """`Block.__exit__`: asking for it gives a new function each time, whose end is the end of the block."""

    def __get__(self, block: "Block | None", owner: type) -> Callable[..., None]:
        if block is None:  # `contextlib.ExitStack` asks the class, and passes the block itself
            return _leave
        run = _thread.asked = Run(block)
        leave = functools.partial(_leave, block, run)
        run.watch = weakref.ref(leave, lambda _: _end(run))
        return leave


class Block:
    """The base of a context manager that does nothing before `with` enters it: define `begin` and `end`.

    Examples
    --------
    >>> class Loud(Block):
    ...     def begin(self, run):
    ...         print("on")
    ...     def end(self, run):
    ...         print("off")
    >>> with Loud():
    ...     print("inside")
    on
    inside
    off
    """

    def begin(self, run: Run) -> None:
        """Make the block's change; what `end` must know is in `run` before the change is made."""
        raise NotImplementedError

    def end(self, run: Run) -> None:
        """Take the change back. It may not have been made (an interrupt stopped `begin`), or be back already."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        run, _thread.asked = _thread.asked, None
        if run is None or run.block is not self:  # entered by hand: nobody holds an exit function
            run = Run(self)
        run.running.append(run)
        self.begin(run)
        return self

    __exit__ = _Exit()


def _leave(block: Block, run: Any = None, *exception: object) -> None:
    """Do the work of `__exit__`: end this run, or the latest of the block if it was entered by hand."""
    if not isinstance(run, Run) or run not in run.running:
        run = next((one for one in reversed(_thread.running) if one.block is block), None)
    if run is not None:
        _end(run)


def _end(run: Run) -> None:
    if run in run.running:
        run.block.end(run)
        run.watch = None
        run.running.remove(run)


class Found(property):
    """A method that is found without a line of Python being run, into which an interrupt could fall."""

    def __call__(
        self, change: "Change", *arguments: object
    ) -> Any:  # contextlib.ExitStack asks the class for it
        return self.fget(change)(*arguments)  # type: ignore[misc]


class Change:
    """A change that is in force at once, for `with` or to `undo()`: define `take_back`.

    Nobody who makes a change and drops what he was given wants it undone; whoever enters a `with` statement does,
    when that is over. Entering takes the change out of `_waiting`, in one call that no interrupt can cut.

    Examples
    --------
    >>> class Loud(Change):
    ...     def take_back(self):
    ...         print("off")
    >>> with Loud():
    ...     print("inside")
    inside
    off
    >>> Loud().undo()
    off
    """

    __slots__ = ("_enter", "_make_exit", "_waiting", "undo")
    __enter__ = Found(operator.attrgetter("_enter"))
    __exit__ = Found(operator.methodcaller("_make_exit"))

    def __init__(self) -> None:
        self._waiting = [self]
        self._enter = self._waiting.pop
        self._make_exit = functools.partial(_LeaveChange, _take_back, self)
        undoing = _undoing(self)
        next(undoing)
        self.undo = functools.partial(next, undoing, None)

    def take_back(self) -> None:
        """Put back what was before, whatever was put on top since; to do it again must do no harm."""
        raise NotImplementedError


def _take_back(change: Change, *exception: object) -> None:
    change.take_back()
    change._waiting[:] = [change]


def _undoing(change: Change) -> Iterator[None]:
    """`undo()` is the second step of this: it starts inside `try`, and no interrupt can come before that."""
    try:
        yield
        change.take_back()
    except KeyboardInterrupt:
        change.take_back()
        raise


class _LeaveChange(functools.partial):
    """`Change.__exit__`, made anew for each `with` statement. When that lets go of it, the change is taken back."""

    def __del__(self) -> None:
        (change,) = self.args
        if not change._waiting:  # it was entered, and an interrupt came before it was taken back
            _take_back(change)
