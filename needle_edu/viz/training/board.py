"""A training in a thread of its own, and the board that shows it."""

from __future__ import annotations

import html
import threading
import time
from typing import Any, ClassVar

from needle_edu import training
from needle_edu.autograd.events import unheard
from needle_edu.backend import NeedleError
from needle_edu.backend.random import apart
from needle_edu.training import Application, History, Result
from needle_edu.training.history import shown
from needle_edu.viz.island import Island
from needle_edu.viz.training.looks import Look, Looker
from needle_edu.viz.training.panels import panels

PAUSE = 0.3  # seconds between two frames, at least
ENDS = {
    "finished": "finished",
    "steps": "finished",
    "early": "stopped early",
    "interrupted": "ended",
    "diverged": "diverged",
}


class Board(Island):
    """A training that runs beside the cells, and all that can be seen of it; shows itself in Jupyter.

    The training draws from random numbers of its own, so cells that draw meanwhile change nothing: the losses are those
    of `training.run` with the same seed. It tells no recorder and no drawing what it does.

    Attributes
    ----------
    history : History
        All numbers so far.
    looks : list of Look
        What was seen of parameters and layers; the last has everything.
    state : str
        "running", "paused", "finished", "stopped early", "ended", "diverged" or "failed".
    spent : float
        Seconds of the training that looking and drawing took so far.

    Examples
    --------
    >>> from needle_edu import viz
    >>> board = viz.train("mlp", data="digits", small=True, epochs=2, every=2, wait=True)
    >>> board
    <Board of mlp on digits: finished after 2 epochs, loss ..., accuracy ... %>
    """

    view: ClassVar[str] = "board"
    title: ClassVar[str] = "a training"
    styles: ClassVar[tuple[str, ...]] = ("training/board.css",)
    script: ClassVar[str] = "training/board.js"

    def __init__(self, kind: type[Application], every: int | None, settings: dict[str, Any]):
        self._kind = kind
        self.history = History()
        self.state = "running"
        self._looker = Looker(every, self._send)
        self._application: Application | None = None
        self._result: Result | None = None
        self._error: BaseException | None = None
        self._go, self._ended, self._end_asked = threading.Event(), threading.Event(), False
        self._go.set()
        self._widget: Any = None
        self._static: Any = None  # the handle of the form for pages without a kernel
        self._sent = 0.0
        self._thread = threading.Thread(target=self._train, args=(settings,), name="viz.train", daemon=True)
        self._thread.start()

    @property
    def looks(self) -> list[Look]:
        """What was seen so far."""
        return self._looker.looks

    @property
    def spent(self) -> float:
        """Seconds of the training that looking and drawing took so far."""
        return self._looker.spent

    # ---- what the reader may do -----------------------------------------------------------------

    def stop(self) -> Board:
        """Let the training pause after the step that it makes; `resume()` lets it go on as if nothing had been."""
        if self.state == "running":
            self._go.clear()
            self.state = "paused"
        self._send(True)
        return self

    def resume(self) -> Board:
        """Let a training that was stopped go on."""
        if self.state == "paused":
            self.state = "running"
            self._go.set()
        self._send(True)
        return self

    def end(self) -> Board:
        """End the training after the step that it makes, and wait for that."""
        self._end_asked = True
        self._go.set()
        self._ended.wait()
        return self

    def wait(self, timeout: float | None = None) -> Board:
        """Wait until the training has ended; an error in it is raised here.

        Raises
        ------
        NeedleError
            It is paused, so this would wait forever.
        TimeoutError
            It has not ended within so many seconds.
        """
        if self.state == "paused":
            raise NeedleError(
                "viz.train: the training is paused; board.resume() lets it go on, board.end() ends it"
            )
        if not self._ended.wait(timeout):
            raise TimeoutError(f"viz.train: still running after {timeout} s; board.end() ends it")
        if self._error is not None:
            raise self._error
        return self

    @property
    def result(self) -> Result:
        """What came out of it.

        Raises
        ------
        NeedleError
            It has not ended.
        """
        if self._error is not None:
            raise self._error
        if self._result is None:
            raise NeedleError(f"viz.train: the training is {self.state}; board.wait() waits for its end")
        return self._result

    # ---- what happens in the thread -------------------------------------------------------------

    def _train(self, settings: dict[str, Any]) -> None:
        try:
            with apart(), unheard():
                self._result = training.run(
                    self._kind, progress=False, after_step=self._after_step, **settings
                )
                self._looker.last(self._result.application)
            self.state = ENDS[self._result.ended]
        except BaseException as error:  # the reader's cell gets it, from wait() or result
            self._error, self.state = error, "failed"
        finally:
            self._looker.stop()
            self._ended.set()
            self._send(True)

    def _after_step(self, app: Application, history: History) -> bool:
        self._application, self.history = app, history
        self._looker.step(app, history)
        if not self._go.is_set():
            since = time.perf_counter()
            self._go.wait()
            self._looker.waited(time.perf_counter() - since)
        return not self._end_asked

    def _send(self, now: bool = False) -> None:
        """A new frame to the page, if one is open; at the end, the form for pages without a kernel."""
        if self._widget is not None and (now or time.perf_counter() - self._sent > PAUSE):
            self._sent = time.perf_counter()
            self._widget.frame = self.frame()
        if self._static is not None and self._ended.is_set():
            handle, self._static = self._static, None
            handle.update({"text/html": self._static_html(), "text/plain": ""}, raw=True)

    # ---- how it looks ---------------------------------------------------------------------------

    def still(self) -> str:
        """Where the training is, and all panels."""
        name = html.escape(self._name())
        error = f'<p class="bad">{html.escape(self._said())}</p>' if self._error is not None else ""
        return (
            f'<div class="island" role="group" aria-label="training of {name}"><div class="bar"><h3>{name}</h3>'
            f'<span class="state {self.state.replace(" ", "-")}" role="status">{self.state}</span>'
            f'<span class="where">{html.escape(self._where())}</span></div>{error}'
            f'<div class="panels">{panels(self.history, self.looks)}</div></div>'
        )

    def data(self) -> dict[str, Any]:
        """What the buttons need to know."""
        return {"state": self.state}

    def _name(self) -> str:
        data = self._application.data if self._application is not None else ""
        return self._kind.name + (f" on {data}" if data else "")

    def _where(self) -> str:
        epochs, steps, history = len(self.history.ends), len(self.history), self.history
        number, what = (steps, "step") if history.position else (epochs, "epoch")
        count = f"{number} {what}{'' if number == 1 else 's'}"
        numbers = dict(history.test if history.test and not history.position else history.steps)
        return ", ".join(
            [
                f"after {count}",
                *(f"{name} {shown(name, values[-1])}" for name, values in numbers.items() if values),
            ]
        )

    def _said(self) -> str:
        return f"{type(self._error).__name__}: {self._error}"

    def __repr__(self) -> str:
        if self._error is not None:
            return f"<Board of {self._name()}: failed: {self._said()}>"
        return f"<Board of {self._name()}: {self.state} {self._where()}>"

    def _static_html(self) -> str:
        return f'<div data-live="{self._widget.name}">{self.html}</div>'

    def _ipython_display_(self) -> None:
        """A training that has ended is a picture; one that runs is a widget, if anywidget is installed."""
        from IPython.display import display

        if not self._ended.is_set() and self._open():
            widget, metadata = self._widget._repr_mimebundle_() or ({}, {})
            display(widget | {"text/plain": repr(self)}, metadata=metadata, raw=True)
            form = {"text/html": self._static_html(), "text/plain": ""}
            self._static = display(form, raw=True, display_id=True)
            self._send(True)
        else:
            display({"text/html": self.html, "text/plain": repr(self)}, raw=True)

    def _open(self) -> bool:
        from needle_edu.viz.live import make_live

        if self._widget is None:
            try:
                self._widget = make_live(self, self._told)
            except NeedleError:
                return False
        return True

    def _told(self, message: Any) -> None:
        """A button of the page."""
        ask = {"stop": self.stop, "resume": self.resume}.get(message.get("do"))
        if ask is not None:
            ask()
