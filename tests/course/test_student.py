"""The student's copy: no solution and no hidden test in it, and never written over a student's work."""

import ast
import json
import os
import zipfile

import pytest

from needle_edu.course import commands, homework_files, notebook, questions, source_cells, student
from needle_edu.course.kernels import rules
from needle_edu.course.notebook import NotebookError

HOMEWORKS = homework_files.names()


def test_there_is_a_homework():
    assert "hw1" in HOMEWORKS


@pytest.mark.parametrize("name", HOMEWORKS)
def test_nothing_secret_is_left(name):
    source = notebook.read_tree(homework_files.source_of(name))
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


def defined_in(block):
    for node in block.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from defined_in(node)


def signatures(source: str) -> list[tuple]:
    """Name, parameters or bases, and docstring of each function and class in a cell, but for those inside functions."""
    found = list(defined_in(ast.parse(source)))
    kept = [
        ast.dump(node.args) if isinstance(node, ast.FunctionDef) else [ast.dump(base) for base in node.bases]
        for node in found
    ]
    return [(node.name, what, ast.get_docstring(node)) for node, what in zip(found, kept, strict=True)]


def heads(source: str) -> list:
    """The first line, and the functions with their parameters, of an answer in C or CUDA."""
    cell = source_cells.read(source)
    assert cell is not None
    return [cell.kind, cell.name, rules.allowed_functions(cell.text, cell.kind, cell.name)]


@pytest.mark.parametrize("name", HOMEWORKS)
def test_imports_and_signatures_are_intact(name):
    source = notebook.cells_of(notebook.read_tree(homework_files.source_of(name)))
    copy = notebook.cells_of(student.student_version(notebook.read_tree(homework_files.source_of(name))))
    for before, after in zip(source, copy, strict=True):
        assert (before.kind, before.id) == (after.kind, after.id)
        if before.source.startswith("%%"):
            assert heads(before.source) == heads(after.source)
            assert "/* YOUR CODE HERE */" in after.source
        elif before.is_answer:
            assert signatures(before.source) == signatures(after.source)
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
        ("### BEGIN SOLUTION\nx\n### END SOLUTION", "not marked as an answer"),
        ("### BEGIN HIDDEN TESTS\nx\n### END HIDDEN TESTS", "not marked as tests"),
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


# --- where a homework comes from ------------------------------------------------------------------------------


@pytest.fixture
def packed(toy_source, tmp_path):
    """The instructor's archive of the toy homework."""
    assert commands.pack(str(toy_source), tmp_path / "toy-instructor.zip") == 0
    return tmp_path / "toy-instructor.zip"


def test_a_students_copy_of_a_students_copy_is_the_same(toy_source):
    """The installed package holds students' copies: `start` must not strip their signatures."""
    copy = student.student_version(notebook.read_tree(toy_source))
    assert not student.is_released(notebook.read_tree(toy_source))
    assert student.is_released(copy) and student.student_version(copy) == copy


def test_a_students_copy_can_be_checked_and_not_graded_with(toy_source, tmp_path, capsys):
    """What an installed package does: visible tests only, and one sentence that says where the others are."""
    released = tmp_path / "released" / "toy.ipynb"
    released.parent.mkdir()
    released.write_text(student.to_text(student.student_version(notebook.read_tree(toy_source))))
    homework = questions.load(released)
    assert [[test.name for test in q.tests] for q in homework.questions] == [
        ["test_q1_three"],
        ["test_q2_three"],
    ]
    assert not homework.is_whole and homework.points == 5
    (tmp_path / "class" / "ada").mkdir(parents=True)
    assert commands.grade(str(released), tmp_path / "class", tmp_path / "out") == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "`needle-edu homework pack toy toy-instructor.zip` makes it" in said
    assert not (tmp_path / "out").exists()
    assert commands.pack(str(released), tmp_path / "toy.zip") == 1 and not (tmp_path / "toy.zip").exists()


