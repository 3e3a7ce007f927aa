"""Overlays and rows: the numbers are those of the run, light is small, dark is large, red is not finite."""

import re

import numpy as np
import pytest
from viz_models import lenet, loss_of, mlp

import needle_edu as ndl
from needle_edu import graph, nn, viz
from needle_edu.viz.drawing.overlay import Overlay


def colours(drawing):
    """Of every node, by place, the class of its colour."""
    return {
        int(k): css
        for css, k in re.findall(r'class="ndl-node [^"]*?(ndl-heat-\w+)?" data-node="(\d+)"', drawing.svg)
    }


def test_larger_is_darker_on_the_logarithmic_scale():
    y = x = ndl.Tensor([1.0])
    for factor in (10.0, 10.0, 10.0, 10.0, 10.0, 10.0):
        y = y * factor
    drawing = viz.draw(y + x * 0, overlay="value")
    steps = [int(css[-1]) for css in colours(drawing).values() if css and css[-1].isdigit()]
    assert steps[:7] == [0, 1, 2, 3, 4, 5, 5]
    assert "largest absolute value" in drawing.svg and ">1</text>" in drawing.svg and ">1e+06<" in drawing.svg


def test_gradients_and_what_is_not_finite():
    x = ndl.Tensor([0.0, 1.0])
    y = x.log()
    loss = (y * 0.0).sum()
    loss.backward()
    drawing = viz.draw(loss, overlay="grad", grads="all")
    numbers = [node.grad for node in drawing.graph.nodes.values()]
    red = [css for css in colours(drawing).values() if css == "ndl-heat-bad"]
    assert len(red) == sum(not np.isfinite(g.array).all() for g in numbers) > 0


def test_bytes_and_flops_are_those_of_shapes():
    model = nn.Sequential(nn.Linear(64, 10))
    y = model(ndl.Tensor(np.ones((8, 64), dtype="float32"), requires_grad=False))
    found = graph.graph_of(y)
    flops = Overlay(found, "flops")
    by_op = {node.op: flops.numbers[key] for key, node in found.nodes.items()}
    assert by_op["matmul"] == 2 * 8 * 64 * 10 and by_op["add"] == 80 and by_op[None] == 0
    memory = Overlay(found, "memory")
    assert [memory.numbers[k] for k, n in found.nodes.items() if n.op] == [320, 320]
    card = viz.draw(y, overlay="flops", modules=0).svg
    assert "10.3 kFLOP" in card, "a box tells the sum"
    assert "4.11 kB" in viz.draw(y, overlay="memory", modules=0).svg or "B" in card


def test_times_come_from_a_recording_only():
    model = lenet()
    with viz.record() as tape:
        loss = loss_of(model, 2, 1, 28, 28)
    times = {node.op: node.time_ns for node in tape.graph().nodes.values() if node.op}
    assert all(0 < ns < 10**10 for ns in times.values())
    assert " µs</text>" in tape.draw(overlay="time").svg or " ms</text>" in tape.draw(overlay="time").svg
    assert "is known only of a recorded run" in viz.draw(loss, overlay="time").svg


def test_rows_say_what_was_asked_for():
    with viz.record() as tape:
        loss = loss_of(mlp(), 5, 6)
    drawing = tape.draw(rows=["dtype", "device", "bytes", "module", "source", "time"])
    shown = drawing.svg
    for text in ("float32", "cpu()", "96 B", "Sequential.modules.0", "viz_models.py:"):
        assert f"{text}" in shown, f"{text} is missing"
    assert "source" not in viz.draw(loss, rows=["source"]).svg, "a finished graph does not know its lines"
    assert ">bytes</text>" not in viz.draw(loss).svg


@pytest.mark.parametrize("name", ["value", "grad", "memory", "flops", "time"])
def test_a_legend_stands_above_the_picture(name):
    loss = loss_of(mlp(), 5, 6)
    loss.backward()
    svg = viz.draw(loss, overlay=name).svg
    assert svg.count('class="ndl-legend"') == 1
    top = float(re.search(r'viewBox="[-\d]+ ([-\d]+)', svg)[1])
    assert top <= -44
    assert "ndl-legend" not in viz.draw(loss).svg
