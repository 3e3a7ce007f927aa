"""Rooflines: every operation lies where its numbers say, below the roof of its machine."""

import re
from xml.dom import minidom

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import Tensor
from needle_edu.graph.profiler import Machine, Report, Span

MACHINE = Machine(gflops=100.0, gigabytes=10.0)


class Made(Report):
    def __init__(self, *spans):
        self.spans = list(spans)


def points(svg):
    """x, y and radius of every point, as drawn."""
    return [tuple(map(float, one)) for one in re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', svg)]


def test_points_lie_where_their_numbers_say():
    """Ten times the intensity is as far to the right everywhere, ten times the speed as far up; longer is larger."""
    spans = [
        Span("a", "forward", 0, 1000, 1000, 1000),  # 1 FLOP/byte, 1 GFLOP/s
        Span("b", "forward", 0, 1000, 10_000, 1000),  # ten times both
        Span("c", "backward", 0, 10_000, 1_000_000, 10_000),  # 100 of both, ten times as long
        Span("view", "forward", 0, 50, 0, 0),
    ]
    found = ndl.viz.roofline(Made(*spans), MACHINE)
    assert [row.op for row in found.points] == ["c", "a", "b"]
    c, a, b = points(found.svg)
    assert b[0] - a[0] == pytest.approx(c[0] - b[0], abs=0.2) and b[0] > a[0] + 20
    assert b[1] - a[1] == pytest.approx(c[1] - b[1], abs=0.2) and b[1] < a[1] - 20
    assert c[2] > a[2] == b[2]
    assert [found.limit(row) for row in found.points] == ["arithmetic", "memory", "arithmetic"]
    assert 'class="dot second"' in found.svg


def test_the_roof_bends_at_the_ridge():
    found = ndl.viz.roofline(
        Made(Span("a", "forward", 0, 1000, 10_000, 1000), Span("b", "forward", 0, 100, 10_000, 1000)), MACHINE
    )
    on_slope, at_peak = sorted(points(found.svg), key=lambda one: -one[1])
    line = re.search(r'fifth" d="M([^"]+)"', found.svg)[1]
    (_, low), (ridge, high), (right, flat) = (tuple(map(float, one.split())) for one in line.split("L"))
    assert high == flat < low and ridge < right
    # 10 FLOP/byte is the ridge, 100 GFLOP/s the roof: a point there lies on the corner.
    assert (ridge, high) == pytest.approx(at_peak[:2], abs=0.2)
    assert on_slope[0] == pytest.approx(ridge, abs=0.2)


def test_as_a_page(tmp_path):
    profile = ndl.profile(lambda x: (x @ x).tanh().sum(), Tensor(np.ones((8, 8)), dtype="float32"))
    found = ndl.viz.roofline(profile, MACHINE)
    minidom.parseString(found.svg)
    page = found.save(tmp_path / "roof.html").read_text()
    assert "matmul" in page and "100 GFLOP/s" in page and "10 GB/s" in page
    assert found.html == ndl.viz.roofline(profile, MACHINE).html
    assert "<Roofline: 3 operations" in repr(found)


def test_a_profile_of_nothing():
    minidom.parseString(ndl.viz.roofline(Made(), MACHINE).svg)


def test_wrong_arguments(tmp_path):
    with pytest.raises(TypeError, match="viz.roofline: wanted a profile, .* got an int"):
        ndl.viz.roofline(3)
    with pytest.raises(TypeError, match="wanted a Machine, .* got an int"):
        ndl.viz.roofline(Made(), 3)
    found = ndl.viz.roofline(Made(), MACHINE)
    with pytest.raises(TypeError, match="Roofline.save: wanted the path of a file, got an int"):
        found.save(3)
    with pytest.raises(ValueError, match=r"the endings are \.html"):
        found.save(tmp_path / "roof.png")
