"""The student's copy: no solution and no hidden test in it, and never written over a student's work."""

import ast
import json

import pytest

from needle_edu.course import commands, notebook, questions, student
from needle_edu.course.notebook import NotebookError

HOMEWORKS = questions.names()


def test_there_is_a_homework():
    assert "hw1" in HOMEWORKS


@pytest.mark.parametrize("name", HOMEWORKS)
def test_nothing_secret_is_left(name):
    source = notebook.read_tree(questions.source_of(name))
    copy = student.student_version(source)
    secrets = 0
    for before, after in zip(source["cells"], copy["cells"], strict=True):
        kept = set(after["source"].split("\n"))
        inside = False
        for line in before["source"].split("\n"):
            inside = "### BEGIN" in line or (inside and "### END" not in line)
            if inside and len(line.strip()) > 12:
                assert line not in kept, line
                secrets += 1
    assert secrets > 20
    text = student.to_text(copy)
    assert "BEGIN SOLUTION" not in text and "HIDDEN TESTS" not in text


@pytest.mark.parametrize("name", HOMEWORKS)
def test_imports_and_signatures_are_intact(name):
    source = notebook.cells_of(notebook.read_tree(questions.source_of(name)))
    copy = notebook.cells_of(student.student_version(notebook.read_tree(questions.source_of(name))))
    for before, after in zip(source, copy, strict=True):
        assert (before.kind, before.id) == (after.kind, after.id)
        if before.is_answer:
            (old,) = ast.parse(before.source).body
            (new,) = ast.parse(after.source).body
            assert ast.dump(old.args) == ast.dump(new.args) and old.name == new.name
            assert ast.get_docstring(old) == ast.get_docstring(new)
            assert "raise NotImplementedError()" in after.source
        elif not before.is_tests:
            assert before.source == after.source


def test_source_is_not_changed_by_making_a_copy(toy_source):
    tree = notebook.read_tree(toy_source)
    before = json.dumps(tree)
    student.student_version(tree)
    assert json.dumps(tree) == before


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("### BEGIN SOLUTION\nx", "without END"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "inside BEGIN"),
        ("### BEGIN SOLUTION\nx\n### END SOLUTION", "not an answer cell"),
        ("### BEGIN HIDDEN TESTS\nx\n### END HIDDEN TESTS", "not a test cell"),
    ],
)
def test_a_region_in_the_wrong_place_is_refused(source, says):
    cell = {"cell_type": "code", "metadata": {}, "source": source}
    with pytest.raises(NotebookError, match=says):
        student.student_version({"nbformat": 4, "metadata": {}, "cells": [cell]})


def test_start_writes_the_same_file_name(tmp_path):
    assert commands.start("hw1", tmp_path / "mine") == 0
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["hw1.ipynb"]
    tree = json.loads((tmp_path / "mine" / "hw1.ipynb").read_text())
    assert all(isinstance(cell["source"], list) for cell in tree["cells"])


def test_start_never_overwrites_work(tmp_path, capsys):
    commands.start("hw1", tmp_path)
    work = tmp_path / "hw1.ipynb"
    work.write_text("my work")
    assert commands.start("hw1", tmp_path) == 1
    assert work.read_text() == "my work"
    assert "kept" in capsys.readouterr().err

    for _ in range(2):  # twice within a second: neither backup may be lost
        assert commands.start("hw1", tmp_path, force=True) == 0
    backups = sorted(tmp_path.glob("*.backup.ipynb"))
    assert len(backups) == 2
    assert "my work" in [backup.read_text() for backup in backups]
    assert "BEGIN SOLUTION" not in work.read_text()


def test_start_says_what_is_wrong(tmp_path, capsys):
    assert commands.start("hw99", tmp_path) == 1
    assert "hw1" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert commands.start("hw1", tmp_path / "file") == 1
    assert "cannot write" in capsys.readouterr().err
