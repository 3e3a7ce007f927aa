"""`viz.why`: the step to blame is the one that is to blame by construction, in deep and random graphs too."""

import re

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend import GradientError, NeedleError


@pytest.fixture(autouse=True)
def quiet():
    with np.errstate(all="ignore"):
        yield


def chain(rng, broken, length=8):
    """A chain of sound operations with one that breaks it, and the value that comes out of that one."""
    w = ndl.Tensor(rng.uniform(0.5, 1.5, size=(2, 3)))
    w.name = "w"
    sound = [ndl.tanh, ndl.exp, lambda x: x * 0.5, lambda x: x + 1.0, lambda x: x * x]
    where, value, marked = int(rng.integers(1, length - 1)), w, None
    for k in range(length):
        if k == where:
            marked = value = broken(value)
        value = sound[int(rng.integers(len(sound)))](ndl.tanh(value))
    return w, value.sum(), marked


BROKEN = {
    "relu": ("zero", lambda x: ndl.relu(ndl.tanh(x) - 2.0)),
    "mul_scalar": ("zero", lambda x: x * 0.0),
    "log": ("nan", lambda x: ndl.log(ndl.tanh(x) - 3.0)),
}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", BROKEN)
def test_the_operation_that_breaks_a_random_chain_is_found(seed, name):
    kind, broken = BROKEN[name]
    w, loss, marked = chain(np.random.default_rng(seed), broken)
    found = viz.why(w, loss)
    assert found.kind == kind and name in found.text.splitlines()[1]
    assert found.graph.nodes[found.made.origin or found.made.value].op == name
    assert w.grad is None, "every .grad is as before"
    if kind == "nan":  # the value of the loss has the same cause
        value = viz.why(loss)
        assert (
            value.kind == "nan" and value.made.kind == "op" and value.graph.nodes[value.made.value].op == name
        )


def test_the_way_leads_from_the_question_to_the_cause():
    w = ndl.Tensor([-1.0, -2.0])
    h = ndl.relu(w)
    found = viz.why(w, (h * 2).sum())
    assert [step.title for step in found.steps] == ["w.grad is written", "h → w"]
    assert found.text.splitlines() == [
        "The gradient of w is zero everywhere.",
        "The adjoint that arrives is not zero, but no element of w is positive: relu lets nothing through.",
        "  w.grad is written   [0, 0]",
        "  h → w               [0, 0]",
    ]
    assert repr(found) == found.text


def test_a_sound_gradient_is_said_to_be_sound(rng):
    w = ndl.Tensor(rng.normal(size=(3, 2)))
    loss = (w * 100.0).sum() * 0.01
    found = viz.why(w, loss)
    assert found.kind == "" and found.made.title == "v1 → w"
    assert found.text.startswith(
        "The gradient of w is neither zero nor huge, tiny or NaN: its largest element is 1, its "
    )
    assert f"its norm {np.sqrt(6):.4g}." in found.text.splitlines()[0]


def test_no_gradient_at_all_is_not_zero():
    x, w = ndl.Tensor([1.0, 2.0], requires_grad=False), ndl.Tensor([3.0, 4.0])
    x.name = "x"
    found = viz.why(x, (w * x).sum())
    assert found.kind == "absent" and "it asks for none (requires_grad is False)" in found.text
    assert found.made is None and "<svg" not in found.html


def test_long_ways_are_shortened_in_words_and_picture():
    w = ndl.Tensor([-1.0])
    y = ndl.relu(w)
    for _ in range(60):
        y = y * 2 + y
    found = viz.why(y, y.sum())
    assert found.kind == ""
    zero = viz.why(y)
    assert zero.kind == "zero" and zero.made.title.endswith("relu(w)") and len(zero.steps) > 60
    assert len(zero.text.splitlines()) < 20 and "steps …" in zero.text
    assert zero.html.count("data-node=") < 60


def test_the_picture_shows_the_way_in_red():
    w, u = ndl.Tensor([-1.0, -2.0]), ndl.Tensor([1.0, 1.0])
    h = ndl.relu(w)
    found = viz.why(w, (h * u).sum())
    titles = re.findall(r'data-node="(\d+)"[^>]*aria-label="([^:;]+)', found.html)
    marked = set(re.findall(r'\[data-node="(\d+)"\] .ndl-box\{stroke:#d1002f', found.html))
    assert {name for place, name in titles if place in marked} == {"w", "h"}
    assert viz.why(w, (h * u).sum()).html == found.html, "the same in every session"


def test_a_stepper_answers_for_its_own_run():
    w = ndl.Tensor([-1.0, -2.0])
    h = ndl.relu(w)
    stepper = viz.step((h * 2).sum())
    by_label, by_tensor, by_number = stepper.why("w"), stepper.why(w), stepper.why(len(stepper.steps) - 1)
    assert by_label.text == by_tensor.text == by_number.text == viz.why(w, (h * 2).sum()).text
    assert stepper.why(1).text.startswith("h is zero everywhere.")
    with pytest.raises(NeedleError, match=r"no value of this run is 'v99'"):
        stepper.why("v99")
    with pytest.raises(IndexError, match="no step 99; the last one is"):
        stepper.why(99)


def test_what_cannot_be_answered_is_refused():
    x = ndl.Tensor([1.0])
    with pytest.raises(TypeError, match=r"viz.why: wanted a Tensor, got ndarray"):
        viz.why(np.ones(2))
    with pytest.raises(TypeError, match=r"viz.why: wanted a Tensor, got int"):
        viz.why(x, 3)
    with pytest.raises(ValueError, match="no part of the graph"):
        viz.why(x, ndl.Tensor([2.0]) * 2)
    with pytest.raises(GradientError, match="needs no gradient"):
        viz.why(x, ndl.Tensor([2.0], requires_grad=False))


def test_hostile_names_stay_text():
    x = ndl.Tensor([-1.0])
    x.name = "<img src=x onerror=alert(1)>"
    assert "<img" not in viz.why(x, ndl.relu(x)).html
