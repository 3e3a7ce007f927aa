"""`ops.exp?` and `ops.exp??` in Jupyter lead to the op's class: what it computes, and its gradient."""

import re

import pytest
from IPython.core.interactiveshell import InteractiveShell

import needle_edu as ndl
from needle_edu import Tensor, ops
from needle_edu.autograd import registry

SHELL = InteractiveShell(colors="nocolor")


def shown(thing, detail_level):
    """What a notebook prints for ``thing?`` (0) or ``thing??`` (1, from "Source:" on), as text."""
    SHELL.push({"thing": thing})
    text = SHELL.object_inspect_mime("thing", detail_level=detail_level)["text/plain"]
    text = re.sub(r"\x1b\[[0-9;]*m", "", text)
    return text.partition("Source:")[2] or text


class Cube(ndl.TensorOp):
    """The third power."""

    def compute(self, a):
        return a * a * a

    def gradient(self, out_grad, node):
        return out_grad * node.inputs[0] ** 2 * 3


@pytest.mark.parametrize("detail_level", [0, 1], ids=["?", "??"])
@pytest.mark.parametrize("name", sorted(registry.ops()))
def test_a_question_mark_shows_the_class_of_an_op(name, detail_level):
    text = shown(getattr(ops, name), detail_level)
    cls = registry.slot(name).original
    assert f"class {cls.__name__}(" in text
    assert "def compute(self" in text or "compute" not in vars(cls)
    assert any(f"def {word}(self" in text for word in ("vjp0", "vjp1", "gradient")) == any(
        callable(vars(cls).get(word)) for word in ("vjp0", "vjp1", "gradient")
    )


@pytest.mark.parametrize("detail_level", [0, 1], ids=["?", "??"])
def test_it_shows_an_override_while_it_is_in_use(detail_level):
    for thing in (ops.exp, Tensor.exp, Tensor([1.0]).exp):
        with ndl.override("exp", Cube):
            text = shown(thing, detail_level)
            assert "class Cube(ndl.TensorOp):\n" in text
            assert "        return out_grad * node.inputs[0] ** 2 * 3\n" in text
        assert "class Exp(UnaryOp)" in shown(thing, detail_level)


@pytest.mark.parametrize("detail_level", [0, 1], ids=["?", "??"])
def test_it_shows_an_override_that_was_written_in_a_cell(detail_level):
    SHELL.run_cell(
        "import needle_edu as ndl\nclass Half(ndl.TensorOp):\n    def compute(self, a):\n        return a / 2\n\n"
        "    def vjp0(self, g, node):\n        return g / 2  # a half\n"
    )
    with ndl.override("sin", SHELL.user_ns["Half"]):
        text = shown(ops.sin, detail_level)
    assert "class Half(ndl.TensorOp):\n    def compute(self, a):\n" in text
    assert "        return g / 2  # a half\n" in text


def test_the_signature_stays_the_functions():
    text = shown(ops.summation, 0)
    assert "(a, axes=None, keepdims=False, axis=None)" in text.split("class")[0]
