"""Answers that are no Python function: C, CUDA, texts and classes, in a homework with files of its own.

The homework is made here and is in no package: what it needs stands in its own folder, and nowhere else.
"""

import json
import subprocess
import sys
import textwrap
from dataclasses import replace

import numpy as np
import pytest

from needle_edu.backend.build import builder
from needle_edu.course import c_answers, commands, notebook, questions, source_answers, source_cells, student
from needle_edu.course.check import report
from needle_edu.course.grading import sandbox
from needle_edu.course.grading.run_question import run_question
from needle_edu.course.limits import Limits, declared
from needle_edu.course.notebook import NotebookError

from .conftest import code_cell, write_notebook

pytestmark = pytest.mark.skipif(
    builder.find_compiler() is None, reason="NO C COMPILER: C ANSWERS ARE NOT TESTED"
)

ADAPTERS = '''
"""How the tests of `kernels` call a plain loop."""

import numpy as np

from needle_edu.course.c_answers import Guarded


def dense(answer, a, b):
    function = answer.function(f"int {answer.name}(const float *a, const float *b, float *out, int64_t n);")
    memory = [Guarded(a), Guarded(b), Guarded(np.full(a.shape, np.nan, "float32"))]
    code = function(*(part.pointer(answer.ffi, "float *") for part in memory), a.size)
    return {"code": code, "out": memory[2].array, "intact": all(part.is_intact for part in memory)}


def _a_part_of_others(answer):
    return 0
'''

LIMITS = """
[limits]
call = 3
wall = 40
cells = 30
"""

SETUP = """
    import numpy as np

    from needle_edu.course import check, close, same
    """
ADD = """
    %%c add
    #include <stdint.h>

    /* out[i] = a[i] + b[i] for all i < n */
    int add(const float *a, const float *b, float *out, int64_t n) {
      ### BEGIN SOLUTION
      for (int64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
      return 0;
      ### END SOLUTION
    }
    """
ADD_TESTS = '''
    def test_q1_four(add):
        """four sums"""
        found = add.dense(np.arange(4, dtype="float32"), np.ones(4, "float32"))
        close(found["out"], [1, 2, 3, 4])
        same(found["intact"], True, name="the memory around the arrays", hints={"Where does i end?": False})


    ### BEGIN HIDDEN TESTS
    def test_q1_random(add, rng):
        """sums of many"""
        a, b = rng.normal(size=(2, 1000)).astype("float32")
        close(add.dense(a, b)["out"], a + b)


    ### END HIDDEN TESTS
    check("q1", homework="kernels")
    '''
NEGATE = """
    %%c negate
    #include "needle_kernels.h"

    int negate(const nd_plan *p, void *out, const void *a) {
      // BEGIN SOLUTION
      float *y = (float *)out + p->offset[0];
      const float *x = (const float *)a + p->offset[1];
      if (p->ndim != 2) return ND_EPLAN;
      for (int64_t i = 0; i < p->shape[0]; i++)
        for (int64_t j = 0; j < p->shape[1]; j++)
          y[i * p->stride[0][0] + j * p->stride[0][1]] = -x[i * p->stride[1][0] + j * p->stride[1][1]];
      return 0;
      // END SOLUTION
    }
    """
NEGATE_TESTS = '''
    def test_q2_dense(negate):
        """a compact matrix"""
        a = np.arange(6, dtype="float32")
        found = negate.kernel([2, 3], (np.zeros(6, "float32"), 0, [3, 1]), (a, 0, [3, 1]))
        same(found["code"], 0, name="the return code")
        close(found["storages"][0], -a, name="the output")
        same(found["intact"], True, name="the memory around the arrays")


    def test_q2_views(negate):
        """a transposed view, a reversed one and a broadcast row"""
        a = np.arange(1, 7, dtype="float32")
        for offset, strides in [(0, [1, 2]), (5, [-3, -1]), (0, [0, 1])]:
            view = np.lib.stride_tricks.as_strided(a[offset:], (2, 3), [4 * step for step in strides])
            found = negate.kernel([2, 3], (np.zeros(6, "float32"), 0, [3, 1]), (a, offset, strides))
            close(found["storages"][0].reshape(2, 3), -view, name=f"the output for strides {strides}")


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
    __global__ void add_cuda(const float *a, const float *b, float *out, int n) {
      // BEGIN SOLUTION
      int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i < n) out[i] = a[i] + b[i];
      // END SOLUTION
    }
    """
CUDA_TESTS = '''
    def test_q5_sum(add_cuda):
        """a sum"""
        close(add_cuda(1.0), 1.0)


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
    assert kernels.limits == Limits(call=3.0, wall=40.0, cells=30.0)
    assert "def dense" in kernels.adapters and [bool(q.waits) for q in kernels.questions] == [
        *(False, False, False, True, True, False)
    ]


@pytest.mark.parametrize("name", ["q1", "q2", "q3", "q6"])
def test_the_solutions_pass(kernels, name):
    result = run(kernels, name, SOLUTIONS[name])
    assert result.passed and result.points == result.question.points, result


