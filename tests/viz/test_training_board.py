"""`viz.train`: the training is the one that it would be without a board, and the board shows what happened in it."""

import re
import time

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import init, nn, optim, training, viz
from needle_edu.backend import NeedleError, ShapeError
from needle_edu.backend.random import apart, generator
from needle_edu.data import DataLoader
from needle_edu.training import History
from needle_edu.viz.training.looks import ASKING, BINS, SAMPLE, SHARE, Look, Looker, Moved, spread
from needle_edu.viz.training.panels import panels
from needle_edu.viz.training.pictures import JUDGED, is_attention

pytestmark = pytest.mark.shares_memory

MLP = {"data": "digits", "small": True, "epochs": 3}


class Blobs(training.Application):
    """Two clouds in a plane, plain gradient descent: each step is -lr · gradient."""

    name, summary, epochs, lr, watch = "blobs", "two clouds in a plane", 4, 0.5, "loss"

    def __init__(self, settings):
        super().__init__(settings)
        signs = np.repeat([0, 1], 20)
        self.points = (generator().randn(40, 2) + 3 * signs[:, None]).astype("float32")
        self.signs = signs
        self.model = nn.Sequential(nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 2))
        self.optimizer = optim.SGD(self.model.parameters(), lr=settings.lr)

    def batches(self):
        return range(3)

    def step(self, batch):
        x, y = ndl.Tensor(self.points, requires_grad=False), ndl.Tensor(self.signs, requires_grad=False)
        loss = nn.SoftmaxLoss()(self.model(x), y)
        self.optimizer.reset_grad()
        loss.backward()
        self.optimizer.step()
        return {"loss": loss.item()}

    def plane(self):
        return self.points, self.signs


class Dropping(Blobs):
    """Draws in every step."""

    def step(self, batch):
        noise = generator().rand()
        return {"loss": super().step(batch)["loss"] + 0 * noise, "noise": noise}

    def samples(self):
        return generator().rand(2, 1, 4, 4)


