"""What the registry says about an operation: its sign and its formulas.

An op class carries the data that teaches it (`symbol`, `formula`, `vjp_formulas`). A student's own op may
have none of it: then its name stands in for the sign, and its formulas are simply absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from needle_edu.autograd import registry

# Operands of an operation without formulas.
LETTERS = "abcde"


@dataclass(frozen=True, slots=True)
class OpInfo:
    """Symbol, forward formula and one vector-Jacobian formula per operand (TeX; None where there is none).

    Examples
    --------
    >>> info = op_info("multiply")
    >>> print(info.symbol, info.vjp(0))
    × \\bar{a} = \\bar{y} \\odot b
    """

    name: str
    symbol: str
    formula: str | None = None
    vjp_formulas: tuple = ()

    @property
    def numbered(self) -> bool:
        """Whether it takes any number of operands, which its formulas call a_1, a_2, … or a, b, …"""
        return bool(re.search(r"\\dots|…", self.formula or ""))

    def vjp(self, operand: int) -> str | None:
        """Formula of the contribution to operand `operand`."""
        place = 0 if self.numbered else operand
        return self.vjp_formulas[place] if place < len(self.vjp_formulas) else None

    def letter(self, operand: int, count: int) -> str:
        """What operand number `operand` of `count` is called: the letter of its formulas, or its number.

        Examples
        --------
        >>> op_info("multiply").letter(1, 2), op_info("relu_backward").letter(0, 2), op_info("stack").letter(1, 2)
        ('b', 'g', '2')
        """
        if count > 5 or self.numbered and count > 1:
            return str(operand + 1)
        stated = re.match(r"\\bar\{([a-z])\} ", self.vjp(operand) or "")
        return stated[1] if stated else LETTERS[operand]


def op_info(name: str) -> OpInfo:
    """Look an operation up in the registry; unknown names are no error.

    Examples
    --------
    >>> op_info("my own op").symbol
    'my own op'
    """
    slot = registry.op_slot(name)
    if slot is None:
        return OpInfo(name, name)
    cls = slot.cls
    vjps = getattr(cls, "vjp_formulas", None) or ()
    return OpInfo(
        name,
        getattr(cls, "symbol", None) or name,
        getattr(cls, "formula", None) or None,
        tuple(v or None for v in vjps),
    )
