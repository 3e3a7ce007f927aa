"""From CUDA to C++: the two things that a C++ compiler cannot parse, and nothing else.

- A launch ``k<<<grid, block, shared>>>(a, n)`` becomes a call that runs the kernel for every thread: ``cudasim::launch(
  {"k", __FILE__, __LINE__, ...}, cudasim::config(grid, block, shared), [&](auto &...p_) { (k)(p_...); },
  CUDASIM_ADDRESS(k), a, n)``.
- A variable in shared memory, ``__shared__ float tile[16][17];``, becomes a reference to the block's copy.

All else that CUDA adds (``__global__``, ``threadIdx``, ``atomicAdd``) is C++ once csrc/cudasim/include/cuda_runtime.h
has declared it. What needs more has a file each: structures by value (`by_value`), variables of the program's own
named ``blockDim`` and the like (`own_names`), ``__noinline__``, which g++'s headers have inside of
``__attribute__((...))``, and ``#pragma unroll`` (`spelling`), `exit` and `abort`, which must not end the Python that
the host's code runs in (`leaving`).
Lines keep their numbers, and ``#line`` gives the student's file, so that the compiler's messages and the simulator's
findings point at what was written.
"""

import re
from pathlib import Path

from .by_value import inline_by_value
from .launch_macros import expand_launch_macros
from .leaving import stay_alive
from .own_names import rename_own_names
from .shared_memory import shared_variables
from .source_functions import in_function
from .source_text import (
    ALIGNED,
    LAST_NAME,
    CudaSyntaxError,
    closing,
    line_of,
    mask,
    missing_newlines,
    opening,
    split_commas,
)
from .spelling import spell_for_gcc
from .unsupported import refuse_unsupported

