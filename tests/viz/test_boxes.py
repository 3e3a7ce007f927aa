"""Boxes: every node lies in the box of its module, parameters inside; loops are rolled up; nothing is lost."""

import contextlib
import threading

import numpy as np
import pytest
from hypothesis import given, strategies as st
from viz_models import data, lenet, loss_of, mlp, recurrent, transformer
from viz_story import Story

import needle_edu as ndl
from needle_edu import graph, nn, viz
from needle_edu.autograd.noted import MOST, forget_calls, noted_calls
from needle_edu.backend import accelerator
from needle_edu.graph.boxes import boxes_of, homes
from needle_edu.graph.calls import module_calls
from needle_edu.graph.repeats import find_repeats


def tree(tensor, **options):
    found = graph.graph_of(tensor)
    return found, boxes_of(found, found.calls, **options)


def paths(found, root):
    """Of every node, by label and op, the box around it."""
    return {node.id: home[-1].path for node in found.nodes.values() if (home := homes(root)[node.id])}


def made_by(model, tensor):
    """The truth, from another source: the names of modules while they run, as the events tell them."""
    with graph.Recorder() as recorder:
        tensor()
    return [event.module or "" for event, _ in recorder.records if event.kind == "created" and event.op]


@pytest.mark.parametrize("make", [mlp, lenet])
def test_every_result_lies_in_the_box_of_its_module(make):
    model = make()
    shape = (5, 6) if make is mlp else (3, 1, 28, 28)
    expected = made_by(model, lambda: loss_of(model, *shape))
    found, root = tree(loss_of(model, *shape), roll=False)
    ops = [node for node in found.nodes.values() if not node.is_leaf]
    # A module that did one operation has no box of its own: its name is kept in the node.
    assert [node.module or "" for node in ops] == expected
    assert any(path == "Sequential.modules.0" for path in paths(found, root).values())


def test_parameters_lie_inside_and_data_outside():
    model = mlp()
    found, root = tree(loss_of(model, 5, 6))
    around = {node.label: paths(found, root)[node.id] for node in found.nodes.values() if node.is_leaf}
    names = {key: name for call in found.calls for key, name in call.parameters.items()}
    inside = {names[key]: paths(found, root)[key] for key in names}
    assert inside == {
        f"modules.{k}.{part}": f"Sequential.modules.{k}" for k in (0, 2) for part in ("weight", "bias")
    }
    assert sorted(around.values()).count("") == 2, "the images and the classes"


def test_a_shared_parameter_lies_outside_of_both_that_use_it():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    model = nn.Sequential(first, second)
    found, root = tree(model(data(2, 3)))
    around = {k: paths(found, root)[k] for call in found.calls for k in call.parameters}
    assert sorted(around.values()) == ["Sequential", "Sequential.modules.0", "Sequential.modules.1"]


def test_a_recorded_run_and_a_finished_graph_have_the_same_boxes():
    model = lenet()
    with viz.record() as tape:
        loss = loss_of(model, 2, 1, 28, 28)
    taped = tape.graph()
    assert [c.path for c in taped.calls] == [c.path for c in graph.graph_of(loss).calls]
    assert [b.path for b in boxes_of(taped, taped.calls).boxes()] == [b.path for b in tree(loss)[1].boxes()]


def test_the_passes_of_a_recurrent_network_are_one_box():
    for steps in (5, 40):
        model, y = recurrent(steps)
        found, root = tree(y)
        (loop,) = [box for box in root.boxes() if box.kind == "repeat"]
        assert (loop.title, loop.times) == ("RNNCell", steps)
        assert sum(not found.nodes[k].is_leaf for k in loop.nodes()) == 6 * steps
        passes = [box for box in loop.boxes() if box.kind == "RNNCell"]
        assert [box.path for box in passes][:2] == ["Reader.cell", "Reader.cell:2"] and len(passes) == steps
        weights = {id(p) for p in model.parameters()}
        direct = [k for k in loop.items if isinstance(k, int)]
        assert len(direct) == len(weights) == 4, "the parameters, once, beside the passes"


def test_a_loop_of_operations_without_modules_is_rolled_up():
    w, h = ndl.Tensor(np.eye(3, dtype="float32")), ndl.Tensor(np.ones((2, 3), dtype="float32"))
    y = h
    for _ in range(10):
        y = (y @ w + h).tanh()
    found, root = tree((y * y).sum())
    (loop,) = [box for box in root.boxes() if box.kind == "repeat"]
    assert (loop.times, loop.title) == (10, "pass of 3 operations")
    assert [found.nodes[k].op for k in loop.items[-1].items if not found.nodes[k].is_leaf] == [
        "matmul", "add", "tanh",
    ]  # fmt: skip
    assert not [box for box in boxes_of(found, roll=False).boxes() if box.kind == "repeat"]


def test_equal_blocks_are_rolled_up_and_different_ones_are_not():
    _, y = transformer(5)
    loops = [box for box in tree(y)[1].boxes() if box.kind == "repeat"]
    assert [(loop.title, loop.times) for loop in loops] == [("TransformerEncoderLayer", 4)]
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 5), nn.Linear(5, 6))
    assert not [box for box in tree(model(data(2, 3)))[1].boxes() if box.kind == "repeat"]


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(2, 4))
def test_what_is_rolled_up_repeats_itself(signs, passes):
    covered = -1
    for start, period, times in find_repeats(signs, passes):
        assert start > covered and times >= passes
        first = signs[start : start + period]
        assert signs[start : start + period * times] == first * times
        covered = start + period * times - 1
    assert covered < len(signs)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=60))
