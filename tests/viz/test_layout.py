"""Layout: every node is placed, boxes never overlap, edges run with the layers, large graphs take no time."""

import time

from hypothesis import given, settings, strategies as st

from needle_edu.viz.drawing.layout import assign_layers, count_crossings, layered_layout, straightness
from needle_edu.viz.drawing.placement import keep_apart


@st.composite
def graphs(draw):
    count = draw(st.integers(1, 25))
    sizes = {k: (draw(st.integers(10, 200)), draw(st.integers(10, 90))) for k in range(count)}
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda p: p[0] < p[1])
    edges = draw(st.lists(pairs, max_size=40)) if count > 1 else []
    return sizes, edges


@settings(max_examples=60, deadline=None)
@given(graphs(), st.sampled_from(["TB", "LR"]))
def test_all_nodes_are_placed_inside_the_picture_and_none_overlap(graph, direction):
    sizes, edges = graph
    layout = layered_layout(sizes, edges, direction)
    assert layout.centers.keys() == sizes.keys()
    boxes = []
    for node, (x, y) in layout.centers.items():
        w, h = sizes[node]
        boxes.append((x - w / 2, y - h / 2, x + w / 2, y + h / 2))
    for left, top, right, bottom in boxes:
        assert left > -0.01 and top > -0.01
        assert right < layout.width + 0.01 and bottom < layout.height + 0.01
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a[2] <= b[0] + 0.01 or b[2] <= a[0] + 0.01 or a[3] <= b[1] + 0.01 or b[3] <= a[1] + 0.01
            assert apart, f"boxes {a} and {b} overlap"


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_edges_start_and_end_at_their_nodes_and_run_downwards(graph):
    sizes, edges = graph
    layout = layered_layout(sizes, edges)
    assert len(layout.paths) == len(edges)
    for (source, target), path in zip(edges, layout.paths, strict=True):
        assert len(path) % 3 == 1 and len(path) >= 4
        assert abs(path[0][1] - (layout.centers[source][1] + sizes[source][1] / 2)) < 0.01
        assert abs(path[-1][1] - (layout.centers[target][1] - sizes[target][1] / 2)) < 0.01
        assert abs(path[-1][0] - layout.centers[target][0]) <= sizes[target][0] / 2
        assert all(a[1] <= b[1] + 0.01 for a, b in zip(path, path[1:], strict=False))


def test_parallel_edges_lie_apart():
    paths = layered_layout({0: (80, 30), 1: (80, 30)}, [(0, 1), (0, 1)]).paths
    assert abs(paths[0][-1][0] - paths[1][-1][0]) > 5


def test_layers_are_longest_paths_and_leaves_stand_above_their_use():
    layer = assign_layers([0, 1, 2, 3, 4], [(0, 1), (1, 2), (0, 3), (2, 3), (4, 3)])
    assert layer == {0: 0, 1: 1, 2: 2, 3: 3, 4: 2}


def test_a_node_that_is_needed_late_stands_late():
    # 5 = exp(0), used only by 4, far down: it moves there, so that no curve runs beside the chain.
    layer = assign_layers([0, 1, 2, 3, 4, 5], [(0, 1), (1, 2), (2, 3), (3, 4), (0, 5), (5, 4)])
    assert layer[5] == 3


def test_crossings_that_can_be_avoided_are():
    # 0->5, 1->4, 2->3, each target used once: an order without crossings exists.
    edges = [(0, 5), (1, 4), (2, 3), (3, 6), (4, 6), (5, 6)]
    layout = layered_layout(dict.fromkeys(range(7), (40, 20)), edges)
    rows = [sorted(row, key=lambda n: layout.centers[n][0]) for row in ([0, 1, 2], [3, 4, 5])]
    assert count_crossings(rows, {0: [5], 1: [4], 2: [3], 3: [], 4: [], 5: []}) == 0


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(1, 50)), min_size=1, max_size=12))
def test_keep_apart_keeps_order_and_distance_and_moves_nothing_without_need(boxes):
    wanted, widths = [b[0] for b in boxes], [b[1] for b in boxes]
    placed = keep_apart(wanted, widths, gap=3.0)
    distance = [(a + b) / 2 + 3.0 for a, b in zip(widths, widths[1:], strict=False)]
    for left, right, need in zip(placed, placed[1:], distance, strict=False):
        assert right - left >= need - 1e-6
    if all(b - a >= need for a, b, need in zip(wanted, wanted[1:], distance, strict=False)):
        assert all(abs(p - w) < 1e-6 for p, w in zip(placed, wanted, strict=True))


def test_a_sum_of_many_terms_is_a_column_and_no_staircase():
    """Node 0, and then for each term a leaf, its square, and the sum so far."""
    edges, last = [], 0
    for leaf in range(1, 3 * 40, 3):
        edges += [(leaf, leaf + 1), (leaf, leaf + 1), (last, leaf + 2), (leaf + 1, leaf + 2)]
        last = leaf + 2
    layout = layered_layout(dict.fromkeys(range(last + 1), (100, 40)), edges, weights=straightness(edges))
    sums = [layout.centers[n][0] for n in range(3, last + 1, 3)]
    assert max(sums) - min(sums) < 1, "the way of the sum runs straight down"
    assert layout.width < 6 * 100, "what comes from a side makes way"


def test_a_thousand_nodes_with_a_shared_parameter_take_less_than_two_seconds():
    edges = [pair for k in range(2, 1000) for pair in ((k - 1, k), (0, k))]
    start = time.process_time()
    layout = layered_layout(dict.fromkeys(range(1000), (120, 60)), edges)
    assert time.process_time() - start < 2.0
    assert layout.width < 1000, "a chain with one shared value must stay narrow"
