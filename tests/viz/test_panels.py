"""Drawn boxes, checked as a picture: everything lies inside its frame, nothing covers anything, no edge is lost."""

import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from viz_models import data, lenet, loss_of, mlp, recurrent, transformer
from viz_story import Story

import needle_edu as ndl
from needle_edu import nn, viz
from needle_edu.backend import NeedleError
from needle_edu.graph import build_graph
from needle_edu.graph.boxes import Box
from needle_edu.viz import Drawing

SVG = "{http://www.w3.org/2000/svg}"
MODELS = {
    "mlp": lambda: with_loss(mlp(), 5, 6),
    "lenet": lambda: with_loss(lenet(), 2, 1, 28, 28),
    "recurrent": lambda: recurrent(20),
    "transformer": lambda: transformer(4),
}


def with_loss(model, *shape):
    return model, loss_of(model, *shape)


def frames(svg):
    """Every card, box and port of a picture: (x, y, width, height), and the number of the one around it."""
    found = []

    def walk(element, x, y, around):
        if element.get("display") == "none":
            return
        moved = re.match(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform") or "")
        if moved:
            x, y = x + float(moved[1]), y + float(moved[2])
        css = (element.get("class") or "").split()
        if {"ndl-node", "ndl-port", "ndl-group"} & set(css):
            size = next(
                e for e in element if "ndl-box" in e.get("class", "") and "behind" not in e.get("class")
            )
            found.append(((x, y, float(size.get("width")), float(size.get("height"))), around))
            around = len(found) - 1
        for child in element:
            walk(child, x, y, around)

    root = ET.fromstring(svg.split("?>", 1)[-1])
    walk(root, 0.0, 0.0, None)
    return root, found


def check_picture(svg):
    root, found = frames(svg)
    left, top, wide, high = map(float, root.get("viewBox").split())
    for (x, y, w, h), around in found:
        x0, y0, x1, y1 = left, top, left + wide, top + high
        if around is not None:
            ox, oy, ow, oh = found[around][0]
            x0, y0, x1, y1 = ox, oy + 44, ox + ow, oy + oh  # below the head line
        assert x >= x0 - 0.6 and y >= y0 - 0.6 and x + w <= x1 + 0.6 and y + h <= y1 + 0.6
    for i, (a, home) in enumerate(found):
        for b, other in found[:i]:
            if home == other:
                apart = (
                    a[0] + a[2] <= b[0] + 0.6 or b[0] + b[2] <= a[0] + 0.6
                    or a[1] + a[3] <= b[1] + 0.6 or b[1] + b[3] <= a[1] + 0.6
                )  # fmt: skip
                assert apart, f"{a} and {b} overlap"


def check_edges(drawing):
    """Every edge of the graph arrives once, at its operand, from a part that holds its source, whatever is between."""
    panels = drawing._panel.panels()
    arriving: dict[tuple[int, int], list] = {}
    for panel in panels:
        for a, b, operand in panel.edges:
            target, source = panel.units[b], panel.units[a]
            if target.kind == "card":
                arriving.setdefault((target.item, operand), []).append(source)
            if target.kind == "out":
                inside = source.item.nodes() if isinstance(source.item, Box) else [source.item]
                assert target.item in inside
    drawn = {unit.item for panel in panels for unit in panel.units if unit.kind == "card"}
    wanted = [edge for edge in drawing.graph.edges if edge.target in drawn]
    for edge in wanted:
        (source,) = arriving.pop((edge.target, edge.operand))
        inside = source.item.nodes() if isinstance(source.item, Box) else [source.item]
        assert edge.source in inside
    assert not arriving


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "options", [{}, {"modules": True}, {"modules": 0}, {"direction": "LR"}, {"modules": False}]
)
def test_everything_lies_in_its_frame_and_nothing_covers_anything(name, options):
    _model, tensor = MODELS[name]()
    drawing = viz.draw(tensor, **options)
    check_picture(drawing.svg)
    check_edges(drawing)