_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]*")([^"\n]+)(")', re.MULTILINE)
_NAME_BEFORE = re.compile(r"(?:::\s*)?\w+(?:\s*(?:::\s*(?:template\s+)?|##\s*)\w+)*\s*\Z")
_ON_DEVICE = re.compile(r"\b__(?:device|constant|managed)__\b(?!\s*\()")


def rewrite(text: str, name: str = "cell.cu") -> str:
    """Return CUDA source as C++ for the simulator.

    Parameters
    ----------
    text : str
        CUDA C++17, such as the text of a ``.cu`` file.
    name : str
        What messages call the file.

    Raises
    ------
    CudaSyntaxError
        A launch or a ``__shared__`` declaration that is not complete, or a feature that the simulator lacks.

    Examples
    --------
    >>> print(rewrite("k<<<1, n>>>(n);", "a.cu"))      # doctest: +NORMALIZE_WHITESPACE
    #include "cuda_runtime.h"
    #line 1 "a.cu"
    cudasim::launch({CUDASIM_NAME(k), __FILE__, __LINE__, CUDASIM_FLAVOUR}, cudasim::config(1, n),
                    [&](auto &...p_) CUDASIM_PLAIN { (k)(p_...); }, CUDASIM_ADDRESS(k), n);
    """
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    refuse_unsupported(text, mask(text), name)
    text = stay_alive(spell_for_gcc(inline_by_value(expand_launch_macros(rename_own_names(text)))))
    rewritten = _launches(shared_variables(_device_variables(text), name), name)
    return f'#include "cuda_runtime.h"\n#line 1 "{quoted}"\n' + rewritten


def source_tree(path: Path, text: str | None = None) -> dict[str, tuple[Path, str]]:
    """Return a file, and every file it includes in quotes from beside it: name in the include → where it is, its text.

    `text` stands for what the file at `path` says, if it is given.
    """
    found: dict[str, tuple[Path, str]] = {}

    def visit(file: Path, content: str, name: str) -> None:
        found[name] = file, content
        for _, included, _ in _INCLUDE.findall(content):
            beside = file.parent / included
            if included not in found and beside.is_file():
                visit(beside, beside.read_text(), included)

    visit(path, path.read_text() if text is None else text, path.name)
    return found


# ---- variables of the device --------------------------------------------------------------------------------------


def _device_variables(text: str) -> str:
    """Behind each ``__device__`` or ``__constant__`` variable, a gap, and what tells the checker where it is."""
    masked = ALIGNED.sub(lambda one: " " * len(one[0]), mask(text))
    for found in reversed([*_ON_DEVICE.finditer(masked)]):
        begin = max(masked.rfind(char, 0, found.start()) for char in ";{}") + 1
        head = masked[begin : found.start()]
        end = found.end()
        while (mark := re.compile(r"[;({=]").search(masked, end)) and mark[0] in "{=":  # an initial value
            opened = masked.find("{", mark.start())
            stop = masked.find(";", mark.start())
            end = closing(masked, opened) + 1 if 0 <= opened < stop else stop
            if end <= 0:
                break
        if mark and _ON_DEVICE.search(masked, found.end(), mark.start()):
            continue  # `__device__ __constant__ int x;`, which the second word has brought here already
        if not mark or mark[0] != ";" or end <= 0 or re.search(r"\b(?:template|extern)\b", head):
            continue  # a function, or what is elsewhere
        if in_function(masked, begin) or re.search(
            r"\b(?:struct|class|extern)\b", masked[found.end() : mark.start()]
        ):
            continue
        names = []
        for part in split_commas(masked[found.end() : mark.start()], masked[found.end() : mark.start()]):
            name = LAST_NAME.search(re.split(r"[={]", part)[0].rstrip())
            names.append(name[1] if name else "")
        known = "".join(
            f' static const cudasim::DeviceVariable cudasim_variable_{one}("{one}", &{one}, sizeof {one});'
            for one in names
            if one
        )
        constant = re.search(r"\b(?:const|constexpr|inline)\b", masked[begin : mark.start()])
        gap = f" CUDASIM_GAP({names[-1]})" if names[-1] and not constant else ""
        text = text[: mark.end()] + gap + known + text[mark.end() :]
        if gap:
            text = f"{text[: found.end()]} CUDASIM_IN_ORDER{text[found.end() :]}"
    return text


# ---- launches -------------------------------------------------------------------------------------------------------


def _launches(text: str, name: str) -> str:
    at = 0
    while (at := mask(text).find("<<<", at)) >= 0:
        masked = mask(text)
        begin = _kernel_begin(masked, at)
        end = _chevrons_end(masked, at + 3)
        if begin < 0 or end < 0:
            what = "no kernel's name stands before <<<" if begin < 0 else "<<< without >>>"
            raise CudaSyntaxError(
                f"{name}:{line_of(text, at)}: {what}; a launch is kernel<<<grid, block>>>(arguments)"
            )
        call = end + 3 + len(masked[end + 3 :]) - len(masked[end + 3 :].lstrip())
        close = closing(masked, call) if masked[call : call + 1] == "(" else -1
        if close < 0:
            raise CudaSyntaxError(
                f"{name}:{line_of(text, end)}: a launch lacks its arguments; write kernel<<<grid, block>>>(arguments)"
            )
        kernel, config = text[begin:at], text[at + 3 : end]
        arguments = _nulls(text[call + 1 : close], masked[call + 1 : close])
        shown = " ".join(kernel.split())
        rewritten = (
            f"cudasim::launch({{CUDASIM_NAME({shown}), __FILE__, __LINE__, CUDASIM_FLAVOUR}},"
            f" cudasim::config({config}), [&](auto &...p_) CUDASIM_PLAIN {{ ({kernel.strip()})(p_...); }},"
            f" CUDASIM_ADDRESS({shown})"
            + missing_newlines(kernel.strip(), kernel)
            + text[end + 3 : call]
            + (f", {arguments})" if arguments.strip() else f"{arguments})")
        )
        text = text[:begin] + rewritten + text[close + 1 :]
        at = begin + len("cudasim::launch")
    return text


def _kernel_begin(masked: str, at: int) -> int:
    """Return where the expression before ``<<<`` begins: a name, perhaps with <...> or [...] behind, or (...)."""
    end = len(masked[:at].rstrip())
    while end and masked[end - 1] in ">])":
        begin = opening(masked, end - 1)
        if begin < 0:
            return -1
        if masked[end - 1] == ")":
            return begin
        end = len(masked[:begin].rstrip())
    found = _NAME_BEFORE.search(masked, max(0, end - 400), end)
    if not found:
        return -1
    begin = found.start() + len(found[0]) - len(found[0].lstrip())
    word = re.match(r"(?:return|else|do)\s+", masked[begin:end])  # `else k<<<1, 1>>>()`
    return begin + (word.end() if word else 0)


def _chevrons_end(masked: str, place: int) -> int:
    while place < len(masked):
        if masked.startswith(">>>", place):
            return place
        if masked[place] in "([{":
            place = closing(masked, place)
            if place < 0:
                return -1
        elif masked[place] in ";}":
            return -1
        place += 1
    return -1


def _nulls(arguments: str, masked: str) -> str:
    """NULL among the arguments becomes nullptr: passed on as a value, NULL would be a number."""
    return ",".join("nullptr" if part.strip() == "NULL" else part for part in split_commas(arguments, masked))
