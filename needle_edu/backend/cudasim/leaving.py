"""Calls that would end the process: in the host's code of a cell or a module that is Python, which goes on instead.

``exit(1)`` becomes ``::cudasim::exit_of_host(1)``, which throws in the host's code, and in a kernel ends the launch
(csrc/cudasim/include/cudasim/host.h). Members and declarations of that name stay what they are.
"""

import re

from .source_text import mask

_ENDS_PROCESS = re.compile(
    r"(?<![\w.>:])(?:(?:\bstd\s*)?::\s*)?\b(exit|_exit|_Exit|quick_exit|abort)(?=\s*\()"
)
_DECLARED = re.compile(r"[\w*&>]\s+\Z")  # `void exit(` is no call of it, `return exit(` and `else exit(` are
_STATEMENT = re.compile(r"\b(?:return|else|do|and|or|not)\s+\Z")


def stay_alive(text: str) -> str:
    """Return the source with calls of `exit`, `abort` and their like made into calls of what ends nothing but the call.

    Examples
    --------
    >>> stay_alive("if (error) std::exit(1);")
    'if (error) ::cudasim::exit_of_host(1);'
    """
    masked = mask(text)
    for found in reversed([*_ENDS_PROCESS.finditer(masked)]):
        before = masked[max(0, found.start() - 80) : found.start()]
        in_macro = re.match(r"\s*#\s*define\b", before.rpartition("\n")[2])
        if in_macro or not _DECLARED.search(before) or _STATEMENT.search(before):
            text = f"{text[: found.start()]}::cudasim::{found[1]}_of_host{text[found.end() :]}"
    return text