@pytest.mark.parametrize("name", MODELS)
def test_everything_is_in_the_page_of_a_drawing_that_is_all_open(name):
    _model, tensor = MODELS[name]()
    drawing = viz.draw(tensor, modules=True, roll=False)
    places = [int(k) for k in re.findall(r'data-node="(\d+)"', drawing.svg)]
    assert sorted(places) == list(range(len(drawing.graph.nodes)))
    shown = drawing.svg
    for node in drawing.graph.nodes.values():
        if not node.is_leaf and not node.name:
            assert f"{node.label}</text>" in shown, f"{node.label} was lost"


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=70))
def test_random_graphs_with_loops(pairs):
    story = Story()
    values = [story.leaf([1.0]), story.leaf([2.0])]
    for a, b in pairs:
        values.append(
            story.make(
                [1.0], "add" if a % 3 else "multiply", (values[a % len(values)], values[b % len(values)])
            )
        )
    for _ in range(4):  # and a loop, so that there is a box at all
        for op in ("tanh", "exp"):
            values.append(story.make([1.0], op, (values[-1],)))
    drawing = Drawing(build_graph(story.records), roll=True)
    check_picture(drawing.svg)
    check_edges(drawing)
    assert "× 4" in drawing.svg


@pytest.mark.parametrize("name", MODELS)
def test_the_same_picture_is_the_same_text_in_every_session(name):
    pages = []
    for _ in range(2):  # other objects, other value ids
        np.random.seed(5)
        _model, tensor = MODELS[name]()
        pages.append(viz.draw(tensor).html)
    assert pages[0] == pages[1]


def test_a_run_without_gradients_has_boxes_too_if_it_was_recorded():
    model = lenet()
    with ndl.no_grad(), viz.record() as tape:
        model(data(2, 1, 28, 28))
    drawing = tape.draw(modules=1)
    assert [box.kind for box in drawing.boxes.boxes()][:3] == ["", "Sequential", "Conv2d"]
    check_picture(drawing.svg)
    check_edges(drawing)


def test_a_closed_box_says_what_is_in_it():
    _model, loss = MODELS["mlp"]()
    svg = viz.draw(loss, modules=0).svg
    assert "Sequential" in svg and "5 operations  → (5, 3)" in svg and "4 tensors, 43 numbers" in svg
    assert svg.count("data-node=") == 3, "images, classes, loss"
    svg = viz.draw(loss, modules=1).svg
    assert "weight (6, 4), bias (1, 4)" in svg and svg.count('data-box="') == 3


def test_what_is_not_finite_shows_on_the_closed_box():
    model = mlp()
    assert "nan, inf" not in viz.draw(loss_of(model, 5, 6), modules=0).svg
    model.modules[2].weight.data = ndl.Tensor([[float("nan")] * 3] * 4)
    drawing = viz.draw(loss_of(model, 5, 6), modules=0)
    assert "nan, inf" in drawing.svg and "not every number inside is finite" in drawing.svg


def test_focus_shows_one_box_with_what_comes_in_and_goes_out():
    _model, loss = MODELS["mlp"]()
    drawing = viz.draw(loss, focus="modules.2")
    assert re.findall(r"[↧↥] (\w+)", drawing.svg) == ["v3", "v5"]
    assert drawing.svg.count("data-node=") == 4
    check_picture(drawing.svg)
    check_edges(drawing)


def test_a_thousand_nodes_may_be_shown_one_by_one_and_twenty_thousand_sum_up_themselves():
    w = y = ndl.Tensor([1.0])
    for _ in range(999):
        y = y * w
    assert viz.draw(y, roll=False).svg.count("data-node=") == 1000
    assert viz.draw(y).svg.count("data-node=") < 10
    for k in range(19_001):  # no loop
        y = y * w if (k * k) % 7 < 3 else y + w if (k * k * k) % 5 else y.tanh()
    page = viz.draw(y).html
    assert len(page) < 1_000_000 and page.count("data-node=") < 1000 and "part 9" in page


