"""The graph of a run without any picture: what it holds, what it leaves alone, and that it loads no `viz`."""

import gc
import subprocess
import sys
import weakref

import pytest

import needle_edu as ndl
from needle_edu import graph
from needle_edu.graph.replay import add_adjoints


def test_the_graph_of_a_tensor_has_its_values_gradients_and_operands_in_order():
    x, w = ndl.Tensor([[1.0, 2.0]], requires_grad=False), ndl.Tensor([[3.0], [5.0]])
    y = (x @ w).sum()
    y.backward()
    found = graph.graph_of(y, names=[(w, "w"), (x, "x"), (w, "later")])
    nodes = list(found.nodes.values())
    assert [(n.label, n.op) for n in nodes] == [
        ("x", None),
        ("w", None),
        ("v1", "matmul"),
        ("v2", "summation"),
    ]
    assert [n.value.first for n in nodes] == [(1.0, 2.0), (3.0, 5.0), (13.0,), (13.0,)]
    assert nodes[1].grad.first == (1.0, 2.0) and nodes[0].grad is None and nodes[2].grad is None
    place = {n.id: n.label for n in nodes}
    edges = [(place[e.source], place[e.target], e.operand) for e in found.edges]
    assert edges == [("x", "v1", 0), ("w", "v1", 1), ("v1", "v2", 0)]
    assert [n.label for n in graph.graph_of(y, depth=1).nodes.values()] == ["v1", "v2"]


def test_adjoints_of_every_node_add_up_and_change_no_grad():
    x = ndl.Tensor([2.0])
    y = (x * x * x).sum()
    found = graph.graph_of(y, names=[(x, "x")])
    add_adjoints(found, y)
    assert [(n.op, n.grad.first) for n in found.nodes.values()] == [
        (None, (12.0,)),
        ("multiply", (2.0,)),
        ("multiply", (1.0,)),
        ("summation", (1.0,)),
    ]
    assert x.grad is None


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match="graph_of: wanted a Tensor, got list"):
        graph.graph_of([1.0])


def recorded():
    with graph.Tape() as tape:
        weight = ndl.Tensor([2.0])
        square = weight * weight
    return tape, weakref.ref(square)


def test_a_tape_knows_the_variables_and_keeps_no_tensor_alive():
    tape, square = recorded()
    gc.collect()
    assert square() is None
    assert [node.label for node in tape.graph().nodes.values()] == ["weight", "square"]


def test_recording_a_backward_pass_puts_every_gradient_back():
    x = ndl.Tensor([3.0])
    y = x * x
    y.backward()
    before = x.grad
    records = graph.record_backward(y, [x, y])
    assert x.grad is before and y.grad is None
    leaf = [snapshot.first for event, snapshot in records if event.kind == "leaf"]
    assert leaf == [(6.0,)], "what this pass gives, 2x"


def test_it_loads_without_pictures():
    code = "import sys, needle_edu.graph; print([m for m in sys.modules if 'viz' in m])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
