"""Homework 6: dead code (question 2) and common subexpressions (3)."""

from . import changed, solutions

SOLUTIONS = solutions("hw6")
DEAD, COMMON = SOLUTIONS["q2"], SOLUTIONS["q3"]

NEEDED = "needed, kept = set(program.results()), []"
LIVE = "needed.update(one.inputs)"
KEEP = "kept.insert(0, one)"
INPUTS = "inputs = tuple(stands_for.get(name, name) for name in one.inputs)"
OPERANDS = "operands = sorted(inputs) if one.op.name in COMMUTATIVE else inputs"
KEY = "key = one.op.name, repr(one.attributes), *operands"
KNOWN = "stands_for[one.name] = first[key]"
NEW = "body.append(replace(one, inputs=inputs))"
OUTPUTS = "outputs = tuple(stands_for.get(name, name) for name in program.outputs)"
UPDATES = "updates = tuple((stands_for.get(name, name), place) for name, place in program.updates)"
RETURN = "return program.with_(body=tuple(body), outputs=outputs, updates=updates)"
DEAD_BODY = DEAD[DEAD.index("    ### BEGIN") : DEAD.index("    ### END")]


def dead(body: str) -> str:
    """Another body of question 2."""
    return DEAD.replace(DEAD_BODY, body)


USED = "    used = {name for one in program.body for name in one.inputs} | set(program.results())\n"

WRONG = {
    "q2: nothing is left out": dead("    return program\n"),
    "q2: all is left out": dead("    return program.with_(body=())\n"),
    "q2: only what is returned itself": changed(DEAD, LIVE, "pass"),
    "q2: updates forgotten": changed(DEAD, "set(program.results())", "set(program.outputs)"),
    "q2: outputs forgotten": changed(DEAD, "set(program.results())", "{name for name, _ in program.updates}"),
    "q2: what nobody reads, once": dead(
        f"{USED}    return program.with_(body=tuple(one for one in program.body if one.name in used))\n"
    ),
    "q2: twice and no more": dead(
        "    for _ in range(2):\n"
        + USED.replace("    used", "        used")
        + "        program = program.with_(body=tuple(one for one in program.body if one.name in used))\n"
        "    return program\n"
    ),
    "q2: from above": changed(DEAD, "reversed(program.body)", "program.body").replace(
        "insert(0, one)", "append(one)"
    ),
    "q2: turned round": changed(DEAD, KEEP, "kept.append(one)"),
    "q2: turned round twice": changed(DEAD, "tuple(kept)", "tuple(reversed(kept))"),
    "q2: the dead ones": changed(DEAD, "if one.name in needed:", "if one.name not in needed:"),
    "q2: the first operand alone": changed(DEAD, LIVE, "needed.update(one.inputs[:1])"),
    "q2: the last operand alone": changed(DEAD, LIVE, "needed.add(one.inputs[-1])"),
    "q2: a list": changed(DEAD, "program.with_(body=tuple(kept))", "kept"),
    "q2: names": changed(DEAD, KEEP, "kept.insert(0, one.name)"),
    "q2: letters of a name": changed(DEAD, LIVE, "[needed.update(name) for name in one.inputs]"),
    "q2: unused inputs removed": changed(
        DEAD,
        "with_(body=tuple(kept))",
        "with_(body=tuple(kept), inputs={k: t for k, t in program.inputs.items() if k in needed})",
    ),
    "q2: unused sources removed": changed(
        DEAD,
        "with_(body=tuple(kept))",
        "with_(body=tuple(kept), sources={k: t for k, t in program.sources.items() if k in needed})",
    ),
    "q2: updates dropped": changed(DEAD, "with_(body=tuple(kept))", "with_(body=tuple(kept), updates=())"),
    "q2: twice the same result once": changed(
        DEAD,
        "with_(body=tuple(kept))",
        "with_(body=tuple(kept), outputs=tuple(dict.fromkeys(program.outputs)))",
    ),
    "q2: the last instruction is the result": changed(
        DEAD, "set(program.results())", "{program.body[-1].name}"
    ),
    "q2: the first output alone": changed(
        DEAD, "set(program.results())", "{program.outputs[0], *(name for name, _ in program.updates)}"
    ),
    "q2: sorted by name": changed(DEAD, "tuple(kept)", "tuple(sorted(kept, key=lambda one: one.name))"),
    "q2: exp is dead": changed(
        DEAD, "if one.name in needed:", 'if one.name in needed and one.op.name != "exp":'
    ),
    "q3: nothing is merged": changed(COMMON, "if key in first:", "if False:"),
    "q3: operands not looked up": changed(COMMON, INPUTS, "inputs = one.inputs"),
    "q3: looked up for the key alone": changed(COMMON, NEW, "body.append(one)"),
    "q3: looked up for the body alone": changed(COMMON, OPERANDS, OPERANDS.replace("inputs", "one.inputs")),
    "q3: outputs not looked up": changed(COMMON, OUTPUTS, "outputs = program.outputs"),
    "q3: updates not looked up": changed(COMMON, UPDATES, "updates = program.updates"),
    "q3: updates dropped": changed(COMMON, UPDATES, "updates = ()"),
    "q3: order always matters": changed(COMMON, OPERANDS, "operands = inputs"),
    "q3: order never matters": changed(COMMON, OPERANDS, "operands = sorted(inputs)"),
    "q3: a set of operands": changed(COMMON, OPERANDS, "operands = [frozenset(inputs)]"),
    "q3: sorted operands in the body": changed(
        COMMON, NEW, "body.append(replace(one, inputs=tuple(sorted(inputs))))"
    ),
    "q3: all but division commute": changed(COMMON, "in COMMUTATIVE", '!= "divide"'),
    "q3: attributes ignored": changed(COMMON, KEY, "key = one.op.name, *operands"),
    "q3: attributes compared as numbers": changed(
        COMMON, KEY, "key = one.op.name, tuple(one.attributes.items()), *operands"
    ),
    "q3: names of attributes alone": changed(COMMON, KEY, "key = one.op.name, *one.attributes, *operands"),
    "q3: the op ignored": changed(COMMON, KEY, "key = repr(one.attributes), *operands"),
    "q3: operands ignored": changed(COMMON, KEY, "key = one.op.name, repr(one.attributes)"),
    "q3: the first operand alone": changed(
        COMMON, KEY, "key = one.op.name, repr(one.attributes), operands[0]"
    ),
    "q3: the type in place of the operands": changed(
        COMMON, KEY, "key = one.op.name, repr(one.attributes), one.type"
    ),
    "q3: by the op object": changed(COMMON, KEY, "key = one.op, *operands"),
    "q3: neighbours alone": changed(
        COMMON,
        "        else:\n            first[key]",
        "        else:\n            first = {}\n            first[key]",
    ),
    "q3: the last one stays": changed(COMMON, KNOWN, f"{KNOWN}\n            first[key] = one.name"),
    "q3: the key in place of the name": changed(COMMON, "first[key] = one.name", "first[key] = key[0]"),
    "q3: dead code goes, too": changed(
        COMMON,
        "tuple(body)",
        "tuple(one for k, one in enumerate(body) if one.name in outputs "
        "or any(one.name in u for u in updates) or any(one.name in later.inputs for later in body[k:]))",
    ),
    "q3: kept from call to call": "first, stands_for = {}, {}\n"
    + changed(COMMON, "first, stands_for, body = {}, {}, []", "body = []"),
    "q3: a list of operands as key": changed(
        COMMON, KEY, "key = one.op.name, repr(one.attributes), operands"
    ),
    "q3: a list": changed(COMMON, RETURN, "return body"),
    "q3: once returned twice": changed(
        COMMON, OUTPUTS, OUTPUTS.replace("tuple(", "tuple(dict.fromkeys(") + ")"
    ),
    "q3: by the text of the first program": changed(
        COMMON, KEY, "key = str(one.op.name), repr(one.attributes), *one.inputs"
    ),
}

