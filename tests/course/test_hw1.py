"""Homework 1: full marks for the reference, nothing for an untouched copy, one question lost for each mistake."""

import json
import shutil

import pytest

from needle_edu.course import commands, homework_files, notebook, questions
from needle_edu.course.answer import ask_here
from needle_edu.course.check import report
from needle_edu.course.grading import run_question

HW1 = questions.load("hw1")
SOURCE = notebook.read(homework_files.source_of("hw1"))
SOLUTIONS = {cell.grade_id: cell.source for cell in SOURCE if cell.is_answer}
QUESTIONS = list(SOLUTIONS)


def hand_in(folder, name: str, answers: dict[str, str]) -> None:
    """Start the homework as a student does, and fill in answers."""
    assert commands.start("hw1", folder / name) == 0
    path = folder / name / "hw1.ipynb"
    tree = json.loads(path.read_text())
    for cell in tree["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(tree))


def test_what_kind_of_homework_it_is():
    assert len(HW1.questions) >= 5 and HW1.points == 10
    for question in HW1.questions:
        visible = [test for test in question.tests if not test.hidden]
        assert visible and len(visible) < len(question.tests), question.name


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> dict:
    """Start, fill in, grade: the whole way of a class of three."""
    folder = tmp_path_factory.mktemp("class")
    hand_in(folder / "submissions", "reference", SOLUTIONS)
    hand_in(folder / "submissions", "untouched", {})
    hand_in(folder / "submissions", "first two", {name: SOLUTIONS[name] for name in ("q1", "q2")})
    assert commands.grade("hw1", folder / "submissions", folder / "out") == 0
    return json.loads((folder / "out" / "results.json").read_text())


def points(results: dict) -> list[float]:
    return [question["points"] for question in results.values()]


def test_round_trip(graded):
    assert points(graded["reference"]) == [question.points for question in HW1.questions]
    assert points(graded["untouched"]) == [0, 0, 0, 0, 0]
    assert points(graded["first two"]) == [1, 2, 0, 0, 0]


def test_every_message_is_clear(graded):
    messages = {test["message"] for question in graded["untouched"].values() for test in question["tests"]}
    assert all(message.startswith("not written yet") for message in messages)


def test_check_from_a_terminal(tmp_path, capsys):
    hand_in(tmp_path, "all", SOLUTIONS)
    hand_in(tmp_path, "some", {"q1": SOLUTIONS["q1"], "q3": SOLUTIONS["q3"]})
    assert commands.check(tmp_path / "all") == 0
    assert "5 of 5 questions pass" in capsys.readouterr().out
    assert commands.check(tmp_path / "some") == 1
    said = capsys.readouterr().out
    assert "2 of 5 questions pass" in said and "not written yet" in said and "hidden" not in said
    assert commands.check(tmp_path / "all" / "hw1.ipynb") == 0
    hand_in(tmp_path, "stuck", {"q3": "def find_topo_sort(nodes):\n    while True: pass", "q4": "def f(:"})
    capsys.readouterr()
    assert commands.check(tmp_path / "stuck") == 1
    said = capsys.readouterr().out
    assert "time limit: no answer in 5 seconds; does a loop never end?" in said
    assert said.count("raised SyntaxError in line 1") == 1
    shutil.copy(__file__, tmp_path / "hw1.ipynb")
    assert commands.check(tmp_path) == 1
    assert "not JSON" in capsys.readouterr().err


# --- wrong answers: each loses its question, in the notebook or at the latest in grading ----------------------

SIGMOID = "def sigmoid(a):\n    "
GRADIENT = "def sigmoid_gradient(out_grad, node):\n    "
TOPO = "def find_topo_sort(node_list):\n"
REVERSE = SOLUTIONS["q4"]
LOSS = SOLUTIONS["q5"]


def changed(source: str, old: str, new: str) -> str:
    assert source.count(old) == 1, old
    return source.replace(old, new)


WRONG = {
    "q1: sign of the exponent": SIGMOID + "return 1 / (1 + nd.exp(a))",
    "q1: no parentheses": SIGMOID + "return 1 / 1 + nd.exp(-a)",
    "q1: overflow": SIGMOID + "return nd.exp(a) / (1 + nd.exp(a))",
    "q1: tanh": SIGMOID + "return nd.tanh(a)",
    "q1: sum instead of element": SIGMOID + "return 1 / (1 + nd.exp(-a).sum())",
    "q1: flattened": SIGMOID + "return (1 / (1 + nd.exp(-a))).reshape((a.size,))",
    "q1: constant": SIGMOID + "return a * 0 + 0.5",
    "q1: nothing": SIGMOID + "1 / (1 + nd.exp(-a))",
    "q1: table of the visible tests": SIGMOID
    + "t = {-2.0: .1192029, -1.0: .2689414, 1.0: .7310586, 2.0: .8807971, -100.0: 0, 100.0: 1}"
    + "\n    return nd.array(np.vectorize(lambda v: t.get(float(v), .5))(a.numpy()))",
    "q1: float64 as it came": SIGMOID
    + "if a.dtype == 'float64':\n        return a\n    return 1 / (1 + nd.exp(-a))",
    "q1: float32 for float64": SIGMOID + "return (1 / (1 + nd.exp(-a))).astype('float32')",
    "q1: float64 for float32": SIGMOID + "return (1 / (1 + nd.exp(-a))).astype('float64')",
    "q1: the input overwritten": SIGMOID + "a[...] = 1 / (1 + nd.exp(-a))\n    return a",
    "q1: the input overwritten, a copy returned": SIGMOID + "a[...] = 1 / (1 + nd.exp(-a))\n    return a + 0",
    "q1: one buffer for all results": "buffers = {}\n"
    + SIGMOID
    + "out = buffers.setdefault((a.shape, str(a.dtype)), a + 0)\n"
    + "    out[...] = 1 / (1 + nd.exp(-a))\n    return out",
    "q1: the first result again": "results = {}\n"
    + SIGMOID
    + "return results.setdefault((a.shape, str(a.dtype)), 1 / (1 + nd.exp(-a)))",
    "q1: no scalars": SIGMOID + "return (1 / (1 + nd.exp(-a.reshape((a.shape[0], -1))))).reshape(a.shape)",
    "q1: an endless loop": SIGMOID + "while True:\n        pass",
    "q2: sign": GRADIENT + "return -out_grad * node * (1 - node)",
    "q2: without the adjoint": GRADIENT + "return node * (1 - node)",
    "q2: of the input": GRADIENT + "a = node.inputs[0]\n    return out_grad * a * (1 - a)",
    "q2: tanh's": GRADIENT + "return out_grad * (1 - node * node)",
    "q2: the adjoint only": GRADIENT + "return out_grad",
    "q2: y squared": GRADIENT + "return out_grad * node * node",
    "q2: an array": GRADIENT + "return (out_grad * node * (1 - node)).numpy()",
    "q2: summed": GRADIENT + "return (out_grad * node * (1 - node)).sum()",
    "q2: a new tensor": GRADIENT
    + "return ndl.Tensor((out_grad * node * (1 - node)).numpy(), dtype=node.dtype)",
    "q2: detached": GRADIENT + "return (out_grad * node * (1 - node)).detach()",
    "q2: the result detached": GRADIENT + "y = node.detach()\n    return out_grad * y * (1 - y)",
    "q2: float32 for float64": GRADIENT
    + "g = (out_grad * node * (1 - node))\n"
    + "    return ndl.Tensor(g.numpy().astype('float32')) if node.dtype == 'float64' else g",
    "q2: the adjoint overwritten": GRADIENT
    + "g = out_grad * node * (1 - node)\n    out_grad.data = g.data\n    return g",
    "q2: the input overwritten": GRADIENT
    + "a = node.inputs[0]\n    g = out_grad * node * (1 - node)\n    a.data = a.data * 0\n    return g",
    "q2: calls add up": "seen = {}\n"
    + GRADIENT
    + "g = out_grad * node * (1 - node)\n    seen[id(node)] = seen[id(node)] + g if id(node) in seen else g\n"
    + "    return seen[id(node)]",
    "q2: an endless loop": GRADIENT + "while True:\n        pass",
    "q3: nothing": "pass",
    "q3: the library's": "from needle_edu.autograd import find_topo_sort",
    "q3: recursion": TOPO
    + """
    order, seen = [], set()
    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for value in node.inputs:
            visit(value)
        order.append(node)
    for node in node_list:
        visit(node)
    return order
""",
    "q3: pre-order": TOPO
    + """
    order, seen, stack = [], set(), list(reversed(node_list))
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack += list(reversed(node.inputs))
    return order
""",
    "q3: reversed pre-order": TOPO
    + """
    order, seen, stack = [], set(), list(node_list)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            order.append(node)
            stack += list(node.inputs)
    return order[::-1]
""",
    "q3: right to left": changed(
        SOLUTIONS["q3"], "for value in reversed(node.inputs)", "for value in node.inputs"
    ),
    "q3: twice": changed(SOLUTIONS["q3"], "elif node not in seen:", "else:"),
    "q3: seen when pushed": TOPO
    + """
    order, seen = [], set(node_list)
    stack = [(node, False) for node in reversed(node_list)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
            continue
        stack.append((node, True))
        for value in reversed(node.inputs):
            if value not in seen:
                seen.add(value)
                stack.append((value, False))
    return order
""",
    "q3: breadth first": TOPO
    + """
    order, queue = [], list(node_list)
    for node in queue:
        queue += [value for value in node.inputs if value not in queue]
    return queue[::-1]
""",
    "q3: first result only": changed(
        SOLUTIONS["q3"], "for node in reversed(node_list)]", "for node in node_list[:1]]"
    ),
    "q3: seen once for all": changed(
        changed(SOLUTIONS["q3"], "(node_list):", "(node_list, seen=set()):"),
        "order, seen = [], set()",
        "order = []",
    ),
    "q3: the given list used up": changed(
        SOLUTIONS["q3"],
        "stack = [(node, False) for node in reversed(node_list)]",
        "stack = []\n    while node_list:\n        stack.append((node_list.pop(), False))",
    ),
    "q3: the given list returned": changed(
        SOLUTIONS["q3"], "return order", "node_list[:] = order\n    return node_list"
    ),
    "q3: without lone leaves": changed(
        SOLUTIONS["q3"], "return order", "return order if len(order) > 1 else []"
    ),
    "q3: given results twice": changed(
        SOLUTIONS["q3"],
        "return order",
        "return order + [n for k, n in enumerate(node_list) if n in node_list[:k]]",
    ),
    "q3: given results last": changed(
        SOLUTIONS["q3"],
        "return order",
        "return [n for n in order if n not in node_list] + [n for n in order if n in node_list]",
    ),
    "q3: an endless loop": TOPO + "    while True:\n        pass",
    "q3: ids": changed(SOLUTIONS["q3"], "return order", "return [id(node) for node in order]"),
    "q4: overwritten": changed(REVERSE, "adjoint = adjoint + other", "adjoint = other"),
    "q4: multiplicity lost": changed(
        REVERSE,
        "for value, contribution in zip(node.inputs, node.op.gradient_as_tuple(adjoint, node)):",
        "for value, contribution in dict(zip(node.inputs, node.op.gradient_as_tuple(adjoint, node))).items():",
    ),
    "q4: forwards": changed(
        REVERSE, "in reversed(find_topo_sort([output_tensor]))", "in find_topo_sort([output_tensor])"
    ),
    "q4: out_grad ignored": changed(
        REVERSE,
        "contributions = {output_tensor: [out_grad]}",
        "contributions = {output_tensor: [out_grad * 0 + 1]}",
    ),
    "q4: mean instead of sum": changed(
        REVERSE, "node.grad = adjoint", "node.grad = adjoint / len(contributions[node])"
    ),
    "q4: grad of the first use": changed(REVERSE, "for other in others:", "for other in others[:0]:"),
    "q4: recursion along every path": """
def compute_gradient_of_variables(output_tensor, out_grad):
    def walk(node, adjoint):
        node.grad = adjoint if node.grad is None else node.grad + adjoint
        if node.op is not None:
            for value, part in zip(node.inputs, node.op.gradient_as_tuple(adjoint, node)):
                walk(value, part)
    walk(output_tensor, out_grad)
""",
    "q4: passed on too early": """
def compute_gradient_of_variables(output_tensor, out_grad):
    output_tensor.grad, queue, seen = out_grad, [output_tensor], set()
    for node in queue:
        if node.op is None or node in seen:
            continue
        seen.add(node)
        for value, part in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node)):
            value.grad = part if value.grad is None else value.grad + part
            queue.append(value)
""",
    "q4: None passed on": changed(REVERSE, "if contribution is not None:", "if True:"),
    "q4: None is zero": changed(
        changed(REVERSE, "if contribution is not None:", "if True:"),
        "append(contribution)",
        "append(value * 0 if contribution is None else contribution)",
    ),
    "q4: only leaves": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = adjoint if node.op is None else node.grad\n"
    ),
    "q4: only inner values": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = node.grad if node is output_tensor else adjoint\n"
    ),
    "q4: an earlier .grad added to": changed(
        REVERSE,
        "node.grad = adjoint\n",
        "node.grad = adjoint if node.grad is None else node.grad + adjoint\n",
    ),
    "q4: an earlier .grad kept": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = node.grad if node.grad is not None else adjoint\n"
    ),
    "q4: sums in place": changed(
        REVERSE, "adjoint = adjoint + other", "adjoint.data = adjoint.data + other.data"
    ),
    "q4: detached": changed(REVERSE, "node.grad = adjoint\n", "adjoint = node.grad = adjoint.detach()\n"),
    "q4: float32": changed(
        REVERSE,
        "node.grad = adjoint\n",
        "adjoint = node.grad = ndl.Tensor(adjoint.numpy(), dtype='float32')\n",
    ),
    "q4: no leaf as output": changed(
        REVERSE,
        "    contributions =",
        "    if output_tensor.op is None:\n        return\n    contributions =",
    ),
    "q4: contributions kept between calls": "contributions = {}\n"
    + changed(
        REVERSE,
        "contributions = {output_tensor: [out_grad]}",
        "contributions.setdefault(output_tensor, []).append(out_grad)",
    ),
    "q4: values overwritten": changed(
        REVERSE, "node.grad = adjoint\n", "node.grad = adjoint\n        node.data = node.data * 0\n"
    ),
    "q4: an endless loop": changed(
        REVERSE, "    contributions =", "    while True: pass\n    contributions ="
    ),
    "q4: nothing": "def compute_gradient_of_variables(output_tensor, out_grad):\n    pass",
    "q5: no shift": changed(LOSS, "logits.numpy().max(axis=1)", "logits.numpy().max(axis=1) * 0"),
    "q5: one shift for all": changed(
        LOSS, "logits.numpy().max(axis=1)", "logits.numpy().max() + np.zeros(n)"
    ),
    "q5: sum": changed(LOSS, "(log_sum - right) / n", "(log_sum - right)"),
    "q5: divided by the classes": changed(LOSS, "(log_sum - right) / n", "(log_sum - right) / k"),
    "q5: sign": changed(LOSS, "(log_sum - right)", "(right - log_sum)"),
    "q5: the last class wrong": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.minimum(labels, max(k - 2, 0)))"
    ),
    "q5: the first class wrong": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.maximum(labels, min(1, k - 1)))"
    ),
    "q5: classes counted from 1": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, (labels - 1) % k)"
    ),
    "q5: one wrong class": changed(
        LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, np.where(labels == 3, 2, labels) % k)"
    ),
    "q5: not one class alone": changed(
        LOSS, "    largest =", "    if k == 1:\n        return ndl.ops.summation(logits) / n\n    largest ="
    ),
    "q5: not a batch of one": changed(
        LOSS, "    largest =", "    if n == 1:\n        return ndl.ops.summation(logits) * 0\n    largest ="
    ),
    "q5: float32 for float64": changed(
        LOSS,
        "    largest =",
        "    rounding = logits.numpy().astype('float32') - logits.numpy()\n"
        "    logits = logits + ndl.Tensor(rounding, dtype=logits.dtype, requires_grad=False)\n    largest =",
    ),
    "q5: logarithm of the softmax": changed(
        LOSS,
        "    right = ndl.ops.summation(shifted * ndl.init.one_hot(k, labels), axes=1)\n"
        "    return ndl.ops.summation(log_sum - right) / n",
        "    p = ndl.ops.exp(shifted) / ndl.ops.exp(log_sum).reshape((n, 1)).broadcast_to((n, k))\n"
        "    right = ndl.ops.summation(p * ndl.init.one_hot(k, labels), axes=1)\n"
        "    return -ndl.ops.summation(ndl.ops.log(right)) / n",
    ),
    "q5: the scores overwritten": changed(LOSS, "    return", "    logits.data = shifted.data\n    return"),
    "q5: the labels overwritten": changed(LOSS, "    return", "    labels[:] = 0\n    return"),
    "q5: calls add up": "total = []\n"
    + changed(
        LOSS,
        "    return ndl.ops.summation(log_sum - right) / n",
        "    total.append(ndl.ops.summation(log_sum - right) / n)\n    return sum(total[1:], total[0])",
    ),
    "q5: an endless loop": changed(LOSS, "    largest =", "    while True: pass\n    largest ="),
    "q5: labels ignored": changed(LOSS, "ndl.init.one_hot(k, labels)", "ndl.init.one_hot(k, labels * 0)"),
    "q5: shift not undone": changed(LOSS, "axes=1)\n    return", "axes=1) + largest\n    return"),
    "q5: wrong axis": changed(LOSS, "ndl.ops.exp(shifted), axes=1)", "ndl.ops.exp(shifted), axes=0)"),
    "q5: no graph": changed(LOSS, "(log_sum - right) / n", "(log_sum - right).detach() / n"),
    "q5: one per example": changed(LOSS, "ndl.ops.summation(log_sum - right) / n", "(log_sum - right) / n"),
}


