"""The training loop: what it does in which order, when it ends, and that it goes on where it was."""

import json
import os
import signal

import numpy as np
import pytest

import needle_edu
from needle_edu import checkpoints, training
from needle_edu.backend import DataError
from tests.training.toys import Points, Scripted


def hexed(history):
    """All numbers, to the last bit."""
    return {name: [float(v).hex() for v in values] for name, values in history.state_dict().items()}


def test_epochs_means_and_evaluations():
    result = training.run(Scripted, epochs=2, progress=False)
    assert result.application.seen == ["a", "b", "c", "a", "b", "c"]
    assert result.history.steps == {"loss": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}
    assert result.history.train == {"loss": [1.0, 4.0]} and result.history.ends == [3, 6]
    assert result.history.test == {"accuracy": [0.5, 0.75]}
    assert result.metrics == {"accuracy": 0.75} and result.ended == "finished"
    assert result.line().startswith("scripted · accuracy 75.00 % · 2 epochs · seed 0 · ")


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 5), (4, 6), (None, 6)])
def test_early_stopping(patience, epochs):
    """The best of 0.5, 0.75, 0.75, 0.625, 0.5, 1 before the end is the second; an equal one is no better."""
    result = training.run(Scripted, patience=patience, progress=False)
    assert len(result.history.ends) == epochs
    assert result.ended == ("finished" if epochs == 6 else "early")


def test_early_stopping_where_less_is_better():
    class Less(Scripted):
        watch, higher_is_better = "loss", False

    assert len(training.run(Less, patience=2, progress=False).history.ends) == 3  # the loss only grows


def test_so_many_steps():
    result = training.run(Scripted, steps=4, progress=False)
    assert (result.ended, result.application.seen) == ("steps", ["a", "b", "c", "a"])
    assert result.history.ends == [3] and result.history.position == 1
    assert "4 steps" in result.line() and "stopped after the steps asked for" in result.line()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_it(tmp_path, bad):
    class Diverging(Scripted):
        losses = [1.0, 2.0, 3.0, 4.0, bad]

    result = training.run(Diverging, progress=False, out=tmp_path)
    assert result.ended == "diverged" and len(result.history) == 5
    assert "smaller step size" in result.line()
    record = json.loads((tmp_path / "result.json").read_text())
    assert record["history"]["steps"]["loss"] == [1.0, 2.0, 3.0, 4.0, None]  # JSON knows no nan
    kept = training.History()
    checkpoints.load(tmp_path / "checkpoint.safetensors", history=kept)
    assert kept.steps["loss"] == [1.0, 2.0, 3.0]  # as it was after the last good epoch


@pytest.mark.parametrize("stops", [(1,), (6,), (7, 12), (2, 5, 13, 24)])
def test_stopped_and_resumed_it_is_the_same_training(tmp_path, stops):
    """In the middle of an epoch (6 steps each), at its end, several times."""
    whole = training.run(Points, progress=False)
    for k, steps in enumerate(stops):
        training.run(Points, progress=False, out=tmp_path, steps=steps, resume=k > 0)
    again = training.run(Points, progress=False, out=tmp_path, resume=True)
    assert hexed(again.history) == hexed(whole.history)
    for name, values in whole.application.model.state_dict().items():
        np.testing.assert_array_equal(values, again.application.model.state_dict()[name])


def test_batches_without_a_state_are_gone_through_once_more(tmp_path):
    training.run(Scripted, steps=4, progress=False, out=tmp_path)
    again = training.run(Scripted, steps=7, progress=False, out=tmp_path, resume=True)
    assert again.application.seen == ["b", "c", "a"] and again.history.ends == [3, 6]


def test_more_epochs_after_the_end(tmp_path):
    training.run(Points, epochs=2, progress=False, out=tmp_path)
    more = training.run(Points, epochs=4, progress=False, out=tmp_path, resume=True)
    assert hexed(more.history) == hexed(training.run(Points, epochs=4, progress=False).history)


def test_the_seed_is_the_training():
    first, same, other = (training.run(Points, epochs=1, seed=s, progress=False) for s in (1, 1, 2))
    assert hexed(first.history) == hexed(same.history) != hexed(other.history)


