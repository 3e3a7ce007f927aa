"""What g++ accepts and nvcc does not: said to those who have no nvcc, before somebody else's machine says it.

    for remark in lint(text, "reduce.cu"): print(remark)

To g++ a kernel is an ordinary function, which may call and read whatever the host's code may. This reads the source,
and no more: it knows functions and variables of the text by their names, and follows no includes, macros or templates.
So what it says is wrong is, and what it lets pass may be wrong all the same. Where nvcc itself takes what the card will
not bear, the remark is a note.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from .. import arguments
from .device_words import HOST_ONLY, NO_TYPE, STD_ON_DEVICE, TRAITS
from .signatures import global_functions
from .source_functions import CALL, Function, find_functions
from .source_text import line_of, mask, split_commas

SHARED_LIMIT = 48 << 10
_STD = re.compile(r"\bstd\s*::\s*(\w+)")
_LIMITS = re.compile(r"\bstd\s*::\s*numeric_limits\s*<[^;(){}]*?>\s*::\s*(\w+)\s*\(")
_VARIABLE = re.compile(
    r"^(?P<head>(?:(?:static|inline|volatile|const|unsigned|signed|long|short)\s+)*[A-Za-z_][\w:]*(?:<[^;=(){}]*>)?[\s*&]+"
    r"(?:const\s+)?)(?P<name>[A-Za-z_]\w*)\s*(?P<extents>(?:\[[^\]]*\]\s*)*)(?:=|\{|\Z)"
)
_NO_VARIABLE = re.compile(
    r"\b(?:using|typedef|template|struct|class|enum|union|namespace|extern|constexpr|return|friend|operator|__device__|"
    r"__constant__|__managed__|__shared__|__global__)\b"
)
_EXTERN_SHARED = re.compile(
    r"\bextern\s+__shared__\s+(?P<type>[^;=\[\]]+?)(?P<name>[A-Za-z_]\w*)\s*\[\s*\]\s*;"
)
_SHARED = re.compile(r"\b__shared__\s+(?P<type>\w+)\s+(?P<variables>[^;]+);")
_SIZES = {
    "char": 1,
    "bool": 1,
    "short": 2,
    "int": 4,
    "unsigned": 4,
    "float": 4,
    "double": 8,
    "float4": 16,
    "float2": 8,
}


class Remark(NamedTuple):
    """One thing that nvcc would say: an error, or a note where it would be silent."""

    file: str
    line: int
    rule: str
    text: str
    note: bool = False

    def __str__(self) -> str:
        says = "nvcc takes this" if self.note else "nvcc refuses this"
        return f"{self.file}:{self.line}: {says}: {self.text}"


def lint(text: str, name: str = "cell.cu") -> list[Remark]:
    """Return what nvcc would not take in CUDA source that g++ takes, by line.

    Parameters
    ----------
    text : str
        CUDA C++17.
    name : str
        What remarks call the text.

    Examples
    --------
    >>> for remark in lint("float half(float x) { return x / 2; }\\n__global__ void k(float *a) { *a = half(*a); }"):
    ...     print(remark)
    cell.cu:2: nvcc refuses this: half() is a function of the host; write __device__ before it
    """
    arguments.text("lint", text=text, name=name)
    masked = mask(text)
    masked = re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda one: re.sub(r"[^\n]", " ", one[0]), masked, flags=re.M
    )
    functions = list(find_functions(masked))
    found: list[tuple[int, str, str, bool]] = []
    for rule in (_calls, _variables, _statements, _kernels, _shared_memory):
        found += rule(masked, functions)
    found += _includes(text, masked)
    remarks = {Remark(name, line_of(text, at), rule, said, note) for at, rule, said, note in found}
    return sorted(remarks, key=lambda one: (one.line, one.rule, one.text))


Found = Iterator[tuple[int, str, str, bool]]


def _includes(text: str, masked: str) -> Found:
    """The simulator's cuda_runtime.h knows `assert`, and CUDA's does not; files of one's own may have it."""
    included = re.findall(r"^[ \t]*#[ \t]*include[ \t]*(\S+)", text, re.MULTILINE)
    use = re.search(r"\bassert\s*\(", masked)
    if use and all("/" not in one and '"' not in one and "assert" not in one for one in included):
        yield use.start(), "assert", "assert() needs #include <cassert>", False


def _calls(masked: str, functions: list[Function]) -> Found:
    """Functions of the host that kernels call, and the other way round."""
    on_device = {one.name for one in functions if one.on_device and "__global__" not in one.head}
    on_host = {one.name for one in functions if one.on_host and not one.member}
    kernels = {one.name for one in functions if "__global__" in one.head}
    for function in functions:
        body = masked[function.begin : function.end]
        for call in CALL.finditer(body):
            name, at = call[1], function.begin + call.start()
            before = body[: call.start()].rstrip()
            if before.endswith((".", "->", "::")) or _declared(name, function, body):
                continue
            if name in kernels:
                yield at, "bare-call", f"{name} is a kernel: launch it with <<<grid, block>>>", False
            elif function.on_device and name in on_host - on_device:
                yield (
                    at,
                    "host-function",
                    f"{name}() is a function of the host; write __device__ before it",
                    False,
                )
            elif (
                function.on_device
                and (name in HOST_ONLY or re.match(r"cuda[A-Z]", name))
                and name not in on_device
            ):
                yield (
                    at,
                    "host-function",
                    f"{name}() is a function of the host, which a kernel cannot call",
                    False,
                )
            elif not function.on_device and name in on_device - on_host:
                said = f"{name}() is a __device__ function, which the host cannot call; write __host__ __device__"
                yield at, "device-function", said, False
        if not function.on_device:
            continue
        for use in _STD.finditer(body):
            if use[1] not in STD_ON_DEVICE and not TRAITS.fullmatch(use[1]):
                said = f"std::{use[1]} is of the host's library, which a kernel cannot use"
                yield function.begin + use.start(), "host-library", said, False
        for use in _LIMITS.finditer(body):
            said = f"numeric_limits<...>::{use[1]}() is a function of the host; a constant such as INFINITY will do"
            yield function.begin + use.start(), "host-library", said, False


