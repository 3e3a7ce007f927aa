"""The library is no answer: whichever way the student's code reaches a withheld function, the question is refused.

And nothing else is: the adapters, the engine and other functions of the library work as before.
"""

import sys
import threading

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import ndarray as nd
from needle_edu.course import answer, withheld
from needle_edu.course.check import report
from needle_edu.course.grading import run_question
from needle_edu.course.questions import load

HW1 = load("hw1")
QUESTION = {question.name: question for question in HW1.questions}


def q1(body: str, before: str = "") -> str:
    return f"{before}\ndef sigmoid(a):\n    {body}\n"


def q2(body: str, before: str = "") -> str:
    return f"{before}\ndef sigmoid_gradient(out_grad, node):\n    {body}\n"


def q3(body: str, before: str = "") -> str:
    return f"{before}\ndef find_topo_sort(node_list):\n    {body}\n"


def q4(body: str, before: str = "") -> str:
    return f"{before}\ndef compute_gradient_of_variables(output_tensor, out_grad):\n    {body}\n"


def q5(body: str, before: str = "") -> str:
    return f"{before}\ndef softmax_loss(logits, labels):\n    {body}\n"


ARRAY = "return ndl.ops.sigmoid(ndl.Tensor(a, dtype=a.dtype)).realize_cached_data()"
ATTACKS = {
    "q1: the function": ("sigmoid", q1("return nd.sigmoid(a)")),
    "q1: an alias": ("sigmoid", q1("return s(a)", "from needle_edu.ndarray import sigmoid as s")),
    "q1: the op's function": ("sigmoid", q1(ARRAY)),
    "q1: the op's class": (
        "sigmoid",
        q1("return ndl.ops.Sigmoid()(ndl.Tensor(a, dtype=a.dtype)).cached_data"),
    ),
    "q1: the op's compute": ("sigmoid", q1("return ndl.ops.Sigmoid().compute(a)")),
    "q1: from the registry": (
        "sigmoid",
        q1("return ndl.autograd.registry.slot('sigmoid').original().compute(a)"),
    ),
    "q1: a method": ("sigmoid", q1("return ndl.Tensor(a, dtype=a.dtype).sigmoid().cached_data")),
    "q1: a layer": ("sigmoid", q1("return ndl.nn.Sigmoid()(ndl.Tensor(a, dtype=a.dtype)).cached_data")),
    "q1: a layer in a model": (
        "sigmoid",
        q1(
            "return model(ndl.Tensor(a, dtype=a.dtype)).cached_data",
            "model = ndl.nn.Sequential(ndl.nn.Sigmoid())",
        ),
    ),
    "q1: partial": (
        "sigmoid",
        "import functools\nsigmoid = functools.partial(nd.sigmoid)",
    ),
    "q1: a bound method": ("sigmoid", "sigmoid = ndl.ops.Sigmoid().compute"),
    "q1: a layer as the answer": (
        "sigmoid",
        "class Answer(ndl.nn.Sigmoid):\n    def __call__(self, a):\n"
        "        return super().__call__(ndl.Tensor(a, dtype=a.dtype)).cached_data\nsigmoid = Answer()",
    ),
    "q1: map": ("sigmoid", q1("return next(map(nd.sigmoid, [a]))")),
    "q1: getattr": ("sigmoid", q1("return getattr(nd, 'sig' + 'moid')(a)")),
    "q1: importlib": (
        "sigmoid",
        q1("return importlib.import_module('needle_edu.ndarray').sigmoid(a)", "import importlib"),
    ),
    "q1: a second copy of the module": (
        "sigmoid",
        q1(
            "spec = util.spec_from_file_location('again', ndl.autograd.numpy_functions.__file__)\n"
            "    again = util.module_from_spec(spec); spec.loader.exec_module(again)\n"
            "    return nd.array(again.sigmoid(a.numpy()), dtype=a.dtype)",
            "from importlib import util",
        ),
    ),
    "q1: the fused kernel": ("sigmoid", q1("return ndl.autograd.arrays.xp.sigmoid(a)")),
    "q1: the reference kernel": (
        "sigmoid",
        q1(
            "return nd.array(elementwise.sigmoid(a.numpy()), dtype=a.dtype)",
            "from needle_edu.backend.reference import elementwise",
        ),
    ),
    "q1: through needle_edu.course": (
        "sigmoid",
        q1(
            "return nd.array(adapters.op_gradient(lambda g, y: y, 'sigmoid', a.numpy(), a.numpy())[0])",
            "from needle_edu.course import adapters",
        ),
    ),
    "q1: an exception that is caught": (
        "sigmoid",
        q1("try:\n        nd.sigmoid(a)\n    except BaseException:\n        pass\n    return nd.sigmoid(a)"),
    ),
    "q1: a thread": (
        "sigmoid",
        q1(
            "out = []\n    t = threading.Thread(target=lambda: out.append(nd.sigmoid(a)))\n"
            "    t.start(); t.join()\n    return out[0] if out else a",
            "import threading\nthreading.excepthook = lambda *args: None",
        ),
    ),
    "q1: a pool": (
        "sigmoid",
        q1(
            "with ThreadPoolExecutor(1) as pool:\n        return pool.submit(nd.sigmoid, a).result()",
            "from concurrent.futures import ThreadPoolExecutor",
        ),
    ),
    "q1: eval": ("sigmoid", q1("return eval('nd.sigmoid(a)')")),
    "q1: NumPy's protocol": (
        "sigmoid",
        q1(
            "return np.apply_along_axis(f, 0, a.numpy())",
            "def f(row):\n    return nd.sigmoid(nd.array(row)).numpy()",
        ),
    ),
    "q1: under another name": (
        "sigmoid",
        "import needle_edu as needle\n" + q1("return needle.ndarray.sigmoid(a)"),
    ),
    "q2: the op": ("sigmoid_backward", q2("return ndl.ops.sigmoid_backward(out_grad, node)")),
    "q2: its class": ("sigmoid_backward", q2("return ndl.ops.SigmoidBackward()(out_grad, node)")),
    "q2: in lazy mode": (
        "sigmoid_backward",
        q2(
            "ndl.autograd.LAZY_MODE = True\n    y = ndl.ops.SigmoidBackward()(out_grad, node)\n"
            "    ndl.autograd.LAZY_MODE = False\n    return y"
        ),
    ),
    "q2: the node's own op": ("sigmoid", q2("return node.op.vjp0(out_grad, node)")),
    "q2: backward": (
        "backward",
        q2(
            "x = ndl.Tensor(node.inputs[0].data, dtype=node.dtype); y = 1 / (1 + ndl.ops.exp(-x))\n"
            "    y.backward(out_grad)\n    return x.grad"
        ),
    ),
    "q2: the engine": (
        "propagate",
        q2(
            "x = ndl.Tensor(node.inputs[0].data, dtype=node.dtype); y = 1 / (1 + ndl.ops.exp(-x))\n"
            "    ndl.autograd.engine.propagate(y, out_grad)\n    return x.grad"
        ),
    ),
    "q3: the function": ("find_topo_sort", q3("return ndl.autograd.find_topo_sort(node_list)")),
    "q3: an alias": (
        "find_topo_sort",
        q3("return order(node_list)", "from needle_edu.autograd import find_topo_sort as order"),
    ),
    "q3: what is behind it": ("post_order", q3("return ndl.autograd.topo.post_order(node_list)")),
    "q3: the slot": ("post_order", q3("return ndl.autograd.topo.TOPO_SORT.function(node_list)")),
    "q3: the events of a graph": (
        "post_order",
        q3("return list(ndl.autograd.events.replay(node_list[-1]))"),
    ),
    "q4: backward": ("backward", q4("output_tensor.backward(out_grad)")),
    "q4: the engine": ("propagate", q4("ndl.autograd.engine.propagate(output_tensor, out_grad)")),
    "q4: the engine's slot": (
        "propagate",
        q4("ndl.autograd.engine.GRADIENTS.original(output_tensor, out_grad)"),
    ),
    "q4: its function": (
        "compute_gradient_of_variables",
        q4("ndl.autograd.compute_gradient_of_variables(output_tensor, out_grad)"),
    ),
    "q4: the stepper": ("backward", q4("from needle_edu import viz\n    viz.step(output_tensor)")),
    "q5: the layer": ("softmax_loss", q5("return ndl.nn.SoftmaxLoss()(logits, ndl.Tensor(labels))")),
    "q5: log-sum-exp": (
        "logsumexp",
        q5(
            "n, k = logits.shape\n    right = ndl.ops.summation(logits * ndl.init.one_hot(k, labels))\n"
            "    return (ndl.ops.summation(ops.logsumexp(logits, axes=1)) - right) / n",
            "from needle_edu import ops",
        ),
    ),
    "q5: log-softmax": (
        "logsoftmax",
        q5(
            "n, k = logits.shape\n"
            "    return -ndl.ops.summation(logits.logsoftmax() * ndl.init.one_hot(k, labels)) / n"
        ),
    ),
    "q5: softmax": (
        "softmax",
        q5(
            "n, k = logits.shape\n    p = ndl.ops.log(ndl.ops.softmax(logits))\n"
            "    return -ndl.ops.summation(p * ndl.init.one_hot(k, labels)) / n"
        ),
    ),
    "q5: inside an op of one's own": (
        "logsumexp",
        q5(
            "n, k = logits.shape\n    right = ndl.ops.summation(logits * ndl.init.one_hot(k, labels))\n"
            "    return (ndl.ops.summation(Mine()(logits)) - right) / n",
            "class Mine(ndl.autograd.TensorOp):\n    def compute(self, a):\n"
            "        return nd.logsumexp(a, axis=1)\n    def gradient(self, out_grad, node):\n"
            "        return out_grad.reshape((-1, 1)) * (node.inputs[0] - node.reshape((-1, 1))).exp()",
        ),
    ),
}


