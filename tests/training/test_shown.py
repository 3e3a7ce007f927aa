"""What a training shows and leaves: bar, lines, result, curves; and the command with every option wrong once."""

import json
import os
import pty
import subprocess
import sys
import termios

import numpy as np
import pytest

from needle_edu import training
from needle_edu.cli import main
from needle_edu.training import History, curves
from needle_edu.training.progress import Progress
from tests.training.toys import Points, Scripted

EACH = {"TQDM_MININTERVAL": "0"}  # the bar shows each step
PNG = b"\x89PNG\r\n\x1a\n"


def test_lines_where_nobody_watches(capsys):
    training.run(Points, epochs=2)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "points on a spiral" and err == ""
    assert [line.split(" · ")[0] for line in lines[1:]] == ["epoch 1/2", "epoch 2/2"]
    assert "loss " in lines[1] and ", test " in lines[1] and " %" in lines[1] and lines[1].endswith(" s")


def test_nothing_if_nothing_is_wanted(capsys):
    training.run(Points, epochs=1, progress=False)
    assert capsys.readouterr() == ("", "")


def test_a_bar_if_it_is_wanted(capsys):
    training.run(Points, epochs=2, progress=True)
    err = capsys.readouterr().err
    assert "epoch 1/2:" in err and "epoch 2/2:" in err and "step/s" in err


def test_a_bar_in_a_terminal(tmp_path):
    inner, outer = pty.openpty()
    os.set_blocking(inner, False)
    termios.tcsetwinsize(outer, (24, 120))
    command = [sys.executable, "-m", "needle_edu", "train", "mlp", "--small", "--epochs", "2", "--out", "run"]
    done = subprocess.run(
        command, cwd=tmp_path, stderr=outer, stdout=subprocess.PIPE, text=True, env={**os.environ, **EACH}
    )
    shown = os.read(inner, 100_000).decode()
    os.close(outer)
    os.close(inner)
    assert done.returncode == 0 and "epoch 2/2:" in shown and "2/2 [" in shown and "loss " in shown
    assert "step/s" not in done.stdout