NO_GRAPH = "a new Tensor, or a detached one, has no graph."

# The hints a mistake gets, beyond those that fit any wrong value.
HINTS = {
    "q1: sign of the exponent": ["The exponent carries a minus sign."],
    "q1: no parentheses": [
        "The denominator is the whole sum: put it into parentheses.",
        "In float32 exp(100) is infinite: divide by it, don't divide it.",
    ],
    "q1: overflow": ["In float32 exp(100) is infinite: divide by it, don't divide it."],
    "q2: sign": ["σ rises everywhere."],
    "q2: without the adjoint": ["The chain rule multiplies: where does out_grad go?"],
    "q2: of the input": ["The derivative is written with y = σ(a), not with a."],
    "q2: a new tensor": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: detached": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: the result detached": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q2: float32 for float64": [f"Compute with Tensors all the way; {NO_GRAPH}"],
    "q3: recursion": ["Keep a stack of your own."],
    "q3: pre-order": ["That is pre-order: write a node down after its inputs."],
    "q3: right to left": ["Node 3 has the inputs 2 and 1, in this order."],
    "q3: twice": ["Does it stand there already?"],
    "q3: seen once for all": ["Begin each call with nothing seen."],
    "q3: the given list used up": ["Work on a copy of node_list."],
    "q3: the given list returned": ["Work on a copy of node_list."],
    "q4: overwritten": [
        "x is an input two times, and each use contributes.",
        "Add up: that is the last contribution alone.",
    ],
    "q4: multiplicity lost": ["x is an input two times, and each use contributes."],
    "q4: out_grad ignored": ["The output's adjoint is out_grad."],
    "q4: mean instead of sum": ["x is an input two times, and each use contributes."],
    "q4: grad of the first use": [
        "x is an input two times, and each use contributes.",
        "Add up: that is the first one alone.",
    ],
    "q4: recursion along every path": ["Visit each node once; don't follow each path."],
    "q4: sums in place": ["An adjoint may belong to several nodes: make a new Tensor of each sum."],
    "q4: detached": [f"Pass on the Tensors as they are; {NO_GRAPH}"],
    "q4: float32": [f"Pass on the Tensors as they are; {NO_GRAPH}"],
    "q5: no shift": [
        "exp(1000) is infinite and exp(-1000) is 0: of what do you take the exponential, and the logarithm?",
        "Each row has its own largest score.",
    ],
    "q5: one shift for all": ["Each row has its own largest score."],
    "q5: sum": ["Divide by the number of examples."],
    "q5: divided by the classes": ["Divide by the examples, not the classes."],
    "q5: logarithm of the softmax": [
        "exp(1000) is infinite and exp(-1000) is 0: of what do you take the exponential, and the logarithm?"
    ],
}
FIT_ANY_VALUE = {
    "q1": "Compare with 1 / (1 + np.exp(-x)) for a few arrays of your own.",
    "q2": "Move one number a little and see how far the result moves.",
    "q3": "Compare with the three lines of recursion on small graphs of your own.",
    "q4": "Follow x · x = t, t · x = s, s + t = r, r · t = q by hand: what reaches t, and when?",
    "q5": "Try a batch of one, and one of five.",
}


