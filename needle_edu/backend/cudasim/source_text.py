"""CUDA source as text with places in it: what is code and what only looks like it, and where a bracket closes.

The rewriter changes a few constructs and leaves the rest alone, so it needs no parser, but it must not be fooled by
``"<<<"`` in a string or a comment, and it must find the end of an argument list whatever stands in it.
"""

import re

from ..errors import BuildError

_OPEN = {"(": ")", "[": "]", "{": "}"}
_NOT_CODE = re.compile(
    r"""//(?:[^\n\\]|\\.)*"""  # to the end of the line, which a backslash continues
    r"""|/\*.*?(?:\*/|\Z)"""
    r"""|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)\""""
    r"""|"(?:[^"\\\n]|\\.)*(?:"|$)"""
    r"""|(?<![0-9a-fA-F])'(?:[^'\\\n]|\\.)*(?:'|$)""",  # an apostrophe in 1'000 is no quotation mark
    re.DOTALL | re.MULTILINE,
)

LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*((?:\[[^\]]*\]\s*)*)\Z")  # of a declarator, and its extents
ALIGNED = re.compile(r"\b(?:__align__|alignas)\s*\((?:[^()]|\([^()]*\))*\)")  # __align__(sizeof(T))


class CudaSyntaxError(BuildError):
    """CUDA source that could not be made into C++; names the file and the line."""


def mask(text: str) -> str:
    """Return the text with every comment and literal blanked: same length, same lines.

    Examples
    --------
    >>> mask('f("<<<"); // >>>')
    'f(     );       '
    """
    return _NOT_CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def line_of(text: str, at: int) -> int:
    """Return the number of the line, from 1, in which the character `at` stands."""
    return text.count("\n", 0, at) + 1


def closing(masked: str, at: int) -> int:
    """Return where the bracket that opens at `at` closes, or -1.

    Examples
    --------
    >>> closing("f(a[1], (b))", 1)
    11
    """
    depth: list[str] = []
    for place in range(at, len(masked)):
        char = masked[place]
        if char in _OPEN:
            depth.append(_OPEN[char])
        elif char in ")]}":
            if not depth or depth.pop() != char:
                return -1
            if not depth:
                return place
    return -1


def opening(masked: str, at: int) -> int:
    """Return where the bracket that closes at `at` opens, or -1; ``>`` counts as one."""
    pairs = {")": "(", "]": "[", "}": "{", ">": "<"}
    depth = 0
    wanted, own = pairs[masked[at]], masked[at]
    place = at
    while place >= 0:
        char = masked[place]
        if char == own:
            depth += 1
        elif char == wanted:
            depth -= 1
            if depth == 0:
                return place
        elif char in ")]}":  # whatever stands in there, such as (a < b)
            place = opening(masked, place)
            if place < 0:
                return -1
        elif char in ";{":
            return -1
        place -= 1
    return -1


def split_commas(text: str, masked: str) -> list[str]:
    """Return the parts of an argument list; commas inside brackets and template arguments do not count.

    Examples
    --------
    >>> split_commas("a, f(b, c), g<d, e>(1)", "a, f(b, c), g<d, e>(1)")
    ['a', ' f(b, c)', ' g<d, e>(1)']
    """
    parts, begin, place = [], 0, 0
    while place < len(masked):
        char = masked[place]
        if char in _OPEN:
            end = closing(masked, place)
            place = len(masked) if end < 0 else end
        elif char == "<":
            end = _template_end(masked, place)
            place = place if end < 0 else end
        elif char == ",":
            parts.append(text[begin:place])
            begin = place + 1
        place += 1
    return [*parts, text[begin:]]


def missing_newlines(kept: str, original: str) -> str:
    """Return the ends of lines that a text had and what stands for it has not."""
    return "\n" * (original.count("\n") - kept.count("\n"))


def _template_end(masked: str, at: int) -> int:
    """Return where template arguments that begin at `at` end; -1 if this is a comparison."""
    if not at or not (masked[at - 1].isalnum() or masked[at - 1] == "_"):
        return -1
    depth = 0
    for place in range(at, len(masked)):
        char = masked[place]
        if char == "<":
            depth += 1
        elif char == ">":
            depth -= 1
            if depth == 0:
                return place
        elif not (char.isalnum() or char in "_:,*& \t\n()"):
            return -1
    return -1
