"""Drawings: every label is in the picture, whoever placed the boxes; operand order and multiplicity survive."""

import re
import xml.etree.ElementTree as ET

import pytest
from viz_story import network_story, square_story

from needle_edu.viz import Drawing, available_engines
from needle_edu.viz.graph import build_graph

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg):
    return [t.text or "" for t in ET.fromstring(svg.split("?>", 1)[1]).iter(f"{SVG}text")]


@pytest.fixture(params=available_engines())
def engine(request):
    return request.param


@pytest.mark.parametrize("direction", ["TB", "LR"])
def test_every_label_is_in_the_picture(engine, direction):
    story, _ = network_story()
    graph = build_graph(story.records)
    drawing = Drawing(graph, direction=direction, engine=engine)
    assert drawing.engine == engine
    seen = texts(drawing.svg)
    for node in graph.nodes.values():
        title = node.label if node.is_leaf or node.name else node.op
        assert title in seen, f"{engine}: the label {title!r} was lost"
    assert sum("(4, 3)" in text for text in seen) == 6
    assert "27.5" in seen


def test_x_times_x_is_two_edges_from_one_node(engine):
    story, _, _ = square_story()
    drawing = Drawing(build_graph(story.records), engine=engine)
    edges = re.findall(r'data-from="(\d+)" data-to="(\d+)" data-operand="(\d)"', drawing.svg)
    assert edges == [("0", "1", "0"), ("0", "1", "1")]
    assert drawing.svg.count("data-node=") == 2
    curves = re.findall(r'class="ndl-wire" d="([^"]+)"', drawing.svg)
    assert len(set(curves)) == 2, "the two edges lie on top of each other"
    assert [t for t in texts(drawing.svg) if t in "ab" and t] == ["a", "b"]
