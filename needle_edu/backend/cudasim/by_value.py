"""Functions of the device that take structures by value, such as ``__device__ float length(float4 a)``.

In ``length(a[i])`` the structure goes from memory to the callee as one word of the call, and there g++'s hooks do not
look: checker and profiler would miss the read. So in their flavours these functions become part of their callers,
where the read is an assignment. (`CUDASIM_BY_VALUE` in csrc/cudasim/include/cudasim/device.h; functions that call
themselves cannot.)
"""

import re
from typing import NamedTuple

from .source_text import closing, mask, split_commas

_DEVICE = re.compile(r"\b__device__\b")
_NAME = re.compile(
    r"[^;{}()=]*?\b(?P<name>operator\s*(?:\(\s*\)|[^\w\s(]+)|(?!__launch_bounds__|__align__|alignas)[A-Za-z_]\w*)\s*\("
)
_BODY = re.compile(r"\s*(?:(?:const|noexcept|override|final)\b\s*|->\s*[\w:<>*& ]+?\s*)*\{")
_NUMBER = re.compile(
    r"(?:const|volatile|unsigned|signed|long|short|int|char|bool|float|double|void|auto|half|"
    r"u?int\d+_t|s?size_t|ptrdiff_t|u(?:int|char|short|long))\b\s*"
)


class _Function(NamedTuple):
    name: str
    at: int
    """Behind the word `__device__`."""
    head: str
    body: str


def inline_by_value(text: str) -> str:
    """Return the source with ``CUDASIM_BY_VALUE`` before such functions; lines keep their numbers.

    Examples
    --------
    >>> inline_by_value("__device__ float length(float4 a) { return a.x; }")
    '__device__ CUDASIM_BY_VALUE(inline) float length(float4 a) { return a.x; }'
    >>> inline_by_value("__device__ float half_of(float a) { return a / 2; }")
    '__device__ float half_of(float a) { return a / 2; }'
    """
    functions = _by_value(mask(text))
    calls = {
        one.name: {f.name for f in functions if re.search(rf"\b{re.escape(f.name)}\s*[(<]", one.body)}
        for one in functions
    }
    for function in reversed(functions):
        if not _reaches(calls, function.name, function.name):
            word = "" if re.search(r"\b(?:__forceinline__|__inline__|inline)\b", function.head) else "inline"
            text = f"{text[: function.at]} CUDASIM_BY_VALUE({word}){text[function.at :]}"
    return text


def _by_value(masked: str) -> list[_Function]:
    found = []
    for word in _DEVICE.finditer(masked):
        name = _NAME.match(masked, word.end())
        close = closing(masked, name.end() - 1) if name else -1
        body = _BODY.match(masked, close + 1) if close > 0 else None
        if name is None or body is None:
            continue
        begin = max(masked.rfind(char, 0, word.start()) for char in ";{}") + 1
        head = masked[begin : name.start("name")]
        parameters = masked[name.end() : close]
        if "__noinline__" not in head and any(map(_is_structure, split_commas(parameters, parameters))):
            end = closing(masked, body.end() - 1)
            found.append(_Function("".join(name["name"].split()), word.end(), head, masked[body.end() : end]))
    return found


def _is_structure(parameter: str) -> bool:
    """Whether a parameter may be a structure by value: a type that is no number of C++, and no pointer or reference."""
    kind = re.sub(r"=.*", "", parameter, flags=re.DOTALL).strip()
    if not kind or re.search(r"[*&(\[]|\.\.\.", kind):
        return False
    return not _NUMBER.match(re.sub(r"^const\s+", "", kind))


def _reaches(calls: dict[str, set[str]], start: str, goal: str) -> bool:
    seen: set[str] = set()
    todo = list(calls.get(start, ()))
    while todo:
        name = todo.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            todo += calls.get(name, ())
    return False