def visible(name: str, source: str):
    """The verdicts of `check` in a notebook."""
    namespace: dict = {"__name__": "__main__"}
    for text in [*HW1.setup, source]:
        exec(compile(text, "<cell of a notebook>", "exec"), namespace)
    (cell,) = (cell for cell in HW1.released if cell.is_tests and cell.grade_id == f"{name}-tests")
    exec(compile(cell.source.rpartition("check(")[0], "<tests in a notebook>", "exec"), namespace)
    return report(name, namespace, withheld=QUESTION[name].tests[0].withheld, homework="hw1").verdicts


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_library_is_no_answer(attack):
    """In the notebook; the sentence names what is withheld, and is one for all tests."""
    name, source = ATTACKS[attack]
    statuses = {verdict.status for verdict in visible(attack[:2], source)}
    assert statuses == {withheld.sentence(name)}


@pytest.mark.parametrize("attack", [*list(ATTACKS)[:2], *[a for a in ATTACKS if a[:2] != "q1"][::4]])
def test_grading_refuses_with_the_same_sentence(attack):
    name, source = ATTACKS[attack]
    verdicts = run_question.run_question(HW1, QUESTION[attack[:2]], source).verdicts
    assert {verdict.status for verdict in verdicts} == {withheld.sentence(name)}


