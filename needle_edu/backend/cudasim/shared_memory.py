"""Variables in shared memory: ``__shared__ float tile[16][17];`` becomes a reference to the block's copy.

A variable outside of functions is a reference at the beginning of each function that names it.
"""

import re
from typing import NamedTuple

from .source_functions import find_functions, in_function
from .source_text import (
    ALIGNED,
    LAST_NAME,
    CudaSyntaxError,
    closing,
    line_of,
    mask,
    missing_newlines,
    split_commas,
)

_SHARED = re.compile(r"\b__shared__\b")
_ALIGNAS = re.compile(r"\balignas\s*\(")
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)


def shared_variables(text: str, name: str) -> str:
    r"""Return the source with all declarations of shared memory rewritten; `name` is what messages call the file.

    Examples
    --------
    >>> print(shared_variables("extern __shared__ int s[];\n__global__ void k() { s[0] = 1; }", "a.cu"))
    static const cudasim::DynamicShared<int> s;
    __global__ void k() { auto *const s = cudasim::dynamic_shared<int>(); { s[0] = 1; }}
    """
    at = 0
    while found := _SHARED.search(mask(text), at):
        masked = mask(text)
        line = line_of(text, found.start())
        begin = max(masked.rfind(char, 0, found.start()) for char in ";{}") + 1
        begin = max(begin, _directive_end(masked, begin, found.start()))
        begin += len(masked[begin:]) - len(masked[begin:].lstrip())
        end = _statement_end(masked, found.start())
        if end < 0:
            raise CudaSyntaxError(
                f"{name}:{line}: a __shared__ declaration does not end; put a semicolon behind it"
            )
        declaration = masked[begin:end]
        if "=" in re.sub(r"\[[^\]]*\]", "", declaration):
            raise CudaSyntaxError(
                f"{name}:{line}: a __shared__ variable cannot be initialised; "
                "let one thread assign to it, then __syncthreads()"
            )
        variables = _declare(declaration, f"{name}:{line}", line)
        inside = in_function(masked, begin)
        rewritten = " ".join(one.in_function if inside else one.outside for one in variables)
        text = text[:begin] + rewritten + missing_newlines(rewritten, text[begin:end]) + text[end + 1 :]
        at = begin + len(rewritten)
        if not inside:
            for variable in variables:
                text = _refer_to(variable, text, at)
    return text


class _Variable(NamedTuple):
    """A variable in shared memory: what stands for its declaration outside of functions, and a reference to it."""

    name: str
    outside: str
    reference: str

    @property
    def in_function(self) -> str:
        return self.reference if "DynamicShared" in self.outside else f"{self.outside} {self.reference}"


def _refer_to(variable: _Variable, text: str, at: int) -> str:
    """Begin each function of the device behind `at` that names the variable with a reference to it.

    The body stays in braces of its own, for a variable of the same name may hide this one.
    """
    masked = _DIRECTIVE.sub(lambda line: re.sub(r"[^\n]", " ", line[0]), mask(text))
    use = re.compile(rf"(?<![\w.>])(?:::)?{variable.name}\b")
    for function in reversed([*find_functions(masked)]):
        named = use.search(masked, function.begin, function.end)
        if (
            function.at < at
            or not function.on_device
            or not named
            or re.search(rf"\b{variable.name}\s*(?:\[|,|\Z)", function.parameters)
        ):
            continue
        body = re.sub(rf"::\s*{variable.name}\b", variable.name, text[function.begin : function.end])
        text = f"{text[: function.begin]} {variable.reference} {{{body}}}{text[function.end :]}"
    return text


def _statement_end(masked: str, at: int) -> int:
    """Return where the semicolon of a statement is, behind the braces of a type of its own: union { … } u;"""
    while (mark := re.compile(r"[;{]").search(masked, at)) and mark[0] == "{":
        at = closing(masked, mark.start())
        if at < 0:
            return -1
    return mark.start() if mark else -1


def _declare(declaration: str, where: str, line: int) -> list[_Variable]:
    words = re.sub(r"\b(?:__shared__|static)\b", " ", declaration)
    external = re.search(r"\bextern\b", words)
    words = " ".join(re.sub(r"\bextern\b", " ", words).split())
    parts = split_commas(words, words)
    first = LAST_NAME.search(parts[0])
    if not first or not parts[0][: first.start()].strip():
        raise CudaSyntaxError(
            f"{where}: this __shared__ declaration was not understood: " + " ".join(declaration.split())
        )
    base = parts[0][: first.start()].rstrip()
    if external:
        element = ALIGNED.sub("", base).strip()
        reference = f"auto *const {first[1]} = cudasim::dynamic_shared<{element}>();"
        return [_Variable(first[1], f"static const cudasim::DynamicShared<{element}> {first[1]};", reference)]
    base = _ALIGNAS.sub("__align__(", base)
    stars = re.search(r"[*&\s]*\Z", base)
    base, own = (base[: stars.start()], stars[0].strip()) if stars else (base, "")
    return [
        _one_variable(base, own if number == 0 else "", part, where, line)
        for number, part in enumerate(parts)
    ]


def _one_variable(base: str, stars: str, part: str, where: str, line: int) -> _Variable:
    found = LAST_NAME.search(part)
    if not found:
        raise CudaSyntaxError(f"{where}: this __shared__ declarator was not understood: {part.strip()}")
    variable, extents = found[1], found[2].strip()
    pointer = stars or "".join(re.findall(r"[*]", part[: found.start()]))
    kind, place = f"cudasim_type_{variable}", f"cudasim_place_{variable}"
    declared = (
        f"typedef {base} {pointer}{kind}{extents}; "
        f'static cudasim_shared_variable {place} = {{"{variable}", __FILE__, {line}, '
        f"sizeof({kind}), alignof({kind}), 0, 0}};"
    )
    return _Variable(variable, declared, f"{kind} &{variable} = cudasim::shared<{kind}>({place});")


def _directive_end(masked: str, begin: int, at: int) -> int:
    """Return where the last preprocessor line between `begin` and `at` ends: it has no semicolon of its own."""
    end = begin
    for line in re.finditer(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", masked[begin:at], re.MULTILINE):
        end = begin + line.end()
    return end
