"""`check` in a notebook: fast, clear, on copies, and an exception where a test fails."""

import time

import numpy as np
import pytest

from needle_edu.course import CheckFailed, check, close
from needle_edu.course.check import report
from needle_edu.course.notebook import NotebookError


def run(answer: str, tests: str, question: str = "q1") -> dict:
    """Execute an answer's cell and a test cell, as a notebook would; returns the namespace."""
    namespace = {"np": np, "close": close, "check": check}
    exec(answer, namespace)
    exec(tests, namespace)
    return namespace


TESTS = '''
def test_q1_three(double):
    """twice three

    Add it to itself.
    """
    close(double(np.array([1.0, 3.0])), [2.0, 6.0])

def test_q1_zero(double):
    """twice zero"""
    close(double(np.zeros(2)), [0.0, 0.0])
'''


def test_pass(capsys):
    namespace = run("def double(x): return x + x", TESTS)
    assert eval('check("q1")', namespace) is None
    assert capsys.readouterr().out == "q1: 2 of 2 tests pass\n  ✓ twice three\n  ✓ twice zero\n"


def test_fail_says_what_was_expected_and_where(capsys):
    with pytest.raises(CheckFailed, match="1 of 2 tests pass"):
        exec('check("q1")', run("def double(x): return x * x", TESTS))
    assert "wrong value at [0]: expected 2.0, got 1.0. Hint: Add it to itself." in capsys.readouterr().out


def test_html_is_escaped():
    result = report("q1", run("def double(x): raise ValueError('<script>')", TESTS))
    page = result._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert page.count("✗ fail") == 2
    result = report("q1", run("def double(x): return x * x", TESTS))
    assert (
        "expected <code>2.0</code>" in result._repr_html_() and "got <code>1.0</code>" in result._repr_html_()
    )


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("pass", "not defined"),
        ("def double(x): raise NotImplementedError()", "not written yet"),
        ("def double(x): return None", "wrong type"),
        ("def double(x): return object()", "wrong type"),
        ("def double(x): return double(x)", "raised RecursionError"),
        ("def double(x): return {}['x']", "raised KeyError"),
        ("def double(): pass", "raised TypeError"),
        ("double = 3", "raised TypeError"),
    ],
)
def test_what_can_go_wrong(answer, says):
    result = report("q1", run(answer, TESTS))
    assert not result.passed
    assert all(says in verdict.message for verdict in result.verdicts)


def test_an_object_that_equals_everything_passes_nothing():
    sly = """
class Sly(np.ndarray):
    def __eq__(self, other): return True
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return np.array([True])
class Yes:
    def __getattr__(self, name): return self
    def __eq__(self, other): return True
    def __call__(self, *a, **k): return self
    def __le__(self, other): return True
def double(x): return {}
"""
    for value in ("np.zeros(2).view(Sly)", "Yes()"):
        result = report("q1", run(sly.format(value), TESTS))
        assert [v.passed for v in result.verdicts] == [False, False]


def test_inputs_are_copies():
    """An answer that writes into its argument must not change what the test compares with."""
    tests = '''
def test_q1_kept(double):
    """x is still x"""
    x = np.array([1.0, 2.0])
    y = double(x)
    close(y, x)
'''
    assert not report("q1", run("def double(x):\n    x += 5\n    return x", tests)).passed
    assert report("q1", run("def double(x):\n    return x", tests)).passed


def test_a_warning_is_no_failure(capsys):
    """nbgrader counts a cell with anything on stderr as failed."""
    run(
        "import sys\ndef double(x):\n    np.log(np.zeros(1)); print('!', file=sys.stderr)\n    return x + x",
        TESTS,
    )
    assert report("q1", run("def double(x):\n    np.log(np.zeros(1))\n    return x + x", TESTS)).passed
    assert capsys.readouterr().err == ""


def test_a_cell_without_tests_is_an_error():
    with pytest.raises(NotebookError, match="test_q7_"):
        report("q7", run("def double(x): return x", TESTS))


def test_random_inputs_are_repeatable():
    """The same numbers at every call of check, so that a failure can be studied."""
    seen = []
    tests = "def test_q1_random(double, rng):\n    seen.append(rng.normal(size=3).tolist())"
    for _ in range(2):
        namespace = run("def double(x): return x", tests)
        namespace["seen"] = seen
        report("q1", namespace)
    assert seen[0] == seen[1]


def test_it_is_fast():
    namespace = run("def double(x): return x + x", TESTS)
    report("q1", namespace)
    start = time.perf_counter()
    report("q1", namespace)
    assert time.perf_counter() - start < 0.2


def test_jupyter_shows_one_line_not_a_traceback():
    assert CheckFailed("q1: 1 of 2 tests pass")._render_traceback_() == ["q1: 1 of 2 tests pass"]