def test_cells_that_draw_meanwhile_change_nothing_and_are_not_changed():
    expected = training.run(Dropping, seed=7, epochs=20, progress=False).history
    np.random.seed(5)
    board = viz.train(Dropping, seed=7, epochs=20, every=5)
    mine, heard = [], []
    while board.state == "running":
        mine.append(np.random.rand())
        looked = bool(board.looks)  # asked first: the training goes on
        assert "size of a step" in board.still() or not looked
        x = ndl.Tensor([1.0, 2.0])
        with viz.record() as tape:
            (x * init.rand(2)).backward()
        heard.append([event.op for event in tape.events if event.kind == "created"])
        if len(heard) == 3:
            viz.draw(x * x + 1)
        mine.append(np.random.rand())
    board.wait()
    assert board.history.steps == expected.steps and len(set(board.history.steps["noise"])) == 60
    alone = np.random.RandomState(5).rand(len(mine) // 2, 4)
    assert mine == alone[:, [0, 3]].ravel().tolist()
    assert all(ops.count("multiply") == 1 and len(ops) == 3 for ops in heard), "only what the cell did"


def test_stop_and_resume_change_no_loss():
    expected = training.run(Blobs, epochs=50, progress=False).history
    board = viz.train(Blobs, epochs=50)
    board.stop()
    assert board.state in ("paused", "finished")
    with pytest.raises(NeedleError, match="paused; board.resume"):
        board.wait()
    with pytest.raises(NeedleError, match="the training is paused"):
        _ = board.result
    assert "paused" in repr(board) and ">paused<" in board.still()
    assert "after 1 steps" not in repr(board)
    assert board.resume().wait().history.steps == expected.steps
    assert board.state == "finished" and board.result.ended == "finished"
    assert board.stop().state == "finished", "what has ended cannot be stopped"


def test_a_training_that_is_paused_can_be_ended():
    board = viz.train(Blobs, epochs=100_000)
    board.stop()
    steps = len(board.history)
    time.sleep(0.2)  # a training that goes on all the same would take hundreds of steps meanwhile
    board.end()
    assert board.state == "ended" and board.result.ended == "interrupted"
    assert steps <= len(board.history) <= steps + 2, "the step that was being made, and no other"


def test_what_a_look_says_of_a_step_is_what_the_step_did():
    board = viz.train(Blobs, every=3, wait=True)
    assert [look.step for look in board.looks] == [3, 6, 9, 12]
    app, look = board.result.application, board.looks[-1]
    assert look.rate == 0.5 and not any(old.layers for old in board.looks[:-1])
    for one, (name, parameter) in zip(look.parameters, app.model.named_parameters(), strict=True):
        after, grad = parameter.numpy(), parameter.grad.numpy()
        before = after + 0.5 * grad  # plain descent: the step was -lr · gradient
        assert one.name == name and one.shape == after.shape
        assert one.norm == pytest.approx(np.linalg.norm(after), rel=1e-5)
        assert one.grad_norm == pytest.approx(np.linalg.norm(grad), rel=1e-5)
        assert one.ratio == pytest.approx(0.5 * np.linalg.norm(grad) / np.linalg.norm(before), rel=1e-3)
        assert one.grad.counts.sum() == grad.size
    # What the layers gave in the last step was computed with the weights before it.
    weights = {n: p.numpy() + 0.5 * p.grad.numpy() for n, p in app.model.named_parameters()}
    hidden = app.points @ weights["modules.0.weight"] + weights["modules.0.bias"]
    layers = dict(look.layers)
    assert list(layers) == ["modules.0 Linear", "modules.1 ReLU", "modules.2 Linear"]
    assert layers["modules.0 Linear"].mean == pytest.approx(hidden.mean(), rel=1e-4)
    assert layers["modules.1 ReLU"].zeros == pytest.approx((hidden <= 0).mean())
    assert not app.model.modules[0]._hooks.after, "the hooks are gone"


def test_the_plane_is_what_the_model_says_of_it():
    board = viz.train(Blobs, every=12, wait=True)
    app, plane = board.result.application, board.looks[-1].pictures.plane
    left, right, bottom, top = plane.box
    size = len(plane.classes)
    for row, column in [(0, 0), (0, size - 1), (size - 1, 0), (17, 40)]:
        x = left + (right - left) * column / (size - 1)
        y = top - (top - bottom) * row / (size - 1)
        scores = app.model(ndl.Tensor([[x, y]], requires_grad=False)).numpy()[0]
        assert plane.classes[row, column] == scores.argmax()
    assert left < app.points[:, 0].min() and top > app.points[:, 1].max()
    assert board.still().count('class="class') == 40


def test_the_confusion_matrix_counts_what_was_mistaken():
    board = viz.train("mlp", every=2, lr=0.01, wait=True, **MLP)
    table = board.looks[-1].pictures.confusion
    app = board.result.application
    labels = np.array([app.fresh_examples[i][1] for i in range(len(app.fresh_examples))])
    assert table.sum(1).tolist() == np.bincount(labels, minlength=10).tolist()
    assert np.trace(table) / table.sum() == pytest.approx(board.history.test["accuracy"][-1])
    assert f"{np.trace(table)} of {table.sum()} right" in board.still()


def test_feature_maps_attention_and_samples_are_shown_where_there_are_some():
    lenet = viz.train("lenet", data="digits", small=True, steps=2, every=2, wait=True)
    path, maps = lenet.looks[-1].pictures.features
    assert path == "modules.0 Conv2d" and maps.ndim == 3
    assert lenet.still().count("channel ") == len(maps)
    reversal = viz.train("reversal", small=True, epochs=1, every=2, wait=True)
    weights = reversal.looks[-1].pictures.attention[1]
    np.testing.assert_allclose(
        weights, reversal.result.application.model.looks_at(reversal.result.application.fresh[:1])
    )
    dcgan = viz.train("dcgan", small=True, steps=2, every=2, wait=True)
    assert dcgan.still().count('alt="sample ') == 16
    same = training.run("dcgan", small=True, steps=2, progress=False)
    assert dcgan.history.steps == same.history.steps, "samples draw nothing of the training"


def test_a_board_is_the_same_in_every_run():
    boards = [viz.train("mlp", every=2, wait=True, **MLP) for _ in range(2)]
    assert boards[0].html == boards[1].html and repr(boards[0]) == repr(boards[1])
    assert re.fullmatch(
        r"<Board of mlp on digits: finished after 3 epochs, loss \S+, accuracy \S+ %>", repr(boards[0])
    )


def test_looking_takes_its_share_of_the_time_and_no_more(monkeypatch):
    """On a clock of its own: a step takes 1 ms, a look 4 ms."""
    clock = [0.0]
    monkeypatch.setattr("needle_edu.viz.training.looks.time.perf_counter", lambda: clock[0])
    looker = Looker()
    looks = []

    def tick(*_):
        clock[0] += 0.002

    monkeypatch.setattr(looker, "_begin", lambda app: (tick(), setattr(looker, "_before", {})))
    monkeypatch.setattr(
        looker, "_finish", lambda app, history: (tick(), looks.append(len(history)), looker.stop())
    )
    for step in range(1, 10_001):
        clock[0] += 0.001
        looker.step(None, range(step))
    assert looker.spent == pytest.approx(0.004 * len(looks), rel=0.02)
    assert 0.8 * SHARE < looker.spent / clock[0] < 1.2 * SHARE
    assert looks[0] == 2, "the first look is at once"


@pytest.mark.parametrize("size", [1, 10, SAMPLE, 3 * SAMPLE + 1])
def test_spread_counts_as_numpy_does(rng, size):
    values = rng.normal(size=size).astype("float32")
    values[0] = 0.0
    one = spread(values)
    seen = values[:: -(-size // SAMPLE)].astype("float64")
    np.testing.assert_array_equal(
        one.counts, np.histogram(seen, BINS, (one.low, one.high))[0] if size > 1 else one.counts
    )
    assert one.counts.sum() == len(seen) and (one.low, one.high) == (seen.min(), seen.max())
    assert one.mean == pytest.approx(seen.mean(), abs=1e-7) and one.zeros == (seen == 0).mean()
    assert one.deviation == pytest.approx(seen.std(), abs=1e-12)
    values[0] = np.nan
    assert spread(values).wrong == 1


def test_attention_is_known_by_its_rows(rng):
    weights = np.exp(rng.normal(size=(2, 3, 4, 4)))
    weights /= weights.sum(-1, keepdims=True)
    assert is_attention(weights) and not is_attention(2 * weights) and not is_attention(-weights)
    assert not is_attention(weights[0, 0]) and not is_attention(np.zeros((1, 0, 0)))


def test_a_thread_apart_draws_from_generators_of_its_own():
    np.random.seed(3)
    with apart():
        inner = [generator().rand(), init.rand(1).numpy()[0]]
        init.seed(9)
        with apart():
            generator().rand()
        first = generator().rand()
    outer = [generator().rand(), init.rand(1).numpy()[0]]
    assert inner == outer and first == np.random.RandomState(9).rand()
    with pytest.raises(ZeroDivisionError), apart():
        1 / 0  # noqa: B018
    assert generator() is np.random


class Broken(Blobs):
    name = "broken"

    def step(self, batch):
        raise ShapeError("<b>no</b>")


def test_an_error_in_the_thread_is_the_readers():
    board = viz.train(Broken)
    with pytest.raises(ShapeError, match="no"):
        board.wait()
    assert board.state == "failed" and "&lt;b&gt;no" in board.still() and "ShapeError" in repr(board)
    with pytest.raises(ShapeError):
        _ = board.result
    with pytest.raises(ShapeError):
        viz.train(Broken, wait=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: viz.train("mlpp"), NeedleError, "mlp"),
        (lambda: viz.train("mlp", every=0), ValueError, "every is a whole number of at least 1"),
        (lambda: viz.train("mlp", wait="no"), ValueError, "wait is True or False"),
        (
            lambda: viz.train("mlp", epoch=3),
            TypeError,
            "no setting 'epoch'; there are batch_size, data, epochs",
        ),
        (lambda: viz.train("mlp", device=None), TypeError, "no setting 'device'"),
        (lambda: viz.train("mlp", epochs=0, wait=True), ValueError, "epochs is a whole number"),
        (lambda: training.run("mlp", after_step=3), TypeError, "after_step is a function"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_after_step_sees_every_step_and_may_end_the_training():
    seen = []

    def look(app, history):
        seen.append((len(history), app.name))
        return len(history) < 5

    result = training.run(Blobs, progress=False, after_step=look)
    assert seen == [(k, "blobs") for k in range(1, 6)] and result.ended == "interrupted"


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_page_holds_everything_and_nothing_is_cut_off(browser, tmp_path, size):
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    board = viz.train("lenet", data="digits", small=True, epochs=1, every=2, wait=True)
    page.goto(f"file://{board.save(tmp_path / 'b.html')}")
    titles = page.locator(".panel h4").all_text_contents()
    for wanted in (
        "learning rate",
        "size of a step ÷ size of the weights",
        "what the layers give",
        f"what step {board.looks[-1].step} did",
    ):
        assert wanted in titles
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert page.locator("button").count() == 0, "no kernel, no button"
    for chart in page.locator("svg.chart").all():
        frame = chart.bounding_box()
        for text in chart.locator("text").all():
            box = text.bounding_box()
            assert box["x"] >= frame["x"] - 1 and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    page.close()


@pytest.mark.parametrize(
    ("shape", "ratio", "style"),
    [
        ((20, 30), 0.02, "odd"),
        ((20, 30), 0.002, None),
        ((20, 30), 1e-5, "slow"),
        ((6, 1, 5, 5), 0.02, "odd"),
        ((1, 30), 0.02, None),  # a bias
        ((30,), 1e-5, None),
        ((20, 30), np.nan, None),
    ],
)
def test_large_steps_of_matrices_are_marked(shape, ratio, style):
    moved = Moved("<w>", shape, 1.0, 1.0, ratio, None)
    page = panels(History(), [Look(7, 0.1, [moved])])
    assert re.findall(r'<span class="(\w+)">', page) == ([style] if style else [])
    assert "what step 7 did" in page and "&lt;w&gt;" in page and "<w>" not in page


def test_an_epoch_that_is_half_noted_is_no_error():
    """The page may ask while the thread notes the end of an epoch."""
    history = History()
    history.add_step({"loss": 2.0})
    history.end_epoch({"loss": 1.5})
    history.add_step({"loss": 1.0})
    history.test["loss"].append(0.5)  # the number is there, the end is not yet
    assert "last training 1, fresh examples 1.5" in panels(history, [])


def test_fresh_examples_are_asked_about_only_where_the_time_allows_it(monkeypatch):
    """On a clock of its own: a step takes 10 ms, a look 20 ms, and asking 100 ms."""
    clock = [0.0]
    monkeypatch.setattr("needle_edu.viz.training.looks.time.perf_counter", lambda: clock[0])
    asked = []

    def judge(self, app, known, fresh):
        clock[0] += 0.02
        if fresh:
            asked.append(clock[0])
            clock[0] += 0.1

    monkeypatch.setattr("needle_edu.viz.training.pictures.Pictures.judge", judge)
    app, looker, history = Blobs(Blobs.settings_with()), Looker(), History()
    for _ in range(12_000):
        clock[0] += 0.01
        history.add_step({"loss": 1.0})
        looker.step(app, history)
        if len(history) % 100 == 0:
            history.end_epoch({})
    looker.last(app)
    assert looker.looks[0].step == 2, "the first look is at once"
    assert 0.02 / ASKING < asked[0] < 12, "before it is known, asking is taken to be as long as a step"
    assert asked[1] > 0.3 / ASKING
    assert len(asked) == 3 and looker.spent <= (SHARE + ASKING) * clock[0] + 0.14


def test_what_the_evaluation_counted_is_shown_of_all_fresh_examples():
    board = viz.train("mlp", data="digits", epochs=2, wait=True)
    app, table = board.result.application, board.looks[-1].pictures.confusion
    assert table is app.mistaken and table.sum() == len(app.fresh_examples) > JUDGED
    scores = app.model(next(iter(DataLoader(app.fresh_examples, len(app.fresh_examples))))[0]).numpy()
    labels = [app.fresh_examples[k][1] for k in range(len(app.fresh_examples))]
    expected = np.zeros_like(table)
    for label, place in zip(labels, scores.argmax(1), strict=True):
        expected[label, place] += 1
    np.testing.assert_array_equal(table, expected)
    assert 0 < board.spent < 1
