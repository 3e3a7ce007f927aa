"""Kernels with a mistake that is switched on at run time: the gate through which the checker and the kernels must go.

`mutate` puts a switch at every place of a kernel where a classic mistake can be made:

- ``__syncthreads()``, ``__syncwarp()`` and ``__threadfence()`` left out
- ``<`` becomes ``<=``
- ``threadIdx.x`` and ``threadIdx.y`` change places, those of ``blockIdx`` too
- ``tile[a][b]`` becomes ``tile[b][a]``
- ``atomicAdd(p, v)`` and its kind become a read and a write

``set_mutant(number)`` makes one of them, ``set_mutant(0)`` none. One build serves all mutants of a file.
"""

import re
from typing import NamedTuple

from needle_edu.backend.cudasim.source_text import closing, line_of, mask, split_commas

PRELUDE = """
inline int mutant_in_force = 0;
struct MutantLess { int number; };
template <class T> struct MutantLeft { T value; int number; };
template <class T> MutantLeft<T> operator<(T a, MutantLess m) { return {a, m.number}; }
template <class T, class U> bool operator>(MutantLeft<T> a, U b) {
  return a.number == mutant_in_force ? a.value <= b : a.value < b;
}
template <class T, class U> T mutant_atomicAdd(T *p, U v) { const T old = *p; *p = T(old + v); return old; }
template <class T, class U> T mutant_atomicMax(T *p, U v) { const T old = *p; if (v > old) *p = T(v); return old; }
"""
SETTER = 'extern "C" void set_mutant(int number) { mutant_in_force = number; }\n'
_PLACES = re.compile(
    r"(?P<drop>__syncthreads\(\);|__syncwarp\([^)]*\);|__threadfence\(\);)"
    r"|(?P<less> < )"
    r"|(?P<index>\b(?:threadIdx|blockIdx)\.[xy]\b)"
    r"|(?P<atomic>\batomic(?:Add|Max)\()"
    r"|(?P<tile>\b\w+(?=\[[^\[\]]*\]\[[^\[\]]*\]))"
)


class Mutant(NamedTuple):
    """What is changed, and in which line."""

    number: int
    kind: str
    line: int
    text: str


def mutate(
    text: str, name: str, first: int = 1, setter: bool = True, prelude: bool = True
) -> tuple[str, list[Mutant]]:
    """Return the text of a file with its switches, which count from `first`, and a list of them.

    With `prelude` the text brings the switch along, with `setter` also the function that turns it.
    """
    masked, found, out, done = mask(text), [], [], 0
    lines = text.splitlines()
    for begin, end in _kernels(masked):
        at = begin
        while place := _PLACES.search(masked, at, end):
            at = place.end()
            kind = place.lastgroup or ""
            line = line_of(text, place.start())
            number = first + len(found)
            if kind in ("tile", "less") and re.search(
                r"__shared__|k < N;", lines[line - 1]
            ):  # no access to memory
                continue
            replacement, stop = _switched(kind, place, masked, text, number)
            out += [text[done : place.start()], replacement]
            done = at = stop
            found.append(Mutant(number, kind, line, f"{name}:{line}: {lines[line - 1].strip()}"))
    out.append(text[done:])
    brought = (PRELUDE if prelude else "") + (SETTER if setter else "")
    if setter and not prelude:  # behind the includes, one of which brings the switch
        return "".join(out) + brought, found
    return f"#include <cuda_runtime.h>\n{brought}#line 1\n" + "".join(out), found


def _kernels(masked: str) -> list[tuple[int, int]]:
    """Where the bodies of kernels and of functions for the device begin and end."""
    bodies = []
    for start in re.finditer(r"__global__|(?<!static )__device__ (?!int)", masked):
        brace = masked.find("{", masked.find(")", masked.find("(", start.end())))
        bodies.append((brace, closing(masked, brace)))
    return bodies


def _switched(kind: str, place: re.Match, masked: str, text: str, number: int) -> tuple[str, int]:
    """The code with both forms, and where what it replaces ends."""
    chosen = f"mutant_in_force == {number}"
    if kind == "drop":
        return f"{{ if (!({chosen})) {place[0]} }}", place.end()
    if kind == "less":
        return f" < MutantLess{{{number}}} > ", place.end()
    if kind == "index":
        other = place[0][:-1] + ("y" if place[0][-1] == "x" else "x")
        return f"({chosen} ? {other} : {place[0]})", place.end()
    if kind == "atomic":
        end = closing(masked, place.end() - 1)
        arguments = ", ".join(split_commas(text[place.end() : end], masked[place.end() : end]))
        return f"({chosen} ? mutant_{place[0]}{arguments}) : {place[0]}{arguments}))", end + 1
    middle = closing(masked, place.end())
    end = closing(masked, middle + 1)
    row, column = text[place.end() + 1 : middle], text[middle + 2 : end]
    return f"{place[0]}[{chosen} ? ({column}) : ({row})][{chosen} ? ({row}) : ({column})]", end + 1
