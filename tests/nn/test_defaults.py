"""What is not said is PyTorch's: defaults of layers, losses, optimisers and schedulers, and the order of arguments."""

import inspect

import pytest

from needle_edu import nn, ops, optim

torch = pytest.importorskip("torch", reason="compares with PyTorch; pip install torch==2.13.0")
pytestmark = pytest.mark.parity

THEIRS = [torch.nn, torch.optim, torch.optim.lr_scheduler, torch.optim.swa_utils]
# Needle's defaults, and ours where PyTorch's None is deprecated or an empty list.
OTHERWISE = {
    ("SGD", "lr"): 0.01, ("SGD", "dampening"): None, ("Adam", "lr"): 0.01, ("Adam", "betas"): None,
    ("LogSoftmax", "dim"): -1, ("Softmax", "dim"): -1, ("Softmin", "dim"): -1, ("ModuleList", "modules"): (),
    ("ParameterList", "values"): (), ("TransformerEncoderLayer", "activation"): "relu",
    ("TransformerDecoderLayer", "activation"): "relu", ("Softplus", "threshold"): None,
    ("BatchNorm1d", "num_features"): None, ("BatchNorm2d", "num_features"): None,
}  # fmt: skip
NEEDLES_OWN = {"Transformer"}  # another class altogether
ELSEWHERE = {"device", "dtype"}  # ours say "float32", PyTorch None
NEEDLES_ORDER = {
    "SGD",
    "Adam",
    "Embedding",
    "Linear",
    "Bilinear",
}  # what Needle has comes first, or device and dtype do


def pairs():
    """(name, our parameters, PyTorch's) of every class that both have."""
    for name in sorted({*nn.__all__, *optim.__all__}):
        ours = getattr(nn, name, None) or getattr(optim, name)
        theirs = next((getattr(room, name) for room in THEIRS if hasattr(room, name)), None)
        if (
            theirs is not None
            and inspect.isclass(ours)
            and name not in {"Module", "Optimizer", "Parameter", *NEEDLES_OWN}
        ):
            pool = getattr(ops, getattr(getattr(ours, "op_class", None), "name", ""), None)
            parameters = inspect.signature(pool or ours).parameters
            yield name, dict(parameters), dict(inspect.signature(theirs).parameters)


PAIRS = {name: rest for name, *rest in pairs()}


@pytest.mark.parametrize("name", PAIRS)
def test_defaults(name):
    ours, theirs = PAIRS[name]
    for parameter in ours.keys() & theirs.keys() - ELSEWHERE:
        wanted = OTHERWISE.get((name, parameter), theirs[parameter].default)
        assert ours[parameter].default == wanted, parameter


@pytest.mark.parametrize("name", sorted(PAIRS.keys() - NEEDLES_ORDER))
def test_order(name):
    ours, theirs = PAIRS[name]
    shared = [parameter for parameter in theirs if parameter in ours and parameter not in ELSEWHERE]
    positional = [p for p in ours if p in shared and ours[p].kind is not inspect.Parameter.KEYWORD_ONLY]
    assert positional == [p for p in shared if p in positional]


def test_there_is_something_to_compare():
    assert len(PAIRS) > 80 and {"HuberLoss", "SmoothL1Loss", "MaxPool2d", "NAdam", "StepLR"} <= PAIRS.keys()
