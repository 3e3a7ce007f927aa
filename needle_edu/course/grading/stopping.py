"""Work in several threads that can be told to end, and then leaves no sandbox running.

Ctrl-C, `kill` and a closed terminal arrive as signals. They only set a `Stop`; whoever waits for the threads looks at
it several times a second, kills the sandboxes they wait for, and raises `Stopped`. So no exception appears in the
middle of a line that did not expect one, such as one that writes results.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TypeVar

from needle_edu.course.grading.processes import kill_tree
from needle_edu.course.grading.sandbox import Sandbox

T = TypeVar("T")


class Stopped(Exception):
    """The work was told to end before it was through."""


class Stop:
    """A wish to end early, and the sandboxes that are to end with it. Call it to ask.

    Attributes
    ----------
    number : int
        The signal that asked; 0 if none did.
    """

    def __init__(self) -> None:
        self.number = 0
        self._asked = threading.Event()
        self._running: set[Sandbox] = set()

    @property
    def asked(self) -> bool:
        """Whether the work should end."""
        return self._asked.is_set()

    def __call__(self, number: int = 0, frame: object = None) -> None:
        self.number = self.number or number
        self._asked.set()

    def kill(self) -> None:
        """Kill the sandboxes that run."""
        for sandbox in list(self._running):
            kill_tree(sandbox.process.pid)

    def watched(self, sandbox: type[Sandbox]) -> type[Sandbox]:
        """The same kind of sandbox, but `kill` knows those that run, and none begins after the stop."""
        stop = self

        class Watched(sandbox):  # type: ignore[valid-type, misc]
            def __enter__(self) -> Sandbox:
                if stop.asked:
                    raise Stopped
                super().__enter__()
                stop._running.add(self)
                return self

            def __exit__(self, *exception) -> None:
                stop._running.discard(self)
                super().__exit__(*exception)

        return Watched

    @contextmanager
    def at_signals(self) -> Iterator[None]:
        """Meanwhile Ctrl-C, `kill` and a closed terminal ask for the stop; what `nohup` ignores stays ignored."""
        before = {}
        if threading.current_thread() is threading.main_thread():  # no other may set handlers
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if signal.getsignal(number) is not signal.SIG_IGN:
                    before[number] = signal.signal(number, self)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def run_all(tasks: Iterable[Callable[[], T]], jobs: int, stop: Stop) -> list[T]:
    """Call every task, `jobs` at a time in threads of their own; return what they returned, in order.

    Raises
    ------
    Stopped
        If `stop` was called; what runs in watched sandboxes has been killed then.
    Exception
        What a task raised: the others are stopped.
    """
    pool = ThreadPoolExecutor(max(1, jobs))
    futures: list[Future[T]] = []

    def call(task: Callable[[], T]) -> T:
        try:
            return task()
        except BaseException:
            stop()
            raise

    try:
        futures += [pool.submit(call, task) for task in tasks]
        for future in futures:
            while not stop.asked and not future.done():
                wait([future], timeout=0.2)
            if stop.asked:
                break
    except BaseException:
        stop()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while not all(future.done() for future in futures):
            stop.kill()
            wait(futures, timeout=0.1)
        pool.shutdown()
    for future in futures:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            raise error
    if stop.asked:
        raise Stopped
    return [future.result() for future in futures]