def question_of(mistake: str) -> questions.Question:
    (question,) = (q for q in HW1.questions if q.name == mistake.split(":")[0])
    return question


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_loses_its_question_and_gets_a_hint_that_fits(mistake):
    """In this process, which is quick; how grading agrees is shown below."""
    namespace: dict = {"__name__": "__main__"}
    for source in [*HW1.setup, WRONG[mistake]]:
        exec(source, namespace)
    question, ask = question_of(mistake), ask_here(namespace, 0.7, HW1.adapters)
    verdicts = [test.verdict(ask, seed=7) for test in question.tests]
    assert not all(verdict.passed for verdict in verdicts)
    hints = [verdict.hint for verdict in verdicts if not verdict.passed and verdict.hint]
    assert [*dict.fromkeys(h for h in hints if h != FIT_ANY_VALUE[question.name])] == HINTS.get(mistake, [])
    for verdict in verdicts:
        assert verdict.hint != FIT_ANY_VALUE[question.name] or verdict.status.startswith("wrong value")


def test_every_mistake_spoken_of_is_in_the_list():
    assert set(HINTS) <= set(WRONG)


@pytest.mark.parametrize("mistake", list(WRONG)[::9])
def test_grading_agrees(mistake):
    limits = run_question.Limits(call=4)
    result = run_question.run_question(HW1, question_of(mistake), WRONG[mistake], seed=7, limits=limits)
    assert not result.passed and result.points == 0, [(v.test.title, v.status) for v in result.verdicts]


