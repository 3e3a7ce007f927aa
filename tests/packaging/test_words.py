"""The field's words: a thing has the name that books and other frameworks give it, not one of the library's own.

Each word below was once a private name for what has a common one. In the folders where it meant that, no module,
class, function, method or parameter may be called so again. Elsewhere it may mean something of its own (a box that is
drawn, the clock of a simulated network), and inside a function a variable may have any name.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from import_graph import ROOT

CORE = ("autograd", "ops", "ndarray", "nn", "optim", "graph")
WORDS = {  # the field's word: (the words it stands for, the folders in which it does)
    "unbroadcast": ("fit fits", CORE),
    "same_layout": ("agree agrees", CORE),
    "version check": ("overwritten stamp stamps stamped", CORE),
    "version": ("clock", ("autograd", "ops", "ndarray")),
    "vjp_reads": ("reads", ("autograd", "ops")),
    "expand": ("stretch stretched", CORE),
    "GetItemBackward": ("PutBack put_back", CORE),
    "AdvancedIndex, gather": ("Pick picking pick picks", CORE),
    "result_type": ("meet meets meeting", (*CORE, "backend")),
    "dense": ("gapless", (*CORE, "backend")),
    "cpu_library": ("recipe recipes", (*CORE, "backend")),
    "checksum": ("seal seals sealed", (*CORE, "backend", "data", "course")),
    "messages": ("wire wires", ("course",)),
    "sandbox": ("box boxed", ("course",)),
    "run_question": ("examine", ("course",)),
    "compare": ("judge judges", ("course",)),
    "adapters": ("probes", ("course",)),
    "transpose": ("turn turned", ("ndarray", "ops", "backend", "nn")),
    "dummy nodes": ("bend bends", ("viz", "graph")),
    "edge chains": ("cable cables", ("viz", "graph")),
}


def named(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """What a file gives a name to, with the line: classes, functions, methods, parameters, names of the module."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
    for statement in tree.body:
        for node in ast.walk(statement) if isinstance(statement, (ast.Assign, ast.AnnAssign)) else ():
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id, node.lineno


def relapses(file: str, tree: ast.Module) -> list[str]:
    """The old words among the names of a file, each with the word to take."""
    parts = Path(file).with_suffix("").parts
    names = [(name.strip("_"), line) for name, line in [(parts[-1], 1), *named(tree)]]
    return [
        f"{file}, line {line}: {name}; the field says: {word}"
        for word, (old, folders) in WORDS.items()
        if parts[0] in folders
        for name, line in names
        if name.lower() in old.lower().split()
    ]


def test_no_private_word_is_a_name_again():
    found = []
    for file in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found += relapses(str(file.relative_to(ROOT)), tree)
    assert found == []


def test_engine_means_autograd():
    """One thing is called the engine: what walks the graph backwards; but a module may say whose other one it is."""
    engines = sorted(str(file.relative_to(ROOT)) for file in ROOT.rglob("*engine*.py"))
    assert engines == ["autograd/engine.py", "backend/cudasim/student_engine.py"]


@pytest.mark.parametrize(
    "file, text, words",
    [
        ("autograd/a.py", "def _fit(g, x): pass", ["_fit"]),
        ("ops/a.py", "class PutBack: pass", ["PutBack"]),
        ("ndarray/a.py", "def f(meet): pass", ["meet"]),
        ("backend/build/a.py", "async def recipe(): pass\nRECIPES = 1", ["recipe", "RECIPES"]),
        ("course/box.py", "", ["box"]),
        ("viz/a.py", "class A:\n def cables(self): pass", ["cables"]),
        ("viz/a.py", "def box(fit): pass", []),
        ("autograd/a.py", "def f(): fit = 1", []),
        ("autograd/a.py", "vjp_reads = refit = 1", []),
    ],
)
def test_a_relapse_is_found(file, text, words):
    assert [line.split(": ")[1].split(";")[0] for line in relapses(file, ast.parse(text))] == [
        word.strip("_") for word in words
    ]
