"""Whole networks beside their PyTorch twins: the same weights and batches lose the same, step by step."""

import numpy as np
import pytest

import needle_edu
from tests import twins

STEPS = 20


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")


def batches(rng, batch, shape):
    """Images of which some numbers show their class, so that there is something to learn."""
    for _ in range(STEPS):
        labels = rng.integers(0, 10, batch)
        images = rng.standard_normal((batch, *shape), dtype=np.float32)
        images.reshape(batch, -1)[np.arange(batch), 37 * labels] += 20
        yield images, labels


# In float32 ResNet-9 takes smaller steps. At 0.001 rounding alone parts them: both libraries are then 4e-4 to 4e-3 away
# from the same run in float64, where they agree to 1e-12.
@pytest.mark.parametrize(
    ("name", "batch", "lr", "dtype", "apart"),
    [
        ("MLP", 32, 1e-3, "float32", 1e-4),
        ("LeNet", 16, 1e-3, "float32", 1e-4),
        ("ResNet-9", 32, 3e-4, "float32", 1e-4),
        ("MLP", 32, 1e-3, "float64", 1e-10),
        ("LeNet", 16, 1e-3, "float64", 1e-10),
        ("ResNet-9", 16, 1e-3, "float64", 1e-10),
    ],
)
def test_a_classifier_loses_what_its_twin_loses(torch, rng, name, batch, lr, dtype, apart):
    ours, theirs = (twins.CLASSIFIERS[name](lib) for lib in (needle_edu, torch))
    if dtype == "float64":
        ours, theirs = twins.doubled(ours), twins.doubled(theirs)
    twins.share_weights(ours, theirs)
    steps = [(lib, twins.classifier_step(lib, m, lr)) for lib, m in ((needle_edu, ours), (torch, theirs))]
    losses = [
        [step(twins.constant(lib, x.astype(dtype)), twins.constant(lib, y)).item() for lib, step in steps]
        for x, y in batches(rng, batch, twins.IMAGES[name])
    ]
    mine, wanted = np.array(losses).T
    np.testing.assert_allclose(mine, wanted, rtol=0, atol=apart)
    assert wanted[-1] < wanted[0] - 0.1  # it does learn


@pytest.mark.parametrize("kind", ["RNN", "LSTM"])
@pytest.mark.parametrize(("dtype", "apart"), [("float32", 1e-4), ("float64", 1e-10)])
def test_a_language_model_loses_what_its_twin_loses(torch, rng, kind, dtype, apart):
    """Text that goes on from step to step, states too: the next word is the present one plus 1, now and then plus 2."""
    models = [twins.language_model(lib, 20, 8, 16, 2, kind) for lib in (needle_edu, torch)]
    if dtype == "float64":
        models = [twins.doubled(model) for model in models]
    twins.share_language(*models)
    steps = [twins.language_step(lib, model) for lib, model in zip((needle_edu, torch), models, strict=True)]
    text = np.cumsum(rng.choice([1, 1, 1, 2], (7 * STEPS + 1, 4)), axis=0) % 20
    states, losses = [None, None], []
    for i in range(STEPS):
        x, y = (text[7 * i + k : 7 * i + 7 + k] for k in (0, 1))
        row = []
        for k, lib in enumerate((needle_edu, torch)):
            loss, states[k] = steps[k](twins.constant(lib, x), twins.constant(lib, y.reshape(-1)), states[k])
            row.append(loss.item())
        losses.append(row)
    mine, wanted = np.array(losses).T
    np.testing.assert_allclose(mine, wanted, rtol=0, atol=apart)
    assert wanted[-1] < wanted[0] - 0.1  # it does learn


def test_a_dcgan_loses_what_its_twin_loses(torch, rng):
    batch, steps = 4, []
    pairs = [
        [part(lib, channels=16) for part in (twins.generator, twins.discriminator)]
        for lib in (needle_edu, torch)
    ]
    for ours, theirs in zip(*pairs, strict=True):
        twins.share_weights(ours, theirs)
    for lib, (make, judge) in zip((needle_edu, torch), pairs, strict=True):
        steps.append((lib, twins.gan_step(lib, make, judge, batch)))
    losses = []
    for _ in range(STEPS):
        real = np.tanh(rng.standard_normal((batch, 1, 28, 28), dtype=np.float32))
        noise = rng.standard_normal((batch, 100, 1, 1), dtype=np.float32)
        both = [step(twins.constant(lib, real), twins.constant(lib, noise)) for lib, step in steps]
        losses.append([[loss.item() for loss in two] for two in both])
    mine, wanted = np.array(losses).transpose(1, 0, 2)
    np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-4)
    assert wanted[-1, 0] < wanted[0, 0] - 0.1  # the discriminator does learn
