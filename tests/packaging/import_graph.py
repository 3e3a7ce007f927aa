"""Who imports whom in needle_edu, read from the sources without running them: modules, rooms, circles.

    python -m tests.packaging.import_graph

prints the rooms as a Markdown table, and every circle with the lines that close it. An import is of one of three kinds.
``load``: it runs when the module is loaded. ``call``: it stands in a function and waits until the call. ``types``: it
stands under `if TYPE_CHECKING` and never runs; it is printed, and no test counts it. Importing `a.b.c` loads the
packages `a` and `a.b` too, so these count as imported unless the importing module lies inside them.
"""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import needle_edu

ROOT = Path(needle_edu.__file__).parent
FLOORS = {  # room: (floor, place on the floor, left to right); a room imports only from what is smaller
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
    "saving": (4, 6),
    "graph": (5, 0),
    "models": (5, 1),
    "flow": (5, 2),
    "distributed": (5, 3),
    "apps": (6, 0),
    "training": (6, 1),
    "viz": (6, 2),
    "course": (6, 3),
    "aliasing": (6, 4),
    "as_needle": (6, 5),
    "cli": (6, 6),
    "__main__": (6, 7),
    "": (7, 0),  # needle_edu/__init__.py, the public face
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


class Import(NamedTuple):
    """Module `source` imports module `target` in a line; kind: load, call or types."""

    source: str
    target: str
    kind: str
    line: int


def find_modules(root: Path) -> dict[str, Path]:
    """Every module of the package in the folder `root`, by its full name."""
    files = {".".join([root.name, *f.relative_to(root).with_suffix("").parts]): f for f in root.rglob("*.py")}
    return {name.removesuffix(".__init__"): files[name] for name in sorted(files)}


def is_type_checking(test: ast.expr) -> bool:
    """Whether the test of an `if` is `TYPE_CHECKING` or `typing.TYPE_CHECKING`."""
    return isinstance(test, (ast.Name, ast.Attribute)) and ast.unparse(test).endswith("TYPE_CHECKING")


def named(tree: ast.Module, package: list[str]) -> Iterator[tuple[str, str, int]]:
    """(full name, kind, line) of all that a file of `package` imports; of `from a import b` the name is `a.b`."""

    def visit(node: ast.AST, kind: str) -> Iterator[tuple[str, str, int]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, kind, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = [*base, *([node.module] if node.module else [])]
            yield from ((".".join([*start, alias.name]), kind, node.lineno) for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func).endswith("import_module")
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), kind, node.lineno
        if isinstance(node, ast.If) and is_type_checking(node.test):
            for child in node.body:
                yield from visit(child, "types")
            for child in node.orelse:
                yield from visit(child, kind)
            return
        inside = "call" if isinstance(node, FUNCTIONS) and kind == "load" else kind
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    yield from visit(tree, "load")


def find_imports(root: Path) -> list[Import]:
    """All imports of the package in the folder `root` from itself."""
    modules, found = find_modules(root), set()
    for source, file in modules.items():
        package = source.split(".") if file.name == "__init__.py" else source.split(".")[:-1]
        for name, kind, line in named(ast.parse(file.read_text(encoding="utf-8")), package):
            parts = name.split(".")
            loaded = [".".join(parts[:n]) for n in range(1, len(parts) + 1)]
            loaded = [target for target in loaded if target in modules]
            for target in loaded:
                # A package around `source` is being loaded already; only who names something of its own needs it.
                around = f"{source}.".startswith(f"{target}.")
                if target != source and (not around or target == loaded[-1]):
                    found.add(Import(source, target, kind, line))
    return sorted(found)


def room_of(module: str) -> str:
    """The room of a module: the first name below needle_edu, or "" for needle_edu itself."""
    return module.split(".")[1] if "." in module else ""


def table(imports: Collection[Import], *kinds: str) -> dict[str, set[str]]:
    """For every module that imports something in one of these ways, the modules that it imports."""
    needs = defaultdict(set)
    for item in imports:
        if item.kind in kinds:
            needs[item.source].add(item.target)
    return dict(needs)


def circles(needs: Mapping[str, Collection[str]]) -> set[frozenset[str]]:
    """The strongly connected components of more than one module: each needs, directly or not, all the others."""
    reached = {}
    for module in needs:
        seen, waiting = set(), list(needs[module])
        while waiting:
            target = waiting.pop()
            if target not in seen:
                seen.add(target)
                waiting += needs.get(target, ())
        reached[module] = seen
    return {
        frozenset(other for other in reached[module] if module in reached.get(other, ()))
        for module in reached
        if module in reached[module]
    }


def rooms_in_markdown(imports: Collection[Import]) -> str:
    """One row per room: its floor, and the rooms it imports; those needed by functions only stand in brackets."""
    lines = ["| floor | room | imports | in functions only |", "|---|---|---|---|"]
    for room, (floor, _) in sorted(FLOORS.items(), key=lambda item: item[1]):
        targets = defaultdict(set)
        for item in imports:
            if room_of(item.source) == room != room_of(item.target):
                targets[item.kind].add(room_of(item.target))
        load = sorted(targets["load"], key=FLOORS.__getitem__)
        call = sorted(targets["call"] - targets["load"], key=FLOORS.__getitem__)
        cells = [", ".join(f"`{name or 'needle_edu'}`" for name in names) for names in (load, call)]
        lines.append(f"| {floor} | `{room or 'needle_edu'}` | {cells[0]} | {cells[1]} |")
    return "\n".join(lines)


def circles_in_words(imports: Collection[Import], *kinds: str) -> str:
    """Every circle made by imports of these kinds, and which imports of the last of these kinds lie in it."""
    lines = []
    for circle in sorted(circles(table(imports, *kinds)), key=sorted):
        lines.append("circle: " + ", ".join(sorted(circle)))
        lines += [
            f"  {item.source}, line {item.line}, imports {item.target}"
            for item in imports
            if item.kind == kinds[-1] and {item.source, item.target} <= circle
        ]
    return "\n".join(lines) or "no circle"


if __name__ == "__main__":
    every = find_imports(ROOT)
    print(rooms_in_markdown(every))
    print("\nwhen loaded:", circles_in_words(every, "load"), sep="\n")
    print("\nwith the imports in functions:", circles_in_words(every, "load", "call"), sep="\n")
    print("\nwith those for type checkers too:", circles_in_words(every, "load", "call", "types"), sep="\n")
