"""Answers that are no Python function: C, CUDA, texts and classes, in a homework with files of its own.

The homework is made here and is in no package: what it needs stands in its own folder, and nowhere else.
"""

import json
import re
import subprocess
import sys
import textwrap
import types

import pytest

from needle_edu.course import commands, notebook, questions, source_answers, source_cells, student
from needle_edu.course.check import report
from needle_edu.course.grading import sandbox
from needle_edu.course.grading.run_question import run_question, run_submission
from needle_edu.course.kernels import launching, translation_unit
from needle_edu.course.limits import Limits, declared
from needle_edu.course.notebook import NotebookError

from . import kernel_batch
from .conftest import code_cell, write_notebook

pytestmark = pytest.mark.skipif(
    bool(translation_unit.trouble()), reason="NO G++ AND BINUTILS: ANSWERS IN C AND CUDA ARE NOT TESTED"
)

ADAPTERS = '''
"""How the tests of `kernels` call a sum."""

import numpy as np

from needle_edu.course.adapters import launch


def dense(answer, a, b):
    return launch(answer, "add", [np.full(a.shape, 9, "float32"), a, b, a.size])


def _a_part_of_others(answer):
    return 0
'''

LIMITS = """
[limits]
call = 20
wall = 60
cells = 30
memory = 2e9
"""

SETUP = """
    import numpy as np

    from needle_edu.course import check, close, same
    from needle_edu.course.kernels import clean, cost
    """
ADD = """
    %%c add
    /* out[i] = a[i] + b[i] for all i < n */
    void add(float *out, const float *a, const float *b, int n) {
      ### BEGIN SOLUTION
      for (int i = 0; i < n; i++) out[i] = a[i] + b[i];
      ### END SOLUTION
    }
    """
ADD_TESTS = '''
    def test_q1_four(add):
        """four sums

        found out-of-bounds: Where does i end?
        """
        close(clean(add.dense(np.arange(4, dtype="float32"), np.ones(4, "float32")))[0], [1, 2, 3, 4])


    ### BEGIN HIDDEN TESTS
    def test_q1_random(add, rng):
        """sums of many"""
        a, b = rng.normal(size=(2, 1000)).astype("float32")
        close(clean(add.dense(a, b))[0], a + b)


    ### END HIDDEN TESTS
    check("q1", homework="kernels")
    '''
NEGATE = """
    %%c negate
    // out[i][j] = -a[offset + i * rows + j * columns]
    void negate(float *out, const float *a, int m, int n, int rows, int columns, int offset) {
      // BEGIN SOLUTION
      for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) out[i * n + j] = -a[offset + i * rows + j * columns];
      // END SOLUTION
    }
    """
NEGATE_TESTS = '''
    def test_q2_views(negate):
        """a compact matrix, a transposed view, a reversed one and a broadcast row"""
        a = np.arange(1, 7, dtype="float32")
        for offset, rows, columns in [(0, 3, 1), (0, 1, 2), (5, -3, -1), (0, 0, 1)]:
            view = np.lib.stride_tricks.as_strided(a[offset:], (2, 3), [4 * rows, 4 * columns])
            found = negate.launch("negate", [np.full(6, 9, "float32"), a, 2, 3, rows, columns, offset])
            close(clean(found)[0].reshape(2, 3), -view, name=f"the output for strides {[rows, columns]}")


    check("q2", homework="kernels")
    '''
SIZE = """
    %%text size
    ### BEGIN SOLUTION
    24 bytes
    ### END SOLUTION
    """
SIZE_TESTS = '''
    def test_q3_size(size):
        """six elements of float32"""
        same(size().split()[0], "24", name="the number of bytes")


    check("q3", homework="kernels")
    '''
CUDA = """
    %%cuda add_cuda
    __global__ void add(float *out, const float *a, const float *b, int n) {
      // BEGIN SOLUTION
      int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i < n) out[i] = a[i] + b[i];
      // END SOLUTION
    }
    """
