"""The reader's copy of the course: renewed when the course is; nothing a reader has written or computed is lost."""

import json
from pathlib import Path

import pytest

from needle_edu.cli import handout, lab, main

LECTURE = "lectures/01_first.ipynb"
REPO = Path(__file__).parents[2]


def notebook(*sources, outputs=(), **metadata):
    """The text of a notebook with one code cell for each source."""
    cells = [
        {
            "cell_type": "code",
            "id": f"c{k}",
            "metadata": {},
            "execution_count": 7 if outputs else None,
            "outputs": list(outputs),
            "source": source,
        }
        for k, source in enumerate(sources)
    ]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


RUN = [{"output_type": "stream", "name": "stdout", "text": ["an hour of training"]}]


@pytest.fixture
def course(tmp_path):
    """A course in its first edition, and the reader's fresh copy of it."""
    source = tmp_path / "notebooks"
    files = {"start.ipynb": notebook("start"), LECTURE: notebook("one"), "lectures/figure.svg": "<svg/>"}
    files |= {"homework/hw1/hw1.ipynb": notebook("### BEGIN SOLUTION"), ".ipynb_checkpoints/x.ipynb": "x"}
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    copy = tmp_path / "copy"
    handout.hand_out(source, copy)
    return source, copy


def test_a_fresh_copy_has_all_but_homework(course):
    _, copy = course
    names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert names == {"start.ipynb", LECTURE, "lectures/figure.svg", handout.RECORD}


def test_an_update_renews_what_the_reader_has_only_read(course):
    source, copy = course
    for name, text in {LECTURE: notebook("one", "two"), "lectures/figure.svg": "<svg>2</svg>"}.items():
        (source / name).write_text(text)
    done = handout.hand_out(source, copy)
    assert sorted(done.renewed) == sorted([LECTURE, "lectures/figure.svg"])
    assert (copy / LECTURE).read_text() == notebook("one", "two")
    assert (copy / "lectures/figure.svg").read_text() == "<svg>2</svg>"
    assert not (copy / handout.EARLIER).exists(), "an edition that nobody has run is no loss"
    assert handout.hand_out(source, copy) == handout.Handout()


def test_outputs_alone_do_not_keep_an_update_away_and_are_not_lost(course):
    source, copy = course
    with_outputs = notebook("one", outputs=RUN, kernelspec={"name": "python3"})
    (copy / LECTURE).write_text(with_outputs)
    assert handout.hand_out(source, copy) == handout.Handout(), (
        "without an update, running is nobody's business"
    )
    assert (copy / LECTURE).read_text() == with_outputs
    (source / LECTURE).write_text(notebook("one", "two"))
    done = handout.hand_out(source, copy)
    assert done.renewed == [LECTURE] and done.set_aside == [f"earlier/{LECTURE}"]
    assert (copy / LECTURE).read_text() == notebook("one", "two")
    assert (copy / "earlier" / LECTURE).read_text() == with_outputs
    again = notebook("one", "two", outputs=RUN)
    (copy / LECTURE).write_text(again)
    (source / LECTURE).write_text(notebook("three"))
    (name,) = handout.hand_out(source, copy).set_aside
    assert name != f"earlier/{LECTURE}" and (copy / name).read_text() == again
    assert (copy / "earlier" / LECTURE).read_text() == with_outputs, "the first one is still there"


@pytest.mark.parametrize(
    "mine",
    [notebook("one", "# my note"), notebook("uno"), notebook(), "{half a note", "[]", '{"cells": 3}', ""],
)
def test_a_changed_notebook_is_kept_and_named_until_it_makes_room(course, mine):
    source, copy = course
    (copy / LECTURE).write_text(mine)
    assert handout.hand_out(source, copy).kept == [], "no update, nothing to say"
    (source / LECTURE).write_text(notebook("one", "two"))
    for _ in range(2):
        done = handout.hand_out(source, copy)
        assert (done.kept, done.renewed) == ([LECTURE], [])
        assert (copy / LECTURE).read_text() == mine
        assert any(LECTURE in line and "rename yours" in line for line in done.lines(copy))
    (copy / LECTURE).rename(copy / "lectures/mine.ipynb")  # what the sentence advises
    assert handout.hand_out(source, copy).written == [LECTURE]
    assert (copy / "lectures/mine.ipynb").read_text() == mine


def test_cells_in_another_order_are_a_change(course):
    source, copy = course
    (source / LECTURE).write_text(notebook("one", "two"))
    handout.hand_out(source, copy)
    (copy / LECTURE).write_text(notebook("two", "one"))
    (source / LECTURE).write_text(notebook("three"))
    assert handout.hand_out(source, copy).kept == [LECTURE]


