"""A small homework, and ways to hand it in: what the tests of the course share."""

import json
import textwrap
from pathlib import Path

import pytest

from needle_edu.course import commands, notebook, questions, student
from needle_edu.course.grading import sandbox


def code_cell(name: str, source: str, **marks) -> dict:
    """A code cell as nbformat writes it, with nbgrader's metadata when there are marks."""
    metadata = {}
    if marks:
        basis = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
        metadata["nbgrader"] = {**basis, "grade_id": name, "cell_type": "code", **marks}
    source = textwrap.dedent(source).strip("\n")
    cell = {"cell_type": "code", "id": name, "metadata": metadata, "source": source}
    return {**cell, "execution_count": None, "outputs": []}


def write_notebook(path: Path, cells: list[dict]) -> Path:
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    tree = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree, indent=1))
    return path


def hand_in_homework(homework: str, folder: Path, name: str, answers: dict[str, str]) -> None:
    """Start a homework of the course as a student does, in a folder of that name, and fill in answers."""
    assert commands.start(homework, folder / name) == 0
    path = folder / name / f"{homework}.ipynb"
    tree = json.loads(path.read_text())
    for cell in tree["cells"]:
        cell["source"] = answers.get(cell["id"], cell["source"])
    path.write_text(json.dumps(tree))


@pytest.fixture(scope="session")
def isolated() -> bool:
    """Whether `grade` can isolate student code here: what does not depend on it is tested everywhere."""
    return not sandbox.trouble()


@pytest.fixture(scope="session")
def toy_source(tmp_path_factory) -> Path:
    """The instructor's notebook of a homework with two questions that need nothing but NumPy."""
    setup = """
        import numpy as np

        from needle_edu.course import check, close, same
        """
    double = '''
        def double(x):
            """Twice x."""
            ### BEGIN SOLUTION
            return x + x
            ### END SOLUTION
        '''
    double_tests = '''
        def test_q1_three(double):
            """twice three is six"""
            close(double(np.array([3.0])), [6.0])


        ### BEGIN HIDDEN TESTS
        def test_q1_random(double, rng):
            """random numbers

            Doubling is adding to itself.
            """
            secret = rng.normal(size=4)
            close(double(secret), 2 * secret)


        ### END HIDDEN TESTS
        check("q1")
        '''
    evens = """
        def evens(n):
            ### BEGIN SOLUTION
            return [2 * k for k in range(n)]
            ### END SOLUTION
        """
    evens_tests = '''
        def test_q2_three(evens):
            """the first three"""
            same(evens(3), [0, 2, 4])


        ### BEGIN HIDDEN TESTS
        def test_q2_seven(evens):
            """the first seven"""
            same(evens(7), [0, 2, 4, 6, 8, 10, 12])


        ### END HIDDEN TESTS
        check("q2")
        '''
    cells = [
        {"cell_type": "markdown", "id": "text", "metadata": {}, "source": "# Toy\n\nTwo questions."},
        code_cell("setup", setup, locked=True),
        code_cell("q1", double, solution=True),
        code_cell("q1-tests", double_tests, grade=True, locked=True, points=2),
        code_cell("q2", evens, solution=True),
        code_cell("q2-tests", evens_tests, grade=True, locked=True, points=3),
        code_cell("after", "print(double(1), evens(2))"),
    ]
    return write_notebook(tmp_path_factory.mktemp("source") / "toy" / "toy.ipynb", cells)


@pytest.fixture(scope="session")
def toy(toy_source) -> questions.Homework:
    return questions.load(toy_source)


RIGHT = {
    "q1": "def double(x):\n    return x * 2\n",
    "q2": "def evens(n):\n    return list(range(0, 2 * n, 2))\n",
}


@pytest.fixture(scope="session")
def submit(toy_source):
    """``submit(folder, "ada", q1="...")`` writes a submission of the toy homework; the other answers are right."""

    def write(folder: Path, student_name: str, change=None, **answers: str) -> Path:
        tree = student.student_version(notebook.read_tree(toy_source))
        for cell in tree["cells"]:
            if cell["id"] in RIGHT:
                cell["source"] = textwrap.dedent(answers.get(cell["id"], RIGHT[cell["id"]]))
        if change is not None:
            change(tree)
        (folder / student_name).mkdir(parents=True)
        (folder / student_name / "toy.ipynb").write_text(json.dumps(tree))
        return folder

    return write


@pytest.fixture
def hand_in(submit, tmp_path):
    """`submit` into the folder ``submissions`` of this test."""
    return lambda name, change=None, **answers: submit(tmp_path / "submissions", name, change, **answers)


@pytest.fixture(scope="session")
def processes_with():
    """``processes_with(mark)``: the ids of the processes with `mark` on their command line."""

    def find(mark: str) -> list[str]:
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found += [entry.parent.name] if mark.encode() in entry.read_bytes() else []
            except OSError:
                continue
        return found

    return find


def pytest_generate_tests(metafunc):
    """Run the tests of `HomeworkTests` through the cases of the homework whose class inherits them."""
    if metafunc.cls is not None and hasattr(metafunc.cls, "cases"):
        for argument, values in metafunc.cls.cases().items():
            if argument in metafunc.fixturenames:
                metafunc.parametrize(
                    argument, values, ids=str if argument != "slip" else lambda slip: slip[0]
                )
