"""The kernels of a CUDA source and what they take, and a function for each that Python can launch it by.

A kernel can be launched by C++ only. So a function is put behind the source for each kernel, which takes the launch
configuration as numbers and the arguments by their addresses, as `cudaLaunchKernel` does:

    extern "C" void needle_launch_scale(const unsigned *needle_c, void **needle_a) {
      scale<<<dim3(...), dim3(...), needle_c[6]>>>(*(float **)needle_a[0], *(int *)needle_a[1]);
    }
"""

import re
from typing import NamedTuple

import numpy as np

from .source_text import closing, line_of, mask, opening, split_commas

LAUNCHER = "needle_launch_"
_GLOBAL = re.compile(r"\b__global__\b")
_CALLED = re.compile(r"(\w+)\s*\(")
_NAME = re.compile(r"([A-Za-z_]\w*)\s*((?:\[[^\]]*\]\s*)*)\Z")
_QUALIFIERS = re.compile(
    r"\b(?:const|volatile|struct|std\s*::|__restrict__|__restrict|restrict)(?:\b|(?=\W))"
)
_VECTOR = re.compile(r"(char|uchar|short|ushort|int|uint|longlong|ulonglong|float|double)([1-4])\Z")
NUMBERS = {
    "float": ("float", np.float32), "double": ("double", np.float64), "bool": ("_Bool", np.bool_),
    "char": ("char", np.int8), "signed char": ("signed char", np.int8), "unsigned char": ("unsigned char", np.uint8),
    "short": ("short", np.int16), "unsigned short": ("unsigned short", np.uint16),
    "int": ("int", np.int32), "signed": ("int", np.int32), "signed int": ("int", np.int32),
    "unsigned": ("unsigned", np.uint32), "unsigned int": ("unsigned", np.uint32), "uint": ("unsigned", np.uint32),
    "long": ("long", np.int64), "unsigned long": ("unsigned long", np.uint64),
    "long long": ("long long", np.int64), "unsigned long long": ("unsigned long long", np.uint64),
    "size_t": ("size_t", np.uint64), "ptrdiff_t": ("ptrdiff_t", np.int64), "uchar": ("unsigned char", np.uint8),
    "ushort": ("unsigned short", np.uint16), "longlong": ("long long", np.int64),
    "ulonglong": ("unsigned long long", np.uint64),
} | {f"{sign}int{bits}_t": (f"{sign}int{bits}_t", np.dtype(f"{sign}int{bits}")) for sign in ("", "u")
     for bits in (8, 16, 32, 64)}  # fmt: skip


class Parameter(NamedTuple):
    """One parameter of a kernel."""

    name: str
    text: str
    """As it was written: ``const float *a``."""
    type: str
    """The same without the name; ``[]`` is a pointer."""
    pointer: bool
    writes: bool
    """A pointer to what is not const."""
    number: str
    """The type, of what is pointed to if it is a pointer, as cffi knows it: ``float``; empty for another."""
    dtype: np.dtype | None
    """That type as NumPy's; of a ``float4`` that of its parts; None for another."""

    @property
    def passable(self) -> bool:
        """Whether Python can give it: any pointer, and numbers."""
        return self.pointer or bool(self.number)


class GlobalFunction(NamedTuple):
    """One ``__global__`` function of a source."""

    name: str
    parameters: tuple[Parameter, ...]
    template: bool
    line: int

    def __str__(self) -> str:
        return f"{self.name}({', '.join(one.text for one in self.parameters)})"


def global_functions(text: str) -> dict[str, GlobalFunction]:
    """Return the kernels that a CUDA source defines, by name, those in named namespaces left out.

    Examples
    --------
    >>> kernels = global_functions("__global__ void scale(float *a, const int n) { }")
    >>> print(kernels["scale"])
    scale(float *a, const int n)
    >>> [(one.name, one.pointer, one.number) for one in kernels["scale"].parameters]
    [('a', True, 'float'), ('n', False, 'int')]
    """
    masked, found = mask(text), {}
    for start in _GLOBAL.finditer(masked):
        head = _CALLED.search(masked, start.end())
        while head and head[1] == "__launch_bounds__":
            head = _CALLED.search(masked, closing(masked, head.end() - 1) + 1)
        close = closing(masked, head.end() - 1) if head else -1
        if not head or close < 0 or not masked[close + 1 :].lstrip().startswith("{"):
            continue  # a declaration, or no CUDA at all: the compiler will say so
        if _in_named_namespace(masked, start.start()):
            continue
        inside = slice(head.end(), close)
        parts = [" ".join(part.split()) for part in split_commas(masked[inside], masked[inside])]
        parts = [] if parts in ([""], ["void"]) else parts
        found[head[1]] = GlobalFunction(
            head[1],
            tuple(_parameter(part, number) for number, part in enumerate(parts)),
            _is_template(masked, start.start()),
            line_of(text, start.start()),
        )
    return found


def launchers(kernels: dict[str, GlobalFunction], name: str) -> str:
    """Return the functions that launch these kernels, C++ to be put behind the source called `name`."""
    grid, block = (", ".join(f"needle_c[{i}]" for i in three) for three in (range(3), range(3, 6)))
    out = []
    for kernel in kernels.values():
        if kernel.template or not all(one.passable for one in kernel.parameters):
            continue
        values = ", ".join(f"*({one.type} *)needle_a[{i}]" for i, one in enumerate(kernel.parameters))
        out.append(
            f'#line {kernel.line} "{name}"\n'
            f'extern "C" void {LAUNCHER}{kernel.name}(const unsigned *needle_c, void **needle_a) {{ (void)needle_a; '
            f"{kernel.name}<<<dim3({grid}), dim3({block}), needle_c[6]>>>({values}); }}\n"
        )
    return "\n" + "".join(out)


def _parameter(part: str, number: int) -> Parameter:
    text = part.partition("=")[0].rstrip()
    named = _NAME.search(text)
    known = named and text[: named.start()].strip() and named[1] not in (*NUMBERS, "const")
    name, extents = (named[1], named[2].strip()) if named and known else (f"argument {number}", "")
    kind = text[: named.start()].strip() if named and known else text
    if extents:
        kind += " *"
    stars = kind.count("*")
    base = " ".join(_QUALIFIERS.sub(" ", kind.replace("*", " ")).replace("&", " ").split())
    c_name, dtype = NUMBERS.get(base, ("", None))
    if (vector := _VECTOR.match(base)) and stars == 1:
        dtype = NUMBERS[vector[1]][1]
    if stars > 1 or base == "void":
        c_name, dtype = "", None
    constant = "const" in kind.split("*")[0].split()
    if "&" in kind:  # kernels take no references
        c_name = ""
    return Parameter(
        name,
        text,
        kind,
        stars > 0,
        stars > 0 and not constant,
        c_name,
        None if dtype is None else np.dtype(dtype),
    )


def _is_template(masked: str, at: int) -> bool:
    before = re.sub(r'(?:\b(?:static|inline|extern)\b|"[^"]*"|\s)+\Z', "", masked[:at])
    if not before.endswith(">"):
        return False
    begin = opening(before, len(before) - 1)
    return begin >= 0 and re.search(r"\btemplate\s*\Z", before[:begin]) is not None


def _in_named_namespace(masked: str, at: int) -> bool:
    depth: list[bool] = []
    for brace in re.finditer(r"[{}]", masked[:at]):
        if brace[0] == "{":
            before = masked[max(0, brace.start() - 200) : brace.start()]
            depth.append(re.search(r"\bnamespace\s+\w[\w\s:]*\Z", before) is not None)
        elif depth:
            depth.pop()
    return any(depth)