def _variables(masked: str, functions: list[Function]) -> Found:
    """Variables of the host that kernels read."""
    names = set()
    for statement in _statements_outside(masked, functions):
        variable = _VARIABLE.match(statement)
        if variable is None or _NO_VARIABLE.search(statement):
            continue
        if not re.search(r"\bconst\b", variable["head"]) or variable["extents"]:
            names.add(variable["name"])  # a constant number is one in a kernel, too
    for function in functions:
        if not function.on_device:
            continue
        body = masked[function.begin : function.end]
        for name in names:
            use = re.search(rf"(?<!std::)(?<![\w.>])\b{name}\b", body)
            if use and not _declared(name, function, body):
                said = f"{name} is a variable of the host; write __device__ or __constant__ before it, or pass it on"
                yield function.begin + use.start(), "host-variable", said, False


def _statements_outside(masked: str, functions: list[Function]) -> Iterator[str]:
    """What stands in no function, class or initialiser, statement by statement."""
    parts, at = [], 0
    for one in functions:
        parts.append(masked[at : one.begin])
        at = one.end
    outside = " ".join("".join([*parts, masked[at:]]).split())
    outside = re.sub(r"(=|\w|\]) ?\{[^{}]*\} ?;", r"\1;", outside)
    depth, begin = 0, 0  # of braces that are no namespace's
    inside: list[bool] = []
    for mark in re.finditer(r"[;{}]", outside):
        statement = outside[begin : mark.start()].strip()
        begin = mark.end()
        if mark[0] == "{":
            inside.append(re.search(r"\bnamespace\b[\w :]*\Z|\bextern\Z", statement) is None)
            depth += inside[-1]
        elif mark[0] == "}":
            depth -= inside.pop() if inside else 0
        elif not depth:
            yield statement


def _declared(name: str, function: Function, body: str) -> bool:
    """Whether a function has a parameter or a variable of its own of this name."""
    if re.search(rf"[\w*&>\]]\s*\b{name}\b\s*(?:,|=|\[|\Z)", function.parameters):
        return True
    for use in re.finditer(rf"\b{name}\b(?=\s*[=;\[,({{:])", body):
        before = re.split(r"[;{}(,]", body[max(0, use.start() - 200) : use.start()])[-1]
        words = before.split()
        if re.fullmatch(r"[\w\s:<>*&]*[\s*&>]", before) and words and words[0] not in NO_TYPE:
            return True
    return False


def _statements(masked: str, functions: list[Function]) -> Found:
    """What device code has no words for."""
    for function in functions:
        if not function.on_device:
            continue
        body = masked[function.begin : function.end]
        for word in re.finditer(r"\b(throw|try|typeid|dynamic_cast)\b|\blong\s+double\b", body):
            at = function.begin + word.start()
            if word[1] in ("throw", "try"):
                yield at, "exceptions", f"{word[1]}: device code has no exceptions", False
            elif word[1]:
                yield at, "run-time types", f"{word[1]}: device code knows no types at run time", False
            else:
                yield (
                    at,
                    "long-double",
                    "long double is double in device code, with a warning; g++ has 16 bytes",
                    True,
                )


def _kernels(masked: str, functions: list[Function]) -> Found:
    """What a kernel's first line must not say."""
    for one in functions:
        if "__global__" not in one.head:
            continue
        if not re.search(r"\bvoid\b", one.head):
            yield one.at, "kernel-returns", f"{one.name}: a kernel returns void", False
        if one.member:
            yield one.at, "member-kernel", f"{one.name}: a kernel cannot be a member of a class", False
        if one.parameters.rstrip().endswith("..."):
            yield one.at, "ellipsis", f"{one.name}: a kernel takes no ...", False
    for kernel in global_functions(masked).values():
        for parameter in kernel.parameters:
            if "&" in parameter.type:
                said = f"{parameter.text}: the reference is an address of the host's, which the card cannot reach"
                at = next(one.at for one in functions if one.name == kernel.name)
                yield at, "reference", f"{kernel.name}: {said}", True


def _shared_memory(masked: str, functions: list[Function]) -> Found:
    first: dict[str, str] = {}
    for one in _EXTERN_SHARED.finditer(masked):
        kind = " ".join(one["type"].split())
        if first.setdefault(one["name"], kind) != kind:
            said = (
                f"extern __shared__ {one['name']} is {first[one['name']]} elsewhere in this file; rename it"
            )
            yield one.start(), "shared-names", said, False
    for function in functions:
        body, total, at = masked[function.begin : function.end], 0, -1
        for one in _SHARED.finditer(body):
            if body[: one.start()].rstrip().endswith("extern"):
                continue
            at = function.begin + one.start()
            if one["type"] == "dim3":
                said = "dim3 has a constructor, which does not run for a __shared__ variable"
                yield at, "shared-constructor", said, True
            for variable in split_commas(one["variables"], one["variables"]):
                extents = [
                    int(n) if n.isdecimal() else 0 for n in re.findall(r"\[\s*([^\]]*?)\s*\]", variable)
                ]
                count = 1
                for extent in extents:
                    count *= extent
                total += count * _SIZES.get(one["type"], 0)
        if total > SHARED_LIMIT:
            said = (
                f"{total} bytes of __shared__ variables, and {SHARED_LIMIT} is the most; more must be dynamic"
            )
            yield at, "shared-size", said, False
