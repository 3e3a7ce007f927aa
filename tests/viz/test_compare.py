"""Two runs compared: the first step that departs is the one that was changed, and names and rounding do not matter."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.backend import GradientError


def run(w, x=(1.0, -2.0, 3.0), then=ndl.tanh, factor=2.0):
    x, w = ndl.Tensor(np.array(x), requires_grad=False), ndl.Tensor(w)
    h = x * w
    h.name = "h"
    return then(h * factor).sum()


def weights():
    return np.array([0.3, 0.2, -0.1])


def test_equal_runs_are_the_same_whatever_their_names():
    other = ndl.Tensor(weights())
    h = ndl.Tensor([1.0, -2.0, 3.0], requires_grad=False) * other
    h.name = "<b>another</b>"
    found = viz.compare(run(weights()), ndl.tanh(h * 2.0).sum())
    assert found.first is None and found.differing == [] and found.text == "The runs are the same: 12 steps."
    assert found.stepper.stops == [] and "<b>another" not in found.html


def test_the_first_step_with_other_numbers_is_found():
    changed = weights() + [0.0, 0.0, 0.5]
    found = viz.compare(run(weights()), run(changed))
    steps = found.stepper.steps
    assert steps[found.first].title == "x2 enters"
    np.testing.assert_allclose(steps[found.first].numbers("value"), changed, rtol=1e-6)
    assert "[0.3, 0.2, -0.1], the second [0.3, 0.2, 0.4]; they differ by 0.5 at most." in found.text
    assert found.stepper.stops == found.differing and found.differing[0] == found.first
    titles = [steps[k].title for k in found.differing]
    assert "h = x1 × x2" in titles and "x1 enters" not in titles
    seed = next(k for k, s in enumerate(steps) if s.kind == "seed")
    assert seed not in found.differing, "both begin with one"
    np.testing.assert_allclose(steps[found.first].other.numbers.array, weights(), rtol=1e-6)


def test_a_factor_is_found_in_what_it_is_made_with():
    found = viz.compare(run(weights()), run(weights(), factor=2.5))
    assert found.differing == []
    assert found.text == "The runs depart at step 4: the first does v1 = h × 2, the second does v1 = h × 2.5."


def test_another_operation_ends_the_comparison():
    found = viz.compare(run(weights()), run(weights(), then=ndl.sigmoid))
    assert found.first == 4 and found.text.endswith("does v2 = tanh(v1), the second does v2 = sigmoid(v1).")
    assert found.stepper.stops == [4]
    both = viz.compare(run(weights()), run(weights() * 2, then=ndl.sigmoid))
    assert "From step 5 on they do something else." in both.text and both.first == 1


def test_a_run_that_ends_earlier():
    x = ndl.Tensor([2.0])
    with viz.record() as short:
        a = x * 3  # noqa: F841
    with viz.record() as long:
        b = x * 3
        b.backward()
    found = viz.compare(short, long)
    assert found.first == 2 and found.text.startswith(
        "The runs depart at step 3: the first does nothing more, the second"
    )
    assert viz.compare(long, short).text.endswith("the second does nothing more.")
    assert viz.compare(long, long).first is None


def test_rounding_is_forgiven_as_far_as_one_wants():
    near = weights() * (1 + 1e-5)
    assert viz.compare(run(weights()), run(near)).first is None
    assert viz.compare(run(weights()), run(near), rtol=1e-7).first is not None


def test_runs_may_be_steppers_and_tapes_and_stay_as_they_were():
    a, b = viz.step(run(weights())), viz.step(run(weights() + 1))
    before = b.html
    found = viz.compare(a, b)
    assert found.first == viz.compare(run(weights()), run(weights() + 1)).first
    assert b.html == before and all(not step.departs for step in b.steps)
    with viz.record() as tape:
        run(weights()).backward()
    assert viz.compare(tape, tape).first is None


def test_a_wrong_pass_of_ones_own_departs_from_the_engines():
    def forgetful(output, out_grad):  # keeps the last contribution only
        output.grad = out_grad
        for node in reversed(ndl.autograd.find_topo_sort([output])):
            if node.op is not None:
                for x, g in zip(node.inputs, node.op.gradient_as_tuple(node.grad, node), strict=True):
                    x.grad = g

    x = ndl.Tensor([3.0])
    y = x * x
    with ndl.override("compute_gradient_of_variables", forgetful):
        own = viz.step(y)
    found = viz.compare(viz.step(y), own)
    assert found.first is not None and found.stepper.steps[found.first].departs.startswith("Here the runs ")
    assert viz.compare(own, own).stepper.stops == [] and any(step.departs for step in own.steps)


def test_nan_is_the_same_as_nan():
    with np.errstate(all="ignore"):
        a, b = (viz.step(ndl.log(ndl.Tensor([-1.0, 2.0])).sum()) for _ in range(2))
    assert viz.compare(a, b).first is None


def test_large_arrays_are_compared_by_what_was_kept(rng):
    w = rng.normal(size=(20, 30))
    other = w.copy()
    other[10, 20] += 1.0
    assert viz.compare((ndl.Tensor(w) * 2).sum(), (ndl.Tensor(other) * 2).sum()).first == 0
    assert viz.compare((ndl.Tensor(w) * 2).sum(), (ndl.Tensor(w.copy()) * 2).sum()).first is None


def test_what_is_no_run_is_refused():
    x = ndl.Tensor([1.0])
    with pytest.raises(TypeError, match=r"viz.compare: a run is a Tensor, a Tape or a Stepper; got int"):
        viz.compare(x * 2, 3)
    with pytest.raises(ValueError, match=r"viz.compare: rtol=-1; it is a number from 0 on"):
        viz.compare(x * 2, x * 2, rtol=-1)
    with pytest.raises(GradientError, match="viz.compare: this tensor needs no gradient"):
        viz.compare(x * 2, ndl.Tensor([1.0], requires_grad=False))


@pytest.mark.browser
def test_the_page_opens_where_they_depart(browser, tmp_path):
    from stepper_page import Page

    found = viz.compare(run(weights()), run(weights() + [0.0, 0.0, 0.5]))
    p = Page(browser, found.save(tmp_path / "two.html"))
    assert p.step() == found.first + 1 and p.text(".stopped") == f"{len(found.differing)} of 12 steps"
    assert p.text(".departs").startswith("Here the runs depart. The first has [0.3, 0.2, -0.1]")
    assert p.text('figure[data-role="other"] figcaption').endswith("in the first run (3,)")
    assert p.box.locator('figure[data-role="other"] td').all_text_contents() == ["0.3", "0.2", "-0.1"]
    assert "The runs depart at step 2" in p.page.locator("body").inner_text()
    p.click("last")
    assert p.step() == found.differing[1] + 1 and p.text(".departs").startswith(
        "Here they differ, too. The first"
    )
    p.page.context.close()
