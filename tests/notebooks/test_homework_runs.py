"""Run All in a homework: for a student past every red check to the end; in `make notebooks` a wrong solution is red."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from needle_edu.course import homework_files, notebook, student

from .strict_copy import TAG, strict_copy

SOURCES = [homework_files.homework_folder() / name / f"{name}.ipynb" for name in homework_files.names()]


@pytest.fixture(autouse=True)
def ordinary_jupyter(tmp_path, monkeypatch):
    """Nothing of the user's own Jupyter takes part."""
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{kind}_DIR", str(tmp_path / kind))


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_an_untouched_homework_runs_to_its_end(source):
    """nbclient heeds the tag as JupyterLab does: an error in any cell without it would end the run here."""
    text = student.to_text(student.student_version(notebook.read_tree(source)))
    tree = nbformat.reads(text, as_version=4)
    NotebookClient(tree, timeout=120, kernel_name="python3").execute()
    errors = [
        (cell.id, output)
        for cell in tree.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "error"
    ]
    failed = {name for name, _ in errors}
    tests = {cell.id for cell in notebook.cells_of(json.loads(text)) if cell.is_tests}
    assert tests <= failed, "every check is red before anything is written"
    tagged = {cell.id for cell in tree.cells if TAG in cell.metadata.get("tags", [])}
    assert failed == tagged, "a cell that cannot fail needs no leave to"
    for name, error in errors:
        said = "\n".join(error.traceback)
        assert said.count("\n") == 0, f"{name}: one line says what is missing, no page of traceback:\n{said}"
        assert name in tests or re.search(r"\w+ is not written yet", said), said


def nbval(folder) -> subprocess.CompletedProcess:
    """What `make notebooks` runs, on one folder."""
    command = [sys.executable, "-m", "pytest", "-p", "no:xdist", "-c", os.devnull, "--rootdir", str(folder)]
    command += ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_a_wrong_solution_is_red(tmp_path):
    """The first solution of homework 1 gives its input back. With the tag left in, nbval passes it."""
    folder = tmp_path / "notebooks" / "homework"
    folder.mkdir(parents=True)
    tree = nbformat.read(homework_files.source_of("hw1"), as_version=4)
    first = next(k for k, cell in enumerate(tree.cells) if "BEGIN SOLUTION" in cell.source)
    tree.cells = tree.cells[: first + 2]  # the answer and its check
    tree.cells[first].source = "def sigmoid(a):\n    return a"
    nbformat.write(tree, folder / "hw1.ipynb")
    strict_copy(tmp_path / "strict", tmp_path / "notebooks")
    strict = nbval(tmp_path / "strict")
    assert strict.returncode == 1 and "what is missing stands above" in strict.stdout, strict.stdout
    lenient = nbval(tmp_path / "notebooks")
    assert lenient.returncode == 0, (
        "if nbval no longer passes tagged cells that raise, the strict copy can go"
    )


def test_a_strict_copy_leaves_the_notebooks_alone(tmp_path):
    before = {source: source.read_bytes() for source in SOURCES}
    strict_copy(tmp_path / "copy")
    assert before == {source: source.read_bytes() for source in SOURCES}
    copies = [*(tmp_path / "copy").rglob("*.ipynb")]
    assert len(copies) >= 3 and not any(TAG in copy.read_text(encoding="utf-8") for copy in copies)
