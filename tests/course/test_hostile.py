"""Notebooks that attack their grading, each worth exactly what its answer is worth.

They are graded as one class, with good students among them who must lose nothing. `WRONG` kinds try to get
points for a wrong answer; `RIGHT` kinds hold a right answer, or might, and try to break things. Attacks on
the machine's files and its network are in `test_isolation.py`.
"""

import json
import os
import runpy
import tempfile
from pathlib import Path

import pytest

from needle_edu.course import commands
from needle_edu.course.limits import Limits

# A whole class through the real command. Each attack by itself, in the sandbox: test_isolation.py, in every run.
pytestmark = pytest.mark.slow

# Loops end by their processor time; what is honest may wait for a busy machine.
QUICK = Limits(wall=90, cells=20, call=15, cpu=4, memory=768 * 2**20)

ANSWERS = runpy.run_path(str(Path(__file__).parent / "hostile" / "answers.py"))
WRONG, RIGHT = ANSWERS["WRONG"], ANSWERS["RIGHT"]
MARK = f"needle-edu-test-{os.getpid()}"


@pytest.fixture(scope="module")
def graded(submit, toy_source, tmp_path_factory, processes_with) -> dict:
    """All attackers in one class, good students among them; returns results.json."""
    folder = tmp_path_factory.mktemp("class")
    sources = {f"wrong {kind}": source for kind, source in WRONG.items()}
    sources |= {f"right {kind}": source for kind, (_, source) in RIGHT.items()}
    for place, (name, source) in enumerate(sources.items()):
        submit(folder / "submissions", name, q1=source.replace("{mark}", MARK))
        if place % 10 == 0:
            submit(folder / "submissions", f"{name}, good neighbour")
    temporary = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        assert commands.grade(toy_source, folder / "submissions", folder / "out", limits=QUICK) == 0
    homes = os.listdir(temporary)
    left = processes_with(MARK)
    for pid in left:
        os.kill(int(pid), 9)
    pages = {page.name: page.read_text() for page in (folder / "out" / "feedback").iterdir()}
    results = json.loads((folder / "out" / "results.json").read_text())
    return {**results, "left": left, "pages": pages, "homes": homes}


@pytest.mark.parametrize("kind", WRONG)
def test_no_points_for_a_wrong_answer(graded, kind):
    result = graded[f"wrong {kind}"]
    assert result["q1"]["points"] == 0, result
    assert not any(test["passed"] for test in result["q1"]["tests"])
    assert result["q2"]["points"] == 3.0, "an attack in q1 must not change q2"


@pytest.mark.parametrize("kind", RIGHT)
def test_honest_points_for_a_disturbing_answer(graded, kind):
    result = graded[f"right {kind}"]
    assert result["q1"]["points"] == RIGHT[kind][0], result
    assert result["q2"]["points"] == 3.0, "an attack in q1 must not change q2"


def test_good_students_lose_nothing(graded):
    good = [result for name, result in graded.items() if name.endswith("good neighbour")]
    assert len(good) >= 4
    assert all([question["points"] for question in result.values()] == [2.0, 3.0] for result in good)


def test_no_process_outlives_its_grading(graded):
    assert graded["left"] == []


def test_no_folder_outlives_its_grading(graded):
    assert graded["homes"] == []


def test_everybody_gets_a_page_without_secrets(graded):
    assert len(graded["pages"]) == len(graded) - 3
    assert all("secret input" not in page and "<script" not in page for page in graded["pages"].values())
