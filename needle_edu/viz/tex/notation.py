r"""Names of values inside formulas: `W1` becomes $W_1$, its adjoint gets a bar, a rule is written with the names.

The registry states every rule with the same letters: operands a, b, …, result y. A learner's values have names
of their own. `with_names` puts these into a rule, so that $\bar{a} = \bar{y} \odot b$ can also be read as
$\bar{x} = \overline{loss} \odot w$.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# An adjoint such as \bar{y}; a command, with its argument if that is words; or one small letter.
TOKEN = re.compile(r"\\bar\{(\w)\}|\\(?:text|mathrm|operatorname|mathbb)\{[^}]*\}|\\[A-Za-z]+|\\.|([a-z])")
SINGLE_ELEMENTS = re.compile(r"(?<![A-Za-z\\])[a-z]\}?_|\[i\]|^\(0")


def tex_name(label: str) -> str:
    r"""A label as TeX, where that is possible; else the letter v.

    Examples
    --------
    >>> print(tex_name("W1"), tex_name("loss"), tex_name("0.weight"), tex_name("{"))
    W_{1} \mathrm{loss} \text{0.weight} v
    """
    if match := re.fullmatch(r"([A-Za-z])_?(\d+)", label):
        return f"{match[1]}_{{{match[2]}}}"
    if re.fullmatch(r"[A-Za-z]", label):
        return label
    if re.fullmatch(r"[A-Za-z]{2,16}", label):
        return rf"\mathrm{{{label}}}"
    return rf"\text{{{label}}}" if re.fullmatch(r"[\w. \[\]#-]{1,20}", label) else "v"


def bar_over(label: str) -> str:
    r"""The sign of a value's adjoint: its name with a bar.

    Examples
    --------
    >>> print(bar_over("x"), bar_over("v12"), bar_over("loss"))
    \bar{x} \bar{v}_{12} \overline{\mathrm{loss}}
    """
    name = tex_name(label)
    if name.startswith("\\"):
        return rf"\overline{{{name}}}"
    return rf"\bar{{{name[0]}}}{name[1:]}"


def letters_of(tex: str) -> str:
    r"""Letters that stand for values in the right-hand side of a formula; those under a bar are adjoints.

    Examples
    --------
    >>> letters_of(r"\bar{a} = \bar{y} \odot b")
    'b'
    """
    return "".join(sorted({match[2] for match in TOKEN.finditer(tex.split("=", 1)[-1]) if match[2]}))


def with_names(tex: str, names: Mapping[str, str]) -> str | None:
    r"""The right-hand side of a rule with the learner's names in place of its letters.

    Parameters
    ----------
    tex : str
        A rule such as `\bar{a} = \bar{y} \odot b`.
    names : mapping of letter to label
        Labels of the operands and of the result.

    Returns
    -------
    str or None
        None if a label can't be written in a formula, or the rule speaks of single elements (`a_i`), where a name
        would mislead.

    Examples
    --------
    >>> print(with_names(r"\bar{a} = \bar{y} \odot b", {"a": "x", "b": "w2", "y": "loss"}))
    \overline{\mathrm{loss}} \odot {w_{2}}
    """
    right = tex.split("=", 1)[-1].strip()
    unwritable = any(tex_name(label) == "v" != label for label in names.values())
    if unwritable or SINGLE_ELEMENTS.search(right):
        return None

    def named(match: re.Match) -> str:
        if match[1]:
            return bar_over(names[match[1]]) if match[1] in names else match[0]
        return f"{{{tex_name(names[match[2]])}}}" if match[2] in names else match[0]

    return TOKEN.sub(named, right)