HINTS: dict[str, list[str]] = {
    "q2: only what is returned itself": ["What a live instruction takes is live, too."],
    "q2: updates forgotten": ["program.updates: what is written is live, too."],
    "q2: what nobody reads, once": ["What only dead instructions take is dead, too: go backwards."],
    "q2: from above": ["What a live instruction takes is live, too."],
    "q2: turned round": ["They stay in their order."],
    "q2: turned round twice": ["They stay in their order."],
    "q2: the last instruction is the result": ["program.updates: what is written is live, too."],
    "q2: exp is dead": ["program.updates: what is written is live, too."],
    "q3: outputs not looked up": [
        "What is returned may have been left out: then return its stand-in, an instruction of this program."
    ],
    "q3: updates not looked up": ["What is written may have been left out: then write its stand-in."],
    "q3: kept from call to call": [
        "What is returned may have been left out: then return its stand-in, an instruction of this program."
    ],
}
NEUTRAL: set[str] = {
    "Of equal ones the first stays. An operand that was left out has a stand-in: look it up before you compare.",
    "The order of the operands of a sum, a product or a maximum does not matter.",
    "Is the key everything that the result depends on? And which ops may swap their operands? Not all.",
    "Is the key everything that the result depends on?",
    "Write one of the graphs out by hand, with every operand in full.",
    "Whoever took the result of what was left out must take its stand-in's.",
}
EQUIVALENT: dict[str, str] = {}
