"""The functions of a CUDA source, each with what stands before its name, its parameters and its body."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .device_words import NO_FUNCTION
from .source_text import closing

CALL = re.compile(r"\b([A-Za-z_]\w*)\s*\(")
_BEHIND = re.compile(r"\s*(?:(?:const|noexcept|override|final|mutable)\b\s*|->\s*[\w:<>*& ]+?\s*)*\{")


class Function(NamedTuple):
    """One function: `head` is what stands before the name, qualifiers and type."""

    name: str
    head: str
    parameters: str
    at: int
    begin: int
    """Of the body; `end` is that of its closing brace."""
    end: int
    member: bool

    @property
    def on_device(self) -> bool:
        return "__device__" in self.head or "__global__" in self.head

    @property
    def on_host(self) -> bool:
        return "__host__" in self.head or not self.on_device


def find_functions(masked: str) -> Iterator[Function]:
    """Find all functions that are defined, in a source without comments, literals and directives."""
    at = 0
    while head := CALL.search(masked, at):
        at = head.end()
        close = closing(masked, head.end() - 1)
        behind = _BEHIND.match(masked, close + 1) if close > 0 else None
        if behind is None or head[1] in NO_FUNCTION:
            continue
        end = closing(masked, behind.end() - 1)
        start = max(masked.rfind(char, 0, head.start()) for char in ";{}") + 1
        text = masked[start : head.start()]
        if end < 0 or not text.strip():  # a constructor, or a macro
            continue
        opened = open_braces(masked, start)
        member = any(re.search(r"\b(?:struct|class)\s+\w[^;{}()]*\Z", masked[:brace]) for brace in opened)
        yield Function(head[1], text, masked[head.end() : close], head.start(), behind.end(), end, member)
        at = end


def open_braces(masked: str, at: int) -> list[int]:
    """Return where the braces open that are open at a place, outermost first."""
    stack: list[int] = []
    for brace in re.finditer(r"[{}]", masked[:at]):
        if brace[0] == "{":
            stack.append(brace.start())
        elif stack:
            stack.pop()
    return stack


def in_function(masked: str, at: int) -> bool:
    """Return whether a place lies within braces other than those of namespaces and ``extern "C"``."""
    depth: list[bool] = []
    for brace in re.finditer(r"[{}]", masked[:at]):
        if brace[0] == "{":
            before = masked[max(0, brace.start() - 200) : brace.start()]
            depth.append(not re.search(r"(?:\bnamespace\b[\w\s:]*|\bextern\s*)\Z", before))
        elif depth:
            depth.pop()
    return any(depth)