CUDA_TESTS = '''
    def test_q5_sum(add_cuda):
        """a sum of ten, in three blocks of four"""
        a = np.arange(10, dtype="float32")
        found = add_cuda.launch("add", [np.full(10, 9, "float32"), a, a, 10], [3], [4])
        close(clean(found)[0], 2 * a)
        cost(found, "threads", least=12, most=12)


    check("q5", homework="kernels")
    '''
COUNTER = """
    class Counter:
        ### BEGIN SOLUTION
        def __init__(self, start):
            self.value = start

        def add(self, k):
            self.value += k
            return self.value
        ### END SOLUTION
    """
COUNTER_TESTS = '''
    def test_q6_counts(Counter):
        """two steps"""
        same(Counter.methods([10], ["add", 1], ["add", 2]), [11, 13])


    check("q6", homework="kernels")
    '''


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The folder of a homework with a question of each kind."""
    cell, marks = code_cell, {"grade": True, "locked": True}
    why = {"schema_version": 3, "grade": True, "solution": True, "locked": False, "task": False}
    person = {
        "cell_type": "markdown",
        "id": "q4",
        "metadata": {"nbgrader": {**why, "grade_id": "q4", "points": 2}},
        "source": "### BEGIN SOLUTION\nBecause C does not look.\n### END SOLUTION",
    }
    cells = [
        cell("setup", SETUP, locked=True),
        *(cell("q1", ADD, solution=True), cell("q1-tests", ADD_TESTS, points=3, **marks)),
        *(cell("q2", NEGATE, solution=True), cell("q2-tests", NEGATE_TESTS, points=4, **marks)),
        *(cell("q3", SIZE, solution=True), cell("q3-tests", SIZE_TESTS, points=1, **marks)),
        person,
        *(cell("q5", CUDA, solution=True), cell("q5-tests", CUDA_TESTS, points=5, **marks)),
        *(cell("q6", COUNTER, solution=True), cell("q6-tests", COUNTER_TESTS, points=1, **marks)),
    ]
    path = write_notebook(tmp_path_factory.mktemp("source") / "kernels" / "kernels.ipynb", cells)
    path.with_name("kernels_adapters.py").write_text(ADAPTERS)
    path.with_name("kernels.toml").write_text(LIMITS)
    return path.parent


@pytest.fixture(scope="module")
def kernels(source):
    return questions.load(source)


KIND = sandbox.ProcessSandbox if sandbox.trouble() else sandbox.BubblewrapSandbox
SOLUTIONS = {"q1": ADD, "q2": NEGATE, "q3": SIZE, "q5": CUDA, "q6": COUNTER}
SOLUTIONS = {name: textwrap.dedent(text).strip("\n") for name, text in SOLUTIONS.items()}


def run(kernels, name: str, answer: str):
    """Run the tests of one question as grading does."""
    question = next(q for q in kernels.questions if q.name == name)
    return run_question(kernels, question, answer, sandbox=KIND)


def changed(name: str, old: str, new: str) -> str:
    assert SOLUTIONS[name].count(old) == 1, old
    return SOLUTIONS[name].replace(old, new)


def test_what_the_homework_declares(kernels):
    assert [q.kind for q in kernels.questions] == ["c", "c", "text", "text", "cuda", "python"]
    assert kernels.limits == Limits(call=20.0, wall=60.0, cells=30.0, memory=2_000_000_000)
    assert "def dense" in kernels.adapters and [bool(q.waits) for q in kernels.questions] == [
        *(False, False, False, True, False, False)
    ]


@pytest.mark.parametrize("name", ["q1", "q2", "q3", "q5", "q6"])
def test_the_solutions_pass(kernels, name):
    result = run(kernels, name, SOLUTIONS[name])
    assert result.passed and result.points == result.question.points, result


ENDLESS = "for (volatile int go = 1; go;) {}"
SUM = "out[i] = a[i] + b[i];"
WRONG = {  # answer -> what it is told
    "off by one": (("q1", "i < n;", "i < n - 1;"), "wrong value at [3]: expected 4.0, got 9.0"),
    "wrong sign": (("q1", "a[i] + b[i];", "a[i] - b[i];"), "wrong value at [0]: expected 1.0, got -1.0"),
    "past the end": (
        ("q1", "i < n;", "i <= n;"),
        "found out-of-bounds: expected nothing, got add",
    ),
    "endless": (("q1", SUM, f"{SUM} {ENDLESS}"), "time limit: expected an end, got none in 2 seconds"),
    "somewhere": (("q1", SUM, f"{SUM} *(volatile int *)8 = 1;"), "found null-pointer"),
    "no memory at all": (("q1", SUM, f"{SUM} *(volatile int *)12345678 = 1;"), "found out-of-bounds"),
    "ignores strides": (
        ("q2", "-a[offset + i * rows + j * columns];", "-a[offset + i * n + j];"),
        "wrong value of the output for strides [1, 2] at [0, 1]: expected -3.0, got -2.0",
    ),
    "ignores offsets": (
        ("q2", "-a[offset + i * rows + j * columns];", "-a[i * rows + j * columns];"),
        "found out-of-bounds",
    ),
    "no guard": (
        ("q5", "if (i < n) ", ""),
        "found out-of-bounds: expected nothing, got add_cuda",
    ),
    "a block alone": (("q5", "blockIdx.x * blockDim.x + ", ""), "found race"),
}


@pytest.mark.parametrize("name", ["q1", "q2", "q5"])
def test_wrong_kernels(kernels, name):
    question = next(q for q in kernels.questions if q.name == name)
    sources = {mistake: changed(*change) for mistake, (change, _) in WRONG.items() if change[0] == name}
    for mistake, answer in kernel_batch.answers_of(question, sources).items():
        verdicts = kernel_batch.verdicts_of(kernels, question, answer)
        assert any(WRONG[mistake][1] in verdict.message for verdict in verdicts), (mistake, verdicts)


@pytest.mark.parametrize("mistake", ["wrong sign", "no guard"])
def test_grading_refuses_wrong_kernels(kernels, mistake):
    (name, old, new), told = WRONG[mistake]
    result = run(kernels, name, changed(name, old, new))
    assert result.judged and result.points == 0
    assert any(told in verdict.message for verdict in result.verdicts), result.verdicts


def test_what_does_not_compile_is_told_with_its_line(kernels):
    result = run(kernels, "q1", changed("q1", SUM, "out[i] = a + b;"))
    assert result.points == 0 and {v.status for v in result.verdicts} == {"does not compile"}
    assert result.verdicts[0].message.startswith("does not compile: the compiler says in line 5: ")
    assert "const float*" in result.verdicts[0].message and "float" not in result.verdicts[1].message


def test_what_is_not_allowed_is_told_with_its_line(kernels):
    result = run(kernels, "q1", changed("q1", SUM, f"{SUM} system(0);"))
    assert result.points == 0 and {v.status for v in result.verdicts} == {"not allowed"}
    assert result.verdicts[0].message.startswith("not allowed: in line 5: system: no function of this answer")


def test_one_that_does_not_compile_costs_the_others_nothing(kernels):
    answers = {name: (SOLUTIONS[name], ()) for name in ("q1", "q2", "q5")}
    answers["q2"] = changed("q2", "int j = 0", "int j = nullptr"), ()
    results = list(run_submission(kernels, answers, sandbox=KIND))
    assert [result.passed for result in results] == [True, False, True]
    assert {v.status for v in results[1].verdicts} == {"does not compile"}


def test_another_function_or_other_parameters(kernels):
    result = run(kernels, "q1", SOLUTIONS["q1"].replace("void add(", "void sum("))
    assert {v.status for v in result.verdicts} == {"not allowed"}
    assert "an answer in C is one function, called add; here are: sum" in result.verdicts[0].message
    others = run(kernels, "q5", changed("q5", "const float *b, ", "").replace("b[i]", "a[i]"))
    assert "the tests run add(float *, const float *, const float *, int)" in others.verdicts[0].message
    named = run(kernels, "q5", changed("q5", "%%cuda add_cuda", "%%cuda sums"))
    assert "not defined: the cell's first line names sums" in named.verdicts[0].message


FORGED = """
class Forger:
    from needle_edu.course.kernels import launching

    def run(self, function, arguments, grid, block, shared):
        out = [arguments[1] + arguments[2], *arguments[1:3]]
        runs = {name: {"error": "", "arrays": out} for name in ("check", "plain", "reverse", "profile")}
        return {"findings": [], "counters": {}, **runs}

    launching.KernelAnswer.run = run
