"""Which functions of a ``.cu`` file Python can call: those declared ``extern "C"``, as cffi takes them."""

import re

from .source_functions import open_braces
from .source_text import closing, mask, split_commas

_EXTERN_C = re.compile(r'\bextern\s+"C"\s*')
_HEAD = re.compile(r"(?P<result>[\w\s]+?[\s*]+)(?P<name>\w+)\s*\(")
_OF_C = re.compile(
    r"(?:(?:const|volatile|unsigned|signed|long|short|int|char|bool|_Bool|float|double|void|"
    r"u?int(?:8|16|32|64)_t|s?size_t|u?intptr_t|ptrdiff_t)\b\s*)+"
)
_QUALIFIERS = re.compile(r"\b(?:__host__|inline|static|__restrict__|__restrict|ND_API)\b")


def host_functions(text: str) -> dict[str, str]:
    """Return the declarations of the ``extern "C"`` functions that a CUDA source defines, by name.

    Examples
    --------
    >>> host_functions('extern "C" int add(const float *a, int n) { return 0; }')
    {'add': 'int add(const float *a, int n);'}
    """
    masked, found = mask(text), {}
    for start in _EXTERN_C.finditer(text):
        if masked[start.start() : start.start() + 6] != "extern":  # in a comment
            continue
        at = start.end()
        if masked[at : at + 1] == "{":
            found.update(_definitions(text, masked, at + 1, closing(masked, at)))
        else:
            found.update(_definitions(text, masked, at, None))
    return found


def guarded(functions: dict[str, str], text: str) -> tuple[str, str]:
    """Return C++ that guards host functions against exceptions, and cffi's declarations of what it defines.

    Functions in a namespace are left out: their names alone do not find them.

    Examples
    --------
    >>> text = 'extern "C" int add(const float *a, int n) { return 0; }'
    >>> print(*guarded(host_functions(text), text), sep="\\n")
    extern "C" { CUDASIM_GUARDED(add) }
    extern int (*cudasim_guarded_add)(const float *a, int n);
    """
    masked, source, pointers = mask(text), [], []
    for name, declaration in functions.items():
        definition = re.search(rf"\b{name}\s*\(", masked)
        opened = open_braces(masked, definition.start()) if definition else []
        if any(re.search(r"\bnamespace\b[\w\s:]*\Z", masked[:brace]) for brace in opened):
            continue
        source.append(f"CUDASIM_GUARDED({name})")
        pointer = re.sub(rf"\b{name}\s*\(", f"(*cudasim_guarded_{name})(", declaration, count=1)
        pointers.append(f"extern {pointer}")
    return f'extern "C" {{ {" ".join(source)} }}' if source else "", "\n".join(pointers)


def c_functions(text: str) -> dict[str, str]:
    """Return the declarations of the functions that a C source defines, by name, static ones left out.

    Examples
    --------
    >>> c_functions("static int half(int n) { return n / 2; }\\nint twice(int n) { return n * 2; }")
    {'twice': 'int twice(int n);'}
    """
    masked = mask(text)
    masked = re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda line: re.sub(r"[^\n]", " ", line[0]), masked, flags=re.M
    )
    hidden = {head["name"] for head in _HEAD.finditer(masked) if "static" in head["result"].split()}
    found = _definitions(text, masked, 0, len(masked))
    return {name: declaration for name, declaration in found.items() if name not in hidden}


def _definitions(text: str, masked: str, at: int, end: int | None) -> dict[str, str]:
    """The function that begins at `at`, or, with an `end`, all functions up to there."""
    found: dict[str, str] = {}
    while head := _HEAD.match(masked, at if end is None else _skip(masked, at, end)):
        close = closing(masked, head.end() - 1)
        body = close + 1 + len(masked[close + 1 :]) - len(masked[close + 1 :].lstrip())
        if close < 0:
            break
        if "__global__" not in head["result"] and masked[body : body + 1] == "{":
            parameters = re.sub(r"=[^,]*", "", masked[head.end() : close])
            declared = [
                _of_c(one) for one in split_commas(parameters.strip() or "void", parameters.strip() or "void")
            ]
            result = _of_c(f"{head['result']} result")
            if result is not None and None not in declared:
                declaration = (
                    f"{result.removesuffix('result')}{head['name']}({', '.join(map(str, declared))});"
                )
                found[head["name"]] = declaration.replace("* ", "*")
        at = (closing(masked, body) if masked[body : body + 1] == "{" else body) + 1
        if end is None or at <= 0:
            break
    return found


def _of_c(parameter: str) -> str | None:
    """Return a parameter as cffi takes it: a pointer to what C has not (float4) is one to void; None for a class.

    Examples
    --------
    >>> _of_c("const float4 *__restrict__ a"), _of_c("const int *a"), _of_c("dim3 grid")
    ('void *a', 'const int *a', None)
    """
    plain = " ".join(_QUALIFIERS.sub(" ", parameter).split()).replace("* ", "*")
    kind, star, rest = plain.partition("*")
    if _OF_C.fullmatch(kind) or not star and _OF_C.fullmatch(kind.rpartition(" ")[0]):
        return plain
    return f"void *{rest.replace('*', '').strip()}" if star else None


def _skip(masked: str, at: int, end: int) -> int:
    while at < end and not (masked[at].isalpha() or masked[at] == "_"):
        at += 1
    return at if at < end else len(masked)
