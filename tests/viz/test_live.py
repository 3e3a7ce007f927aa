"""The live form: a widget with a Python side; without anywidget one clear sentence."""

import subprocess
import sys

import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend import NeedleError


def live():
    x = ndl.Tensor([3.0])
    y = x * x
    return viz.step(y, live=True)


def test_position_is_synced_and_stays_inside():
    pytest.importorskip("anywidget", reason="pip install anywidget")
    widget = live()
    moves = []
    widget.observe(lambda change: moves.append(change["new"]), "index")
    widget.index = 3
    widget.index = 99
    assert moves == [3, 7] and widget.index == len(widget.stepper.steps) - 1
    widget.set_state({"index": 2})  # what the browser sends
    assert widget.index == 2


def test_it_shows_itself_and_then_the_static_form(capsys):
    pytest.importorskip("anywidget", reason="pip install anywidget")
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    InteractiveShell.instance()
    widget = live()
    with capture_output() as shown:
        widget._ipython_display_()
    alive, static = (output.data for output in shown.outputs)
    assert alive["text/plain"] == repr(widget) == "<LiveStepper: 2 forward and 6 backward steps, 2 nodes>"
    assert "application/vnd.jupyter.widget-view+json" in alive and "text/html" not in alive
    assert static == {"text/html": widget.stepper.html, "text/plain": ""}
    assert widget.data["svg"].startswith("<svg") and len(widget.data["steps"]) == 8


def test_without_anywidget_there_is_a_sentence_with_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(NeedleError, match="pip install anywidget"):
        live()


def test_nothing_heavy_is_imported_before_it_is_asked_for():
    code = "import sys, needle_edu, needle_edu.viz; print([m for m in ('anywidget', 'wasmtime') if m in sys.modules])"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    )
    assert out.stdout.strip() == "[]"
