"""Grading a folder: every submission gets its honest points, a row, an entry and a page, whatever it is."""

import csv
import html
import json
import os
import re
import unicodedata
from pathlib import Path

import pytest

from needle_edu import cli
from needle_edu.course import commands, feedback, questions
from needle_edu.course.grading import handed_in, records, results, sandbox
from needle_edu.course.grading.handed_in import Entry
from needle_edu.course.grading.question_result import Result
from needle_edu.course.limits import Limits
from needle_edu.course.testing import Verdict

ROOMY = Limits(wall=90, cells=30, call=20, cpu=30)  # the machine may be busy


@pytest.fixture
def grade(toy_source, tmp_path, isolated):
    """Grade what was handed in; returns results.json, and leaves grades.csv and feedback/ in tmp_path/out."""

    def run(submissions, status: int = 0) -> dict:
        made = commands.grade(toy_source, submissions, tmp_path / "out", limits=ROOMY, isolated=isolated)
        assert made == status
        return json.loads((tmp_path / "out" / "results.json").read_text())

    return run


def points(results: dict, student: str) -> dict:
    return {name: question["points"] for name, question in results[student].items()}


def page_of(tmp_path, student: str = "ada") -> str:
    return (tmp_path / "out" / "feedback" / f"{student}.html").read_text()


STUB = "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"


@pytest.mark.skipif(bool(sandbox.trouble()), reason="no sandbox can be made here")
def test_solutions_and_other_submissions_are_out_of_sight(hand_in, grade, toy_source, tmp_path):
    folder = tmp_path / "submissions"
    spy = f"""
        import glob, os
        from needle_edu.course import homework_files
        def seen(look, path):
            try:
                return look(path)
            except OSError:  # in a sandbox there is no such file
                return look.__defaults__[0]
        text = seen(lambda path, nothing="": open(path).read(), {str(toy_source)!r})
        print(repr(text), seen(lambda path, nothing=[]: os.listdir(path), {str(folder)!r}))
        print(glob.glob(str(homework_files.homework_folder()) + "/**"))
        def double(x): return 2 * x
        """
    hand_in("eve", q1=spy)
    results = grade(hand_in("ada"))
    assert "&#x27;&#x27; []\n[]\n" in page_of(tmp_path, "eve")
    assert points(results, "eve") == {"q1": 2.0, "q2": 3.0}


def released(homework) -> dict:
    """The answer cells as `homework start` writes them, by question."""
    return {cell.grade_id: cell for cell in homework.released if cell.is_answer}


