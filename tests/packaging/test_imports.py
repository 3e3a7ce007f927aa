"""The house stands: every file imports only from lower floors (or from the left on its own floor), with no circles.

The floors are those of CONTRIBUTING.md. Imports under `if TYPE_CHECKING` do not count: they do not run.
"""

import ast
from graphlib import TopologicalSorter
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
    "graph": (5, 0),
    "viz": (6, 0),
    "course": (6, 1),
    "aliasing": (6, 2),
    "as_needle": (6, 3),
    "cli": (6, 4),
    "__main__": (6, 5),
    "": (7, 0),  # needle_edu/__init__.py, the public face
}
FILES = sorted(ROOT.rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def room_of(file: Path) -> str:
    first = file.relative_to(ROOT).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def runtime_imports(file: Path, deferred: bool = True) -> set[str]:
    """Absolute names of what `file` imports from needle_edu: when it runs, or (not `deferred`) when it is loaded."""
    package = ["needle_edu", *file.relative_to(ROOT).parent.parts]
    found: set[str] = set()

    def visit(node):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            return
        if isinstance(node, FUNCTIONS) and not deferred:
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


def test_no_file_needs_itself_to_be_loaded():
    """No circles, inside a room neither. An import in a function waits until the call: it makes none."""
    modules = {".".join(["needle_edu", *f.relative_to(ROOT).with_suffix("").parts]): f for f in FILES}
    modules = {name.removesuffix(".__init__"): file for name, file in modules.items()}
    needs = {}
    for name, file in modules.items():
        imported = runtime_imports(file, deferred=False)
        found = {i if i in modules else i.rpartition(".")[0] for i in imported}
        needs[name] = found & set(modules) - {name}
    order = list(TopologicalSorter(needs).static_order())  # raises CycleError, which names the circle
    assert len(order) == len(FILES)


def test_private_names_stay_in_their_room():
    """`thing._name`, and `from .room import _name`, are for the room that defines the name."""
    uses, defined = [], {}
    for file in FILES:
        home = defined.setdefault(room_of(file), {"_getframe", "_exit", "_repr_mimebundle_"})
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                home.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                home.add(node.id)
            elif isinstance(node, ast.Attribute):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                home.update({node.attr} if isinstance(node.ctx, ast.Store) and own else ())
                uses.append((file, node.lineno, node.attr))
            elif isinstance(node, ast.ImportFrom):
                uses += [(file, node.lineno, alias.name) for alias in node.names]
    strangers = [
        f"{file.relative_to(ROOT)}:{line}: {name}"
        for file, line, name in uses
        if name.startswith("_") and not name.startswith("__") and name not in defined[room_of(file)]
    ]
    assert [found for found in strangers if not found.endswith(" _version")] == []


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
        "needle_edu.graph",
        "needle_edu.viz",
        "needle_edu.course",
        "pycparser",
        "subprocess",
    )
    code = f"import sys, needle_edu; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
