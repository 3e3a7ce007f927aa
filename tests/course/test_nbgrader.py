"""The same notebook serves plain nbgrader: it makes the same student's copy, and gives the same points.

nbgrader runs whole notebooks in Jupyter kernels, without isolation: a way for classes that trust each other.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import needle_edu
from needle_edu.course import homework_files, notebook, source_cells, student

if importlib.util.find_spec("nbgrader") is None:  # looked for, not imported: that takes three seconds
    pytest.skip("needs: pip install 'needle_edu[teach]'", allow_module_level=True)

NAMES = [*homework_files.names(), "toy"]
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "needle_edu"
c.ExecutePreprocessor.timeout = 120
"""

# One process for all that nbgrader does: starting it takes longer than its work.
PROGRAM = """
import json, sys
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

config = Config()
config.CourseDirectory.root, config.CourseDirectory.course_id = ".", "needle_edu"
config.ExecutePreprocessor.timeout = 120
api = NbGraderAPI(config=config)
for step, name, *student in json.loads(sys.argv[1]):
    done = getattr(api, step)(name, *student)
    assert done["success"], done["log"]
with api.gradebook as book:
    print("SCORES", json.dumps({s.student.id: s.score for s in book.assignment_submissions("hw1")}))
"""


def run(course: Path, *words: str) -> str:
    """Run Python in a course folder and return what it says; nbgrader's own helpers must be on PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    folders = [str(Path(needle_edu.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    state = str(course / ".jupyter")
    env = {**os.environ, "PATH": path, "PYTHONPATH": os.pathsep.join(filter(None, folders))}
    env |= {"JUPYTER_CONFIG_DIR": state, "JUPYTER_DATA_DIR": state, "IPYTHONDIR": state}
    done = subprocess.run(
        [sys.executable, *words], cwd=course, env=env, capture_output=True, text=True, timeout=300
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def course(tmp_path_factory, toy_source) -> Path:
    """A course in which nbgrader has released every homework and graded three submissions of one."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "nbgrader_config.py").write_text(CONFIG)
    for source in (*map(homework_files.source_of, homework_files.names()), toy_source):
        target = folder / "source" / source.stem / source.name
        target.parent.mkdir(parents=True)
        shutil.copyfile(source, target)
    source = notebook.read_tree(folder / "source/hw1/hw1.ipynb")
    solutions = {c.id: c.source for c in notebook.cells_of(source) if c.is_answer}
    wrong = {**solutions, "q2": "def sigmoid_gradient(out_grad, node):\n    return out_grad * (1 - node)"}
    library = {**solutions, "q1": "def sigmoid(a):\n    return nd.sigmoid(a)"}  # withheld
    for name, answers in {"right": solutions, "wrong": wrong, "library": library}.items():
        tree = student.student_version(source)
        for cell in tree["cells"]:
            cell["source"] = answers.get(cell["id"], cell["source"])
        work = folder / "submitted" / name / "hw1"
        work.mkdir(parents=True)
        (work / "hw1.ipynb").write_text(student.to_text(tree))
    steps = [["generate_assignment", name] for name in NAMES]
    steps += [["autograde", "hw1", name] for name in ("right", "wrong", "library")]
    (folder / "said").write_text(run(folder, "-c", PROGRAM, json.dumps(steps)))
    return folder


def _with_stubs_in_c(text: str) -> str:
    """nbgrader knows one stub for a whole notebook, Python's; a cell in C gets ours."""
    tree = json.loads(text)
    for cell in tree["cells"]:
        source = "".join(cell["source"])
        if source.startswith("%%"):
            stub = r"\s*".join(map(re.escape, student.CODE_STUB.split("\n")))
            cell["source"] = re.sub(stub, source_cells.STUBS["c"], source)
            cell["metadata"]["nbgrader"]["checksum"] = student.checksum(cell)
        else:
            cell["source"] = source
    return student.to_text(tree)


@pytest.mark.parametrize("name", NAMES)
def test_the_students_copy_equals_nbgraders(course, name):
    file = f"{name}/{name}.ipynb"
    ours = student.to_text(student.student_version(notebook.read_tree(course / "source" / file)))
    theirs = _with_stubs_in_c((course / "release" / file).read_text())
    assert json.loads(ours) == json.loads(theirs)
    assert ours == theirs


def test_autograde_gives_the_same_points(course):
    (line,) = [line for line in (course / "said").read_text().splitlines() if line.startswith("SCORES ")]
    assert json.loads(line.removeprefix("SCORES ")) == {"right": 10.0, "wrong": 8.0, "library": 9.0}


def test_validate(course):
    shutil.copyfile(course / "source/toy/toy.ipynb", course / "right.ipynb")
    said = run(course, "-m", "nbgrader", "validate", "release/toy/toy.ipynb", "right.ipynb")
    untouched, _, right = said.partition("Success")
    assert "FAILED" in untouched.upper() and "check" in untouched
    assert "FAILED" not in right.upper() and said.count("Success") == 1