def test_a_class(hand_in, grade, toy, tmp_path):
    hand_in("right")
    hand_in("untouched", **{name: cell.source for name, cell in released(toy).items()})
    hand_in("half", q2="def evens(n):\n    return [0, 2, 4]")  # passes what can be seen
    (tmp_path / "submissions" / "nothing").mkdir()
    (tmp_path / "submissions" / "readme.txt").write_text("not a submission")
    results = grade(tmp_path / "submissions")
    assert points(results, "right") == {"q1": 2.0, "q2": 3.0}
    assert points(results, "untouched") == {"q1": 0.0, "q2": 0.0}
    assert points(results, "half") == {"q1": 2.0, "q2": 0.0}
    assert points(results, "nothing") == {"q1": 0.0, "q2": 0.0}
    tests = results["half"]["q2"]["tests"]
    assert results["half"]["q2"]["max"] == 3.0
    assert [(t["name"], t["passed"]) for t in tests] == [
        ("the first three", True),
        ("the first seven", False),
    ]
    with open(tmp_path / "out" / "grades.csv", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["student", "total", "max", "q1", "q2", "notes"]
    assert rows[1:] == [
        ["half", "2", "5", "2", "0", ""],
        [
            "nothing",
            "0",
            "5",
            "0",
            "0",
            "toy.ipynb is missing; the folder is empty; q1, q2: no notebook to grade",
        ],
        ["right", "5", "5", "2", "3", ""],
        ["untouched", "0", "5", "0", "0", "q1, q2: not written yet"],
    ]
    assert "toy.ipynb is missing" in page_of(tmp_path, "nothing")
    assert sorted(p.name for p in (tmp_path / "out").rglob("*") if p.is_file()) == sorted(
        [
            "grades.csv",
            "results.json",
            "grading.json",
            *[
                f"{name}.{kind}"
                for name in ("half", "nothing", "right", "untouched")
                for kind in ("html", "json")
            ],
        ]
    )


def test_the_page_shows_hidden_tests_without_their_source(hand_in, grade, tmp_path):
    grade(hand_in("ada", q1="def double(x):\n    return x ** 2"))
    page = page_of(tmp_path)
    assert "random numbers <small>(hidden)</small>" in page and "Doubling is adding to itself." in page
    assert "expected 6.0, got 9.0" in page  # the visible test
    for secret in ("secret", "rng", "HIDDEN", "def test"):
        assert secret not in page
    # of a hidden test the status, no number
    tests = json.loads((tmp_path / "out" / "results.json").read_text())["ada"]["q1"]["tests"]
    assert tests[1]["message"] == "wrong value. Hint: Doubling is adding to itself."


def test_what_stopped_the_cell_is_said_once(hand_in, grade, tmp_path):
    grade(hand_in("ada", q1="undefined_name\ndef double(x): return x + x"))
    page = page_of(tmp_path)
    assert page.count("not defined: the answer&#x27;s cell raised NameError in line 1") == 1
    assert "twice three is six" not in page and "random numbers" not in page
    with open(tmp_path / "out" / "grades.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["notes"].count("the answer's cell raised NameError") == 1


def test_what_a_failed_test_says_is_not_the_smallest_print(hand_in, grade, tmp_path):
    """What came and the hint are what the student reads the page for; so is the rule that took the points."""
    grade(hand_in("ada", q1="def double(x):\n    return x ** 2"))
    small = re.findall("<small>(.*?)</small>", page_of(tmp_path))
    assert set(small) == {"(hidden)"}
    assert re.search(r"<p>wrong value at \[0\]: expected 6.0, got 9.0\.?.*</p>", page_of(tmp_path))


def test_the_page_can_be_read():
    """Each colour of the page's text has a contrast of at least 4.5 on each of its grounds (WCAG AA)."""

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    grounds = ["#ffffff", *re.findall(r"background:(#\w{6})", feedback.STYLE)]
    colours = re.findall(r"[{;]color:(#\w{6})", feedback.STYLE)
    assert len(colours) >= 4 and len(grounds) == 2
    for colour in colours:
        for ground in grounds:
            assert (luminance(ground) + 0.05) / (luminance(colour) + 0.05) >= 4.5, (colour, ground)


def test_locked_cells_are_restored_and_it_is_said(hand_in, grade, tmp_path):
    def edit(tree):
        for cell in tree["cells"]:
            if cell["id"] == "q1-tests":
                cell["source"] = 'check = print\ncheck("q1")'
            if cell["id"] == "setup":
                cell["source"] += "\nprint('more')"
        tree["cells"] = [cell for cell in tree["cells"] if cell["id"] != "q2-tests"]

    results = grade(hand_in("ada", edit, q1="def double(x):\n    return 6 + 0 * x"))
    assert points(results, "ada") == {"q1": 0.0, "q2": 3.0}
    page = page_of(tmp_path)
    assert "the locked cell &#x27;q1-tests&#x27; differs from the original" in page
    assert "the locked cell &#x27;setup&#x27; differs from the original" in page
    assert "the cell &#x27;q2-tests&#x27; was missing and has been restored" in page


def test_a_copy_as_written_has_no_notes(hand_in, grade, tmp_path):
    grade(hand_in("ada"))
    assert "Notes" not in page_of(tmp_path)


def test_metadata_of_the_student_counts_for_nothing(hand_in, grade, tmp_path):
    def edit(tree):
        for cell in tree["cells"]:
            marks = cell["metadata"].get("nbgrader", {})
            if "points" in marks:
                marks["points"] = 1000
            if cell["id"] == "q2-tests":
                marks["grade"] = False
        tree["metadata"]["kernelspec"]["name"] = "no-such-kernel"

    results = grade(hand_in("ada", edit, q1="def double(x):\n    return x"))
    assert points(results, "ada") == {"q1": 0.0, "q2": 3.0}
    assert results["ada"]["q1"]["max"] == 2.0
    assert "points) differ from the original" in page_of(tmp_path)


def test_a_doubled_test_cell_counts_once(hand_in, grade, tmp_path):
    def double(tree):
        (cell,) = (c for c in tree["cells"] if c["id"] == "q2-tests")
        tree["cells"].append(cell)

    results = grade(hand_in("ada", double))
    assert points(results, "ada") == {"q1": 2.0, "q2": 3.0}
    assert "the locked cell &#x27;q2-tests&#x27; is there more than once" in page_of(tmp_path)


def test_a_missing_answer_cell(hand_in, grade, tmp_path):
    def remove(tree):
        tree["cells"] = [cell for cell in tree["cells"] if cell["id"] != "q1"]

    results = grade(hand_in("ada", remove))
    assert points(results, "ada") == {"q1": 0.0, "q2": 3.0}
    assert results["ada"]["q1"]["tests"][0]["message"] == "the answer's cell is missing"


def test_cells_are_found_without_nbgraders_marks(hand_in, grade):
    """Some editors drop metadata; the cell ids are still there."""

    def strip(tree):
        for cell in tree["cells"]:
            cell["metadata"] = {}

    assert points(grade(hand_in("ada", strip)), "ada") == {"q1": 2.0, "q2": 3.0}


def test_helpers_in_cells_of_ones_own(hand_in, grade, tmp_path):
    """Definitions are used; what such a cell computes, or breaks, is not."""

    def add(tree):
        place = [cell["id"] for cell in tree["cells"]].index("q1")
        sources = [
            "import math\nTWO = 2\ndef twice(x):\n    return TWO * x",
            "while True:\n    pass",
            "1 +",
            "undefined",
        ]
        for source in sources:
            cell = {
                "cell_type": "code",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            tree["cells"].insert(place, cell)

    results = grade(hand_in("ada", add, q1="def double(x):\n    return twice(x)"))
    assert points(results, "ada") == {"q1": 2.0, "q2": 3.0}


def test_each_question_runs_alone(hand_in, grade):
    """The answer to q1 is not there when q2 runs, so a mistake in it costs one question."""
    q2 = "def evens(n):\n    return [double(k) for k in range(n)]"
    results = grade(hand_in("ada", q2=q2))
    assert points(results, "ada") == {"q1": 2.0, "q2": 0.0}
    assert "each question is graded alone" in results["ada"]["q2"]["tests"][0]["message"]


@pytest.mark.parametrize("magic", ["%matplotlib_does_not_exist", "!true"])
def test_a_cell_with_magic_is_no_catastrophe(hand_in, grade, magic):
    pytest.importorskip("IPython")
    results = grade(hand_in("ada", q1=f"def double(x):\n    return x + x\n{magic}"))
    assert points(results, "ada") == {"q1": 2.0, "q2": 3.0}


def test_names_of_students(hand_in, grade, tmp_path):
    names = [
        "<img src=x onerror=alert(1)>",
        "..%2f..%2fetc",
        "=1+1",
        "new\nline",
        "right\u202eleft",
        "a b",
        "a-b",
        "Zoë",
    ]
    for name in names:
        hand_in(name)
    os.mkdir(os.fsencode(tmp_path / "submissions") + b"/not-utf8-\xff")
    results = grade(tmp_path / "submissions")
    assert len(results) == len(names) + 1
    assert sum(sum(points(results, student).values()) for student in results) == 5 * len(names)
    pages = list((tmp_path / "out" / "feedback").iterdir())
    assert len(pages) == len(names) + 1
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+\.html", page.name) for page in pages)
    text = "".join(page.read_text() for page in pages)
    assert "<img" not in text and "\u202e" not in text and "\\u202e" in text
    with open(tmp_path / "out" / "grades.csv", newline="") as file:
        assert not [row for row in csv.reader(file) if row[0].startswith("=")]


def test_the_page_says_of_a_visible_test_what_check_says(toy):
    """Message and line of an exception; of a hidden test only which exception it was."""
    detail = "raised TypeError: it took <3>\nin line 2"
    visible, hidden = toy.questions[0].tests
    verdicts = (
        Verdict(visible, False, "raised TypeError", detail),
        Verdict(hidden, False, "raised KeyError", detail),
    )
    record = results.record_of(Entry("ada", Path("ada"), "ada"), [Result(toy.questions[0], verdicts)])
    page = feedback.page("toy", record)
    assert page.count("it took &lt;3&gt;\nin line 2") == 1 and page.count("raised KeyError") == 1
    assert "it took" not in json.dumps(record["questions"]["q1"]["tests"][1])


FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "x;=1+1",
    "x\t=1+1",
    "x;;@A1",
    "x; =1",
    "\uff1d1+1",
    "x;\uff0b1",
    "\r=1",
    '";=1',
]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_spreadsheet_runs_neither_a_name_nor_a_note(toy, name, tmp_path):
    """However it parts a line into cells: no cell begins with what begins a formula."""
    entry = Entry(name, tmp_path / name, "page")
    table = results.as_csv(
        toy, [results.record_of(entry, [results.unjudged(q, name) for q in toy.questions])]
    )
    (line,) = table.splitlines()[1:]
    for delimiter in (",", ";", "\t", " ", "|"):
        for cell in [*line.split(delimiter), *next(csv.reader([line], delimiter=delimiter))]:
            assert unicodedata.normalize("NFKC", cell.strip(' "'))[:1] not in tuple("=+-@"), (delimiter, cell)


def test_script_in_what_a_cell_prints_or_says(hand_in, grade, tmp_path):
    evil = "print('<script>alert(1)</script>\\x1b[31m\\u202e')\nraise ValueError('<script>alert(2)</script>')"
    grade(hand_in("ada", q1=evil))
    page = page_of(tmp_path)
    assert "<script" not in page and "&lt;script&gt;alert(1)" in page and "&lt;script&gt;alert(2)" in page
    assert "\x1b" not in page and "\u202e" not in page
    assert "default-src 'none'" in page


NOT_NOTEBOOKS = {
    "empty": b"",
    "not-json": b"hello",
    "deep": b"[" * 200_000,
    "list": b"[1, 2]",
    "format-3": b'{"nbformat": 3, "worksheets": []}',
    "no-cells": b'{"nbformat": 4, "cells": {}}',
    "large": b" " * 20_000_001,
}


def test_what_is_not_a_notebook(hand_in, grade, tmp_path):
    hand_in("good")
    folder = tmp_path / "submissions"
    for name, data in NOT_NOTEBOOKS.items():
        (folder / name).mkdir()
        (folder / name / "toy.ipynb").write_bytes(data)
    (folder / "link").mkdir()
    (folder / "link" / "toy.ipynb").symlink_to(folder / "good" / "toy.ipynb")
    (folder / "linked").symlink_to(folder / "good")
    (folder / "pipe").mkdir()
    os.mkfifo(folder / "pipe" / "toy.ipynb")
    (folder / "folder" / "toy.ipynb").mkdir(parents=True)
    results = grade(folder, status=1)  # a pipe that is opened would be waited for without end
    assert set(results) == {"good", "link", "linked", "pipe", "folder", *NOT_NOTEBOOKS}
    for name in results:
        if name in (
            "large",
            "linked",
        ):  # the grader would not look at them: that says nothing about the student
            assert points(results, name) == {"q1": None, "q2": None}
        else:
            assert sum(points(results, name).values()) == (5 if name == "good" else 0), name
        assert (tmp_path / "out" / "feedback" / f"{name}.html").exists()


def test_a_notebook_under_another_name(hand_in, grade, tmp_path):
    """Browsers rename a second download; the only notebook in the folder is the one that is meant."""
    for name in ("ada", "bob", "eve"):
        hand_in(name)
    folder = tmp_path / "submissions"
    (folder / "ada" / "toy.ipynb").rename(folder / "ada" / "toy (1).ipynb")
    (folder / "flat.ipynb").write_bytes((folder / "ada" / "toy (1).ipynb").read_bytes())
    (folder / "bob" / "inner").mkdir()
    (folder / "bob" / "toy.ipynb").rename(folder / "bob" / "inner" / "toy.ipynb")
    (folder / "eve" / "toy.ipynb").rename(folder / "eve" / "a.ipynb")
    (folder / "eve" / "b.ipynb").write_text("{}")
    results = grade(folder)
    assert [sum(points(results, name).values()) for name in ("ada", "bob", "flat", "eve")] == [5, 5, 5, 0]
    assert "toy.ipynb is missing; &#x27;toy (1).ipynb&#x27; was graded" in page_of(tmp_path, "ada")
    assert "Notes" not in page_of(tmp_path, "bob") and "Notes" not in page_of(tmp_path, "flat")
    assert "holds &#x27;a.ipynb&#x27;, &#x27;b.ipynb&#x27;" in page_of(tmp_path, "eve")


def test_a_byte_order_mark_costs_nothing(hand_in, grade, tmp_path):
    file = hand_in("ada") / "ada" / "toy.ipynb"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert sum(points(grade(tmp_path / "submissions"), "ada").values()) == 5


def test_a_homework_that_its_author_fails_is_not_graded(toy_source, hand_in, tmp_path, capsys, isolated):
    """A wrong solution, or a machine on which nothing runs, would cost the whole class its points."""
    broken = tmp_path / "toy.ipynb"
    broken.write_text(toy_source.read_text().replace("return x + x", "return x + 1"))
    assert commands.grade(broken, hand_in("ada"), tmp_path / "out", limits=ROOMY, isolated=isolated) == 1
    assert "the solution of q1 in toy.ipynb does not pass here" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_ten_thousand_cells(hand_in, grade):
    def add(tree):
        cell = {
            "cell_type": "code",
            "metadata": {},
            "source": "x = 1",
            "outputs": [],
            "execution_count": None,
        }
        tree["cells"] += [cell | {"source": f"x = {k}"} for k in range(10_000)]

    assert points(grade(hand_in("ada", add)), "ada") == {"q1": 2.0, "q2": 3.0}


def test_trouble_with_one_submission_does_not_stop_the_others(hand_in, grade, monkeypatch, tmp_path):
    """A disk that is full, a machine without processes left: said, and the exit status tells."""
    for name in ("ada", "bob", "eve"):
        hand_in(name)
    real = handed_in.read

    def fail(entry, file_name):
        if entry.student == "bob":
            raise OSError("no space left")
        return real(entry, file_name)

    monkeypatch.setattr(handed_in, "read", fail)
    results = grade(tmp_path / "submissions", status=1)
    assert [sum(points(results, name).values()) for name in ("ada", "eve")] == [5, 5]
    assert points(results, "bob") == {"q1": None, "q2": None}
    assert "no space left" in page_of(tmp_path, "bob")


def test_exit_status_and_words(toy_source, tmp_path, capsys, isolated):
    def refused(*words) -> str:
        assert commands.grade(*words, isolated=isolated) == 1
        return capsys.readouterr().err

    (tmp_path / "empty").mkdir()
    assert "one sub-folder per student" in refused(toy_source, tmp_path / "empty", tmp_path / "out")
    assert "is no folder" in refused(toy_source, tmp_path / "none", tmp_path / "out")
    assert "there is no homework" in refused("hw99", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_without_a_sandbox_nothing_is_touched(hand_in, grade, toy_source, tmp_path, capsys, monkeypatch):
    """`grade` refuses with the sentence that mends it; whoever goes on without is told first what is open."""
    monkeypatch.setattr(sandbox, "trouble", lambda: "There is no sandbox: buy one.")
    monkeypatch.setattr(questions, "load_for_grading", lambda hw: pytest.fail("touched the homework"))
    assert cli.main(["grade", str(toy_source), str(hand_in("ada")), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "nothing was graded: There is no sandbox: buy one. " in said and "--unsafe-no-isolation" in said
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    words = ["grade", str(toy_source), str(tmp_path / "submissions"), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sandbox, "trouble", lambda: pytest.fail("looked for the sandbox all the same"))
    monkeypatch.setattr(sandbox.ProcessSandbox, "trouble", lambda: "")  # root's Python may be root's alone
    assert cli.main([*words, "--unsafe-no-isolation"]) == 0
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"needle-edu: {sandbox.ProcessSandbox.caution()}" and "it can" in first


BROKEN = {
    "set-up that raises": ("import numpy as np", "import no_such_module"),
    "set-up that is no Python": ("import numpy as np", "import ="),
    "tests that are no Python": ("def test_q1_three", "def = test_q1_three"),
    "tests without points": ('"points": 2', '"dots": 2'),
    "points that are no number": ('"points": 2', '"points": "two"'),
    "no grade_id": ('"grade_id": "q1",', ""),
    "metadata that is no dict": (
        '"nbformat": 4',
        '"nbformat": 4, "cells": [{"cell_type": "code", "metadata": 3}]',
    ),
    "not JSON": ("{", "["),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_malformed_instructors_notebook_is_one_sentence(
    name, toy_source, hand_in, tmp_path, capsys, isolated
):
    file, text = tmp_path / "toy.ipynb", toy_source.read_text()
    assert BROKEN[name][0] in text
    file.write_text(text.replace(*BROKEN[name]))
    assert commands.grade(file, hand_in("ada"), tmp_path / "out", limits=ROOMY, isolated=isolated) == 1
    captured = capsys.readouterr()
    (said,) = [line for line in captured.err.splitlines() if "toy.ipynb" in line]
    assert said.startswith("needle-edu: ") and "Traceback" not in captured.err + captured.out
    assert not (tmp_path / "out" / "grades.csv").exists()


def test_nothing_of_a_student_acts_on_the_terminal(hand_in, grade, capsys, tmp_path):
    """Names, exceptions, file names: an escape sequence is shown, not sent."""
    hand_in("\x1b[2Jada", q1="raise ValueError('\\x1b]0;gone\\x07 \\u202e')", q2="1 +\x1b")
    folder = tmp_path / "submissions" / "eve\x9b"
    folder.mkdir()
    (folder / "\x1b[31m.txt").write_text("")
    (folder / "\x1b[1m.ipynb").write_text("\x1b")
    (tmp_path / "submissions" / "x\x1b.txt").write_text("")
    grade(tmp_path / "submissions")
    captured = capsys.readouterr()
    for stream in (captured.out, captured.err):
        assert not [c for c in stream if c != "\n" and unicodedata.category(c) in ("Cc", "Cf")]
    assert "\\x1b[2Jada: 0 of 5 points" in captured.out and "\\x1b]0;gone" in captured.out


def test_points_rule_and_notes_reach_student_and_instructor(hand_in, grade, capsys, tmp_path):
    """On the page, in the terminal and in the table stands the same."""

    def text(tree):
        (cell,) = (c for c in tree["cells"] if c["id"] == "q1")
        cell["cell_type"] = "markdown"

    grade(hand_in("ada", text, q2="def evens(n):\n    return missing"))
    with open(tmp_path / "out" / "grades.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    said, page = capsys.readouterr().out, html.unescape(page_of(tmp_path))
    assert "ada: 2 of 5 points" in said and "toy: 2 of 5 points" in page and row["total"] == "2"
    for sentence in ("its text was graded as code", "raised NameError"):
        assert sentence in said and sentence in page and sentence in row["notes"]
    assert feedback.RULE in said and feedback.RULE in page


def test_results_are_written_whole(tmp_path, monkeypatch):
    """If writing fails in the middle, the earlier results are still there and no half file is left."""
    target = tmp_path / "grades.csv"
    target.write_text("before")

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        records.write_whole(target, "after")
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]