"""


def test_no_python_of_the_students_runs_beside_a_kernel(kernels, monkeypatch):
    """A cell of theirs could take the place of what runs kernels, and make up the report."""
    question, nothing = kernels.questions[0], changed("q1", SUM, ";")
    result = run_question(kernels, question, nothing, (FORGED,), sandbox=KIND)
    assert result.judged and not any(verdict.passed for verdict in result.verdicts), result
    monkeypatch.setattr(launching.KernelAnswer, "run", launching.KernelAnswer.run)  # put back afterwards
    exec(FORGED, {"__name__": "alone"})  # it would
    answer = kernel_batch.answers_of(question, {"nothing": nothing})["nothing"]
    assert all(verdict.passed for verdict in kernel_batch.verdicts_of(kernels, question, answer))


@pytest.mark.parametrize("answer", ["def add(a, b): return a + b", "%%text add\nint add;", "int add(void);"])
def test_another_kind_of_cell(kernels, answer):
    result = run(kernels, "q1", answer)
    assert result.points == 0 and result.verdicts[0].status == "wrong type"
    assert result.notes == ("the answer's cell must begin with the line %%c add",)


def test_texts_are_compared(kernels):
    assert run(kernels, "q3", "%%text size\n\n  24\nof course").passed
    wrong = run(kernels, "q3", "%%text size\n12 bytes")
    assert wrong.points == 0 and "expected '24', got '12'" in wrong.verdicts[0].message
    assert run(kernels, "q3", "%%text size\nYOUR ANSWER HERE").verdicts[0].status == "not written yet"
    assert run(kernels, "q3", "%%text other\n24").verdicts[0].status == "not defined"


@pytest.mark.parametrize("answer", ["It does not look.", None])
def test_what_nobody_here_can_judge_is_no_0(kernels, answer):
    result = run(kernels, "q4", answer)
    assert result.points is None and not result.passed and result.judged and result.waits
    assert "needs a person" in result.notes[0] and result.verdicts == ()


# --- the whole way --------------------------------------------------------------------------------------------


@pytest.fixture
def hand_in(source, tmp_path):
    """``hand_in("ada", q1=…)``: start the homework as a student does, and fill in answers."""

    def write(name: str, **answers: str):
        assert commands.start(str(source), tmp_path / "class" / name) == 0
        path = tmp_path / "class" / name / "kernels.ipynb"
        tree = json.loads(path.read_text())
        for cell in tree["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        path.write_text(json.dumps(tree))
        return path

    return write


def test_the_students_copy(source, hand_in):
    path = hand_in("ada")
    cells = {cell.grade_id: cell.source for cell in notebook.read(path)}
    assert cells["q1"].startswith("%%c add\n") and "/* YOUR CODE HERE */" in cells["q1"]
    assert SUM not in cells["q1"] and "raise" not in cells["q1"]
    assert cells["q3"] == "%%text size\nYOUR ANSWER HERE" and cells["q4"] == "YOUR ANSWER HERE"
    assert path.with_name("kernels_adapters.py").read_text() == ADAPTERS
    assert path.with_name("kernels.toml").read_text() == LIMITS


def test_a_class_is_graded(source, hand_in, tmp_path, capsys):
    hand_in("ada", **SOLUTIONS, q4="It does not look.")
    hand_in("bob", q1=changed("q1", "i < n;", "i < n - 1;"), q5=SOLUTIONS["q5"])
    archive = tmp_path / "kernels-instructor.zip"
    assert commands.pack(str(source), archive) == 0
    isolated = KIND is sandbox.BubblewrapSandbox
    assert commands.grade(str(archive), tmp_path / "class", tmp_path / "out", isolated=isolated) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    points = {who: [q["points"] for q in found.values()] for who, found in results.items()}
    assert points == {"ada": [3, 4, 1, None, 5, 1], "bob": [0, 0, 0, None, 5, 0]}
    said = capsys.readouterr().out
    assert "these wait, see the notes, and have empty cells in the table: q4\n" in said
    assert "q4: needs a person" in said
    rows = (tmp_path / "out" / "grades.csv").read_text().splitlines()
    assert rows[1].startswith("ada,,16,3,4,1,,5,1,")


def test_check_from_a_terminal(hand_in, capsys):
    path = hand_in("ada", **SOLUTIONS)
    assert commands.check(path) == 0
    said = capsys.readouterr().out
    assert "5 of 5 questions pass" in said and "q4: needs a person" in said


def notebook_space(kernels, name: str, answer: str) -> dict:
    """The names of a notebook in which set-up, an answer and its tests have been run."""
    question = next(q for q in kernels.questions if q.name == name)
    space: dict = {"__name__": "__main__"}
    exec(kernels.setup[0], space)
    cell = source_cells.read(answer)
    if cell is None:
        exec(answer, space)
    else:
        source_answers.define(cell, space)
    exec(question.cell.source.rpartition("check(")[0], space)
    return space


@pytest.mark.parametrize("mistake", ["off by one", "a block alone"])
def test_in_a_notebook_kernels_run_in_a_process_of_its_own(kernels, source, monkeypatch, mistake):
    monkeypatch.chdir(source)
    (name, old, new), told = WRONG[mistake]
    space = notebook_space(kernels, name, changed(name, old, new))
    assert told in report(name, space, homework="kernels").verdicts[0].message
    assert report("q1", notebook_space(kernels, "q1", SOLUTIONS["q1"]), homework="kernels").passed


def test_in_a_notebook_the_files_beside_it_are_found(kernels, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    space = notebook_space(kernels, "q6", SOLUTIONS["q6"])
    assert report("q6", space).passed
    with pytest.raises(NotebookError, match="kernels_adapters.py or kernels.toml"):
        report("q6", space, homework="kernels")


def test_in_jupyter_the_first_lines_are_magics(tmp_path):
    code = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
import numpy as np
import needle_edu.course
shell.run_cell("%%text why\\nbecause")
shell.run_cell("%%cuda k\\n__global__ void k() {}")
print(shell.user_ns["k"].run("k", [], [1], [32], 0)["counters"]["threads"])
print(repr(shell.user_ns["why"]()))
print(shell.run_cell("%%c f\\nvoid f(int *a) { *a = 41 }").error_in_exec.lineno, "f" in shell.user_ns)
shell.run_cell("%%c f\\nvoid f(int *a) { *a += 41; }")
print(shell.user_ns["f"].run("f", [np.ones(1, "int32")], [1], [1], 0)["plain"]["arrays"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "'because'" in lines and "32" in lines and "2 False" in lines
    assert lines[-1] == "[array([42], dtype=int32)]"


# --- the files beside the notebook ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[limits]\nseconds = 3", "has no 'seconds'; it may name wall"),
        ("[limits]\nhide = ['/']", "has no 'hide'"),
        ("[limits]\ncall = -1", "call must be a positive number, got -1"),
        ("[limits]\ncall = true", "got True"),
        ("[limits]\nprocesses = 0.5", "a whole number of at least 1, got 0.5"),
        ("[limits]\nmemory = inf", "got inf"),
        ("[limit]\ncall = 1", "has no 'limit'"),
        ("limits = 3", "must be a table"),
        ("[limits", "is no TOML"),
    ],
)
def test_limits_that_cannot_be_meant(text, said):
    with pytest.raises(NotebookError, match="k.toml") as caught:
        declared(text, "k.toml")
    assert said in str(caught.value)


def test_the_sandbox_obeys_declared_limits(source, tmp_path):
    for name in ("kernels.ipynb", "kernels_adapters.py"):
        (tmp_path / "kernels").mkdir(exist_ok=True)
        (tmp_path / "kernels" / name).write_bytes((source / name).read_bytes())
    limits = "[limits]\ncall = {}\noutput = 6\nmemory = 5e8\nprocesses = 5"
    (tmp_path / "kernels" / "kernels.toml").write_text(limits.format(0.5))
    tight = questions.load(tmp_path / "kernels")
    (tmp_path / "kernels" / "kernels.toml").write_text(limits.format(2))
    patient = questions.load(tmp_path / "kernels")
    answer = """
