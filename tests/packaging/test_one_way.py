"""One way each: what the library needs in many places is written in one, and the rest calls it.

These read the sources of needle_edu and run nothing. A list of exceptions names each place and what it is for; a place
that is gone must leave the list too, so the lists stay true.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache

import pytest
from import_graph import ROOT

FILES = {str(file.relative_to(ROOT)): file for file in sorted(ROOT.rglob("*.py"))}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def trees() -> dict[str, ast.Module]:
    """Every file of the library, read once."""
    return {name: ast.parse(file.read_text(encoding="utf-8")) for name, file in FILES.items()}


# --- functions -----------------------------------------------------------------------------------------------------


def twins(trees: dict[str, ast.Module], smallest: int = 25) -> list[list[str]]:
    """Functions of modules, not methods, that have the same parameters and the same statements; `smallest` nodes."""
    found = defaultdict(list)
    for name, tree in trees.items():
        for one in tree.body:
            if isinstance(one, FUNCTIONS):
                start = 1 if ast.get_docstring(one) is not None else 0
                body = ast.Module(one.body[start:], [])
                if sum(1 for _ in ast.walk(body)) >= smallest:
                    text = ast.dump(body).replace(f"id='{one.name}'", "id='ITSELF'")
                    found[ast.dump(one.args), text].append(f"{name}: {one.name}")
    return [same for same in found.values() if len(same) > 1]


def test_no_function_stands_twice():
    assert twins(trees()) == [], "write it once, and import it"


def test_a_function_that_stands_twice_is_found():
    """Under another name, with another docstring, and calling itself."""
    body = "    if n < 2:\n        return 1\n    return n * {0}(n - 1) + sum(k for k in range(n))\n"
    one = ast.parse("def f(n):\n    'One.'\n" + body.format("f"))
    other = ast.parse("def g(n):\n" + body.format("g"))
    changed = ast.parse("def g(n):\n" + body.format("g").replace("n - 1", "n - 2"))
    assert twins({"a": one, "b": other}) == [["a: f", "b: g"]]
    assert twins({"a": one, "b": changed}) == []


# --- operands ------------------------------------------------------------------------------------------------------

OURS = {"NDArray", "Tensor", "Array", "Value"}
HELPERS = {  # what turns an argument into an operand, and for whom
    "ndarray/interchange.py: operand": "functions on arrays",
    "ndarray/operands.py: beside": "functions of two, of which one may be a number",
    "ndarray/indexing.py: setitem": "what is assigned",
    "autograd/tensor.py: as_tensor": "ops",
    "autograd/op.py: _entered": "what a student's `compute` returned",
    "autograd/value.py: _leaf": "what a file holds, perhaps of the other kind of arrays",
    "graph/static/capture.py: _tensor": "examples of a capture, with an error of their own",
    "nn/inputs.py: as_tensor": "layers",
    "ops/functions.py: _as_tuple": "ops of several tensors",
    "ops/max_pooling.py: _places": "places kept as an attribute",
    "viz/formulas/parse.py: _value": "numbers of a formula",
}
THE_ONES = {"operand", "beside", "as_tensor"}  # who calls one of these by name has no helper of his own


def asked(test: ast.expr) -> set[str]:
    """The expressions of which a condition asks whether they are arrays or tensors."""
    calls = [
        node
        for node in ast.walk(test)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance"
    ]
    return {
        ast.unparse(call.args[0])
        for call in calls
        if any(last(kind) in OURS for kind in ast.walk(call.args[1]))
    }


def makes(node: ast.AST, value: str) -> bool:
    """Whether an expression is a call that gets `value`, and no call of the helpers that all share."""
    return (
        isinstance(node, ast.Call)
        and called(node) not in THE_ONES
        and any(ast.unparse(part) == value for part in ast.walk(node) if isinstance(part, ast.expr))
    )


def turns(node: ast.AST) -> bool:
    """Whether a node keeps an array or tensor as it is, and makes one of anything else: the three ways to write it."""
    if isinstance(node, ast.IfExp):  # x if isinstance(x, Tensor) else Tensor(x)
        name = ast.unparse(node.body)
        return name in asked(node.test) and makes(node.orelse, name)
    if not isinstance(node, ast.If):
        return False
    first = node.body[0]
    if isinstance(first, ast.Return) and first.value is not None:  # if isinstance(x, Tensor): return x
        return ast.unparse(first.value) in asked(node.test) and isinstance(first.value, ast.Name)
    negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
    return (  # if not isinstance(x, Tensor): x = Tensor(x)
        negated
        and isinstance(first, ast.Assign)
        and (name := ast.unparse(first.targets[0])) in asked(node.test)
        and makes(first.value, name)
    )


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """The functions and methods of a file; nested ones belong to the one around."""
    for one in tree.body:
        for inner in one.body if isinstance(one, ast.ClassDef) else [one]:
            if isinstance(inner, FUNCTIONS):
                yield inner.name, inner


def turning(trees: dict[str, ast.Module]) -> set[str]:
    """All functions that turn an argument into an operand by themselves."""
    return {
        f"{file}: {name}"
        for file, tree in trees.items()
        for name, function in functions(tree)
        if any(map(turns, ast.walk(function)))
    }


def test_arguments_become_operands_in_few_places():
    """A function on arrays calls `operand`, an op `as_tensor`; whoever needs another way says here for whom."""
    assert turning(trees()) == set(HELPERS)


@pytest.mark.parametrize(
    "body, found",
    [
        ("return x if isinstance(x, Tensor) else Tensor(x)", True),
        ("return x if isinstance(x, (int, nd.NDArray)) else asarray(x, device=None)", True),
        ("if isinstance(x, Tensor):\n  return x\n return make(x)", True),
        ("if not isinstance(x, Tensor):\n  x = Tensor(x)", True),
        ("return x if isinstance(x, Tensor) else as_tensor(x, 'f')", False),
        ("return x if isinstance(x, int) else int(x)", False),
        ("return x.numpy() if isinstance(x, Tensor) else x", False),
    ],
)
def test_what_turns_an_argument_into_an_operand_is_found(body, found):
    assert turning({"f.py": ast.parse(f"def f(x):\n {body}")}) == ({"f.py: f"} if found else set())


# --- kernels, axes, overrides, kinds of arrays ---------------------------------------------------------------------


def launches(trees: dict[str, ast.Module]) -> list[tuple[str, str, bool]]:
    """(file, kernel, whether the function looks at the error) for each call of a kernel from a device's table."""
    found = []
    for file, tree in trees.items():
        for _, function in functions(tree):
            nodes = list(ast.walk(function))
            raises = any(isinstance(node, ast.If) and is_err(node.test) for node in nodes)
            kept = {id(n.value) for n in nodes if isinstance(n, ast.Assign) and is_err(n.targets[0])}
            found += [(file, name, raises and id(node) in kept) for node in nodes if (name := launched(node))]
    return found


