"""Variables of a program's own that bear the names of CUDA's four: ``dim3 gridDim(8), blockDim(256);``.

In the simulator ``blockDim`` is a macro, for each thread of the system has a block of its own. A program may hide the
name, though, and host code often does: ``k<<<gridDim, blockDim>>>(a)``. So a variable, a parameter or a member that is
declared under such a name gets another one, as far as its braces reach.
"""

import re

from .source_functions import open_braces
from .source_text import closing, mask, split_commas

_NAMES = r"(?:threadIdx|blockIdx|blockDim|gridDim)"
_TYPE = re.compile(
    r"\b(?:dim3|u?int3|auto|int|unsigned|uint|size_t|long|u?int\d+_t)(?:\s+const)?(?=[\s&*]+[A-Za-z_])"
)
_DECLARED = re.compile(rf"[\s&*]*({_NAMES})\s*(?=[({{=\[]|\Z)")
_MEMBER = re.compile(rf"(?:(?<=\.)|(?<=->))\s*({_NAMES})\b")


def rename_own_names(text: str) -> str:
    """Return the source with such variables renamed; members are known by the dot or arrow before them.

    Examples
    --------
    >>> rename_own_names("void run() { dim3 blockDim(64); k<<<1, blockDim>>>(); }")
    'void run() { dim3 own_blockDim(64); k<<<1, own_blockDim>>>(); }'
    >>> rename_own_names("int n = dims.gridDim.x * blockDim.x;")
    'int n = dims.own_gridDim.x * blockDim.x;'
    """
    masked = mask(text)
    if not re.search(rf"\b{_NAMES}\b", masked):
        return text
    places = {found.start(1) for found in _MEMBER.finditer(masked)}
    for kind in _TYPE.finditer(masked):
        stop = _end_of_declaration(masked, kind.end())
        parts = masked[kind.end() : stop]
        for part in split_commas(parts, parts):
            declared = _DECLARED.match(part)
            if declared:
                begin, end = _scope(masked, kind.start(), stop)
                places.update(
                    use.start()
                    for use in re.finditer(rf"\b{declared[1]}\b", masked[:end])
                    if use.start() >= begin
                )
    for place in sorted(places, reverse=True):
        text = f"{text[:place]}own_{text[place:]}"
    return text


def _end_of_declaration(masked: str, at: int) -> int:
    """Return where the semicolon is, or the bracket that closes a list of parameters."""
    while at < len(masked) and masked[at] not in ";)]}":
        if masked[at] in "([{":
            at = max(closing(masked, at), at)
        at += 1
    return at


def _scope(masked: str, begin: int, stop: int) -> tuple[int, int]:
    """Return where a name is known: in its braces, or, if it is a parameter, in the function."""
    if masked[stop : stop + 1] == ")":
        body = re.compile(r"[;{]").search(masked, stop)
        if not body or body[0] == ";":
            return begin, stop
        return begin, closing(masked, body.start())
    braces = open_braces(masked, begin)
    return begin, closing(masked, braces[-1]) if braces else begin