import resource, time
memory, processes = (resource.getrlimit(k)[0] for k in (resource.RLIMIT_AS, resource.RLIMIT_NPROC))
print(int(memory == 5e8), processes, "and what is too much")
class Counter:
    def __init__(self, start): pass
    def add(self, k): time.sleep(100 * (k - 1)); return 11
"""
    result = run(tight, "q6", answer)
    own = 5 + 3  # the sandbox has three of its own
    if KIND is sandbox.BubblewrapSandbox:
        assert result.output == f"1 {own} an"
    assert "no answer in 0.5 seconds" in result.verdicts[0].message
    late = run(patient, "q6", answer.replace("k - 1", "k"))
    assert "no answer in 2 seconds" in late.verdicts[0].message


def test_a_check_that_forgets_the_homework_is_an_authors_mistake(source, tmp_path):
    tree = notebook.read_tree(source / "kernels.ipynb")
    for cell in tree["cells"]:
        cell["source"] = cell["source"].replace(', homework="kernels"', "")
    (tmp_path / "kernels.ipynb").write_text(student.to_text(tree))
    assert questions.load(tmp_path / "kernels.ipynb").adapters == ""
    (tmp_path / "kernels_adapters.py").write_text(ADAPTERS)
    with pytest.raises(NotebookError, match='its check must say homework="kernels"'):
        questions.load(tmp_path / "kernels.ipynb")


def test_adapters_run_only_where_the_answer_is(source, tmp_path):
    """Whoever grades reads them, and does not run them."""
    for name in ("kernels.ipynb", "kernels.toml"):
        (tmp_path / name).write_bytes((source / name).read_bytes())
    (tmp_path / "kernels_adapters.py").write_text("import sys\nsys.exit('I was run')")
    assert "I was run" in questions.load(tmp_path / "kernels.ipynb").adapters


@pytest.mark.skipif(KIND is sandbox.ProcessSandbox, reason="no sandbox can be made here")
def test_a_greedy_answer_is_stopped(kernels):
    """More shared memory than a card has."""
    result = run(kernels, "q5", changed("q5", "int i = ", "__shared__ float y[1 << 30]; y[0] = 1; int i = "))
    assert result.judged and result.points == 0, result


def test_without_a_compiler_nothing_is_graded(source, hand_in, tmp_path, monkeypatch, capsys):
    """Not in part, and nobody gets a 0 for it; in a notebook it is one sentence."""
    hand_in("ada", **SOLUTIONS)
    why = "answers in C and CUDA are compiled by g++"
    nothing = types.SimpleNamespace(which=lambda name, path=None: None)
    monkeypatch.setattr(translation_unit, "shutil", nothing)
    isolated = KIND is sandbox.BubblewrapSandbox
    assert commands.grade(str(source), tmp_path / "class", tmp_path / "out", isolated=isolated) == 1
    said = capsys.readouterr()
    assert f"nothing was graded: {why}" in said.err + said.out and not (tmp_path / "out").exists()
    with pytest.raises(source_answers.NeedsCompiler, match=re.escape(why)) as caught:
        source_answers.define(source_cells.read(SOLUTIONS["q1"]), {})
    assert caught.value._render_traceback_() == [str(caught.value)]
    questions_of = questions.load(source).questions
    result = run_question(questions.load(source), questions_of[0], SOLUTIONS["q1"], sandbox=KIND)
    assert not result.judged and why in result.notes[0]
