"""Homework 6: what may be fused (question 5)."""

from . import changed, solutions

FUSE = solutions("hw6")["q5"]

MEMBERS = "members = [one for one in program.body if one.name in group]"
ALL = "if any(one.op.name not in ELEMENTWISE for one in members):"
SHAPES = "if len({one.type.shape for one in members}) != 1:"
BACK = "if after.intersection(one.inputs):"
OUT = "elif after.union(group).intersection(one.inputs):"
BODY = FUSE[FUSE.index("    ### BEGIN") : FUSE.index("    ### END")]
RULES = BODY[: BODY.index("    after = set()")]


def rule(lines: str) -> str:
    """The first two rules, and other lines for the third."""
    return FUSE.replace(BODY, RULES + lines)


NEIGHBOURS = """    places = sorted(place for place, one in enumerate(program.body) if one.name in group)
    return places == list(range(places[0], places[-1] + 1))
"""
BETWEEN = """    places = [place for place, one in enumerate(program.body) if one.name in group]
    between = program.body[min(places) : max(places) + 1]
    return all(one.op.name in ELEMENTWISE for one in between)
"""
CONNECTED = """    makes = {name for one in members for name in one.inputs}
    return len(group) == 1 or all(one.name in makes or set(one.inputs) & set(group) for one in members)
"""
ONE_STEP = """    for one in program.body:
        if one.name not in group and set(one.inputs) & set(group):
            if any(one.name in other.inputs for other in members):
                return False
    return True
"""
READ_OUTSIDE = """    for one in program.body:
        if one.name not in group and set(one.inputs) & set(group):
            return False
    return True
"""
READS_OUTSIDE = """    made = {one.name for one in program.body} - set(group)
    return not any(made & set(one.inputs) for one in members)
"""
CHAIN = """    for before, one in zip(members, members[1:]):
        if before.name not in one.inputs:
            return False
    return True
"""
IN_ORDER = """    after = set()
    for name in group:
        one = next(one for one in program.body if one.name == name)
        if after.intersection(one.inputs):
            return False
        after |= {other.name for other in program.body if name in other.inputs and other.name not in group}
    return True
"""

WRONG = {
    "q5: always": FUSE.replace(BODY, "    return True\n"),
    "q5: never": FUSE.replace(BODY, "    return False\n"),
    "q5: only alone": FUSE.replace(BODY, "    return len(group) == 1\n"),
    "q5: detours ignored": rule("    return True\n"),
    "q5: ops ignored": changed(FUSE, ALL, "if False:"),
    "q5: shapes ignored": changed(FUSE, SHAPES, "if False:"),
    "q5: one elementwise is enough": changed(FUSE, ALL, ALL.replace("any(", "all(")),
    "q5: the first op alone": changed(FUSE, ALL, "if members[0].op.name not in ELEMENTWISE:"),
    "q5: the last op alone": changed(FUSE, ALL, "if members[-1].op.name not in ELEMENTWISE:"),
    "q5: an op that is no matrix product": changed(
        FUSE, ALL, 'if any(one.op.name == "matmul" for one in members):'
    ),
    "q5: sums are elementwise": changed(FUSE, "not in ELEMENTWISE", 'not in (*ELEMENTWISE, "summation")'),
    "q5: transposes are elementwise": changed(
        FUSE, "not in ELEMENTWISE", 'not in (*ELEMENTWISE, "transpose")'
    ),
    "q5: sizes in place of shapes": changed(FUSE, "one.type.shape for one", "len(one.type.shape) for one"),
    "q5: shapes of the operands": changed(
        FUSE,
        SHAPES,
        "types = program.types()\n    if len({types[n].shape for one in members for n in one.inputs}) != 1:",
    ),
    "q5: neighbours alone": rule(NEIGHBOURS),
    "q5: all between must be elementwise": rule(BETWEEN),
    "q5: connected alone": rule(CONNECTED),
    "q5: detours of one step": rule(ONE_STEP),
    "q5: read outside": rule(READ_OUTSIDE),
    "q5: reads from outside": rule(READS_OUTSIDE),
    "q5: a chain": rule(CHAIN),
    "q5: in the order of the names given": rule(IN_ORDER),
    "q5: detours through what is not elementwise": changed(
        FUSE, OUT, "elif one.op.name not in ELEMENTWISE and after.union(group).intersection(one.inputs):"
    ),
    "q5: detours through other shapes": changed(
        FUSE,
        OUT,
        "elif one.type.shape != members[0].type.shape and after.union(group).intersection(one.inputs):",
    ),
    "q5: direct readers alone": changed(FUSE, "after.union(group).intersection", "set(group).intersection"),
    "q5: the group after itself": changed(FUSE, "elif after.union", "if after.union"),
    "q5: the last instruction decides": changed(
        FUSE, f"{BACK}\n                return False", "fine = not after.intersection(one.inputs)"
    ).replace("    return True\n", "    return fine\n"),
    "q5: the first operand alone": changed(FUSE, BACK, "if after.intersection(one.inputs[:1]):"),
    "q5: the first operand outside": changed(
        FUSE, "(group).intersection(one.inputs)", "(group).intersection(one.inputs[:1])"
    ),
    "q5: parts of names": changed(
        FUSE, MEMBERS, "members = [one for one in program.body if one.name in str(group)]"
    ),
    "q5: a text": changed(FUSE, "    return True\n", '    return "yes"\n'),
    "q5: a set": changed(FUSE, "    return True\n", "    return after\n"),
    "q5: the other way round": changed(FUSE, "    return True\n", "    return len(after) == 0\n"),
}

HINTS: dict[str, list[str]] = {
    "q5: always": [
        "Something outside needs the group and is needed by it: that is a detour.",
        "Rule 1: each op must be in ELEMENTWISE.",
        "Rule 2: all results have the same shape.",
    ],
    "q5: only alone": ["Even a matrix product alone is no loop over elements."],
    "q5: detours ignored": ["Something outside needs the group and is needed by it: that is a detour."],
    "q5: ops ignored": ["Rule 1: each op must be in ELEMENTWISE."],
    "q5: shapes ignored": ["Rule 2: all results have the same shape."],
    "q5: connected alone": ["Something outside needs the group and is needed by it: that is a detour."],
    "q5: the first operand alone": [
        "Something outside needs the group and is needed by it: that is a detour."
    ],
}
NEUTRAL: set[str] = {
    "Only what comes back does harm.",
    "A detour may go through several instructions outside, and through elementwise ones.",
}
EQUIVALENT: dict[str, str] = {}
