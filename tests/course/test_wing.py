"""The course has a wing: grading knows the rest of it, and of the rest only the commands know grading."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import needle_edu.course

COURSE = Path(needle_edu.course.__file__).parent
REST = sorted(path for path in COURSE.glob("*.py") if path.name != "commands.py")


def imported(file: Path) -> set[str]:
    """Names of modules that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("file", REST, ids=lambda file: file.name)
def test_the_rest_knows_nothing_of_grading(file):
    assert not [name for name in imported(file) if name.startswith("needle_edu.course.grading")]


def test_what_a_notebook_imports_is_light():
    """Neither the sandbox nor the compiler is loaded for `from needle_edu.course import check`."""
    code = "import sys, needle_edu.course; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "needle_edu.course.check" in loaded
    assert not [name for name in loaded if name.startswith("needle_edu.course.grading")]
    assert not {"needle_edu.course.kernels", "needle_edu.course.adapters", "cffi", "IPython"} & loaded