def is_err(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "err"


def launched(node: ast.AST) -> str | None:
    """Return the kernel that a node calls, as it is written: its name, or `[expression]`."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Subscript):
        table, key = node.func.value, node.func.slice
        if isinstance(table, ast.Attribute) and table.attr == "kernels":
            return str(key.value) if isinstance(key, ast.Constant) else f"[{ast.unparse(key)}]"
    return None


def test_kernels_are_called_from_arrays_alone():
    assert {file.split("/")[0] for file, _, _ in launches(trees())} == {"ndarray"}


def test_each_kernel_is_called_in_one_file():
    homes = defaultdict(set)
    for file, kernel, _ in launches(trees()):
        if not kernel.startswith("["):
            homes[kernel].add(file)
    assert len(homes) > 20
    assert {kernel: files for kernel, files in homes.items() if len(files) > 1} == {}


def test_no_kernels_error_is_dropped():
    assert [(file, kernel) for file, kernel, looks in launches(trees()) if not looks] == []


def test_a_dropped_error_is_found():
    text = "def f(a):\n err = a.layout.kernels['{0}'](a)\n{1} return a\n"
    looks = ast.parse(text.format("x", " if err:\n  kernel_failed('x', err, a)\n"))
    drops = ast.parse(text.format("y", ""))
    alone = ast.parse("def f(a):\n a.kernels[name](a)\n")
    assert launches({"a": looks, "b": drops, "c": alone}) == [
        ("a", "x", True),
        ("b", "y", False),
        ("c", "[name]", False),
    ]


AXES = ("axis", "axes", "dim", "dim0", "dim1")


def wrapped(tree: ast.Module) -> list[str]:
    """Arithmetic that counts an axis from the front: `axis % ndim`, `axis + ndim`, `range(ndim)[axis]`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
            if last(node.left) in AXES and (last(node.right) == "ndim" or called(node.right) == "len"):
                found.append(node)
        elif isinstance(node, ast.Subscript) and called(node.value) == "range" and last(node.slice) in AXES:
            found.append(node)
    return [ast.unparse(node) for node in found]


def last(node: ast.AST) -> str:
    """The name at the end of `a.b.name`; "" for what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def called(node: ast.AST) -> str:
    return last(node.func) if isinstance(node, ast.Call) else ""


def test_axes_are_counted_from_the_front_in_one_place():
    """`normalize_axis` and `normalize_axes` of ndarray/layout.py, with their error. (A mask takes several axes.)"""
    found = {file: wrapped(tree) for file, tree in trees().items() if file != "ndarray/layout.py"}
    assert {file: lines for file, lines in found.items() if lines} == {
        "ndarray/indexing.py": ["axis + mask.ndim"] * 2
    }


@pytest.mark.parametrize(
    "text", ["axis % a.ndim", "self.axis + len(shape)", "dim % ndim", "range(a.ndim)[axis]"]
)
def test_an_axis_counted_by_hand_is_found(text):
    assert wrapped(ast.parse(text)) == [text]


def test_there_is_one_class_of_overrides():
    named = [
        f"{file}: {node.name}"
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "override" in node.name.lower()
    ]
    assert named == ["backend/overrides.py: Override"]


CHOOSERS = {  # who asks which kind of arrays there is, and why
    "backend_selection.py": "reads the setting",
    "autograd/arrays.py": "chooses the namespace; all else is written against that",
    "autograd/array_pass.py": "a short way for needle_edu's own arrays",
    "graph/compiled/quick_call.py": "the same",
    "models/decoding.py": "the same",
    "graph/static/capture.py": "refuses NumPy's arrays",
    "course/answer.py": "compiles the kernels beforehand, if they will be used",
}


def test_the_kind_of_arrays_is_asked_for_in_few_places():
    """An op that branches on it has two meanings: the difference belongs into numpy_arrays.py and own_arrays.py."""
    asking = {
        file
        for file, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and any(last(side) == "BACKEND" for side in ast.walk(node))
    }
    assert asking == set(CHOOSERS)
