"""The stepper tells the truth: its numbers are the run's, checked against derivatives worked out by hand in NumPy."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import viz
from needle_edu.autograd import events


def tensors():
    rng = np.random.default_rng(7)
    x, w = rng.normal(size=(3, 2)).astype("float32"), rng.normal(size=(2, 4)).astype("float32")
    return x, w, ndl.Tensor(x, requires_grad=False), ndl.Tensor(w)


def find(stepper, kind, label):
    return [s for s in stepper.steps if s.kind == kind and stepper.graph.nodes[s.value].label == label]


def test_numbers_of_every_step_equal_a_derivation_by_hand():
    x, w, data, weight = tensors()
    product = data @ weight
    hidden = ndl.ops.tanh(product)
    loss = (hidden * hidden).sum()
    stepper = viz.step(loss)
    h = np.tanh(x @ w)
    np.testing.assert_allclose(find(stepper, "op", "hidden")[0].numbers("y"), h, rtol=1e-5)
    first, second = find(stepper, "vjp", "hidden")
    for step, letter in ((first, "b"), (second, "a")):  # d(a*b): each operand receives the OTHER one
        np.testing.assert_allclose(step.numbers("contribution"), h, rtol=1e-5)
        np.testing.assert_array_equal(step.numbers("adjoint"), np.ones_like(h))
        assert [shown.role for shown in step.given] == ["adjoint", letter]
    sums = find(stepper, "sum", "hidden")
    np.testing.assert_allclose(sums[0].numbers("sum"), h, rtol=1e-5)
    assert sums[0].given[1].numbers is None, "the second contribution is still to come"
    np.testing.assert_allclose(sums[1].numbers("sum"), 2 * h, rtol=1e-5)
    np.testing.assert_allclose(sums[1].numbers("term 1") + sums[1].numbers("term 2"), 2 * h, rtol=1e-5)
    through = 2 * h * (1 - h * h)
    np.testing.assert_allclose(find(stepper, "vjp", "product")[0].numbers("contribution"), through, rtol=1e-4)
    np.testing.assert_allclose(
        find(stepper, "vjp", "weight")[0].numbers("contribution"), x.T @ through, rtol=1e-4
    )
    np.testing.assert_allclose(find(stepper, "grad", "weight")[0].numbers("grad"), x.T @ through, rtol=1e-4)


def test_forward_comes_before_backward_and_every_value_has_its_step():
    _, _, data, weight = tensors()
    stepper = viz.step((data @ weight).sum())
    phases = [step.phase for step in stepper.steps]
    assert phases == sorted(phases, reverse=True), "forward first, then backward"
    assert [s.kind for s in stepper.steps] == ["leaf", "leaf", "op", "op", "seed", "vjp", "vjp", "grad"]
    computed = {s.value for s in stepper.steps if s.phase == "forward"}
    assert computed == set(stepper.graph.nodes)


def test_operand_order_is_told():
    a, b = ndl.Tensor([8.0]), ndl.Tensor([2.0])
    step = find(viz.step(a / b), "op", "v1")[0]
    assert step.title == "v1 = a ÷ b"
    assert [(s.role, s.label) for s in step.given] == [("a", "a"), ("b", "b")]
    contributions = [s.numbers("contribution").item() for s in viz.step(a / b).steps if s.kind == "vjp"]
    assert contributions == [0.5, -2.0]  # 1/b and -a/b²


def test_attributes_are_told_shortly():
    x = ndl.Tensor([1.5, 2.5, 3.5])
    steps = [s.title for s in viz.step((x[[2, 0]] * 3).sum()).steps if s.kind == "op"]
    assert steps == ["v1 = getitem(x, index=[2, 0])", "v2 = v1 × 3", "v3 = summation(v2)"]


def test_data_without_gradient_shows_it_absent_not_zero():
    _, _, data, weight = tensors()
    stepper = viz.step((data @ weight).sum())
    node = next(n for n in stepper.graph.nodes.values() if n.label == "data")
    assert node.grad is None
    assert "no gradient" in stepper.html
    assert not [s for s in stepper.steps if s.phase == "backward" and s.value == node.id]


def test_every_grad_is_put_back():
    _, _, data, weight = tensors()
    loss = (data @ weight).sum()
    assert weight.grad is None
    viz.step(loss)
    assert weight.grad is None and loss.grad is None
    loss.backward()
    before, numbers = weight.grad, weight.grad.numpy()
    viz.step(loss, out_grad=ndl.Tensor([5.0]))
    assert weight.grad is before
    np.testing.assert_array_equal(weight.grad.numpy(), numbers)


def test_grads_and_listener_are_put_back_when_backward_raises():
    class Broken(ndl.autograd.TensorOp):
        def compute(self, a):
            return a + 0

        def gradient(self, out_grad, node):
            raise ArithmeticError("no derivative today")

    x = ndl.Tensor([1.0, 2.0])
    (x * x).sum().backward()
    before = x.grad

    def listener(event, array):
        pass

    previous = events.set_hook(listener)
    try:
        with pytest.raises(ArithmeticError, match="no derivative today"):
            viz.step((x * Broken()(x)).sum())
        assert events.set_hook(previous) is listener
    finally:
        events.set_hook(previous)
    assert x.grad is before


def test_large_arrays_are_summarised():
    x = ndl.Tensor(np.arange(1000.0))
    stepper = viz.step((x * 2).sum())
    leaf = find(stepper, "leaf", "x")[0].result.numbers
    assert leaf.array is None and (leaf.low, leaf.mean, leaf.high) == (0.0, 499.5, 999.0)
    assert leaf.first == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert "first values 0, 1, 2, 3, 4, 5, …" in "".join(stepper.data["pieces"])


def test_snapshots_do_not_change_when_the_array_does():
    x = ndl.Tensor([1.0, 2.0])
    with viz.record() as tape:
        (x * x).sum()
    x.data = ndl.Tensor([9.0, 9.0])
    node = next(n for n in tape.graph().nodes.values() if n.label == "x")
    assert node.value.array.tolist() == [1.0, 2.0]


def test_a_recorded_run_is_drawn_and_stepped_with_the_learners_names():
    x, w = ndl.Tensor([2.0], requires_grad=False), ndl.Tensor([3.0])
    with viz.record() as tape:
        loss = w * x * w
        loss.backward()
    labels = {node.label for node in tape.graph().nodes.values()}
    assert {"x", "w", "loss"} <= labels
    assert "events" in repr(tape) and tape.events[0].kind == "created"
    assert len(tape.draw().graph.edges) == 4
    written = [s for s in tape.step().steps if s.kind == "grad"]
    assert [s.numbers("grad").tolist() for s in written] == [[12.0]]  # d(w²x) = 2wx


def test_recording_stops_at_its_limit_and_says_so():
    x = ndl.Tensor([1.0])
    with viz.record(max_events=5) as tape:
        for _ in range(10):
            x = x * 2
    assert len(tape.events) == 5 and tape.full and "max_events=5" in repr(tape)


def test_an_operation_without_formulas_is_still_told():
    class Twice(ndl.autograd.TensorOp):
        def compute(self, a):
            return a + a

        def gradient(self, out_grad, node):
            return out_grad * 2

    x = ndl.Tensor([1.5])
    stepper = viz.step(Twice()(x))
    text = "".join(str(part) for s in stepper.data["steps"] for part in s["h"])
    assert "no formula written down" in text
    assert find(stepper, "grad", "x")[0].numbers("grad").tolist() == [2.0]


def test_the_page_is_the_same_in_every_session_and_small():
    pages = []
    for _ in range(2):  # value ids go on counting, the page must not show it
        _, _, data, weight = tensors()
        product = data @ weight
        loss = (product * product).sum()
        pages.append(viz.step(loss).html)
    assert pages[0] == pages[1]
    assert len(pages[0]) < 100_000


def test_hostile_names_stay_text_in_the_page():
    x = ndl.Tensor([1.0])
    x.name = "</script><img src=x onerror=alert(1)>"
    page = viz.step(x * x).html
    assert "<img" not in page and page.count("</script>") == 2


def test_a_nested_listener_hears_everything_too():
    x, heard = ndl.Tensor([2.0]), []
    previous = events.set_hook(lambda event, array: heard.append(event.kind))
    try:
        with viz.record() as tape:
            (x * x).backward()
    finally:
        events.set_hook(previous)
    assert heard == [event.kind for event in tape.events]


def test_pictures_made_during_a_recording_are_no_part_of_it():
    with viz.record() as tape:
        a = ndl.Tensor([1.0])
        c = a * 2 + a
        viz.draw(c, grads="all")
        d = c * 2
        viz.step(d)
        with viz.record() as inner:
            e = d * c
        f = e + 1  # noqa: F841
    assert [step.title for step in tape.step().steps] == [
        "a enters", "v1 = a × 2", "c = v1 + a", "d = c × 2", "e = d × c", "f = e + 1",
    ]  # fmt: skip
    assert "6 values, 5 operations, 0 contributions" in repr(tape)
    assert [step.title for step in inner.step().steps][-1] == "e = d × c"


def test_the_forward_pass_is_told_in_the_order_of_the_run():
    x, y = ndl.Tensor([1.0]), ndl.Tensor([2.0])
    a = x * 2
    b = y * 3
    c = b + a
    told = [step.title for step in viz.step(c).steps if step.phase == "forward"]
    assert told == ["x enters", "a = x × 2", "y enters", "b = y × 3", "c = b + a"]


def test_the_rule_is_also_written_with_the_names_of_the_graph():
    h, w1 = ndl.Tensor([3.0]), ndl.Tensor([2.0])
    loss = (h * w1) / 4
    loss.name = "loss"
    divided, first, second = (s for s in viz.step(loss).steps if s.kind == "vjp")
    assert (divided.formula, divided.here) == (
        r"\bar{a} = \bar{y} / c",
        r"\bar{v}_{1} = \overline{\mathrm{loss}} / {\text{4}}",
    )
    assert first.here == r"\bar{h} = \bar{v}_{1} \odot {w_{1}}"
    assert second.here == r"\bar{w}_{1} = \bar{v}_{1} \odot {h}"
    x = ndl.Tensor([3.0])
    contributions = [s.here for s in viz.step(x * x).steps if s.kind == "vjp"]
    assert [text.split(" =")[0] for text in contributions] == [r"\bar{x}^{(1)}", r"\bar{x}^{(2)}"]


def test_a_broadcast_operand_is_told_to_be_summed():
    x, bias = ndl.Tensor(np.ones((5, 3)), requires_grad=False), ndl.Tensor(np.zeros((1, 3)))
    steps = [s for s in viz.step((x + bias).sum()).steps if s.kind == "vjp"]
    assert "was broadcast to (5, 3)" in steps[1].text and r"\sum_{\text{expanded axes}}" in steps[1].here
    np.testing.assert_array_equal(steps[1].numbers("contribution"), [[5, 5, 5]])
    row, matrix = ndl.Tensor([[2.0]]), ndl.Tensor([[1.0, 3.0]])
    assert not any("broadcast" in s.text for s in viz.step(row @ matrix).steps), "matmul does not expand"


def test_tuples_show_their_parts():
    x = ndl.Tensor([[1.0, 2.0], [3.0, 4.0]])
    parts = ndl.ops.split(x, 1)
    stepper = viz.step((parts[0] * parts[1]).sum())
    split = find(stepper, "op", "parts")[0]
    assert [part.array.tolist() for part in split.result.numbers.parts] == [[1, 3], [2, 4]]
    first, second = find(stepper, "sum", "parts")
    assert [part and part.array.tolist() for part in first.result.numbers.parts] == [None, [1, 3]]
    assert [part.array.tolist() for part in second.result.numbers.parts] == [[2, 4], [1, 3]]
    assert (
        "tuple of 2" in stepper.html and "no array" not in stepper.html and "not computed" not in stepper.html
    )


def test_a_value_used_very_often_is_a_running_sum():
    x = ndl.Tensor([1.0])
    y = x
    for factor in range(1, 31):
        y = y + x * float(factor)
    stepper = viz.step(y)
    sums = find(stepper, "sum", "x")
    assert len(sums) == 31 and all(len(s.given) <= 2 for s in sums)
    for s in sums[1:]:
        assert s.given[0].numbers.low + s.given[1].numbers.low == s.result.numbers.low
    assert sums[-1].result.numbers.low == 1 + sum(range(1, 31))


def test_without_a_gradient_there_is_advice_instead_of_a_stepper():
    x = ndl.Tensor([1.0], requires_grad=False)
    with pytest.raises(ndl.backend.GradientError, match=r"needs no gradient.*requires_grad=True"):
        viz.step(x * 2)
    with viz.record() as tape:
        pass
    with pytest.raises(ndl.backend.NeedleError, match="nothing was recorded"):
        tape.step()
    with pytest.raises(TypeError, match="one of its parts"):
        viz.step(ndl.ops.split(ndl.Tensor([[1.0]]), 0))


def test_letters_are_those_of_the_formulas():
    info = ndl.graph.op_info
    assert [info("relu_backward").letter(k, 2) for k in (0, 1)] == ["g", "a"]
    assert [info("where").letter(k, 3) for k in (0, 1, 2)] == ["a", "b", "c"]
    assert [info("stack").letter(k, 2) for k in (0, 1)] == ["1", "2"] and info("stack").vjp(1)
