"""`check` in a notebook: fast, clear, on copies, and an exception where a test fails."""

import html
import re
import signal
import time

import numpy as np
import pytest

from needle_edu.backend import devices, standard_devices
from needle_edu.backend.reference import ReferenceRuntime
from needle_edu.course import CheckFailed, check, close, same
from needle_edu.course.answer import TimeLimit, ask_here, time_limit
from needle_edu.course.check import report
from needle_edu.course.grading.question_result import Result
from needle_edu.course.notebook import NotebookError
from needle_edu.course.testing import collect


def run(answer: str, tests: str, question: str = "q1") -> dict:
    """Execute an answer's cell and a test cell, as a notebook would; returns the namespace."""
    namespace = {"np": np, "close": close, "same": same, "check": check}
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
    assert page.count("✗ fail") == 1  # the same for both tests: said once
    result = report("q1", run("def double(x): return x * x", TESTS.replace("twice zero", "<twice> & zero")))
    assert "&lt;twice&gt; &amp; zero" in result._repr_html_()


def test_a_value_is_no_html():
    tests = 'def test_q1_word(word):\n    same(word(), "<i>")'
    page = report("q1", run("def word(): return '<script>'", tests))._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and "&lt;i&gt;" in page


def test_html_says_what_the_text_says():
    """Without any style, as a screen reader has it: the same words in the same order, each once."""
    page = report("q1", run("def double(x): return x * x", TESTS))._repr_html_()
    words = html.unescape(re.sub("<[^>]*>", "|", page))
    assert [part.strip() for part in words.split("|") if part.strip()] == [
        "q1: 1 of 2 tests pass",
        *("✗ fail", "twice three", "wrong value at [0]", "expected", "2.0", "got", "1.0"),
        *("Hint:", "Add it to itself."),
        *("✓ pass", "twice zero"),
    ]
    assert "<small" not in page, "the message is what one reads: it is not the smallest print"


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
    start = time.process_time()  # of this process: what others do meanwhile does not count
    report("q1", namespace)
    assert time.process_time() - start < 0.2


def test_jupyter_shows_one_line_not_a_traceback():
    assert CheckFailed("q1: 1 of 2 tests pass")._render_traceback_() == ["q1: 1 of 2 tests pass"]


def test_what_concerns_no_single_test_is_said_once():
    result = report("q1", run("def double(x): raise NotImplementedError()", TESTS))
    assert str(result) == "q1: 0 of 2 tests pass\n  ✗ not written yet"


def test_an_error_names_the_line_it_came_from(tmp_path):
    result = report("q1", run("def double(x):\n    y = x + x\n    return z", TESTS))
    assert "raised NameError: name 'z' is not defined, in line 3" in str(result)
    result = report("q1", run("def double(x):\n    assert x is None", TESTS))
    assert "raised AssertionError: in line 2" in str(result)  # it has no text
    file = tmp_path / "cell.py"  # where Python finds the source, as in Jupyter, the line is shown
    file.write_text("def double(x):\n    return z")
    namespace = run("", TESTS)
    exec(compile(file.read_text(), str(file), "exec"), namespace)
    assert "in line 2: return z" in str(report("q1", namespace))


def test_numpys_functions_on_our_arrays():
    """The commonest slip of all: np.exp of an NDArray."""
    answer = "import needle_edu as ndl\ndef double(x): return np.exp(ndl.Tensor(x))"
    assert "do not take a Tensor; use the library's own, such as ndl.ops.exp" in str(
        report("q1", run(answer, TESTS))
    )


@pytest.mark.parametrize(
    ("answer", "hints"),
    [
        ("return x * x", ["a value", ""]),
        ("return x + np.inf", ["a number that is none", ""]),
        ("return x * np.nan", ["a number that is none", ""]),
        ("return x[:1]", ["a shape", ""]),
        ("return double(x)", ["a recursion", ""]),
        ("return x.nothing", ["", ""]),
        ("return 'two'", ["", ""]),
        ("raise NotImplementedError", ["", ""]),
        ("return next(k for k in iter(int, 1) if k)", ["an end", ""]),
    ],
)
def test_a_hint_only_for_the_failure_it_is_for(answer, hints):
    """One test, a hint for each kind; the next test has none."""
    tests = '''
def test_q1_three(double):
    """twice three

    a value

    overflow: a number that is none

    wrong shape: a shape

    raised RecursionError: a recursion

    time limit: an
    end
    """
    close(double(np.array([1.0, 3.0])), [2.0, 6.0])

def test_q1_zero(double):
    """twice one"""
    close(double(np.ones(2)), [2.0, 2.0])
'''
    ask = ask_here(run(f"def double(x): {answer}", tests), seconds=0.2)
    verdicts = [test.verdict(ask, 0) for test in collect(run("", tests), "q1")]
    assert [verdict.hint for verdict in verdicts] == hints
    assert all(
        f"Hint: {hint}" in verdict.message for verdict, hint in zip(verdicts, hints, strict=True) if hint
    )


def test_a_hint_for_one_value_of_several():
    tests = '''
def test_q1_two(double):
    """two values

    wrong value of the second: Look at the second.
    """
    close(double(1.0), 2.0, name="the first")
    close(double(3.0), 6.0, name="the second")
'''
    for answer, hint in [("return 2.0", "Look at the second."), ("return 6.0", "")]:
        (verdict,) = report("q1", run(f"def double(x): {answer}", tests)).verdicts
        assert verdict.hint == hint and "wrong value of the" in verdict.message


def test_an_endless_loop_ends():
    """One call is waited for; the rest is not tried."""
    namespace = run(
        "def double(x):\n    while True:\n        try:\n            pass\n        except Exception:\n            pass",
        TESTS,
    )
    ask = ask_here(namespace, seconds=0.2)
    first, second = (test.verdict(ask, 0) for test in collect(namespace, "q1"))
    assert first.status == "time limit" and "does a loop never end?" in first.message
    assert second.status == "not run: time limit before"
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_clock_starts_after_the_kernels_are_compiled(monkeypatch):
    """A fresh installation compiles them at the first use, which takes longer than an answer may."""
    clocks = []

    def open_runtime():
        clocks.append(signal.getitimer(signal.ITIMER_REAL))
        return ReferenceRuntime()

    monkeypatch.setattr(standard_devices, "_default", devices.Device("not yet opened", open_runtime))
    answer = "import needle_edu as ndl\ndef double(x): return (ndl.Tensor(x) * 2).numpy()"
    assert report("q1", run(answer, TESTS)).passed
    assert clocks == [(0.0, 0.0)]


def test_a_busy_machine_is_no_endless_loop():
    """What counts is computing; but nobody is waited for without an end."""
    start = time.monotonic()
    with time_limit(0.2):
        time.sleep(0.5)  # as if others had the processor
    with pytest.raises(TimeLimit), time_limit(0.2):
        time.sleep(60)
    assert time.monotonic() - start < 60
    with pytest.raises(TimeLimit), time_limit(0.2):
        while True:
            pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_nothing_tested_is_nothing_passed():
    """`all` of nothing is true; points are not."""
    assert not Result(question=None, verdicts=()).passed
