"""The house stands: every file imports only from lower floors (or from the left on its own floor), with no circles.

The floors are those of CONTRIBUTING.md. Imports under `if TYPE_CHECKING` do not count: they do not run.
"""

import ast
from pathlib import Path

import pytest

import needle_edu

ROOT = Path(needle_edu.__file__).parent
FLOORS = {  # room: (floor, place on the floor, left to right)
    "_version": (0, 0),
    "backend": (1, 0),
    "ndarray": (2, 0),
    "backend_ndarray": (2, 1),
    "backend_selection": (2, 2),
    "ladder": (2, 3),
    "autograd": (3, 0),
    "ops": (3, 1),
    "init": (4, 0),
    "nn": (4, 1),
    "optim": (4, 2),
    "data": (4, 3),
    "metrics": (4, 4),
    "checkpoints": (4, 5),
    "viz": (6, 0),
    "course": (6, 1),
    "aliasing": (6, 2),
    "as_needle": (6, 3),
    "cli": (6, 4),
    "__main__": (6, 5),
    "": (7, 0),  # needle_edu/__init__.py, the public face
}
FILES = sorted(ROOT.rglob("*.py"))


def room_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def runtime_imports(file: Path) -> set[str]:
    """Absolute names of the needle_edu modules that `file` imports when it runs."""
    package = ["needle_edu", *file.relative_to(ROOT).parent.parts]
    found: set[str] = set()

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            found.update(f"{module}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(file.read_text(encoding="utf-8")))
    return {name for name in found if name.split(".")[0] == "needle_edu"}


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_imports_go_down(file):
    room = room_of(file)
    assert room in FLOORS, f"a new room: give {room!r} a floor in this test and in CONTRIBUTING.md"
    for name in runtime_imports(file):
        parts = name.split(".")
        target = parts[1] if len(parts) > 1 and parts[1] in FLOORS else ""
        if target == room or (target == "" and parts[1:] == ["__version__"]):
            continue
        assert FLOORS[target] < FLOORS[room], (
            f"{file.relative_to(ROOT)} (floor {FLOORS[room]}) imports {name} (floor {FLOORS[target]})"
        )


def test_no_star_imports():
    stars = [
        str(file.relative_to(ROOT))
        for file in FILES
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and node.module != "ops"
    ]
    assert stars == []


def test_import_is_light():
    """viz, widgets, Graphviz, the course and cffi's parser load on first use, not with the package."""
    import subprocess
    import sys

    heavy = (
        "graphviz",
        "anywidget",
        "IPython",
        "needle_edu.viz",
        "needle_edu.course",
        "pycparser",
        "subprocess",
    )
    code = f"import sys, needle_edu; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
