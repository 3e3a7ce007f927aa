"""`viz.memory`: the bytes shown are those that are there, counted another way, each block named by what holds it."""

import gc
import re

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import nn, ops, optim, viz
from needle_edu.backend import NeedleError, memory
from needle_edu.viz.lifetimes.blocks import ROLES
from needle_edu.viz.lifetimes.memory import MOMENTS

pytestmark = pytest.mark.shares_memory


class Counting(viz.Tape):
    """Counts at every event what is alive, by looking at all storages there are."""

    def __init__(self):
        super().__init__()
        self.counted = []

    def write(self, event, array):
        super().write(event, array)
        self.counted.append(memory.live_bytes())


def network(rng):
    x = ndl.Tensor(rng.normal(size=(40, 30)).astype("float32"), requires_grad=False)
    model = nn.Sequential(nn.Linear(30, 50), nn.ReLU(), nn.Linear(50, 7), nn.Tanh())
    return x, model


def a_step(x, model):
    loss = (model(x) ** 2).sum()
    loss.backward()


def test_the_bytes_are_those_of_all_storages_that_are_alive(rng):
    x, model = network(rng)
    gc.collect()
    before = memory.live_bytes()
    there = x.numpy().nbytes + sum(p.numpy().nbytes for p in model.parameters())
    tape = Counting()
    with tape:
        a_step(x, model)
    picture = viz.memory(tape)
    mine, counted = picture.totals.sum(1), np.array(tape.counted) - before + there
    used = {event.value: k for k, event in enumerate(tape.events) if event.kind == "created" and not event.op}
    last_leaf = max(used.values())  # from there on every leaf is known
    kinds = [event.kind for event in tape.events]
    for k in range(last_leaf + 2, len(kinds)):
        if kinds[k] != "freed":
            # What an op holds only while it computes is not seen; nothing is shown that is not there.
            assert mine[k] <= counted[k], (k, kinds[k])
            if kinds[k] in ("computed", "leaf", "accumulated"):
                assert mine[k] >= counted[k] - 8, (k, kinds[k], mine[k], counted[k])
    assert picture.peak == mine.max() and picture.peak_event == mine.argmax()
    assert mine[-1] == there + sum(p.grad.numpy().nbytes for p in model.parameters()), "no activation is left"


def test_what_the_second_step_keeps_is_known(rng):
    """Of activations and adjoints the most is there in backward; parameters and gradients stay."""
    x, model = network(rng)
    a_step(x, model)
    sizes = sum(p.numpy().nbytes for p in model.parameters())
    with viz.record() as tape:
        a_step(x, model)
    picture = viz.memory(tape)
    assert picture.totals[-1].tolist() == [sizes, x.numpy().nbytes, 0, 0, sizes]
    assert dict(zip(ROLES, picture.totals.max(0), strict=True))["activations"] >= 2 * 40 * 50 * 4
    assert "in the backward pass" in repr(picture) and repr(picture).startswith("<Memory of ")


def test_a_view_takes_no_memory_and_is_named_with_what_it_lies_in():
    x = ndl.Tensor(np.ones((4, 6), "float32"))
    with viz.record() as tape:
        flat = x.reshape((24,))
        wide = ops.broadcast_to(flat.reshape((1, 24)), (3, 24))
    picture = viz.memory(tape)
    assert picture.peak == 96 and len(picture.alive(len(tape.events) - 1)) == 1
    (block,) = picture.alive(len(tape.events) - 1)
    assert ROLES[block.role] == "parameters"
    assert picture.holders(block).startswith("x, an operand of flat; flat = reshape") and wide.shape == (
        3,
        24,
    )


def test_each_block_says_what_holds_it():
    w = ndl.Tensor([[1.0, 2.0]])
    with viz.record() as tape:
        y = w * w
        z = ops.exp(y)
        z.sum().backward()
    picture = viz.memory(tape)
    said = {picture.holders(block) for block in picture.alive(len(tape.events) - 1)}
    assert {"w, an operand of y", ".grad of w"} <= said or any(".grad of w" in text for text in said)
    assert any(re.match(r"y = multiply, line \d+, an operand of z", text) for text in said)
    assert picture.what(0) == "w is made"
    assert "exp z adds to y" in " ".join(picture.what(k) for k in range(len(tape.events)))


def test_many_events_are_thinned_and_the_peak_stays(rng):
    x, model = network(rng)
    optimizer = optim.SGD(model.parameters(), lr=0.01)
    with viz.record() as tape:
        for _ in range(20):
            optimizer.reset_grad()
            a_step(x, model)
            optimizer.step()
    picture = viz.memory(tape)
    moments = picture.moments()
    assert len(moments) == MOMENTS < len(tape.events) and picture.peak_event in moments
    assert moments == sorted(set(moments))
    assert picture.still().count(">backward</text>") == 20, "each step's backward pass is shaded"
    assert picture.totals.sum(1)[-1] <= picture.totals.sum(1)[200] + picture.peak, "memory does not grow"


def test_a_full_tape_says_so_and_a_tape_keeps_nothing_alive():
    x = ndl.Tensor([1.0])
    with viz.record(max_events=6) as tape:
        made = [x * x * x * x * x]
    assert "stopped after 6 events" in viz.memory(tape).still()
    gc.collect()
    before = memory.live_bytes()
    made.clear()
    assert memory.live_bytes() < before


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.memory(3), TypeError, "wanted a tape, from `with viz.record.*got int"),
        (lambda: viz.memory(ndl.Tensor([1.0])), TypeError, "got Tensor"),
        (lambda: viz.memory(viz.record()), NeedleError, "nothing was recorded"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_slider_shows_each_moment_as_python_has_it(browser, tmp_path, rng, size):
    x, model = network(rng)
    x.name = "a_long_name_" * 8
    with viz.record() as tape:
        a_step(x, model)
    picture = viz.memory(tape)
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"file://{picture.save(tmp_path / 'm.html')}")
    shown = page.locator(".moment")
    still = re.sub(r"<[^>]*>", "", picture._moment(picture.peak_event)).replace("&#x27;", "'")
    assert re.sub(r"\s", "", shown.text_content()) == re.sub(r"\s", "", still), (
        "at first the peak, as without a script"
    )
    assert shown.evaluate("e => e.scrollWidth <= e.clientWidth"), "long names are broken, not cut off"
    slider = page.locator('input[type="range"]')
    slider.focus()
    page.keyboard.press("Home")
    for moment in picture.moments():
        wanted = re.sub(r"<[^>]*>", "", picture._moment(moment))
        assert re.sub(r"\s", "", shown.text_content()) == re.sub(r"\s", "", wanted)
        page.keyboard.press("ArrowRight")
    box = page.locator("svg.chart").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 750.5 / 760, box["y"] + 20)
    assert shown.locator(".at").text_content().startswith(f"event {len(tape.events)} of")
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.close()