@pytest.mark.parametrize("question", HW1.questions, ids=lambda question: question.name)
def test_every_question_withholds_something_the_library_has(question):
    """A misspelt name would withhold nothing: each is refused in at least one attack above."""
    assert question.tests[0].withheld
    refused = {name for attack, (name, _) in ATTACKS.items() if attack[:2] == question.name}
    assert set(question.tests[0].withheld) - refused <= ({"sigmoid"} if question.name == "q2" else set())


def test_what_is_not_withheld_is_free():
    """Question 4 may call find_topo_sort, question 1 exp, question 5 exp and log."""
    for question in HW1.questions:
        result = run_question.run_question(HW1, question, question.answer.source)
        assert result.passed, [(v.test.name, v.detail) for v in result.verdicts]


def test_our_own_calls_are_not_refused():
    """The engine and the adapters use what the student may not."""
    namespace = {"half": lambda g, node: g / 2, "np": np}
    x = np.array([0.0, 1.0], "float32")
    rules = {"withheld": ["sigmoid", "backward", "propagate"]}
    (grad,) = answer.perform(namespace, "op_gradient", "half", ("sigmoid", x, x), rules)
    assert grad.tolist() == [0.0, 0.5]


def test_a_students_function_of_the_same_name_is_free():
    namespace: dict = {}
    exec("def sigmoid(x):\n    return x\ndef f(x):\n    return sigmoid(x)", namespace)
    assert answer.perform(namespace, "call", "f", (3.0,), {"withheld": ["sigmoid"]}) == 3.0


def test_a_reply_is_no_way_to_write_a_text():
    """A hostile process may answer anything; only names the question withholds come through."""
    assert withheld.refusal({"withheld": "hidden input 0.25"}, ["sigmoid"]) == ""
    assert withheld.refusal({"withheld": ["sigmoid"]}, ["sigmoid"]) == ""


def test_afterwards_nothing_watches():
    """A profile that somebody had set is set again, errors or not; other threads never had one of ours."""

    def mine(frame, event, argument):
        pass

    for source in ("def f(x): return nd.sigmoid(x)", "def f(x): return 1 / 0", "def f(x): return x"):
        namespace: dict = {"nd": nd}
        exec(source, namespace)
        sys.setprofile(mine)
        try:
            answer.perform(namespace, "call", "f", (np.ones(2),), {"withheld": ["sigmoid"]})
        except ZeroDivisionError:
            pass
        finally:
            found = sys.getprofile()
            sys.setprofile(None)
        assert found is mine and threading.getprofile() is None
    assert nd.sigmoid(nd.array([0.0])).tolist() == [0.5]


def test_tracebacks_and_profiles_name_the_operation():
    """What the watch knows a function by is what a traceback says: not "op" for all of them."""
    for function in (nd.sigmoid, nd.logsumexp, nd.add, nd.less, nd.max, ndl.ops.sigmoid, ndl.ops.logsumexp):
        assert function.__code__.co_qualname == function.__qualname__ == function.__name__
    assert nd.sigmoid.__code__.co_name == "sigmoid" and ndl.ops.add.__code__.co_name == "add"
