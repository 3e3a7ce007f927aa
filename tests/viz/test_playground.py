"""`viz.playground`: the steps are those of gradient descent, computed another way; the page shows them as they were."""

import numpy as np
import pytest

from needle_edu import viz
from needle_edu.viz.playing.learner import ACTIVATIONS, DATA, GRID, POINTS
from needle_edu.viz.playing.playground import FRAMES, signed

pytestmark = pytest.mark.shares_memory


def by_name(graph):
    return {node.name: node for node in graph.nodes.values() if node.name}


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def forward(weights, x):
    """One hidden layer of tanh, in NumPy."""
    w1, b1, w2, b2 = weights
    h = np.tanh(x @ w1 + b1)
    return h, softmax(h @ w2 + b2)


def test_three_steps_by_hand():
    play = viz.playground("xor", layers=[3], lr=0.5, batch_size=30, seed=4)
    points, labels = DATA["xor"](POINTS, 4)
    start = by_name(play.moments[0].graph)
    weights = [np.array(start[name].value.array, float) for name in ("W1", "b1", "W2", "b2")]
    order = np.random.RandomState(4)
    for k in range(1, 4):
        play.step()
        rows = order.choice(POINTS, 30, replace=False)
        x, y = points[rows].astype(float), np.eye(2)[labels[rows]]
        h, p = forward(weights, x)
        d2 = (p - y) / 30
        d1 = d2 @ weights[2].T * (1 - h * h)
        grads = [x.T @ d1, d1.sum(0, keepdims=True), h.T @ d2, d2.sum(0, keepdims=True)]
        shown = by_name(play.moments[-1].graph)
        for name, value, grad in zip(("W1", "b1", "W2", "b2"), weights, grads, strict=True):
            np.testing.assert_allclose(
                shown[name].value.array, value, rtol=1e-4, atol=1e-6, err_msg="before the step"
            )
            np.testing.assert_allclose(shown[name].grad.array, grad, rtol=1e-3, atol=1e-6)
        assert shown["loss"].value.low == pytest.approx(-np.log((p * y).sum(1)).mean(), rel=1e-5)
        weights = [w - 0.5 * g for w, g in zip(weights, grads, strict=True)]
        now = play.moments[-1]
        assert now.step == k
        share = forward(weights, points.astype(float))[1]
        assert now.loss == pytest.approx(-np.log(share[np.arange(POINTS), labels]).mean(), rel=1e-5)
        fresh, answers = DATA["xor"](POINTS, 5)
        assert now.accuracy == (forward(weights, fresh.astype(float))[1].argmax(1) == answers).mean()
        left, right, bottom, top = now.plane.box
        corner = forward(weights, np.array([[left, top], [right, bottom]]))[1]
        assert now.plane.sure[0, 0] == pytest.approx(corner[0].max(), rel=1e-4)
        assert now.plane.classes[-1, -1] == corner[1].argmax()
        hidden = forward(weights, np.array([[left, top], [right, top]]))[0]
        np.testing.assert_allclose(now.units[0][:, 0, 0], hidden[0], rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(now.units[0][:, 0, -1], hidden[1], rtol=1e-4, atol=1e-6)


def test_steps_are_the_same_however_they_are_taken_and_whatever_is_drawn_beside():
    one, many = viz.playground(seed=1), viz.playground(seed=1)
    np.random.seed(3)
    one.step(40)
    for _ in range(8):
        np.random.rand()
        many.step(5)
    assert one.loss == many.loss and repr(one) == repr(many)
    assert one._learner.losses == many._learner.losses
    np.random.seed(3)
    expected = np.random.rand()
    np.random.seed(3)
    with viz.record() as tape:
        viz.playground().step(3)
    assert np.random.rand() == expected and tape.events == [], (
        "nothing is drawn from, or told to, the reader's"
    )
    assert viz.playground(seed=2).html == viz.playground(seed=2).html


def test_moments_are_thinned_and_the_present_stays():
    play = viz.playground(layers=[2])
    for total in (1, 40, 41, 100, 300, 307):
        play.step(total - play.moments[-1].step)
        steps = [moment.step for moment in play.moments]
        assert steps == sorted(set(steps)) and steps[0] == 0 and steps[-1] == total
        assert FRAMES / 3 < len(steps) <= FRAMES + 1 or total < FRAMES
    assert play.moments[-1].loss < play.moments[0].loss
    assert len(play.draw().graph.nodes) == len(play.moments[-1].graph.nodes)


@pytest.mark.parametrize(
    ("name", "activation"), [*((name, "tanh") for name in DATA), *(("circles", kind) for kind in ACTIVATIONS)]
)
def test_all_that_can_be_chosen_learns(name, activation):
    play = viz.playground(name, activation=activation, layers=[8], lr=0.5).step(25)
    assert np.isfinite(play.loss) and play.moments[-1].accuracy >= 0.4
    assert f"<Playground: {name}, layers 2-8-2, {activation}, lr 0.5: step 25" in repr(play)
    if activation == "none" and name in ("circles", "xor"):
        assert play.moments[-1].accuracy < 0.8, "no straight line tells these apart"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data": "moon"}, "data is one of moons, circles, xor, spiral, got 'moon'"),
        ({"activation": "gelu"}, "activation is one of tanh, relu"),
        ({"layers": "44"}, "layers are widths such as"),
        ({"layers": 4}, "layers are widths such as"),
        ({"layers": [0]}, "layers is a whole number of at least 1, got 0"),
        ({"layers": [17]}, "at most 5 layers, of at most 16"),
        ({"layers": [2] * 6}, "at most 5 layers"),
        ({"lr": -1}, "lr"),
        ({"lr": float("nan")}, "lr"),
        ({"batch_size": 201}, "batch_size is at most 200"),
        ({"seed": -1}, "seed is a whole number"),
        ({"seed": 2**32}, "seed is at most"),
        ({"live": "yes"}, "live is True or False"),
    ],
)
def test_bad_arguments(settings, message):
    with pytest.raises(ValueError, match=message):
        viz.playground(**settings)
    with pytest.raises(ValueError, match="count is a whole number"):
        viz.playground(layers=[]).step(0)