def test_the_archive_gives_the_homework_back(toy_source, packed, tmp_path):
    for way in (packed, toy_source, toy_source.parent):
        homework = questions.load_for_grading(str(way))
        assert homework.is_whole and homework.name == "toy" and homework.file_name == "toy.ipynb"
        assert [len(question.tests) for question in homework.questions] == [2, 2]
    assert commands.start(str(packed), tmp_path / "mine") == 0
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["toy.ipynb"]


def test_the_archive_is_always_the_same(toy_source, packed, tmp_path):
    """Byte for byte, whenever it is made, so that a class graded with it can say with what."""
    before = packed.read_bytes()
    os.utime(toy_source, (1e9, 1e9))
    assert commands.pack(str(toy_source.parent), packed) == 0 and packed.read_bytes() == before
    with zipfile.ZipFile(packed) as file:
        (member,) = file.infolist()
        assert member.filename == "toy/toy.ipynb" and member.date_time == (1980, 1, 1, 0, 0, 0)
        assert file.read(member) == toy_source.read_bytes()


def test_packing_overwrites_nothing_else(toy_source, tmp_path, capsys):
    for name in ("work.zip", "work.ipynb"):
        (tmp_path / name).write_text("work")
        assert commands.pack(str(toy_source), tmp_path / name) == 1
        assert (tmp_path / name).read_text() == "work"
    said = capsys.readouterr().err
    assert "is there already" in said and "ends in .zip" in said
    assert commands.pack(str(toy_source), tmp_path / "work.zip" / "toy.zip") == 1  # a file is no folder
    assert "cannot write" in capsys.readouterr().err


def zip_with(path, members: dict, link: bool = False, method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = (0o120777 if link else 0o100644) << 16
            file.writestr(info, content)
    return str(path)


def test_an_archive_that_cannot_be_read_is_one_sentence(toy_source, packed, tmp_path, monkeypatch):
    text = toy_source.read_bytes()
    broken = tmp_path / "cut.zip"
    broken.write_bytes(packed.read_bytes()[:-30])
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(packed.read_bytes().replace(b"twice three", b"twice thrEE"))
    cases = {
        zip_with(tmp_path / "empty.zip", {}): "holds 0 notebooks",
        zip_with(tmp_path / "two.zip", {"a/a.ipynb": text, "b/b.ipynb": text}): "holds 2 notebooks",
        zip_with(tmp_path / "name.zip", {"x/to\ny.ipynb": text}): "is no name for a homework",
        zip_with(tmp_path / "long.zip", {f"{k}.txt": b"" for k in range(25_000)}): "table of contents",
        zip_with(tmp_path / "packed.zip", {"toy.ipynb": text}, method=zipfile.ZIP_BZIP2): "packed in a way",
        zip_with(tmp_path / "link.zip", {"toy.ipynb": "/etc/passwd"}, link=True): "is a link",
        zip_with(tmp_path / "other.zip", {"toy.ipynb": "no notebook"}): "not JSON",
        str(broken): "not a zip archive",
        str(damaged): "not a zip archive",
        str(tmp_path / "missing.zip"): "is missing",
        str(tmp_path): "holds 0 notebooks",
    }
    for path, says in cases.items():
        with pytest.raises(NotebookError, match=says):
            questions.load(path)
    monkeypatch.setattr(notebook, "MAX_BYTES", 20_000)  # a member of zeros that unfolds to far more than that
    bomb = zip_with(tmp_path / "bomb.zip", {"toy.ipynb": bytes(5_000_000)})
    with pytest.raises(NotebookError, match="larger than 20,000 bytes"):
        questions.load(bomb)


def test_what_a_mac_adds_is_no_notebook(toy_source, tmp_path):
    litter = {"__MACOSX/toy/._toy.ipynb": b"", "toy/.ipynb_checkpoints/toy-checkpoint.ipynb": b""}
    path = zip_with(tmp_path / "mac.zip", litter | {"toy/toy.ipynb": toy_source.read_bytes()})
    assert questions.load(path).name == "toy"