def test_no_node_is_lost_or_told_twice_and_edges_between_parts_make_no_cycle(pairs):
    story = Story()
    values = [story.leaf([1.0]), story.leaf([2.0])]
    for a, b in pairs:
        values.append(
            story.make(
                [1.0], "add" if a % 3 else "multiply", (values[a % len(values)], values[b % len(values)])
            )
        )
    found = graph.build_graph(story.records)
    root = boxes_of(found)
    assert sorted(root.nodes()) == sorted(found.nodes)
    home = homes(root)
    for box in root.boxes():
        order = {item: k for k, item in enumerate(box.items)}
        for edge in found.edges:
            a, b = home[edge.source], home[edge.target]
            if box in a and box in b:
                parts = [
                    ([*chain, key])[chain.index(box) + 1]
                    for chain, key in ((a, edge.source), (b, edge.target))
                ]
                assert parts[0] is parts[1] or order[parts[0]] < order[parts[1]]


def test_a_long_row_is_cut_into_parts_that_can_be_read():
    y = ndl.Tensor([0.5])
    choice = np.random.default_rng(3).integers(0, 3, 3000)
    for k in choice:
        y = y.tanh() if k == 0 else y * 0.5 if k == 1 else y + 0.1
    _, root = tree(y)
    assert max(len(box.items) for box in root.boxes()) <= 400 and len(list(root.nodes())) == 3001


def test_calls_that_overlap_ran_in_two_threads_and_say_nothing():
    forget_calls()
    inside = threading.Barrier(2)

    class Slow(nn.Module):
        def forward(self, x):
            inside.wait(10)
            y = x * 2
            inside.wait(10)
            y = y + 1
            inside.wait(10)
            return y

    models, results = [Slow(), Slow()], [None, None]

    def run(k):
        results[k] = models[k](ndl.Tensor([1.0 + k]))

    threads = [threading.Thread(target=run, args=(k,)) for k in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    noted = noted_calls()
    assert len(noted) == 2 and noted[0][0] < noted[1][1] and noted[1][0] < noted[0][1]
    assert module_calls([result._serial for result in results]) == []
    alone = nn.Sequential(nn.ReLU())(ndl.Tensor([1.0]))
    assert [call.kind for call in module_calls([alone._serial])] == ["Sequential", "ReLU"]


def test_notes_in_c_are_those_in_python():
    model, x = nn.Sequential(nn.Linear(3, 2), nn.ReLU()), data(4, 3)
    found = []
    for way in (contextlib.nullcontext(), accelerator.switched_off()):
        forget_calls()
        with way:
            first = model(x)._serial
        notes = noted_calls()
        assert {note[4] for note in notes} == {threading.get_ident()}
        found.append([(first - begin, first - end, module(), cls) for begin, end, module, cls, _ in notes])
    assert found[0] == found[1] and [note[2] for note in found[0]] == [model[0], model[1], model]


def test_calls_keep_no_module_alive_and_a_dead_one_still_has_its_box():
    def run():
        return nn.Linear(3, 2)(data(4, 3))

    y = run()
    found, root = tree(y)
    (box,) = [box for box in root.boxes() if box.kind == "Linear"]
    assert noted_calls()[-1][2]() is None
    assert sum(found.nodes[k].is_leaf for k in box.nodes()) == 2, "weight and bias"


def test_only_so_many_calls_are_remembered_and_older_graphs_have_no_boxes():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    y, x = model(data(4, 3)), data(1)
    relu = nn.ReLU()
    forget_calls()
    for _ in range(MOST):
        relu(x)
    assert len(noted_calls()) == MOST == 4096
    assert [box.path for box in tree(y)[1].boxes()] == [""]
    assert "data-box" not in viz.draw(y).svg


def test_a_box_finds_its_nodes_by_its_name():
    model, y = recurrent(4)
    drawing = viz.draw(y, focus="cell:2")
    assert drawing.boxes.path == "Reader.cell:2"
    assert sum(not drawing.graph.nodes[k].is_leaf for k in drawing.boxes.nodes()) == 6
    with pytest.raises(ValueError, match=r"focus='cel' is no box of this graph; there are Reader"):
        viz.draw(y, focus="cel")
    with pytest.raises(ValueError, match="no module made a part of this graph"):
        viz.draw(ndl.Tensor([1.0]) * 2, focus="cell")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modules": "open"}, "modules='open'; it is 'auto', True, False, or how many levels"),
        ({"modules": -1}, "modules=-1"),
        ({"roll": "no"}, "roll='no'; it is True, False, or None"),
        ({"focus": 3}, "focus=3; it is the name of a module"),
        ({"rows": ["size"]}, r"rows=\['size'\]; it is a list of some of dtype, device, bytes"),
        ({"rows": "bytes"}, "rows='bytes'; it is a list"),
        ({"overlay": "heat"}, "overlay='heat'; it is one of value, grad, time, memory, flops"),
    ],
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ValueError, match=f"viz.draw: {message}"):
        viz.draw(ndl.Tensor([1.0]) * 2, **options)