@pytest.fixture
def listening():
    """Ctrl-C as in a terminal; what was started in the background is born deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_after_the_step_and_goes_on(tmp_path, listening):
    class Interrupted(Points):
        def step(self, batch):
            if self.scheduler.last_epoch == 8:
                os.kill(os.getpid(), signal.SIGINT)
            return super().step(batch)

    before = signal.getsignal(signal.SIGINT)
    result = training.run(Interrupted, progress=False, out=tmp_path)
    assert result.ended == "interrupted" and len(result.history) == 9
    assert signal.getsignal(signal.SIGINT) is before
    again = training.run(Points, progress=False, out=tmp_path, resume=True)
    assert hexed(again.history) == hexed(training.run(Points, progress=False).history)


def test_ctrl_c_twice_breaks_in(tmp_path, listening):
    class Impatient(Scripted):
        def step(self, batch):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            raise AssertionError("not reached")

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        training.run(Impatient, progress=False)
    assert signal.getsignal(signal.SIGINT) is before


def test_the_device_is_the_default_one_for_that_time():
    result = training.run(Points, steps=1, progress=False, device=needle_edu.cpu_numpy())
    assert result.application.model.parameters()[0].device is needle_edu.cpu_numpy()
    assert needle_edu.default_device() is needle_edu.cpu()


WRONG = [
    ({"epochs": 0}, ValueError, "train: epochs is a whole number of at least 1, got 0"),
    ({"epochs": 1.5}, ValueError, "train: epochs is a whole number of at least 1, got 1.5"),
    ({"batch_size": 0}, ValueError, "train: batch_size is a whole number of at least 1, got 0"),
    ({"lr": -1}, ValueError, "train: lr is a number with 0 <= lr, got -1"),
    ({"lr": float("nan")}, ValueError, "train: lr is a number with 0 <= lr, got nan"),
    ({"seed": -1}, ValueError, "train: seed is a whole number of at least 0, got -1"),
    ({"seed": 2**32}, ValueError, "train: seed is at most 4294967295, got 4294967296"),
    ({"steps": 0}, ValueError, "train: steps is a whole number of at least 1, got 0"),
    ({"patience": 0}, ValueError, "train: patience is a whole number of at least 1, got 0"),
    ({"workers": -1}, ValueError, "train: workers is a whole number of at least 0, got -1"),
    ({"small": "no"}, ValueError, "train: small is True or False, got 'no'"),
    ({"resume": "no"}, ValueError, "train: resume is True or False, got 'no'"),
    ({"progress": "no"}, ValueError, "train: progress is True or False, got 'no'"),
    ({"resume": True}, ValueError, "train: resume=True needs the folder to go on in, out="),
    ({"device": "cpu"}, needle_edu.backend.DeviceError, "set_default_device: wanted a device such as cpu()"),
]


@pytest.mark.parametrize(("given", "kind", "message"), WRONG, ids=lambda value: str(value)[:30])
def test_bad_arguments(given, kind, message):
    with pytest.raises(kind) as error:
        training.run(Points, **{"progress": False, **given})
    assert str(error.value).startswith(message)


def test_bad_names():
    with pytest.raises(DataError, match="train: there is no application 'mpl'; did you mean mlp?"):
        training.run("mpl")
    with pytest.raises(DataError, match="train: there is no application 'zzz'; there are mlp"):
        training.run("zzz")
    with pytest.raises(TypeError, match="train: an application is a name or a class of them, got 3"):
        training.run(3)


def test_a_folder_that_holds_another_training(tmp_path):
    with pytest.raises(DataError, match="holds no checkpoint to resume"):
        training.run(Points, out=tmp_path, resume=True, progress=False)
    training.run(Points, out=tmp_path, steps=1, lr=0.25, progress=False)
    with pytest.raises(DataError, match="holds a training already; --resume"):
        training.run(Points, out=tmp_path, progress=False)
    with pytest.raises(DataError, match="holds a training of points, not of scripted"):
        training.run(Scripted, out=tmp_path, resume=True, progress=False)
    with pytest.raises(ValueError, match="was begun with lr 0.25, and cannot go on with 0.5"):
        training.run(Points, out=tmp_path, resume=True, lr=0.5, progress=False)

    class Elsewhere(Points):
        def __init__(self, settings):
            super().__init__(settings)
            self.data = "two spirals"

    with pytest.raises(DataError, match="was begun on a spiral; found two spirals"):
        training.run(Elsewhere, out=tmp_path, resume=True, progress=False)
    assert training.run(Points, out=tmp_path, resume=True, progress=False).application.settings.lr == 0.25


def test_steps_that_give_other_names():
    class Fickle(Scripted):
        def step(self, batch):
            return {batch: 1.0}

    with pytest.raises(DataError, match=r"a step gave \['b'\], wanted \['a'\]: the same names at each step"):
        training.run(Fickle, progress=False)

    class Silent(Scripted):
        def step(self, batch):
            return {}

    with pytest.raises(DataError, match=r"a step gave \[\], wanted one number at least"):
        training.run(Silent, progress=False)


def test_an_attribute_that_a_checkpoint_keeps_for_itself(tmp_path):
    class Clash(Points):
        def __init__(self, settings):
            super().__init__(settings)
            self.history = self.model

    with pytest.raises(DataError, match="points: an attribute is called history"):
        training.run(Clash, progress=False, out=tmp_path)
