"""What may stand in an answer in C or CUDA: functions for the device, and nothing that reaches beyond them.

The checker's findings and the profiler's counters are made in the process in which the answer runs. So an answer must
be code that computes, not code that talks to the system: no preprocessor, no assembly, no attributes, no templates,
classes or namespaces, no global variables, no functions of the host. The rule is a list of what is allowed (`words`).
A name is allowed if it is on the list, or if the answer itself has declared it; a call is allowed if it names a
function on the list, or one of the answer's own. Whatever else stands there is refused with its line, before any
compiler sees it.

    void scale(float *a, int n) { for (int i = 0; i < n; i++) a[i] *= 2; }     all names are its own
    void scale(float *a, int n) { system("…"); }                               line 1: quotation marks; system
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from needle_edu.course.kernels.names import Names
from needle_edu.course.kernels.parts import CompileError, Function, NotAllowed, Token, refuse
from needle_edu.course.kernels.words import FUNCTIONS, KEYWORDS, QUALIFIERS, REFUSED, TYPES, VALUES

__all__ = ["CompileError", "Function", "NotAllowed", "Token", "allowed_functions", "tokens_of"]

MAX_CHARACTERS = 20_000

_COMMENT = re.compile(r"//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.])*|<<<|>>>|<<=|>>=|::|->|\+\+|--|<<|>>|&&|\|\||[-+*/%&|^=!<>]=|\S"
)
_CLOSES = {")": "(", "]": "[", "}": "{"}
_DIGRAPHS = ("%:", "<%", "%>", "<:", ":>", "??")


def tokens_of(text: str) -> list[Token]:
    """The words and signs of an answer, without comments.

    Raises
    ------
    NotAllowed
        For a character that belongs to something an answer may not have.

    Examples
    --------
    >>> [token.text for token in tokens_of("a[i] += 2; // twice")]
    ['a', '[', 'i', ']', '+=', '2', ';']
    """
    if len(text) > MAX_CHARACTERS:
        raise NotAllowed(f"an answer has at most {MAX_CHARACTERS:,} characters, this one has {len(text):,}")
    bare = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for number, line in enumerate(bare.split("\n"), start=1):
        if "#" in line or any(pair in line for pair in _DIGRAPHS):
            directive = " ".join(line.split())[:40]
            refuse(
                number, f"no preprocessor here, so no {directive}: what an answer needs is declared already"
            )
        if '"' in line or "'" in line:
            refuse(number, "no texts and characters in quotation marks: a kernel has nobody to talk to")
        if "\\" in line or not line.isascii():
            refuse(number, "a backslash or a character beyond ASCII outside of a comment")
    found = []
    for number, line in enumerate(bare.split("\n"), start=1):
        found += [Token(word, number) for word in _TOKEN.findall(line)]
    return found


def allowed_functions(text: str, kind: str, name: str) -> tuple[Function, ...]:
    """Return the functions that an answer defines, if everything in it is allowed.

    Parameters
    ----------
    text : str
        All below the cell's first line.
    kind : {"c", "cuda"}
        C: exactly one function, called `name`. CUDA: kernels (``__global__``), and ``__device__`` functions for them.
    name : str
        What the cell's first line says.

    Raises
    ------
    NotAllowed
        With the line, and what is wrong there.

    Examples
    --------
    >>> allowed_functions("void f(float *a, int n) { a[n - 1] = 0; }", "c", "f")
    (Function(name='f', types=('float *', 'int'), parameters=('a', 'n'), is_kernel=False),)
    >>> allowed_functions("void f(float *a) { exit(1); }", "c", "f")
    Traceback (most recent call last):
        ...
    needle_edu.course.kernels.parts.NotAllowed: exit: no function of this answer, and not one that a kernel may call
    """
    tokens = tokens_of(text)
    partner = _brackets(tokens)
    functions = tuple(_top_level(tokens, partner, kind))
    Names(tokens, partner, functions).look()
    if kind == "c" and [function.name for function in functions] != [name]:
        has = ", ".join(function.name for function in functions) or "none"
        raise NotAllowed(f"an answer in C is one function, called {name}; here are: {has}")
    if kind == "cuda" and not any(function.is_kernel for function in functions):
        raise NotAllowed("an answer in CUDA has at least one kernel: __global__ void name(…) { … }")
    return functions


def _brackets(tokens: list[Token]) -> dict[int, int]:
    """For each bracket the place of its partner."""
    partner, open_ones = {}, list[int]()
    for place, (text, line) in enumerate(tokens):
        if text in "([{":
            open_ones.append(place)
        elif text in _CLOSES:
            if not open_ones or tokens[open_ones[-1]].text != _CLOSES[text]:
                refuse(line, f"this {text} closes nothing")
            partner[place] = open_ones.pop()
            partner[partner[place]] = place
    if open_ones:
        refuse(tokens[open_ones[-1]].line, f"this {tokens[open_ones[-1]].text} is never closed")
    return partner


# --- outside of functions -----------------------------------------------------------------------------------------


def _top_level(tokens: list[Token], partner: dict[int, int], kind: str) -> Iterator[Function]:
    """The functions; between them only constants may stand."""
    at = 0
    while at < len(tokens):
        begin = at
        while at < len(tokens) and tokens[at].text not in ("(", ";", "{", "="):
            at += 1
        words = [token.text for token in tokens[begin:at]]
        what = tokens[at].text if at < len(tokens) else ""
        if what == ";" and not words:
            at += 1
        elif what == "=" and words and words[0] in ("const", "constexpr"):
            while at < len(tokens) and tokens[at].text != ";":
                if tokens[at].text in ("(", "{"):
                    refuse(tokens[at].line, "a constant is a number, computed from numbers, without brackets")
                at += 1
            at += 1
        elif what == "{" and words == ["enum"]:
            at = partner[at] + 1
        elif (
            what == "(" and tokens[partner[at] + 1 : partner[at] + 2] and tokens[partner[at] + 1].text == "{"
        ):
            yield _function(tokens, partner, begin, at, kind)
            at = partner[partner[at] + 1] + 1
        else:
            shown = " ".join(token.text for token in tokens[begin : at + 1])[:60]
            refuse(
                tokens[begin].line,
                f"{shown} …: outside of functions only functions with their bodies, and constants, may stand",
            )


def _function(tokens: list[Token], partner: dict[int, int], begin: int, at: int, kind: str) -> Function:
    words, line = [token.text for token in tokens[begin:at]], tokens[begin].line
    known = TYPES | QUALIFIERS | {"inline", "__forceinline__", "__device__", "__global__", "*"}
    name = words[-1] if words else ""
    if (
        not name.isidentifier()
        or name in known | KEYWORDS | REFUSED | FUNCTIONS | VALUES
        or "__" in name
        or name[0] == "_"
    ):
        refuse(line, f"{' '.join(words)}(: a function has a type and a name of its own")
    if strange := [word for word in words[:-1] if word not in known] or (
        ["no type"] if len(words) < 2 else []
    ):
        refuse(line, f"{' '.join(words)}(: {strange[0]} cannot stand before a function's name")
    on_device = {"__device__", "__global__"} & set(words)
    if kind == "cuda" and not on_device:
        refuse(line, f"{name} is a function of the host: write __global__ or __device__ before it")
    if kind == "c" and on_device:
        refuse(line, f"{name}: __global__ and __device__ are CUDA's, and this answer is C")
    types, parameters = [], []
    inside = tokens[at + 1 : partner[at]]
    for part in _parts(inside):
        *kinds, last = [token.text for token in part]
        if (
            not last.isidentifier()
            or last in TYPES
            or not {*kinds} <= TYPES | QUALIFIERS | {"*"}
            or not kinds
        ):
            refuse(line, f"{name}: a parameter is a type and a name, got {' '.join([*kinds, last])}")
        types.append(" ".join(word for word in kinds if word not in QUALIFIERS - {"const"}))
        parameters.append(last)
    return Function(name, tuple(types), tuple(parameters), "__global__" in words)


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """A list of parameters, taken apart at its commas."""
    if not tokens or [token.text for token in tokens] == ["void"]:
        return []
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return [part or [Token("?", 0)] for part in parts]