ENDLESS = "for (volatile int go = 1; go;) {}"
WRONG = {  # answer -> what it is told
    "off by one": (("q1", "i < n;", "i < n - 1;"), "wrong value (nan) at [3]"),
    "wrong sign": (("q1", "a[i] + b[i];", "a[i] - b[i];"), "wrong value at [0]: expected 1.0, got -1.0"),
    "past the end": (
        ("q1", "i < n;", "i <= n;"),
        "wrong value of the memory around the arrays: expected True, got False. Hint: Where does i end?",
    ),
    "endless": (("q1", "return 0;", f"{ENDLESS} return 0;"), "time limit: no answer in 3 seconds"),
    "crash": (
        ("q1", "return 0;", "*(volatile int *)8 = 1; return 0;"),
        "crashed (SIGSEGV): it used memory that is not its own",
    ),
    "ignores strides": (
        ("q2", "-x[i * p->stride[1][0] + j * p->stride[1][1]]", "-x[i * p->shape[1] + j]"),
        "wrong value of the output for strides [1, 2] at [0, 1]: expected -3.0, got -2.0",
    ),
    "ignores offsets": (("q2", "(const float *)a + p->offset[1]", "(const float *)a"), "strides [-3, -1]"),
    "error code": (
        ("q2", "return 0;", "return ND_EDTYPE;"),
        "wrong value of the return code: expected 0, got 1",
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_wrong_answers_in_c(kernels, mistake):
    (name, old, new), told = WRONG[mistake]
    result = run(kernels, name, changed(name, old, new))
    assert result.judged and result.points == 0
    assert any(told in verdict.message for verdict in result.verdicts), result.verdicts
    assert run(kernels, name, SOLUTIONS[name]).passed  # the next one does not suffer


def test_what_does_not_compile_is_told_with_its_line(kernels):
    result = run(kernels, "q1", changed("q1", "return 0;", "return zero;"))
    assert result.points == 0 and {v.status for v in result.verdicts} == {"does not compile"}
    assert result.verdicts[0].message.startswith("does not compile: the compiler says in line 8: ")
    assert "zero" in result.verdicts[0].message and "zero" not in result.verdicts[1].message
    assert "add.c:8" in result.output and "/tmp" not in result.output


def test_a_function_that_is_not_there(kernels):
    result = run(kernels, "q1", SOLUTIONS["q1"].replace("int add(", "int sum("))
    assert {v.status for v in result.verdicts} == {"raised NameError"}
    assert "the C code defines no function add" in result.verdicts[0].message
    undefined = run(kernels, "q1", changed("q1", "return 0;", "int more(void); return more();"))
    assert {v.status for v in undefined.verdicts} == {"does not compile"}


@pytest.mark.parametrize("answer", ["def add(a, b): return a + b", "%%text add\nint add;", "int add(void);"])
def test_another_kind_of_cell(kernels, answer):
    result = run(kernels, "q1", answer)
    assert result.points == 0 and result.verdicts[0].status == "wrong type"
    assert result.notes == ("the answer's cell must begin with the line %%c add",)


@pytest.mark.skipif(KIND is sandbox.ProcessSandbox, reason="no sandbox can be made here")
def test_the_compiler_sees_nothing_of_the_machine(kernels, source):
    include = f'#include "{source}/kernels.ipynb"\n'
    result = run(kernels, "q1", changed("q1", "#include <stdint.h>\n", include + "#include <stdint.h>\n"))
    assert {v.status for v in result.verdicts} == {"does not compile"}
    assert "No such file" in result.verdicts[0].message and "SOLUTION" not in result.output


def test_texts_are_compared(kernels):
    assert run(kernels, "q3", "%%text size\n\n  24\nof course").passed
    wrong = run(kernels, "q3", "%%text size\n12 bytes")
    assert wrong.points == 0 and "expected '24', got '12'" in wrong.verdicts[0].message
    assert run(kernels, "q3", "%%text size\nYOUR ANSWER HERE").verdicts[0].status == "not written yet"
    assert run(kernels, "q3", "%%text other\n24").verdicts[0].status == "not defined"


@pytest.mark.parametrize(("name", "why"), [("q4", "needs a person"), ("q5", "CUDA simulator")])
@pytest.mark.parametrize("answer", ["%%cuda add_cuda\nanything", None])
def test_what_nobody_here_can_judge_is_no_0(kernels, name, why, answer):
    result = run(kernels, name, answer)
    assert result.points is None and not result.passed and result.judged and result.waits
    assert why in result.notes[0] and result.verdicts == ()


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
    assert "out[i] = a[i] + b[i];" not in cells["q1"] and "raise" not in cells["q1"]
    assert cells["q3"] == "%%text size\nYOUR ANSWER HERE" and cells["q4"] == "YOUR ANSWER HERE"
    assert path.with_name("kernels_adapters.py").read_text() == ADAPTERS
    assert path.with_name("kernels.toml").read_text() == LIMITS


def test_a_class_is_graded(source, hand_in, tmp_path, capsys):
    hand_in("ada", **SOLUTIONS, q4="It does not look.")
    hand_in("bob", q1=changed("q1", "i < n;", "i < n - 1;"))
    archive = tmp_path / "kernels-instructor.zip"
    assert commands.pack(str(source), archive) == 0
    isolated = KIND is sandbox.BubblewrapSandbox
    assert commands.grade(str(archive), tmp_path / "class", tmp_path / "out", isolated=isolated) == 0
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    points = {who: [q["points"] for q in found.values()] for who, found in results.items()}
    assert points == {"ada": [3, 4, 1, None, None, 1], "bob": [0, 0, 0, None, None, 0]}
    said = capsys.readouterr().out
    assert "these wait, see the notes, and have empty cells in the table: q4, q5" in said
    assert "q4: needs a person" in said and "q5: CUDA answers need the CUDA simulator" in said
    rows = (tmp_path / "out" / "grades.csv").read_text().splitlines()
    assert rows[1].startswith("ada,,16,3,4,1,,,1,")


def test_check_from_a_terminal(hand_in, capsys):
    path = hand_in("ada", **SOLUTIONS)
    assert commands.check(path) == 0
    said = capsys.readouterr().out
    assert "4 of 4 questions pass" in said and "q4: needs a person" in said


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


@pytest.mark.parametrize("mistake", ["off by one", "endless", "crash"])
def test_in_a_notebook_c_runs_in_a_process_of_its_own(kernels, source, monkeypatch, mistake):
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
import needle_edu.course
shell.run_cell("%%text why\\nbecause")
shell.run_cell("%%cuda k\\n__global__ void k() {}")
print(repr(shell.user_ns["why"]()))
print(shell.run_cell("%%c f\\nint f(void) { return 1 }").error_in_exec.lineno, "f" in shell.user_ns)
shell.run_cell("%%c f\\nint f(void) { return 41; }")
print(shell.user_ns["f"].function("int f(void);")() + 1)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=300
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "k is kept. CUDA answers need the CUDA simulator, which is not part of needle_edu yet." in lines
    assert "'because'" in lines and "2 False" in lines and lines[-1] == "42"


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


def test_the_sandbox_obeys_declared_limits(kernels, source, tmp_path):
    for name in ("kernels.ipynb", "kernels_adapters.py"):
        (tmp_path / "kernels").mkdir(exist_ok=True)
        (tmp_path / "kernels" / name).write_bytes((source / name).read_bytes())
    limits = "[limits]\ncall = 0.5\noutput = 6\nmemory = 5e8\nprocesses = 5"
    (tmp_path / "kernels" / "kernels.toml").write_text(limits)
    tight = questions.load(tmp_path / "kernels")
    answer = """
import resource, time
memory, processes = (resource.getrlimit(k)[0] for k in (resource.RLIMIT_AS, resource.RLIMIT_NPROC))
print(int(memory == 5e8), processes, "and what is too much")
class Counter:
    def __init__(self, start): pass
    def add(self, k): time.sleep(k - 1); return 11
"""
    result = run(tight, "q6", answer)
    own = 5 + 3  # the sandbox has three of its own
    if KIND is sandbox.BubblewrapSandbox:
        assert result.output == f"1 {own} an"
    assert "no answer in 0.5 seconds" in result.verdicts[0].message
    assert (
        "no answer in 3 seconds" in run(kernels, "q6", answer.replace("k - 1", "4 * k")).verdicts[0].message
    )


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


def test_guards_are_seen_on_both_sides(rng):
    memory = c_answers.Guarded(rng.normal(size=(2, 3)))
    for place in (c_answers.GUARD - 1, c_answers.GUARD + 6):
        kept = memory.whole[place]
        memory.whole[place] = 0.0
        assert not memory.is_intact
        memory.whole[place] = kept
        assert memory.is_intact
    assert np.shares_memory(memory.array, memory.whole) and memory.array.shape == (2, 3)


LAUGHS = "#define A0 1+1\n" + "".join(
    f"#define A{k + 1} A{k} A{k} A{k} A{k} A{k} A{k} A{k} A{k}\n" for k in range(12)
)


@pytest.mark.skipif(KIND is sandbox.ProcessSandbox, reason="no sandbox can be made here")
@pytest.mark.parametrize(
    "bomb", ['#include "/dev/zero"', f"{LAUGHS}int many = A12;"], ids=["zeros", "macros"]
)
def test_a_compiler_without_end_is_stopped(kernels, bomb):
    tight = replace(kernels.limits, cells=6, cpu=4)
    question = kernels.questions[0]
    result = run_question(kernels, question, f"%%c add\n{bomb}\n", limits=tight, sandbox=KIND)
    assert result.judged and result.points == 0 and not any(verdict.passed for verdict in result.verdicts)
    assert {v.status for v in result.verdicts} <= {
        "does not compile",
        "time limit",
        "memory limit",
        "its process ended",
    }
    assert run(kernels, "q1", SOLUTIONS["q1"]).passed
