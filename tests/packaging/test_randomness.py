"""Where the tests' random numbers come from: no generator serves two tests, and the examples are the same each time."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

REPO = Path(__file__).parents[2]
TESTS = sorted(
    p for p in REPO.glob("tests/**/*.py") if "course_" not in p.name
)  # as Needle's students write them
GENERATORS = {"default_rng", "RandomState", "Generator", "Random", "SystemRandom", "generator"}
GLOBAL = {"np.random", "numpy.random", "random"}
HARMLESS = {*GENERATORS, "seed", "get_state", "set_state"}


def shared_randomness(source: str) -> list[int]:
    """The lines where a test file makes a generator, or draws from a global one, outside every function; or where a
    fixture with a scope wider than one test makes one."""
    found = []

    def makes_one(call: ast.AST) -> bool:
        return isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in GENERATORS

    def visit(node: ast.AST, parent: ast.AST | None, shared: bool) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            wide = any("scope=" in ast.unparse(d) for d in getattr(node, "decorator_list", []))
            for part in (node.args, *getattr(node, "decorator_list", [])):
                visit(part, node, shared)
            for part in node.body if isinstance(node.body, list) else [node.body]:
                visit(part, node, wide)
            return
        if shared and isinstance(node, ast.Call):
            left, _, name = ast.unparse(node.func).rpartition(".")
            drawn_at_once = isinstance(parent, ast.Attribute)  # default_rng(0).normal(3): a constant
            if (makes_one(node) and not drawn_at_once) or (left in GLOBAL and name not in HARMLESS):
                found.append(node.lineno)
        for child in ast.iter_child_nodes(node):
            visit(child, node, shared)

    visit(ast.parse(source), None, True)
    return found


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(REPO)))
def test_no_two_tests_share_a_generator(path):
    assert not shared_randomness(path.read_text()), "use the fixture rng, or make one inside the test"


@pytest.mark.parametrize(
    "source, lines",
    [
        ("RNG = np.random.default_rng(5)", [1]),
        ("A = [np.random.RandomState(0)]", [1]),
        ("X = np.random.randn(3)", [1]),
        ("class TestA:\n    rng = random.Random(3)", [2]),
        ("def test_a(rng=np.random.default_rng(1)): pass", [1]),
        ("@pytest.fixture(scope='module')\ndef rng():\n    return default_rng(1)", [3]),
        ("X = np.random.default_rng(0).normal(size=3)", []),
        ("def test_a():\n    rng = np.random.default_rng(0)\n    np.random.rand()", []),
        ("@pytest.fixture\ndef numbers():\n    return np.random.default_rng(0)", []),
    ],
)
def test_sharing_is_seen(source, lines):
    assert shared_randomness(source) == lines


def test_hypothesis_shows_the_same_examples_each_time():
    """No test opts out of the profile, and so none reads examples that a former run has stored."""
    assert settings.default.derandomize and settings.default.database is None
    for path in set(TESTS) - {REPO / "tests" / "conftest.py"}:
        keywords = {
            node.arg for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.keyword)
        }
        assert not keywords & {"derandomize", "database"}, path


WRONG = """
from hypothesis import given, strategies as st

@given(st.lists(st.integers(0, 999), min_size=3))
def test_wrong(numbers):
    assert sum(numbers) % 97

def test_no_property():
    raise AssertionError("only properties are hunted")
"""


def hunt(folder: Path, seed: int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "tests.fuzz", "--minutes", "0.05", "--seed", str(seed), str(folder)]
    return subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_the_hunt_finds_what_is_wrong_and_the_seed_repeats_it(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    for place in ("conftest.py", "tests/conftest.py"):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        shutil.copy(REPO / place, tmp_path / place)
    test = tmp_path / "tests" / "test_wrong.py"
    test.write_text(WRONG)
    done = hunt(tmp_path, 5)
    assert done.returncode == 1 and "only properties" not in done.stdout, done.stdout + done.stderr
    seed = int(done.stdout.rpartition("make fuzz SEED=")[2].split()[0])
    example = next(line for line in done.stdout.splitlines() if "numbers=" in line)
    again = hunt(tmp_path, seed)
    assert again.returncode == 1 and example in again.stdout
    test.write_text(WRONG.replace("assert sum(numbers) % 97", "assert numbers"))
    right = hunt(tmp_path, seed)
    assert right.returncode == 0 and "no counterexample" in right.stdout
