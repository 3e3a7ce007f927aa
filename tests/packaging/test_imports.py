"""The house stands: every file imports only from lower floors (or from the left on its own floor), with no circles.

The floors are those of CONTRIBUTING.md; `import_graph` reads them and the imports. Imports under `if TYPE_CHECKING` do
not count: they do not run.
"""

import ast
from functools import cache

import pytest
from import_graph import FLOORS, ROOT, Import, circles, find_imports, find_modules, room_of, table

FILES = sorted(ROOT.rglob("*.py"))
# An array answers `__array_namespace__` with the module of the functions on arrays, which are written with arrays.
WAITING = {("needle_edu.ndarray.array", "needle_edu.ndarray")}


@cache
def our_imports() -> list[Import]:
    """All of needle_edu, read once."""
    return find_imports(ROOT)


def test_every_room_has_a_floor():
    rooms = {room_of(module) for module in find_modules(ROOT)}
    assert rooms == set(FLOORS), "give a new room a floor in import_graph.py and in CONTRIBUTING.md"


@pytest.mark.parametrize("room", FLOORS, ids=lambda room: room or "needle_edu")
def test_imports_go_down(room):
    """In functions too."""
    upwards = [
        f"{item.source}, line {item.line}, imports {item.target}: floor {FLOORS[room_of(item.target)]}"
        for item in our_imports()
        if room_of(item.source) == room != room_of(item.target)
        and item.kind != "types"
        and FLOORS[room_of(item.target)] > FLOORS[room]
    ]
    assert upwards == [], f"{room} stands on floor {FLOORS[room]}"


def test_no_module_needs_itself_to_be_loaded():
    assert circles(table(our_imports(), "load")) == set()


def waiting_left_out(left_out: set) -> set[frozenset[str]]:
    """The circles of all imports that run, but those of functions that are in `left_out`."""
    kept = [
        item for item in our_imports() if item.kind != "call" or (item.source, item.target) not in left_out
    ]
    return circles(table(kept, "load", "call"))


def test_no_circles_by_imports_in_functions_either():
    """Such an import waits until the call, so it works; a reader goes in a circle all the same."""
    assert waiting_left_out(WAITING) == set()


def test_each_exception_is_still_needed():
    unneeded = [pair for pair in WAITING if not waiting_left_out(WAITING - {pair})]
    assert unneeded == [], "it closes no circle any more: take it out of WAITING"


def test_every_folder_of_modules_is_a_package():
    """Without an `__init__.py` a folder works in a checkout, but the wheel does not carry it."""
    assert [f for f in FILES if not (f.parent / "__init__.py").exists()] == []


SOURCES = {  # a package on whose imports there can be no doubt, by lines
    "__init__.py": ["from .low import LEAF", "import sys"],
    "low/__init__.py": ["LEAF = 1", "from . import leaf"],
    "low/leaf.py": ["class A:", "    from pack.top import B"],
    "top.py": [
        "if typing.TYPE_CHECKING:",
        "    from .low.leaf import A",
        "else:",
        "    import pack.far",
        "B = 2",
    ],
    "far.py": [
        "def f():",
        "    from .low import leaf, LEAF",
        "    return importlib.import_module('pack.top')",
    ],
    "alone.py": ["async def f():", "    def g():", "        import pack.near.deep", "try:"]
    + ["    from .near import deep as d", "except ImportError: pass"],
    "near/__init__.py": [],
    "near/deep.py": ["f = lambda: __import__('os')", "from ..alone import f as h", "from .. import top, x"],
}


@pytest.fixture
def pack(tmp_path):
    for name, lines in SOURCES.items():
        (tmp_path / "pack" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pack" / name).write_text("\n".join(lines))
    return find_imports(tmp_path / "pack")


def test_imports_are_found_with_their_kind_and_line(pack):
    assert pack == [
        Import("pack", "pack.low", "load", 1),
        Import("pack.alone", "pack.near", "call", 3),
        Import("pack.alone", "pack.near", "load", 5),
        Import("pack.alone", "pack.near.deep", "call", 3),
        Import("pack.alone", "pack.near.deep", "load", 5),
        Import("pack.far", "pack.low", "call", 2),
        Import("pack.far", "pack.low.leaf", "call", 2),
        Import("pack.far", "pack.top", "call", 3),
        Import("pack.low", "pack.low.leaf", "load", 2),
        Import("pack.low.leaf", "pack.top", "load", 2),
        Import("pack.near.deep", "pack", "load", 3),
        Import("pack.near.deep", "pack.alone", "load", 2),
        Import("pack.near.deep", "pack.top", "load", 3),
        Import("pack.top", "pack.far", "load", 4),
        Import("pack.top", "pack.low", "types", 2),
        Import("pack.top", "pack.low.leaf", "types", 2),
    ]


def test_circles_are_found_whole_and_apart(pack):
    assert circles(table(pack, "load")) == {frozenset({"pack.alone", "pack.near.deep"})}
    further = frozenset({"pack.low", "pack.low.leaf", "pack.top", "pack.far"})
    assert circles(table(pack, "load", "call")) == {frozenset({"pack.alone", "pack.near.deep"}), further}
    assert circles({"a": ["b"], "b": ["c"], "c": ["b"], "d": ["d"]}) == {frozenset("bc"), frozenset("d")}


def test_what_python_loads_has_been_read():
    """An independent account: loading a module loads what its imports, followed to their ends, say; and no more."""
    import subprocess
    import sys

    code = "import sys, needle_edu.viz; print(*(m for m in sys.modules if m.split('.')[0] == 'needle_edu'))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    needs = table(our_imports(), "load")
    reached, waiting = set(), ["needle_edu", "needle_edu.viz"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += needs.get(module, ())
    assert set(shown.stdout.split()) == reached


def test_private_names_stay_in_their_room():
    """`thing._name`, and `from .room import _name`, are for the room that defines the name."""
    uses, defined = [], {}
    modules = find_modules(ROOT)
    for module, file in modules.items():
        home = defined.setdefault(
            room_of(module), {"_getframe", "_exit", "_replace", "_asdict", "_repr_mimebundle_"}
        )
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                home.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                home.add(node.id)
            elif isinstance(node, ast.Attribute):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                home.update({node.attr} if isinstance(node.ctx, ast.Store) and own else ())
                uses.append((module, node.lineno, node.attr))
            elif isinstance(node, ast.ImportFrom):
                uses += [(module, node.lineno, alias.name) for alias in node.names]
    strangers = [
        f"{module}, line {line}: {name}"
        for module, line, name in uses
        if name.startswith("_") and not name.startswith("__") and name not in defined[room_of(module)]
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
