"""Applications that are no classifiers, beside their twins in PyTorch; and stopped and resumed."""

import itertools

import numpy as np
import pytest

from needle_edu import nn, training
from needle_edu.training.sentences import find_sentences
from tests.training.all_twins import TWINS
from tests.training.making import made

pytestmark = pytest.mark.usefixtures("nothing_at_hand")
NAMES = tuple(TWINS)
STEPS = 20


def plain(field, dtype):
    """A NumPy array; pixels as `dtype`, labels and words as they are."""
    array = field.numpy()
    return array.astype(dtype) if array.dtype.kind == "f" else array


def endless(app):
    while True:
        yield from app.batches()


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)
    torch.set_default_dtype(torch.float32)


# Two networks that learn from each other magnify rounding: in float32 these two take smaller steps here, for with
# its own DCGAN's losses are 3e-4 apart after twenty of them, and in float64 1e-8. How far apart they come depends on
# the processor: CycleGAN's 2e-4 with AVX2, less than 1e-4 with AVX-512.
SMALLER = {"dcgan": 1e-4, "cyclegan": 2e-5}


OPTIONS = {
    "distillation": {"epochs": 2, "batch_size": 400},  # ten steps each of both halves
    "cyclegan": {"batch_size": 8},  # for the sake of time
}


@pytest.fixture(scope="module")
def text_to_learn_from(tmp_path_factory):
    """For gpt, which by default reads the source of this package: a text that stays the same."""
    file = tmp_path_factory.mktemp("text") / "sentences.txt"
    _, (train, _) = find_sentences("sentences")
    file.write_text("\n".join(sentence for sentence, _ in train))
    return str(file)


@pytest.mark.parametrize(
    ("name", "dtype", "lr", "apart"),
    [(name, "float32", SMALLER.get(name), 5e-4 if name in SMALLER else 1e-4) for name in NAMES]
    + [(name, "float64", None, 1e-7) for name in SMALLER],
)
def test_the_first_losses_are_those_of_its_twin(
    torch, narrow, often_renewed, text_to_learn_from, name, dtype, lr, apart
):
    """Same weights, same batches, same random numbers."""
    options = {"data": text_to_learn_from} if name == "gpt" else OPTIONS.get(name, {})
    app = made(name, lr=lr, **options)
    if dtype == "float64":
        torch.set_default_dtype(torch.float64)
        for network in vars(app).values():
            if isinstance(network, nn.Module):
                network.to(dtype=dtype)
    twin, ours, theirs = TWINS[name](torch, app), [], []
    for batch in itertools.islice(endless(app), STEPS):
        before = np.random.get_state()
        ours.append(app.step(batch))
        after = np.random.get_state()
        np.random.set_state(before)
        theirs.append(twin(batch if isinstance(batch, int) else [plain(field, dtype) for field in batch]))
        assert np.random.get_state()[2] == after[2], "they drew differently often"
    assert [sorted(numbers) for numbers in ours] == [sorted(numbers) for numbers in theirs]
    for key in theirs[0]:
        mine, wanted = ([numbers[key] for numbers in each] for each in (ours, theirs))
        np.testing.assert_allclose(mine, wanted, rtol=0, atol=apart, err_msg=key)
        assert np.ptp(wanted) > 1e-3, "nothing happens"


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_resumed_it_is_the_same_training(monkeypatch, tmp_path, name):
    """Within an epoch and between two, to the last bit: numbers, parameters and what is drawn."""
    monkeypatch.setattr(training.curves, "can_draw", lambda: False)  # which takes a second each time
    kind = training.APPLICATIONS[name]
    length = len(made(name, small=True).batches())
    options = {"small": True, "epochs": 3, "progress": False}
    whole = training.run(kind, **options)
    for k, steps in enumerate((1, length, length + 2)):
        training.run(kind, **options, out=tmp_path, steps=steps, resume=k > 0)
    again = training.run(kind, progress=False, epochs=3, out=tmp_path, resume=True)
    assert len(again.history) == 3 * length
    states = [
        {
            f"{part}/{key}": np.asarray(value)
            for part, thing in (*result.application.parts().items(), ("history", result.history))
            for key, value in thing.state_dict().items()
        }
        for result in (whole, again)
    ]
    assert states[0].keys() == states[1].keys()
    for key, value in states[0].items():
        np.testing.assert_array_equal(value, states[1][key], err_msg=key)
