"""Mutants and stubs of solutions in C and CUDA, as `mutants` makes them of Python: one small mistake, made by rule.

>>> loop = "for (int i = 0; i < n; i++) a[i] = 2;"
>>> solution = f"%%c f\\nvoid f(int *a, int n) {{\\n// BEGIN SOLUTION\\n{loop}\\n// END SOLUTION\\n}}"
>>> [label for label, _ in mutants(solution)]
['i < n → i <= n', '0 → 1', '2 → 3']
"""

import re

# What is looked for, and what stands in its place.
RULES = [
    (r" < ", " <= "),
    (r" > ", " >= "),
    (r" >= ", " > "),
    (r" \+ ", " - "),
    (r" - ", " + "),
    (r" \* ", " + "),
    (r" % ", " / "),
    (r" \+= (?!\d|THREADS|TILE)", " -= "),
    (r" && ", " || "),
    (r" \|\| ", " && "),
    (r"__syncthreads\(\);", ";"),
    (r"(?<=Idx|Dim)\.x", ".y"),
    (r"(?<=Idx|Dim)\.y", ".x"),
    (r"fmaxf", "fminf"),
    (r"(?<![\w.])(\d+)(?![\w.])", None),  # one more
    (r"return;", ";"),
    (r"\[y\]\[x\]", "[x][y]"),
    (r" == ", " != "),
    (r"-INFINITY", "INFINITY"),
    (r"largest \?", "!largest ?"),
    (r"\brow\b", "column"),
    (r"\bcolumn\b", "row"),
    (r"\bstrides\[", "shape["),
    (r"\bk0 \+ x\b", "k0 + y"),
    (r"\bk0 \+ y\b", "k0 + x"),
]
BEGIN, END = "BEGIN SOLUTION", "END SOLUTION"


def mutants(source: str) -> list[tuple[str, str]]:
    """All mutants of an answer's cell, each with a label; only what stands between the marks of a solution changes."""
    found: dict[str, str] = {}
    inside, begin = False, 0
    for line in source.splitlines(keepends=True):
        inside = (inside or BEGIN in line) and END not in line
        if inside and BEGIN not in line:
            for pattern, other in RULES:
                for place in re.finditer(pattern, line):
                    new = str(int(place[1]) + 1) if other is None else other
                    words = _around(line, *place.span())
                    label = first = (
                        f"{words} → {words.replace(place[0].strip(), new.strip(), 1) or 'nothing'}"
                    )
                    number = 1
                    while label in found:
                        number += 1
                        label = f"{first} ({number})"
                    at = begin + place.start()
                    found[label] = source[:at] + new + source[begin + place.end() :]
        begin += len(line)
    return list(found.items())


def stubs(source: str) -> list[tuple[str, str]]:
    """Answers with nothing in them: every marked region replaced, and each alone while the others are solved."""
    count, found = source.count(BEGIN), []
    fill = {"not written": "/* YOUR CODE HERE */", "does nothing": ";", "writes a 0": "out[0] = 0;"}
    for only in [None, *range(count if count > 1 else 0)]:
        for words, text in fill.items():
            where = "all" if only is None else f"region {only + 1}"
            found.append((f"{where} {words}", _emptied(source, only, text)))
    return found


def _around(line: str, start: int, end: int) -> str:
    """A few characters around a place, cut at spaces."""
    if not line[start:end].startswith(" "):
        return line[start:end]
    left, right = line[:start].split(" ")[-1], line[end:].split(" ")[0]
    return f"{left}{line[start:end]}{right}".strip().rstrip(";")


def _emptied(source: str, only: int | None, text: str) -> str:
    kept, region, emptying = [], -1, False
    for line in source.split("\n"):
        if BEGIN in line:
            region += 1
            emptying = only in (None, region)
            kept += [text] if emptying else []
        elif END in line:
            emptying = False
        elif not emptying:
            kept.append(line)
    return "\n".join(kept)
