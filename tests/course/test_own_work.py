"""`needle-edu check` finds the homework that a person means, and judges homeworks that the course does not have."""

import json
import shutil

import pytest

from needle_edu.course import commands, homework_files, own_work


@pytest.fixture
def course(tmp_path):
    """A reader's folder as `needle-edu lab` and the start page leave it."""
    folder = tmp_path / "needle-edu-course"
    shutil.copytree(homework_files.homework_folder().parent / "lectures", folder / "lectures")
    shutil.copy(homework_files.homework_folder().parent / "start.ipynb", folder)
    assert commands.start("hw1", folder / "my-hw1") == 0
    return folder


def found(path):
    return own_work.find(path, ["hw1"])


def test_the_course_folder_leads_to_the_homework_in_it(course):
    work = course / "my-hw1" / "hw1.ipynb"
    for path in (course, course / "my-hw1", work):
        assert found(path) == [work]


def test_copies_backups_and_checkpoints_are_not_taken_for_the_work(course):
    work = course / "my-hw1" / "hw1.ipynb"
    assert commands.start("hw1", course / "my-hw1", force=True) == 0
    (course / "my-hw1" / ".ipynb_checkpoints").mkdir()
    shutil.copy(work, course / "my-hw1" / ".ipynb_checkpoints" / "hw1-checkpoint.ipynb")
    shutil.copy(work, course / "my-hw1" / "hw1 (1).ipynb")
    assert found(course) == [work]


@pytest.mark.parametrize("name", ["hw1 (1).ipynb", "hw1-ada.ipynb", "HW one, Ada.ipynb"])
def test_another_name_is_no_trouble(course, name):
    """Browsers and people rename what they save; the last of these is known by the tests in it."""
    work = (course / "my-hw1" / "hw1.ipynb").rename(course / "my-hw1" / name)
    assert found(course) == [work] == found(work)


def test_two_homeworks_are_both_checked(course):
    assert commands.start("hw1", course / "second") == 0
    assert found(course) == [course / "my-hw1" / "hw1.ipynb", course / "second" / "hw1.ipynb"]


def test_where_nothing_is_the_way_to_something_is_said(course, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("")
    wanted = {
        "nowhere": "there is no folder or notebook",
        "empty": "holds a homework (hw1.ipynb, hw2.ipynb, hw4.ipynb)",
        "text": "is no notebook",
        "needle-edu-course/start.ipynb": "is no homework",
        "needle-edu-course/lectures": "holds a homework (hw1.ipynb, hw2.ipynb, hw4.ipynb)",
    }
    for name, sentence in wanted.items():
        assert commands.check(tmp_path / name) == 1
        said = capsys.readouterr().err
        assert sentence in said and name.split("/")[-1] in said and said.count("\n") == 1, said


def test_an_instructors_own_homework_is_checked_as_start_says(toy_source, tmp_path, capsys):
    """`start` ends in "check it here: needle-edu check FOLDER"; the course need not know the homework."""
    assert commands.start(str(toy_source), tmp_path / "mine") == 0
    assert commands.check(tmp_path / "mine") == 1
    assert "toy: 0 of 2 questions pass" in capsys.readouterr().out
    file = tmp_path / "mine" / "toy.ipynb"
    tree = json.loads(file.read_text())
    for cell in tree["cells"]:
        if cell["id"] == "q1":
            cell["source"] = "def double(x):\n    return x + x\n"
    file.write_text(json.dumps(tree))
    assert commands.check(file) == 1
    said = capsys.readouterr().out
    assert "q1: 1 of 1 tests pass" in said and "toy: 1 of 2 questions pass" in said


def test_tests_that_cannot_run_are_one_sentence(toy_source, tmp_path, capsys):
    for old, new in [
        ("def test_q1_three", "def = test_q1_three"),
        ("import numpy as np", "import no_such_module"),
        ("import numpy as np", "raise SystemExit"),
    ]:
        file = tmp_path / "broken" / "toy.ipynb"
        file.parent.mkdir(exist_ok=True)
        file.write_text(toy_source.read_text().replace(old, new))
        assert [commands.check(file), commands.pack(str(file), tmp_path / "toy.zip")] == [1, 1]
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 2 and all("toy.ipynb: the test cell 'q1-tests'" in line for line in said)
    assert not (tmp_path / "toy.zip").exists()


def test_what_an_author_forgot_is_said_with_its_cell_before_anything_is_handed_out(
    toy_source, tmp_path, capsys
):
    text = toy_source.read_text()
    forgotten = {
        "has no grade_id": text.replace('"grade_id": "q1",', ""),
        "got 'two'": text.replace('"points": 2', '"points": "two"'),
        "without END SOLUTION": text.replace("### END SOLUTION", "", 1),
        "not marked as an answer": text.replace('"solution": true', '"solution": false', 1),
        "not marked as tests": text.replace('"grade": true', '"grade": false', 1),
    }
    for sentence, broken in forgotten.items():
        assert broken != text
        (tmp_path / "toy.ipynb").write_text(broken)
        assert commands.start(str(tmp_path / "toy.ipynb"), tmp_path / "x") == 1
        said = capsys.readouterr().err
        assert sentence in said and "cell " in said and "begins with 'def " in said and said.count("\n") == 1
    assert not (tmp_path / "x").exists()


def test_a_notebook_without_questions_is_no_homework(course, tmp_path, capsys):
    assert commands.pack(str(course / "start.ipynb"), tmp_path / "x.zip") == 1
    assert "start.ipynb is no homework" in capsys.readouterr().err


def test_metadata_that_are_none_are_one_sentence(toy_source, tmp_path, capsys):
    """`start` and `pack` copy a notebook's metadata, so they look at them first."""
    tree = json.loads(toy_source.read_text())
    for change in ({"metadata": 3}, {"cells": [tree["cells"][0] | {"metadata": {"nbgrader": [1]}}]}):
        file = tmp_path / "toy.ipynb"
        file.write_text(json.dumps(tree | change))
        assert [commands.start(str(file), tmp_path / "x"), commands.pack(str(file), tmp_path / "x.zip")] == [
            1,
            1,
        ]
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 2 and all("no JSON object" in line for line in said)