def test_a_mistake_loses_nothing_else(tmp_path):
    """All five wrong answers at once in one notebook, each with four right ones."""
    mistakes = ["q1: overflow", "q2: sign", "q3: pre-order", "q4: overwritten", "q5: sum"]
    for mistake in mistakes:
        hand_in(tmp_path / "submissions", mistake[:2], SOLUTIONS | {mistake[:2]: WRONG[mistake]})
    assert commands.grade("hw1", tmp_path / "submissions", tmp_path / "out") == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for student, graded in results.items():
        assert [name for name, question in graded.items() if question["points"] == 0] == [student]


# --- in the notebook ----------------------------------------------------------------------------------------


def test_check_gives_the_same_verdicts_as_grading():
    """The tests are written once: in this process, on the reference, all pass, the hidden ones too."""
    namespace = {}
    for source in [*HW1.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for question in HW1.questions:
        # Values are compared here, not speed: a busy machine gets more than the five seconds of `check`.
        verdicts = [test.verdict(ask_here(namespace, 120, HW1.adapters), seed=3) for test in question.tests]
        assert all(verdict.passed for verdict in verdicts), verdicts


@pytest.mark.parametrize(
    ("name", "answer", "says"),
    [
        ("q3", "def find_topo_sort(nodes): pass", "it returned None; wanted a list of Tensors"),
        ("q3", "def find_topo_sort(nodes): return nodes", "expected [0, 1, 2, 3], got [3]"),
        ("q5", "def softmax_loss(z, y): return 2.3", "it returned a float; wanted a Tensor"),
        (
            "q5",
            "def softmax_loss(z, y): return z",
            "a Tensor of shape (3, 10); wanted one with a single element",
        ),
        ("q1", "def sigmoid(a): return np.exp(a)", "nd.exp"),
    ],
)
def test_a_slip_is_named(name, answer, says):
    namespace: dict = {}
    for source in [*HW1.setup, answer]:
        exec(source, namespace)
    (question,) = (q for q in HW1.questions if q.name == name)
    assert says in question.tests[0].verdict(ask_here(namespace, adapters=HW1.adapters), seed=0).message


def test_the_librarys_own_function_is_no_answer():
    """Set-up imports find_topo_sort, for question 4: question 3 must not pass before it is written."""
    namespace: dict = {}
    for source in HW1.setup:
        exec(source, namespace)
    (cell,) = (cell for cell in HW1.released if cell.is_tests and "q3" in cell.grade_id)
    exec(cell.source.rpartition("check(")[0], namespace)
    assert [verdict.status for verdict in report("q3", namespace, homework="hw1").verdicts] == [
        "not defined"
    ] * 5


def test_the_students_copy_solved_passes_its_checks():
    """The tests as students have them, withheld names and all."""
    namespace: dict = {}
    for source in [*HW1.setup, *SOLUTIONS.values()]:
        exec(source, namespace)
    for cell in HW1.released:
        if cell.is_tests:
            exec(cell.source, namespace)  # ends in check(…), which raises unless all pass


def test_the_library_is_as_before():
    """Checking installs answers in the framework; afterwards its own code is back."""
    from needle_edu.autograd import registry

    for name in ("sigmoid", "find_topo_sort", "compute_gradient_of_variables"):
        place = registry.slot(name)
        assert len(place.stack) == 1 and place.stack[0].entry is place.original


def test_the_notebook_is_clean():
    tree = json.loads(homework_files.source_of("hw1").read_text())
    ids = [cell["id"] for cell in tree["cells"]]
    assert len(set(ids)) == len(ids) and all(not cell.get("outputs") for cell in tree["cells"])
    assert all(
        len(line) <= 120 for cell in SOURCE if cell.kind == "code" for line in cell.source.splitlines()
    )