@pytest.mark.parametrize("record", [None, "", "nonsense", "[1]", '{"start.ipynb": 3}', "[" * 100_000])
def test_without_a_record_nothing_is_replaced(course, record):
    """A copy made by an earlier version, or a record somebody has damaged."""
    source, copy = course
    (copy / handout.RECORD).unlink()
    if record is not None:
        (copy / handout.RECORD).write_text(record)
    (source / LECTURE).write_text(notebook("one", "two"))
    assert handout.hand_out(source, copy).kept == [LECTURE]
    assert (copy / LECTURE).read_text() == notebook("one")
    (source / "start.ipynb").write_text(
        notebook("start", "more")
    )  # it was the current edition, so it is known again
    assert handout.hand_out(source, copy).renewed == ["start.ipynb"]


def test_a_record_cannot_point_out_of_the_folder(course, tmp_path):
    source, copy = course
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    digest = handout._digest(b"precious")
    record = json.loads((copy / handout.RECORD).read_text())
    record |= {"../outside.txt": [digest, digest], str(outside): [digest, digest], "": [digest, digest]}
    (copy / handout.RECORD).write_text(json.dumps(record))
    handout.hand_out(source, copy)
    assert outside.read_text() == "precious"


@pytest.mark.parametrize(
    ("mine", "left", "aside"),
    [
        (None, False, False),
        (notebook("one", outputs=RUN), False, True),
        (notebook("my own text"), True, False),
    ],
)
def test_a_withdrawn_notebook_leaves_unless_it_is_the_readers(course, mine, left, aside):
    source, copy = course
    if mine is not None:
        (copy / LECTURE).write_text(mine)
    (copy / "lectures/notes.txt").write_text("never handed out")
    (source / LECTURE).unlink()
    done = handout.hand_out(source, copy)
    assert (copy / LECTURE).exists() is left and (copy / "earlier" / LECTURE).exists() is aside
    assert done.removed == ([] if left else [LECTURE])
    assert (copy / "lectures/notes.txt").read_text() == "never handed out"
    assert handout.hand_out(source, copy) == handout.Handout()


def test_a_run_that_was_cut_short_is_finished_by_the_next(course, monkeypatch):
    """The disk is full before the record is written: the next run neither forgets nor mistakes anything."""
    source, copy = course
    (source / LECTURE).write_text(notebook("one", "two"))
    (source / "start.ipynb").write_text(notebook("start", "more"))
    whole_file, wrote = handout.whole_file, []

    def full(path, *mode, **options):
        if wrote:
            raise OSError(28, "No space left on device")
        wrote.append(path)
        return whole_file(path, *mode, **options)

    monkeypatch.setattr(handout, "whole_file", full)
    with pytest.raises(OSError, match="No space"):
        handout.hand_out(source, copy)
    monkeypatch.undo()
    done = handout.hand_out(source, copy)
    assert done.kept == [] and len(done.renewed) == 1
    assert (copy / LECTURE).read_text() == notebook("one", "two")
    assert (copy / "start.ipynb").read_text() == notebook("start", "more")


# --- where the copy is, in a checkout and elsewhere -----------------------------------------------------------------


