"""Macros that stand for the end of a launch: ``#define ON_ALL <<<dim.grid, dim.block>>>(a.ptr, out->ptr, size)``.

The rewriter needs the kernel's name before ``<<<``, and here it stands elsewhere: ``AddKernel ON_ALL;``. So these
macros, and no others, are expanded in the source, before anything else is done with it.
"""

import re

from .source_text import closing, mask, split_commas

_MACRO = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(?P<name>\w+)(?P<parameters>\([^()\n]*\))?"
    r"(?P<body>(?:[ \t]|\\\n)+<<<(?:\\\n|[^\n])*)$",
    re.MULTILINE,
)


def expand_launch_macros(text: str) -> str:
    """Return the source with each macro that begins with ``<<<`` in place of its name; lines keep their numbers.

    Examples
    --------
    >>> print(expand_launch_macros("#define ON(n) <<<1, n>>>\\nk ON(32)(a);"))
    <BLANKLINE>
    k <<<1, 32>>>(a);
    """
    while macro := _MACRO.search(mask(text)):
        body = " ".join(text[macro.start("body") : macro.end()].replace("\\\n", " ").split())
        parameters = macro["parameters"]
        names = None if parameters is None else [one.strip() for one in parameters[1:-1].split(",")]
        blank = "\n" * text.count("\n", macro.start(), macro.end())
        rest = text[macro.end() :]
        until = re.search(rf"^[ \t]*#[ \t]*(?:undef|define)[ \t]+{macro['name']}\b", mask(rest), re.MULTILINE)
        end = until.start() if until else len(rest)
        text = text[: macro.start()] + blank + _expanded(rest[:end], macro["name"], names, body) + rest[end:]
    return text


def _expanded(text: str, name: str, parameters: list[str] | None, body: str) -> str:
    at = 0
    while use := re.compile(rf"\b{name}\b").search(mask(text), at):
        end, value = use.end(), body
        if parameters is not None:
            masked = mask(text)
            begin = end + len(masked[end:]) - len(masked[end:].lstrip())
            close = closing(masked, begin) if masked[begin : begin + 1] == "(" else -1
            if close < 0:  # a name without arguments is no use of it
                at = end
                continue
            given = split_commas(text[begin + 1 : close], masked[begin + 1 : close])
            values = dict(zip(parameters, (one.strip() for one in given), strict=False))
            value = "".join(values.get(word, word) for word in re.split(r"(\b\w+\b)", body))
            end = close + 1
        text = text[: use.start()] + value + text[end:]
        at = use.start() + len(value)
    return text
