"""`viz.draw(on_click=...)`: the function gets the node that was clicked, and nothing that it does is lost."""

import sys

import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend import NeedleError
from needle_edu.viz.drawing.clicks import MOST_CHARS, answered

pytest.importorskip("anywidget", reason="pip install anywidget")


def graph():
    x = ndl.Tensor([1.0, 2.0])
    x.name = "x"
    return (x * 3).exp()


def ask(function, place, **options):
    widget = viz.draw(graph(), on_click=function, **options)
    sent = []
    widget.send = sent.append  # what would go to the page
    widget._handle_custom_msg({"ask": 7, "node": place}, [])
    (answer,) = sent
    assert answer["ask"] == 7 and set(answer) == {"ask", "text", "wrong"}
    return answer["text"], answer["wrong"]


def test_it_gets_a_copy_of_the_node_and_its_answer_is_shown():
    seen = []

    def look(node):
        seen.append((node.op, node.label, node.shape, node.value.first))
        print("printed")
        node.op = node.attrs["scalar"] = "spoilt"
        return {"mean": 4.5}

    widget = viz.draw(graph(), on_click=look)
    answer = answered(widget.drawing, look, {"ask": 1, "node": 1})
    assert seen == [("mul_scalar", "v1", (2,), (3.0, 6.0))]
    assert answer["text"] == "printed\n{'mean': 4.5}" and not answer["wrong"]
    node = list(widget.drawing.graph.nodes.values())[1]
    assert node.op == "mul_scalar" and node.attrs == {"scalar": 3}
    assert ask(lambda node: None, 0) == ("your function was called with x.", False)


def test_an_error_is_a_sentence_and_markup_is_text():
    def fails(node):
        print("before")
        raise ValueError("<b>no\x07</b>")

    text, wrong = ask(fails, 1)
    assert (
        wrong
        and text == "fails failed at v1: mul_scalar (scalar=3); shape (2,) float32: ValueError: <b>no␇</b>"
    )
    assert len(ask(lambda node: "a" * 10_000, 0)[0]) == MOST_CHARS
    for place in (3, -1, "1", None, [2]):
        text, wrong = ask(lambda node: "called", place)
        assert wrong and text == f"There is no node {place!r} in this drawing."


def test_nodes_are_counted_as_they_are_drawn():
    hide = {"node": lambda node: {"hide": True} if node.op == "mul_scalar" else None}
    assert ask(lambda node: node.op, 1, **hide) == ("exp", False)


def test_it_shows_the_widget_and_a_form_that_says_what_is_missing():
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.utils.capture import capture_output

    def look(node):
        return node.op

    look.__name__ = "<script>look"
    InteractiveShell.instance()
    widget = viz.draw(graph(), on_click=look)
    with capture_output() as shown:
        widget._ipython_display_()
    alive, static = (output.data for output in shown.outputs)
    assert alive["text/plain"] == repr(widget) == "<LiveDrawing of a computation graph: 3 nodes, 2 edges>"
    assert "application/vnd.jupyter.widget-view+json" in alive and static["text/plain"] == ""
    assert f'data-live="{widget.name}"' in static["text/html"]
    assert "With a kernel, a click on a node calls &lt;script&gt;look: run this cell" in static["text/html"]
    assert "or Enter, calls &lt;script&gt;look." in widget.page and "<script>" not in widget.page
    with viz.record() as tape:
        graph()
    assert repr(tape.draw(on_click=look)).startswith("<LiveDrawing")


def test_what_cannot_be_called_is_refused_and_a_missing_package_is_named(monkeypatch):
    with pytest.raises(TypeError, match="viz.draw: on_click=3; it is a function of a node"):
        viz.draw(graph(), on_click=3)
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(NeedleError, match="on_click=.* needs the package anywidget.*pip install anywidget"):
        viz.draw(graph(), on_click=print)
