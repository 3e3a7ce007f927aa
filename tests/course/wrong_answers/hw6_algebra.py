"""Homework 6: rules that hold for floats (question 4)."""

from . import changed, solutions

SIMPLIFY = solutions("hw6")["q4"]

INPUTS = "inputs = tuple(stands_for.get(name, name) for name in one.inputs)"
AGAIN = "again = x in makers and (makers[x].op.name, makers[x].attributes) == (op, one.attributes)"
TWICE = 'if op in ("negate", "transpose") and again:'
ONE = '(op == "mul_scalar" and one.attributes["scalar"] == 1)'
RELU = 'or (op == "relu" and again)'
SAME = 'or (op == "maximum" and inputs == (x, x))'
MAKER = "makers[one.name] = replace(one, inputs=inputs)"
OUTPUTS = "outputs = tuple(stands_for.get(name, name) for name in program.outputs)"
UPDATES = "updates = tuple((stands_for.get(name, name), place) for name, place in program.updates)"


def also(rule: str) -> str:
    """The solution with one more rule."""
    return changed(SIMPLIFY, SAME, f"{SAME}\n            or ({rule})")


def without(rule: str) -> str:
    """The solution without a rule."""
    return changed(SIMPLIFY, rule, "or False")


WRONG = {
    "q4: nothing": changed(SIMPLIFY, TWICE, "if False:", ONE, "False", RELU, "", SAME, ""),
    "q4: x + 0 = x": also('op == "add_scalar" and one.attributes["scalar"] == 0'),
    "q4: x · 0 = x": also('op == "mul_scalar" and one.attributes["scalar"] == 0'),
    "q4: x / x = x": also('op == "divide" and inputs == (x, x)'),
    "q4: x + x = x": also('op in ("add", "multiply") and inputs == (x, x)'),
    "q4: x · −1 twice": changed(SIMPLIFY, TWICE, 'if op in ("negate", "transpose", "mul_scalar") and again:'),
    "q4: + 1 twice": changed(SIMPLIFY, RELU, 'or (op in ("relu", "add_scalar") and again)'),
    "q4: sums of scalars": changed(
        SIMPLIFY,
        "        else:\n",
        '        elif op == "add_scalar" and x in makers and makers[x].op.name == op:\n'
        "            total = makers[x].attributes['scalar'] + one.attributes['scalar']\n"
        "            makers[one.name] = replace(one, inputs=makers[x].inputs, op=type(one.op)(total))\n"
        "        else:\n",
    ),
    "q4: a sum of scalars that is 0": changed(
        SIMPLIFY,
        "        else:\n",
        '        elif op == "add_scalar" and x in makers and makers[x].op.name == op and (\n'
        "            makers[x].attributes['scalar'] + one.attributes['scalar'] == 0\n        ):\n"
        "            stands_for[one.name] = makers[x].inputs[0]\n        else:\n",
    ),
    "q4: products of scalars": changed(
        SIMPLIFY,
        "        else:\n",
        '        elif op == "mul_scalar" and x in makers and makers[x].op.name == op:\n'
        "            product = makers[x].attributes['scalar'] * one.attributes['scalar']\n"
        "            makers[one.name] = replace(one, inputs=makers[x].inputs, op=type(one.op)(product))\n"
        "        else:\n",
    ),
    "q4: any two transposes": changed(
        SIMPLIFY, TWICE, 'if op in ("negate", "transpose") and x in makers and makers[x].op.name == op:'
    ),
    "q4: one transpose is enough": changed(
        SIMPLIFY, TWICE, 'if op in ("negate", "transpose") and x in makers:'
    ),
    "q4: tanh twice": changed(SIMPLIFY, RELU, 'or (op in ("relu", "tanh") and again)'),
    "q4: anything twice": changed(SIMPLIFY, RELU, "or again"),
    "q4: relu undoes relu": changed(SIMPLIFY, TWICE, 'if op in ("negate", "transpose", "relu") and again:'),
    "q4: negate twice is negate": changed(
        SIMPLIFY, TWICE, 'if op == "transpose" and again:', RELU, 'or (op in ("relu", "negate") and again)'
    ),
    "q4: without x · 1": changed(SIMPLIFY, ONE, "False"),
    "q4: without −(−x)": changed(SIMPLIFY, '("negate", "transpose")', '("transpose",)'),
    "q4: without transposes": changed(SIMPLIFY, '("negate", "transpose")', '("negate",)'),
    "q4: without relu": without(RELU),
    "q4: without max": without(SAME),
    "q4: the largest of any two": changed(SIMPLIFY, SAME, 'or op == "maximum"'),
    "q4: operands not looked up": changed(SIMPLIFY, INPUTS, "inputs = one.inputs"),
    "q4: operands looked up in rules alone": changed(SIMPLIFY, MAKER, "makers[one.name] = one"),
    "q4: outputs not looked up": changed(SIMPLIFY, OUTPUTS, "outputs = program.outputs"),
    "q4: updates not looked up": changed(SIMPLIFY, UPDATES, "updates = program.updates"),
    "q4: updates dropped": changed(SIMPLIFY, UPDATES, "updates = ()"),
    "q4: x · −1 = x": changed(
        SIMPLIFY, 'one.attributes["scalar"] == 1', 'abs(one.attributes["scalar"]) == 1'
    ),
    "q4: 1 added": changed(SIMPLIFY, ONE, '(op.endswith("_scalar") and one.attributes["scalar"] == 1)'),
    "q4: −x is x": also('op == "negate"'),
    "q4: relu of a maximum": changed(
        SIMPLIFY, RELU, 'or (op == "relu" and x in makers and makers[x].op.name != "tanh")'
    ),
    "q4: a list": changed(
        SIMPLIFY,
        "program.with_(body=tuple(makers.values()), outputs=outputs, updates=updates)",
        "list(makers.values())",
    ),
}

HINTS: dict[str, list[str]] = {
    "q4: x + 0 = x": ["−0.0 + 0.0 is 0.0, and that is another number: rule b does not hold."],
    "q4: sums of scalars": [
        "A rule that holds gives a value that is there already; nothing else needs to change."
    ],
    "q4: products of scalars": [
        "A rule that holds gives a value that is there already; nothing else needs to change."
    ],
    "q4: any two transposes": ["Two transposes of different axes do not undo each other."],
    "q4: one transpose is enough": ["Two transposes of different axes do not undo each other."],
    "q4: outputs not looked up": ["What is returned may have been left out: then return its stand-in."],
    "q4: updates not looked up": ["What is written may have been left out: then write its stand-in."],
}
NEUTRAL: set[str] = {
    "−(−x) is x. Go from above: the operand that you look at is simplified already.",
    "Rules a, e and f hold.",
    "Try 0.0, −0.0, ∞, nan, and numbers that differ much in size: which rules break?",
    "Whoever took the result of what was left out must take its stand-in's.",
}
EQUIVALENT: dict[str, str] = {}
