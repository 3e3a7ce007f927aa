"""Homework 6, a compiler for graphs: see homework_tests.py; and what its notebook promises of the student's passes."""

import re

import numpy as np
import pytest

from needle_edu.course import graphs
from needle_edu.course.compare import Mismatch

from .homework_tests import HomeworkTests, long_round_trip


@long_round_trip
class TestHomework6(HomeworkTests, homework="hw6"):
    count = 7
    every = 120
    test_the_librarys_own_is_no_answer = None  # the set-up imports nothing that a question asks for
    slips = [
        ("q1", "def infer_shape(op, attributes, shapes): return [2]", "it returned a list; wanted a tuple of ints"),
        ("q2", "def dead_code(program): return program.body", "it returned a tuple; wanted a Program"),
        ("q3", "def common_subexpressions(program): return program.with_(body=list(program.body))", "body is a list"),
        ("q5", "def can_fuse(program, group): return 1", "it returned an int; wanted True or False"),
        ("q6", "def lives(program): return {'a': 3}", "an int in it; wanted pairs"),
        ("q7", "def plan_memory(lives, nbytes): return 0", "it returned an int; wanted a dict"),
    ]  # fmt: skip

    def test_the_students_passes_change_a_training_step(self, capsys):
        """What the end of the notebook promises of the student's own code."""
        self.whole_notebook()
        said = capsys.readouterr().out
        assert "the same losses, to the last bit: True" in said
        counts = [int(count) for count in re.findall(r"^\S* +(\d+) instructions$", said, re.MULTILINE)]
        assert len(counts) == 4 and counts[0] > counts[1] > counts[2] > counts[3]
        unshared, needed, alive = (
            int(number.replace(",", ""))
            for number in re.search(
                r"([\d,]+) bytes without sharing, ([\d,]+) with your plan; ([\d,]+)", said
            ).groups()
        )
        assert alive <= needed < 1.1 * alive and needed < unshared / 2
        assert "relu_backward" in said.split("loops of more than one:")[1] or "add → relu" in said


# --- the judge itself -----------------------------------------------------------------------------------------


@pytest.fixture
def graph():
    lines = ["a = exp x", "b = exp x", "c = divide a y", "d = divide y b", "e = add c d"]
    return graphs.made_of({"x": (2, 3), "y": (2, 3)}, lines, outputs=["e"], updates=["c"])


def changed(graph, **parts):
    """A graph with some operands changed, by the name of the instruction."""
    body = [[one[0], one[1], parts.get(one[0], one[2]), *one[3:]] for one in graph["body"]]
    return graph | {"body": body}


def test_the_judge_passes_what_is_the_same(graph, rng):
    graphs.keeps_its_meaning(graph, graph, rng, most=5)
    merged = changed(graph, d=["y", "a"])
    graphs.keeps_its_meaning(
        merged | {"body": [one for one in merged["body"] if one[0] != "b"]}, graph, rng, most=4
    )


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda g: changed(g, c=["y", "a"]), "wrong value of the results"),
        (lambda g: g | {"outputs": ["d"]}, "wrong value of the results"),
        (lambda g: g | {"updates": ["d"]}, "wrong value of the results"),
        (lambda g: g | {"updates": []}, "wrong length of the updates"),
        (lambda g: g | {"outputs": ["z"]}, "found undefined-output"),
        (lambda g: g | {"inputs": ["x"]}, "wrong length of the inputs"),
        (lambda g: g | {"body": g["body"][1:]}, "found undefined-operand"),
        (lambda g: g | {"body": g["body"][::-1]}, "found undefined-operand"),
        (lambda g: g | {"body": [*g["body"], g["body"][0]]}, "found double-name"),
        (lambda g: g | {"body": [["a", "tanh", ["x"], {}, (2, 3)], *g["body"][1:]]}, "found changed-instruction"),
        (lambda g: g | {"body": [*g["body"], ["z", "broadcast_to", ["x"], {"shape": (9**9, 2, 3)}, (9**9, 2, 3)]]},
         "found changed-instruction"),
        (lambda g: g, "too many instructions"),
    ],
)  # fmt: skip
def test_the_judge_names_what_is_not_the_same(graph, rng, change, says):
    with pytest.raises(Mismatch, match=says):
        graphs.keeps_its_meaning(change(graph), graph, rng, most=4)


def test_the_judge_tells_zeros_apart(rng):
    graph = graphs.made_of({"x": (4, 4)}, ["a = add_scalar x scalar=0.0"], outputs=["a"])
    graphs.keeps_its_meaning(graph | {"outputs": ["x"]}, graph, rng)  # of ordinary numbers it is the same
    with pytest.raises(Mismatch, match="wrong value"):
        graphs.keeps_its_meaning(graph | {"outputs": ["x"]}, graph, rng, special=True)


def test_random_graphs_hold_what_the_questions_are_about():
    """Dead code, repeats, near repeats, updates; and the framework computes the same shapes and numbers."""
    import needle_edu as ndl
    from needle_edu.course import adapters, questions
    from needle_edu.graph.static import validate

    program_of = adapters.table(questions.load("hw6").adapters)["transformed"].__globals__["_program"]
    rng, dead, repeats = np.random.default_rng(0), 0, 0
    for _ in range(20):
        graph = graphs.random_graph(rng, 16)
        program = validate(program_of(graph))
        given = graphs.numbers_for(graph, rng)
        for name, (_, place) in program.sources.items():
            place.tensor.data = ndl.Tensor(given[name].astype("float32"), requires_grad=False)
        wanted = graphs.values_of(graph, given)
        came = program(
            *[ndl.Tensor(given[name].astype("float32"), requires_grad=False) for name in graph["inputs"]]
        )
        clipped = any(one[1] == "exp" and wanted[one[2][0]].max(initial=0) > 3 for one in graph["body"])
        for name, value in zip(graph["outputs"], came, strict=True):
            assert value.shape == wanted[name].shape
            if not clipped and np.isfinite(wanted[name]).all():
                np.testing.assert_allclose(value.numpy(), wanted[name], rtol=1e-2, atol=1e-3)
        optimized = ndl.graph.passes.optimize(program)
        dead += len(optimized.body) < len(program.body)
        repeats += len(ndl.graph.passes.common_subexpressions(program).body) < len(program.body)
    assert dead > 15 and repeats > 15
