"""`viz.draw` of a captured program: its values are cards, its operands edges."""

import numpy as np

import needle_edu as ndl
from needle_edu import nn, optim, viz


def test_a_program_is_drawn():
    x = ndl.Tensor(np.ones((2, 3)))
    drawing = viz.draw(ndl.graph.capture(lambda x, unused: (x @ x.T).exp() * x.sum(), x, x))
    nodes = list(drawing.graph.nodes.values())
    assert [node.label for node in nodes] == ["x", "%0", "%1", "%2", "%3", "%4, returned"]
    assert [node.op for node in nodes] == [None, "transpose", "matmul", "exp", "summation", "multiply"]
    assert [node.shape for node in nodes] == [(2, 3), (3, 2), (2, 2), (2, 2), (1,), (2, 2)]
    assert [(edge.source, edge.operand) for edge in drawing.graph.edges if edge.target == nodes[2].id] == [
        (nodes[0].id, 0),
        (nodes[1].id, 1),
    ]
    for words in ("matmul", "(2, 2)", "%4, returned"):
        assert words in drawing.svg
    assert "matmul" in drawing.dot and "(2, 2)" in drawing.dot


def test_what_a_training_step_writes_is_said():
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x):
        optimizer.reset_grad()
        loss = model(x).sum()
        loss.backward()
        optimizer.step()
        return loss

    program = ndl.graph.capture(step, ndl.Tensor(np.ones((4, 3))))
    graph = viz.draw(program).graph
    written = [node for node in graph.nodes.values() if node.label.endswith(", written")]
    assert len(written) == len({name for name, _ in program.updates}) >= 4
    (steps,) = (node for node in graph.nodes.values() if node.op == "optimizer_steps")
    assert steps.shape == () and len(graph.inputs(steps.id)) == 5


def test_a_drawing_computes_nothing():
    drawing = viz.draw(ndl.graph.capture(lambda x: x + 1, ndl.Tensor([0.0])), rows=["dtype", "bytes"])
    assert all(node.value is None and node.grad is None for node in drawing.graph.nodes.values())
    assert "float32" in drawing.svg