@pytest.fixture
def clone(course, tmp_path, monkeypatch):
    """The course in a checkout of its own."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.setattr(lab.paths, "notebooks_dir", lambda: tmp_path / "notebooks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_in_a_checkout_a_copy_at_its_top_is_served(clone, monkeypatch):
    assert lab.course_folder() == clone / lab.COURSE_FOLDER
    monkeypatch.chdir(clone / "notebooks" / "lectures")
    assert lab.course_folder() == clone / lab.COURSE_FOLDER


def test_git_ignores_what_a_reader_makes():
    ignored = (REPO / ".gitignore").read_text().splitlines()
    assert {f"/{lab.COURSE_FOLDER}/", "/my-*/", "/notebooks/my-*/"} <= set(ignored)
    assert {"/submissions/", "/grades/", "*-instructor.zip"} <= set(ignored), (
        "and what a class must not find there"
    )


def test_elsewhere_the_copy_is_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert lab.course_folder() == tmp_path / lab.COURSE_FOLDER
    assert lab.copy_notebooks(lab.course_folder()) == 0
    assert (tmp_path / lab.COURSE_FOLDER / "start.ipynb").exists()
    assert not (tmp_path / lab.COURSE_FOLDER / "homework").exists()
    for inside in (tmp_path / lab.COURSE_FOLDER, tmp_path / lab.COURSE_FOLDER / "lectures"):
        monkeypatch.chdir(inside)
        assert lab.course_folder() == tmp_path / lab.COURSE_FOLDER, "no copy inside the copy"


def test_earlier_homework_comes_along(clone, capsys):
    """It was written beside the notebooks, or where the terminal stood: JupyterLab shows neither place any more."""
    for name in ("notebooks/my-hw1", "my-hw2", "my-venv"):
        (clone / name).mkdir()
    (clone / "notebooks/my-hw1/hw1.ipynb").write_text("work")
    (clone / "notebooks/my-notes.ipynb").write_text("notes")
    (clone / "my-hw2/hw2.ipynb").write_text("more work")
    folder = clone / lab.COURSE_FOLDER
    assert lab.copy_notebooks(folder) == 0
    assert (folder / "my-hw1/hw1.ipynb").read_text() == "work"
    assert (folder / "my-notes.ipynb").read_text() == "notes"
    assert not list((clone / "notebooks").glob("my-*"))
    assert (folder / "my-hw2/hw2.ipynb").read_text() == "more work"
    assert (clone / "my-hw2").is_dir(), "`needle-edu check my-hw2` works as before"
    assert not (folder / "my-venv").exists()
    said = capsys.readouterr().out
    assert f"your work in {clone / 'notebooks/my-hw1'} is now in {folder / 'my-hw1'}" in said
    assert f"is linked to as {folder / 'my-hw2'}" in said
    assert lab.copy_notebooks(folder) == 0
    assert "your work" not in capsys.readouterr().out


def test_earlier_homework_never_replaces_later(clone):
    folder = clone / lab.COURSE_FOLDER
    for place, text in {folder: "later", clone / "notebooks": "earlier", clone: "at the top"}.items():
        (place / "my-hw1").mkdir(parents=True)
        (place / "my-hw1/hw1.ipynb").write_text(text)
    assert lab.copy_notebooks(folder) == 0
    assert (folder / "my-hw1/hw1.ipynb").read_text() == "later"
    assert (folder / "my-hw1-2/hw1.ipynb").read_text() == "earlier"
    assert (clone / "my-hw1/hw1.ipynb").read_text() == "at the top"


def test_the_sources_are_no_place_for_a_copy(clone, capsys):
    for folder in ("notebooks", "notebooks/copy"):
        assert main(["notebooks", folder]) == 1
        assert "where the notebooks come from" in capsys.readouterr().err
    assert not (clone / "notebooks" / handout.RECORD).exists() and not (clone / "notebooks/copy").exists()


def test_what_the_command_says(course, monkeypatch, capsys):
    source, copy = course
    monkeypatch.setattr(lab.paths, "notebooks_dir", lambda: source)
    (copy / "start.ipynb").write_text(notebook("start", outputs=RUN))
    (copy / LECTURE).write_text(notebook("mine"))
    for name in ("start.ipynb", LECTURE):
        (source / name).write_text(notebook("new"))
    assert main(["notebooks", str(copy)]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"needle-edu: the course is in {copy} (1 renewed)."
    assert second.endswith("with their outputs: earlier/start.ipynb")
    assert third.startswith(f"needle-edu: kept as you have changed it: {LECTURE}.")


def test_what_was_handed_out_is_trusted_until_somebody_else_changes_it(course, tmp_path, monkeypatch, capsys):
    """Jupyter shows pictures and steppers of a trusted notebook before it is run."""
    nbformat = pytest.importorskip("nbformat")
    from nbformat.sign import NotebookNotary

    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    _, copy = course
    lab.trust(copy, [LECTURE, "lectures/figure.svg"])

    def trusted(place):
        return NotebookNotary().check_signature(nbformat.read(copy / place, as_version=4))

    assert trusted(LECTURE) and not trusted("start.ipynb")
    (copy / LECTURE).write_text(notebook("one", outputs=RUN))
    assert not trusted(LECTURE)
    lab.trust(copy, ["not there.ipynb"])
    assert "the notebooks are trusted" in capsys.readouterr().err


def test_new_and_renewed_notebooks_are_trusted_at_the_start(clone, monkeypatch):
    asked = []
    monkeypatch.setattr(lab, "trust", lambda folder, places: asked.append(sorted(places)))
    monkeypatch.setattr(lab.os, "execv", lambda *command: 0)
    monkeypatch.setattr(lab, "give_jupyter_a_home", lambda: None)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")
    monkeypatch.setenv("PATH", lab.os.environ["PATH"])
    lab.open_lab([])
    lab.open_lab([])
    (clone / "notebooks" / LECTURE).write_text(notebook("another"))
    lab.open_lab([])
    assert asked == [["lectures/01_first.ipynb", "lectures/figure.svg", "start.ipynb"], [LECTURE]]
