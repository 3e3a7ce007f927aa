"""Mutants of a solution: the same code with one small mistake, made by rule. A question's tests must notice each.

Wrong answers that people thought of (`wrong_answers`) show misconceptions; mutants show what nobody thought of: a sign,
a factor, an axis, a branch, a keyword or a statement that no test looks at.

>>> [label for label, _ in mutants("def f(x):\\n    ### BEGIN SOLUTION\\n    return x + 1\\n    ### END SOLUTION")]
['x + 1 → x - 1', '1 → 2']
"""

import ast
from collections.abc import Iterator

from . import kernel_mutants

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
OTHER_OPERATOR = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}  # fmt: skip
OTHER_COMPARISON = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
TURNED_ROUND = (ast.Sub, ast.Div, ast.MatMult, ast.Pow, ast.Mod, ast.FloorDiv)  # a - b is not b - a
STATEMENTS = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.For, ast.While, ast.If, ast.Continue)


def mutants(source: str) -> list[tuple[str, str]]:
    """All mutants of an answer's cell, each with a label; only what stands between the marks of a solution changes."""
    if source.startswith("%%"):
        return kernel_mutants.mutants(source)
    tree, lines, found = ast.parse(source), solution_lines(source), {}
    for node in ast.walk(tree):
        if getattr(node, "lineno", 0) in lines:
            for mistake in _mistakes(node):
                words = label = f"{_short(node)} → {_short(mistake)}"
                number = 1
                while label in found:  # the same words in another place
                    number += 1
                    label = f"{words} ({number})"
                # Parsed anew, not copied: `Load()` and its like are shared by all trees, and whoever has shown a
                # traceback by IPython has hung a whole file to them, which a deep copy would copy, too.
                found[label] = ast.unparse(_Replace(node, mistake).visit(ast.parse(source)))
    return [(label, text) for label, text in found.items() if text != ast.unparse(tree)]


def stubs(source: str) -> list[tuple[str, str]]:
    """Answers with nothing in them: every marked region replaced, and each alone while the others are solved."""
    if source.startswith("%%"):
        return kernel_mutants.stubs(source)
    count, found = source.count(BEGIN), []
    for only in [None, *range(count if count > 1 else 0)]:
        for words in ("not written", "does nothing", "gives back what it gets"):
            where = "all" if only is None else f"region {only + 1}"
            found.append((f"{where} {words}", _emptied(source, only, words)))
    return found


def _emptied(source: str, only: int | None, words: str) -> str:
    kept, region, parameter = [], -1, "None"
    emptying = False
    for line in source.split("\n"):
        if "def " in line:
            parameter = _first_parameter(line)
        if BEGIN in line:
            region += 1
            emptying = only in (None, region)
            stub = {"not written": "raise NotImplementedError()", "does nothing": "pass"}
            if emptying:
                kept.append(line.replace(BEGIN, stub.get(words, f"return {parameter}")))
        elif END in line:
            emptying = False
        elif not emptying:
            kept.append(line)
    return "\n".join(kept)


def solution_lines(source: str) -> set[int]:
    """The line numbers, from 1, between the marks."""
    found, inside = set(), False
    for number, line in enumerate(source.split("\n"), start=1):
        inside = (inside or BEGIN in line) and END not in line
        if inside:
            found.add(number)
    return found


def _first_parameter(line: str) -> str:
    """The first parameter but self of the function that begins in a line."""
    words = line.partition("(")[2].rpartition(")")[0].split(",")
    names = [word.split("=")[0].split(":")[0].strip(" *") for word in words]
    return next((name for name in names if name not in ("self", "")), "None")


def _mistakes(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    match node:
        case ast.BinOp(left, op, right):
            if type(op) in OTHER_OPERATOR:
                yield ast.BinOp(left, OTHER_OPERATOR[type(op)](), right)
            if isinstance(op, TURNED_ROUND):
                yield ast.BinOp(right, op, left)
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield operand
        case ast.Compare(left, [op], right):
            yield ast.Compare(left, [OTHER_COMPARISON[type(op)]()], right)
        case ast.BoolOp(op, values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(float(value)):
            yield ast.Constant(value * 2)
        case ast.IfExp(_, body, orelse):
            yield body
            yield orelse
        case ast.If(_, body, orelse):
            yield ast.If(ast.Constant(True), body, orelse)
            yield ast.If(ast.Constant(False), body, orelse)
        case ast.Call(ast.Attribute(value, _), [], []):
            yield value  # x.detach() → x
        case ast.Call(function, [argument], keywords):
            yield argument  # reversed(x) → x
            yield from _without_keywords(function, [argument], keywords)
        case ast.Call(function, arguments, keywords):
            yield from _without_keywords(function, arguments, keywords)
        case ast.Slice(lower, upper, step):
            if lower:
                yield ast.Slice(None, upper, step)
            if upper:
                yield ast.Slice(lower, None, step)
            if step:
                yield ast.Slice(lower, upper, None)
    if isinstance(node, STATEMENTS):
        yield ast.Pass()


def _without_keywords(function: ast.expr, arguments: list, keywords: list) -> Iterator[ast.AST]:
    for keyword in keywords:
        yield ast.Call(function, arguments, [other for other in keywords if other is not keyword])


class _Replace(ast.NodeTransformer):
    """Put a node in the place of another, which is known by where it stands and what it is."""

    def __init__(self, old: ast.AST, new: ast.AST):
        self.place, self.new = _place(old), new

    def visit(self, node: ast.AST) -> ast.AST:
        return self.new if _place(node) == self.place else self.generic_visit(node)


def _place(node: ast.AST) -> tuple:
    place = [getattr(node, name, None) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")]
    return type(node), *place


def _short(node: ast.AST) -> str:
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 50 else f"{text[:49]}…"
