"""Two words that g++ has, too, but spells in another way: `__noinline__` and `#pragma unroll`."""

import re

from .source_text import mask

_NOINLINE = re.compile(r"(?<![(,])(?<!, )\b__noinline__\b")
_UNROLL = re.compile(
    r"^[ \t]*#[ \t]*pragma[ \t]+unroll\b[ \t]*\(?[ \t]*(\d*)[ \t]*\)?[ \t]*$(?=\s*(?:for|while|do)\b)",
    re.MULTILINE,
)
_WHOLLY = 64  # turns of a loop that `#pragma unroll` without a number writes out


def spell_for_gcc(text: str) -> str:
    """Return the source with both words as g++ takes them.

    A loop is unrolled in the plain flavour, as it is on a card; in the others a line stays one place in the program
    (`CUDASIM_UNROLL` in csrc/cudasim/include/cudasim/device.h). Where a number is no literal, or no loop follows, the
    pragma stays what it is, which g++ passes over.

    Examples
    --------
    >>> print(spell_for_gcc("#pragma unroll 4\\nfor (int i = 0; i < n; i++) f(i);"))
    CUDASIM_UNROLL(4)
    for (int i = 0; i < n; i++) f(i);
    """
    for found in reversed([*_NOINLINE.finditer(mask(text))]):
        text = text[: found.start()] + "__attribute__((noinline))" + text[found.end() :]
    for found in reversed([*_UNROLL.finditer(mask(text))]):
        times = int(found[1]) if found[1] else _WHOLLY
        if 1 <= times < 65536:
            text = f"{text[: found.start()]}CUDASIM_UNROLL({times}){text[found.end() :]}"
    return text
