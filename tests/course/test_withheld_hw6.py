"""Homework 6's withheld names: each way to hand in the library's own pass is refused, by that name."""

from .withheld_tests import WithheldTests

INFER = "def infer_shape(op, attributes, shapes):\n    "
TENSORS = "[ndl.Tensor(np.zeros(shape, 'float32')) for shape in shapes]"
DEAD, COMMON = "def dead_code(program):\n    ", "def common_subexpressions(program):\n    "
SIMPLIFY, FUSE = "def simplify(program):\n    ", "def can_fuse(program, group):\n    "
LIVES, PLAN = "def lives(program):\n    ", "def plan_memory(lives, nbytes):\n    "
LOWER = "from needle_edu.graph.compiled.lowering import lower\n"

ATTACKS = {
    "q1: the op, on zeros": (
        "compute",
        f"from needle_edu.autograd.registry import slot\n{INFER}return slot(op).cls(**attributes)(*{TENSORS}).shape",
    ),
    "q1: by its function": ("compute", f"{INFER}return getattr(ndl.ops, op)(*{TENSORS}, **attributes).shape"),
    "q1: by a method": ("compute", f"{INFER}a, b = {TENSORS}\n    return (a @ b).shape"),
    "q1: captured": (
        "capture",
        f"{INFER}f = lambda *x: getattr(ndl.ops, op)(*x, **attributes)\n"
        f"    return ndl.graph.capture(f, *{TENSORS}).body[-1].type.shape",
    ),
    "q1: what the validator asks": (
        "infer",
        "from needle_edu.autograd.registry import slot\nfrom needle_edu.graph.static import Instruction, Type\n"
        f"from needle_edu.graph.static.validation import infer\n{INFER}types = [Type(s, 'float32') for s in shapes]\n"
        "    one = Instruction('y', slot(op).cls(**attributes), ('a', 'b')[: len(shapes)], types[0])\n"
        "    return infer(one, types).shape",
    ),
    "q2: the pass": ("dead_code", f"{DEAD}return ndl.graph.passes.dead_code(program)"),
    "q2: an alias": (
        "dead_code",
        f"from needle_edu.graph.passes.dead_code import dead_code as theirs\n{DEAD}return theirs(program)",
    ),
    "q2: all passes": ("dead_code", f"{DEAD}return ndl.graph.passes.optimize(program)"),
    "q2: that pass alone": (
        "dead_code",
        f"from needle_edu.graph import passes\n{DEAD}return passes.optimize(program, [passes.dead_code])",
    ),
    "q2: explained": ("dead_code", f"{DEAD}return ndl.graph.passes.explain(program).programs[-1]"),
    "q3: the pass": ("common_subexpressions", f"{COMMON}return ndl.graph.passes.common_subexpressions(program)"),
    "q3: all passes": ("common_subexpressions", f"{COMMON}return ndl.graph.passes.optimize(program)"),
    "q3: not written, but named": (
        "common_subexpressions",
        "common_subexpressions = __import__('functools').partial(ndl.graph.passes.common_subexpressions)",
    ),
    "q3: its key": (
        "signature",
        f"from needle_edu.graph.passes.common_subexpressions import signature\n{COMMON}seen = set()\n"
        "    body = []\n    for one in program.body:\n        key = signature(one, one.inputs)\n"
        "        body += [one] if key not in seen else []\n        seen.add(key)\n"
        "    return program.with_(body=tuple(body))",
    ),
    "q4: the pass": ("algebra", f"{SIMPLIFY}return ndl.graph.passes.algebra(program)"),
    "q4: all passes": ("algebra", f"{SIMPLIFY}return ndl.graph.passes.optimize(program)"),
    "q5: the fused steps": (
        "fuse",
        f"from needle_edu.graph.compiled.fusion import fuse\n{FUSE}return len(fuse(program)) == 1",
    ),
    "q5: the calls": ("lower", f"{LOWER}{FUSE}return len(lower(program).calls) == len(group)"),
    "q6: the interpreter's": (
        "last_uses",
        f"from needle_edu.graph.static.interpreter import last_uses\n{LIVES}return last_uses(program)",
    ),
    "q6: the plan's": (
        "plan_memory",
        "from needle_edu.graph.compiled.memory_plan import plan_memory\n"
        f"{LIVES}return plan_memory(program, ()).lives",
    ),
    "q7: the plan": (
        "plan_memory",
        f"from needle_edu.graph.compiled import memory_plan\n{PLAN}return memory_plan.plan_memory(lives, ()).offsets",
    ),
}  # fmt: skip


class TestHomework6(WithheldTests, homework="hw6"):
    attacks = ATTACKS
    every = 14