def test_words_for_those_who_do_not_see_the_picture():
    model, y = recurrent(9)
    lines = viz.draw(y).text().splitlines()
    assert lines[0].startswith("computation graph: ") and lines[-1].startswith("y = summation(v54)")
    loop = next(k for k, line in enumerate(lines) if "RNNCell × 9" in line)
    assert lines[loop].startswith("  RNNCell × 9: 54 operations")
    assert sum(line.strip() == "and 8 more like it" for line in lines) == 1
    assert sum(" = matmul(" in line for line in lines) == 2, "of the first pass alone"
    assert any(
        re.match(r"      v\d+ = matmul\(x\d+, model.cell.W_ih\); shape \(2, 4\)", line) for line in lines
    )


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "bell\x07", 'a"b', "$x$", "\ud800", "]]>", "&amp;"]
)
def test_hostile_names_of_modules_stay_text(name):
    class Part(nn.Module):
        def __init__(self):
            super().__init__()
            self.parts = {name: nn.Linear(3, 3)}

        def forward(self, x):
            return self.parts[name](x)

    part = Part()
    drawing = viz.draw(part(data(2, 3)), rows=["module"])
    shown = "".join(ET.fromstring(drawing.svg.split("?>", 1)[1]).itertext())
    assert re.search("[␀-␡\ufffd]", shown) or name in shown
    assert "<script>alert" not in drawing.html
    drawing.html.encode()
    drawing.text().encode()
    assert "cluster1" in drawing.dot


def test_clusters_of_dot_are_the_boxes():
    _model, loss = MODELS["mlp"]()
    drawing = viz.draw(loss)
    assert re.findall(r"subgraph (cluster\d)", drawing.dot) == ["cluster0", "cluster1", "cluster2"]
    assert 'label="modules.0 Linear"' in drawing.dot
    assert drawing.dot.count(" -> ") == len(drawing.graph.edges)


@pytest.mark.parametrize(("ending", "mark"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_pictures_without_a_browser(tmp_path, ending, mark):
    pytest.importorskip("matplotlib", reason="pip install matplotlib")
    drawing = viz.draw(loss_of(mlp(), 5, 6), overlay="memory")
    path = drawing.save(tmp_path / f"graph.{ending}")
    assert path.read_bytes().startswith(mark)
    again = drawing.save(tmp_path / f"again.{ending}")
    assert again.read_bytes() == path.read_bytes()
    if ending == "png":
        from matplotlib.image import imread

        picture = imread(path)
        height, width = picture.shape[:2]
        assert abs(width / height - (drawing._size[0] + 24) / (drawing._size[1] + 24 + 44)) < 0.01
        blue = (picture[..., 2] - picture[..., 0] > 0.3).mean()
        assert 0.0005 < blue < 0.1, "the discs of the operations"


@pytest.mark.skipif(
    not shutil.which("dot"), reason="GRAPHVIZ ROUTE NOT RUN: no dot on PATH (sudo apt install graphviz)"
)
@pytest.mark.parametrize(("ending", "mark"), [("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_without_matplotlib_graphviz_paints(tmp_path, monkeypatch, ending, mark):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    drawing = viz.draw(loss_of(mlp(), 5, 6), grads="all")
    path = drawing.save(tmp_path / f"graph.{ending}")
    assert path.read_bytes().startswith(mark) and path.stat().st_size > 5000
    plain = subprocess.run(["dot", "-Tplain"], input=drawing.dot.encode(), capture_output=True, timeout=60)
    lines = plain.stdout.decode().splitlines()
    assert [sum(line.startswith(kind) for line in lines) for kind in ("node", "edge")] == [
        len(drawing.graph.nodes),
        len(drawing.graph.edges),
    ]


def test_without_matplotlib_and_graphviz_one_sentence(tmp_path, monkeypatch):
    import builtins

    real = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NeedleError, match=r"cannot write a \.png here\. PNG and PDF need Matplotlib"):
        viz.draw(ndl.Tensor([1.0]) * 2).save(tmp_path / "graph.png")
    assert not list(tmp_path.iterdir())
