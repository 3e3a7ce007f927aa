"""The short form of `make gradients`: every op has its oracles, PyTorch agrees on its first sample, gaps and wrong
gradients are seen."""

import numpy as np
import pytest

from needle_edu.autograd import TensorOp, override, registry
from needle_edu.autograd.arrays import BACKEND

pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")

from comparisons import COLUMNS, against_pytorch, compare, numpy_cases, reason
from counterparts import NO_ORACLE, NUMPY, PYTORCH, PYTORCHS, pytorch_s

from tests import gradients

pytestmark = pytest.mark.parity


def test_every_op_has_its_oracles_or_a_reason():
    for name in registry.ops():
        assert bool(pytorch_s(name)) != bool(reason(name, PYTORCH)), f"{name}: PyTorch in counterparts.py"
        assert bool(numpy_cases(name)) != bool(reason(name, NUMPY)), f"{name}: NumPy in test_ops.py"


def test_every_row_is_of_an_op_that_exists():
    assert {*PYTORCHS} | {name for name, _ in NO_ORACLE} <= {*registry.ops()}
    assert {column for _, column in NO_ORACLE} <= {*COLUMNS}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", registry.ops())
def test_pytorch_agrees(name, dtype):
    if pytorch_s(name):
        cls = registry.ops()[name].cls
        attrs, inputs = cls.samples(np.random.default_rng(7))[0]
        against_pytorch(cls, attrs, inputs, dtype, "reversed")


class Wrong(TensorOp):
    """The right value, a gradient with the wrong sign."""

    def compute(self, a):
        return np.exp(a) if BACKEND == "np" else a.exp()

    def vjp0(self, g, node):
        return -g * node

    samples = staticmethod(lambda rng: [({}, (rng.uniform(0.5, 2, 3),))])


def test_a_wrong_gradient_is_seen_in_every_column_that_knows_gradients(capsys):
    with override("exp", Wrong):
        found = compare("exp")
    assert {column: bool(failures) for column, (_, failures) in found.items()} == {
        "NumPy": False, "finite differences": True, "PyTorch": True, "second derivative": True,
    }  # fmt: skip
    assert gradients.report({"cpu": {"exp": found}}) == 1
    assert "WRONG: exp, PyTorch, cpu: sample 0, float64, compact" in capsys.readouterr().out


def test_a_cell_without_comparison_and_reason_is_a_gap(capsys):
    found = compare("exp")
    assert gradients.report({"cpu": {"exp": found}}) == 0
    assert "0 did not, 0 gaps" in capsys.readouterr().out
    found[PYTORCH] = [0, []]
    assert gradients.report({"cpu": {"exp": found}}) == 1
    assert "GAP: exp: PyTorch on cpu" in capsys.readouterr().out
