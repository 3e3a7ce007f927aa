"""What the registry says about an operation: its sign and its formulas.

An op class carries the data that teaches it (`symbol`, `formula`, `vjp_formulas`). A student's own op may
have none of it: then its name stands in for the sign, and its formulas are simply absent.
"""

from __future__ import annotations

from dataclasses import dataclass

# Operand letters of the registry's formulas.
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class OpInfo:
    """Symbol, forward formula and one vector-Jacobian formula per operand (TeX; None where there is none)."""

    name: str
    symbol: str
    formula: str | None = None
    vjp_formulas: tuple = ()

    def vjp(self, operand: int) -> str | None:
        """Formula of the contribution to operand `operand`."""
        return self.vjp_formulas[operand] if operand < len(self.vjp_formulas) else None


def op_info(name: str) -> OpInfo:
    """Look an operation up in the registry; unknown names are no error.

    Examples
    --------
    >>> op_info("my own op").symbol
    'my own op'
    """
    from needle_edu.autograd import registry

    slot = registry.ops().get(name)
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


def operand_letter(operand: int, count: int) -> str:
    """What operand number `operand` of `count` is called: a, b, c … as in the formulas, or its number.

    Examples
    --------
    >>> operand_letter(1, 2), operand_letter(3, 40)
    ('b', '4')
    """
    return LETTERS[operand] if count <= 5 else str(operand + 1)
