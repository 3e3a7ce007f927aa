"""From CUDA to C++: the two things that a C++ compiler cannot parse, and nothing else.

- A launch ``k<<<grid, block, shared>>>(a, n)`` becomes a call that runs the kernel for every thread: ``cudasim::launch(
  {"k", __FILE__, __LINE__, ...}, cudasim::config(grid, block, shared), [&](auto &...p_) { (k)(p_...); },
  CUDASIM_ADDRESS(k), a, n)``.
- A variable in shared memory, ``__shared__ float tile[16][17];``, becomes a reference to the block's copy.

All else that CUDA adds (``__global__``, ``threadIdx``, ``atomicAdd``) is C++ once csrc/cudasim/include/cuda_runtime.h
has declared it. Four words need a file each: variables of the program's own named ``blockDim`` and the like
(`own_names`), ``__noinline__``, which g++'s headers have inside of ``__attribute__((...))``, ``#pragma unroll``
(`spelling`), and `exit` and `abort`, which must not end the Python that the host's code runs in (`leaving`).
Lines keep their numbers, and ``#line`` gives the student's file, so that the compiler's messages and the simulator's
findings point at what was written.
"""

import re
from pathlib import Path

from .launch_macros import expand_launch_macros
from .leaving import stay_alive
from .own_names import rename_own_names
from .source_text import CudaSyntaxError, closing, line_of, mask, opening, split_commas
from .spelling import spell_for_gcc
from .unsupported import refuse_unsupported

_INCLUDE = re.compile(r'^([ \t]*#[ \t]*include[ \t]*")([^"\n]+)(")', re.MULTILINE)
_NAME_BEFORE = re.compile(r"(?:::\s*)?\w+(?:\s*(?:::\s*(?:template\s+)?|##\s*)\w+)*\s*\Z")
_SHARED = re.compile(r"\b__shared__\b")
_LAST_NAME = re.compile(r"([A-Za-z_]\w*)\s*((?:\[[^\]]*\]\s*)*)\Z")
_ON_DEVICE = re.compile(r"\b__(?:device|constant|managed)__\b(?!\s*\()")
_ALIGNED = re.compile(r"\b(?:__align__|alignas)\s*\((?:[^()]|\([^()]*\))*\)")  # __align__(sizeof(T))
_ALIGNAS = re.compile(r"\balignas\s*\(")


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
    text = stay_alive(spell_for_gcc(expand_launch_macros(rename_own_names(text))))
    rewritten = _launches(_shared_variables(_device_variables(text), name), name)
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
    masked = _ALIGNED.sub(lambda one: " " * len(one[0]), mask(text))
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
        if _in_function(masked, begin) or re.search(
            r"\b(?:struct|class|extern)\b", masked[found.end() : mark.start()]
        ):
            continue
        names = []
        for part in split_commas(masked[found.end() : mark.start()], masked[found.end() : mark.start()]):
            name = _LAST_NAME.search(re.split(r"[={]", part)[0].rstrip())
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
            + _newlines(kernel.strip(), kernel)
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


def _newlines(kept: str, original: str) -> str:
    return "\n" * (original.count("\n") - kept.count("\n"))


# ---- shared memory --------------------------------------------------------------------------------------------------


def _shared_variables(text: str, name: str) -> str:
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
        rewritten = _declare(declaration, _in_function(masked, begin), f"{name}:{line}", line)
        text = text[:begin] + rewritten + _newlines(rewritten, text[begin:end]) + text[end + 1 :]
        at = begin + len(rewritten)
    return text


def _statement_end(masked: str, at: int) -> int:
    """Return where the semicolon of a statement is, behind the braces of a type of its own: union { … } u;"""
    while (mark := re.compile(r"[;{]").search(masked, at)) and mark[0] == "{":
        at = closing(masked, mark.start())
        if at < 0:
            return -1
    return mark.start() if mark else -1


def _declare(declaration: str, in_function: bool, where: str, line: int) -> str:
    words = re.sub(r"\b(?:__shared__|static)\b", " ", declaration)
    external = re.search(r"\bextern\b", words)
    words = " ".join(re.sub(r"\bextern\b", " ", words).split())
    parts = split_commas(words, words)
    first = _LAST_NAME.search(parts[0])
    if not first or not parts[0][: first.start()].strip():
        raise CudaSyntaxError(
            f"{where}: this __shared__ declaration was not understood: " + " ".join(declaration.split())
        )
    base = parts[0][: first.start()].rstrip()
    if external:
        element = _ALIGNED.sub("", base).strip()
        if in_function:
            return f"auto *const {first[1]} = cudasim::dynamic_shared<{element}>();"
        return f"static const cudasim::DynamicShared<{element}> {first[1]};"
    if not in_function:
        raise CudaSyntaxError(
            f"{where}: the simulator knows __shared__ variables in functions only; declare it in the kernel"
        )
    base = _ALIGNAS.sub("__align__(", base)
    stars = re.search(r"[*&\s]*\Z", base)
    base, own = (base[: stars.start()], stars[0].strip()) if stars else (base, "")
    return " ".join(
        _one_variable(base, own if number == 0 else "", part, where, line)
        for number, part in enumerate(parts)
    )


def _one_variable(base: str, stars: str, part: str, where: str, line: int) -> str:
    found = _LAST_NAME.search(part)
    if not found:
        raise CudaSyntaxError(f"{where}: this __shared__ declarator was not understood: {part.strip()}")
    variable, extents = found[1], found[2].strip()
    pointer = stars or "".join(re.findall(r"[*]", part[: found.start()]))
    kind, place = f"cudasim_type_{variable}", f"cudasim_place_{variable}"
    return (
        f"typedef {base} {pointer}{kind}{extents}; "
        f'static cudasim_shared_variable {place} = {{"{variable}", __FILE__, {line}, '
        f"sizeof({kind}), alignof({kind}), 0, 0}}; "
        f"{kind} &{variable} = cudasim::shared<{kind}>({place});"
    )


def _directive_end(masked: str, begin: int, at: int) -> int:
    """Return where the last preprocessor line between `begin` and `at` ends: it has no semicolon of its own."""
    end = begin
    for line in re.finditer(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*\n", masked[begin:at], re.MULTILINE):
        end = begin + line.end()
    return end


def _in_function(masked: str, at: int) -> bool:
    """Return whether a place lies within braces other than those of namespaces and ``extern "C"``."""
    depth: list[bool] = []
    for brace in re.finditer(r"[{}]", masked[:at]):
        if brace[0] == "{":
            before = masked[max(0, brace.start() - 200) : brace.start()]
            depth.append(not re.search(r"(?:\bnamespace\b[\w\s:]*|\bextern\s*)\Z", before))
        elif depth:
            depth.pop()
    return any(depth)