def test_the_live_form_steps_and_starts_anew():
    pytest.importorskip("anywidget")
    widget = viz.playground(live=True)
    first = widget.answer({"do": "step", "count": 5})
    assert [frame["step"] for frame in first["data"]["frames"]] == [0, 1, 2, 3, 4, 5]
    same = viz.playground().step(5)
    assert first["still"] == same.still() and widget.island.loss == same.loss
    other = widget.answer(
        {"do": "choose", "choice": {"data": "xor", "layers": [3], "activation": "relu", "lr": 0.3}}
    )
    assert other["data"]["choice"] == {"data": "xor", "layers": [3], "activation": "relu", "lr": 0.3}
    assert len(other["data"]["frames"]) == 1
    assert "at most 5 layers" in widget.answer({"do": "choose", "choice": {"layers": [40]}})["error"]


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_slider_shows_every_moment_offline(browser, tmp_path, size):
    play = viz.playground("circles", layers=[3], lr=0.5).step(12)
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.goto(f"file://{play.save(tmp_path / 'p.html')}")
    slider = page.locator('input[type="range"]')
    assert page.locator(".now").text_content().startswith("step 12, loss ")
    slider.focus()
    page.keyboard.press("Home")
    for k, moment in enumerate(play.moments[:4]):
        assert (
            page.locator(".now").text_content().startswith(f"step {k}, loss {viz.text.number(moment.loss)}")
        )
        cards = page.locator(".graph [data-node] .ndl-value .ndl-number").all_text_contents()
        assert cards == [viz.text.card_text(node.value) for node in moment.graph.nodes.values()]
        grads = page.locator(".graph .ndl-grad:not(.ndl-absent) .ndl-number").all_text_contents()
        assert grads == [
            viz.text.card_text(n.grad) for n in moment.graph.nodes.values() if n.grad is not None
        ]
        row, column = 7, 31
        seen = page.evaluate(
            f"""() => [...document.querySelector('.needle-playground').shadowRoot.querySelector('canvas')
            .getContext('2d').getImageData({column}, {row}, 1, 1).data]"""
        )
        unit = page.evaluate(
            """() => [...document.querySelector('.needle-playground').shadowRoot.querySelectorAll('.units canvas')[1]
            .getContext('2d').getImageData(4, 2, 1, 1).data]"""
        )
        np.testing.assert_allclose(unit[:3], 255 * signed(moment.units[0][1])[2, 4], atol=3)
        colour = np.array([(0.12, 0.44, 0.92), (0.91, 0.35, 0.05)])[moment.plane.classes[row, column]]
        sure = np.clip((moment.plane.sure[row, column] - 0.5) * 1.4, 0.05, 0.7)
        np.testing.assert_allclose(seen[:3], 255 * (sure * colour + 1 - sure), atol=3)
        page.keyboard.press("ArrowRight")
    assert page.locator("button").count() == 0 and GRID == 40
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.close()