def test_without_tqdm_there_are_lines_and_a_wish_says_how(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("needle_edu.training.progress.importlib.util.find_spec", lambda name: None)
    training.run(Points, epochs=1)
    out, err = capsys.readouterr()
    assert "epoch 1/1" in out and err == ""
    with pytest.raises(
        ImportError, match=r"a progress bar needs the package tqdm: python -m pip install 'needle_edu\[train"
    ):
        Progress(1, True)


def test_the_command_names_what_is_missing(monkeypatch, capsys, tmp_path):
    real = sys.modules["importlib.util"].find_spec
    lacks = lambda name: None if name in ("tqdm", "matplotlib") else real(name)  # noqa: E731
    monkeypatch.setattr("importlib.util.find_spec", lacks)
    assert main(["train", "mlp", "--small", "--steps", "1", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert said == (
        "needle-edu: tqdm, matplotlib not installed, so there is no progress bar, no picture of the curves. "
        "Get it all with:  python -m pip install 'needle_edu[train]'\n"
    )
    assert not (tmp_path / "curves.png").exists() and (tmp_path / "result.json").exists()


def test_the_result_is_a_line_and_a_file(tmp_path):
    result = training.run(Points, epochs=3, out=tmp_path, progress=False)
    record = json.loads((tmp_path / "result.json").read_text())
    assert (
        record["application"] == "points" and record["data"] == "a spiral" and record["ended"] == "finished"
    )
    assert record["settings"] == {
        "epochs": 3, "batch_size": 8, "lr": 0.05, "seed": 0, "data": None, "small": False, "workers": 0,
    }  # fmt: skip
    assert record["epochs"] == 3 and record["steps"] == 18 and record["seconds"] == result.seconds > 0
    assert record["metrics"] == {
        "loss": result.history.test["loss"][-1],
        "accuracy": result.metrics["accuracy"],
    }
    assert record["history"]["steps"] == result.history.steps and record["history"]["ends"] == [6, 12, 18]
    values = record["history"]["test"]["accuracy"]
    assert record["best"] == {
        "metric": "accuracy", "epoch": 1 + int(np.argmax(values)), "value": max(values),
    }  # fmt: skip
    line = str(result)
    assert line == result.line() and "\n" not in line
    assert (
        line.startswith("points on a spiral · loss ") and " %" in line and " · 3 epochs · seed 0 · " in line
    )


def test_curves_are_a_picture_of_the_numbers(tmp_path):
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    result = training.run(Points, epochs=3, out=tmp_path, progress=False)
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG)
    pixels = imread(tmp_path / "curves.png")
    assert pixels.shape[:2] == (420, 1080) and pixels[..., :3].std() > 0.05  # two plots, and not a blank page
    assert not (tmp_path / "picture.png").exists(), "there is nothing to draw"
    figure = Figure()
    curves.draw(figure, result.history, "points")
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    steps, mine, fresh = figure.axes[0].lines
    np.testing.assert_array_equal(steps.get_ydata(), result.history.steps["loss"])
    np.testing.assert_allclose(steps.get_xdata(), np.arange(1, 19) / 6)
    np.testing.assert_array_equal(mine.get_ydata(), result.history.train["loss"])
    np.testing.assert_array_equal(fresh.get_ydata(), result.history.test["loss"])
    np.testing.assert_array_equal(fresh.get_xdata(), [1, 2, 3])


def test_curves_of_an_epoch_that_is_not_over():
    from matplotlib.figure import Figure

    history, figure = History(), Figure()
    for loss in (3.0, 2.0, 1.0):
        history.add_step({"loss": loss})
        if loss == 2.0:
            history.end_epoch({})
    curves.draw(figure, history)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_xdata(), [0.5, 1, 1.5])


def test_an_application_draws_its_own_picture(tmp_path):
    training.run("regularisation", small=True, epochs=2, out=tmp_path, progress=False)
    assert (tmp_path / "picture.png").read_bytes().startswith(PNG)

    class Broken(Scripted):
        def picture(self, figure, history):
            figure.subplots()
            raise ValueError("no such picture")

    with pytest.raises(ValueError, match="no such picture"):
        training.run(Broken, out=tmp_path / "other", progress=False)
    assert sorted(os.listdir(tmp_path / "other")) == ["checkpoint.safetensors", "curves.png", "result.json"]


def test_the_list(capsys):
    assert main(["train", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(training.APPLICATIONS)
    assert all(len(line.split()) > 4 for line in lines)


def test_each_training_has_its_own_folder_and_resume_takes_the_latest(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for _ in range(3):
        assert main(["train", "mlp", "--small", "--steps", "1", "--no-progress"]) == 0
    assert sorted(os.listdir("runs")) == ["mlp", "mlp-2", "mlp-3"]
    os.utime("runs/mlp-2/checkpoint.safetensors", (2**33, 2**33))
    capsys.readouterr()
    assert main(["train", "mlp", "--resume", "--no-progress", "--epochs", "1"]) == 0
    assert (
        "written to runs/mlp-2/: checkpoint.safetensors, curves.png, result.json" in capsys.readouterr().out
    )


def test_a_loss_that_grows_beyond_all_bounds_is_a_failure(tmp_path, capsys):
    words = ["train", "mlp", "--small", "--lr", "1e30", "--out", str(tmp_path), "--no-progress"]
    assert main(words) == 1
    assert "the loss is no finite number; a smaller step size (lr) may help" in capsys.readouterr().out


WRONG = [
    ([], 2, "needle-edu train: which application? --list shows them"),
    (["lennet"], 2, "needle-edu train: there is no application 'lennet'; did you mean lenet?"),
    (["mlp", "--epochs", "0"], 2, "needle-edu train: epochs is a whole number of at least 1, got 0"),
    (
        ["mlp", "--batch-size", "-2"],
        2,
        "needle-edu train: batch_size is a whole number of at least 1, got -2",
    ),
    (["mlp", "--lr", "nan"], 2, "needle-edu train: lr is a number with 0 <= lr, got nan"),
    (["mlp", "--seed", "-1"], 2, "needle-edu train: seed is a whole number of at least 0, got -1"),
    (["mlp", "--steps", "0"], 2, "needle-edu train: steps is a whole number of at least 1, got 0"),
    (["mlp", "--patience", "0"], 2, "needle-edu train: patience is a whole number of at least 1, got 0"),
    (["mlp", "--workers", "-1"], 2, "needle-edu train: workers is a whole number of at least 0, got -1"),
    (
        ["mlp", "--data", "minst"],
        2,
        "needle-edu train: 'minst' is neither a data set of pictures nor a folder; did",
    ),
    (["mlp", "--device", "cuda"], 2, "needle-edu train: cuda() is not available"),
    (["mlp", "--resume"], 2, "needle-edu train: runs/mlp holds no checkpoint to resume"),
    (
        ["mlp", "--out", "/dev/null/run"],
        1,
        "needle-edu train: cannot write or read /dev/null/run: Not a directory",
    ),
]


@pytest.mark.parametrize(("words", "status", "message"), WRONG, ids=lambda value: str(value)[:24])
def test_wrong_words(words, status, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", *words, "--no-progress"]) == status
    said = capsys.readouterr().err
    assert said.startswith(message) and said.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--lr", "small"], "argument --lr: invalid float value: 'small'"),
        (["--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_words_that_are_no_numbers(words, message, capsys):
    with pytest.raises(SystemExit) as error:
        main(["train", "mlp", *words])
    assert error.value.code == 2 and message in capsys.readouterr().err


def test_too_little_memory_is_one_sentence(tmp_path, monkeypatch, capsys):
    def run(*given, **options):
        raise MemoryError("Unable to allocate 29.8 GiB")

    monkeypatch.setattr(training, "run", run)
    assert main(["train", "sine", "--out", str(tmp_path / "run"), "--no-progress"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "needle-edu train: there is not enough memory; try a smaller --batch-size, or --small (Un"
    )


def test_the_command_line_stays_light():
    """`--help` and the other commands do not pay for this one."""
    code = "import sys, needle_edu.cli as c; c.build_parser(); print('needle_edu.training' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


def test_a_bar_in_a_notebook():
    """The page draws it: the cell's output is a widget, and the lines."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    pytest.importorskip("ipywidgets")
    code = 'from needle_edu import training\nprint(training.run("mlp", small=True, epochs=1))'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert [o for o in outputs if "application/vnd.jupyter.widget-view+json" in o.get("data", {})], outputs
    text = "".join(o.text for o in outputs if o.output_type == "stream" and o.name == "stdout")
    assert [line.split(" · ")[0] for line in text.splitlines()] == [
        "mlp on digits",
        "epoch 1/1",
        "mlp on digits",
    ]
