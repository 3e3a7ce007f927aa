"""Every application beside its PyTorch twin: the first twenty losses are the same. And each learns, offline."""

import re

import numpy as np
import pytest

from needle_edu import training
from needle_edu.cli import main
from tests.training.beside import beside, regularised_losses

STEPS = 20


@pytest.fixture(scope="module")
def torch():
    found = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    threads = found.get_num_threads()
    found.set_num_threads(1)
    yield found
    found.set_num_threads(threads)


# Small steps for the deep networks: else rounding alone parts them (tests/nn/test_twins.py).
@pytest.mark.parametrize(
    ("name", "options"), [("mlp", {}), ("lenet", {"lr": 1e-3}), ("resmlp", {}), ("resnet9", {"lr": 1e-4})]
)
def test_a_classifier_loses_what_its_twin_loses(torch, name, options):
    result = training.run(beside(name), data="digits", steps=STEPS, batch_size=32, progress=False, **options)
    mine, wanted = (np.array(result.history.steps[key]) for key in ("loss", "twin loss"))
    np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-4)
    assert len(mine) == STEPS and wanted[-5:].mean() < wanted[:5].mean() - 0.1  # it does learn
    for key in ("loss", "accuracy"):  # by running averages, in which PyTorch divides by n - 1
        assert result.metrics[key] == pytest.approx(result.metrics[f"twin {key}"], abs=5e-2)


def test_regularisation_loses_what_its_twins_lose(torch):
    mine, wanted = regularised_losses(STEPS)
    np.testing.assert_allclose(mine, wanted, rtol=0, atol=1e-4)
    assert mine.shape == (STEPS, 3) and (wanted[-5:].mean(0) < wanted[:5].mean(0) - 0.1).all()


@pytest.mark.parametrize("name", training.APPLICATIONS)
def test_each_runs_on_a_fresh_machine(name, tmp_path, monkeypatch, capsys):
    """No data folder, nothing downloaded before, no network needed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEEDLE_EDU_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    assert main(["train", name, "--small", "--steps", "3"]) == 0
    said = capsys.readouterr().out
    seed = training.APPLICATIONS[name].seed
    assert re.search(
        rf"^{name}.* · 3 steps · seed {seed} · .* · stopped after the steps", said, re.MULTILINE
    ), said
    assert f"to go on:  needle-edu train {name} --resume --out runs/{name}" in said
    files = {file.name for file in (tmp_path / "runs" / name).iterdir()}
    assert {"checkpoint.safetensors", "curves.png", "result.json"} <= files
    assert main(["train", name, "--resume", "--epochs", "1", "--no-progress"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_digits_are_read():
    result = training.run("mlp", data="digits", epochs=20, batch_size=32, progress=False)
    assert result.metrics["accuracy"] > 0.97  # docs/applications.md has what it is here
