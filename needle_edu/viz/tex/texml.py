r"""TeX formulas as MathML, which browsers typeset by themselves: no script, no font, no network.

The registry writes an operation's formulas in a small part of TeX, such as `\bar{a} = \bar{y} \odot b`.
This module reads that part: letters and numbers, `^` and `_`, groups, fractions, roots, accents, named
functions, delimiters, and the signs in the tables below. A formula is split into tokens and read by
recursive descent, one method per construction. What it does not know it refuses, with the place, so that no
formula is shown wrong.
"""

from __future__ import annotations

import html
import re

XMLNS = ' xmlns="http://www.w3.org/1998/Math/MathML"'  # wanted in XML; HTML needs none


def _table(text: str) -> dict[str, str]:
    """Pairs of a command's name and its sign."""
    words = text.split()
    return dict(zip(words[::2], words[1::2], strict=True))


IDENTIFIERS = _table("""
    alpha α beta β gamma γ delta δ epsilon ϵ varepsilon ε zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi ξ pi π
    rho ρ sigma σ tau τ phi ϕ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Pi Π Sigma Σ Phi Φ
    Psi Ψ Omega Ω ell ℓ infty ∞ partial ∂ nabla ∇ emptyset ∅ top ⊤ bot ⊥
""")
OPERATORS = _table("""
    odot ⊙ oslash ⊘ oplus ⊕ otimes ⊗ cdot ⋅ times × div ÷ circ ∘ ast ∗ star ⋆ pm ± le ≤ leq ≤ ge ≥ geq ≥ ne ≠
    neq ≠ lt < gt > approx ≈ equiv ≡ propto ∝ sim ∼ in ∈ notin ∉ cup ∪ cap ∩ subset ⊂ setminus ∖ to →
    rightarrow → leftarrow ← gets ← mapsto ↦ Rightarrow ⇒ land ∧ wedge ∧ lor ∨ vee ∨ neg ¬ lnot ¬ forall ∀
    ldots … dots … cdots ⋯ colon : mid ∣
""")
UPRIGHT = ("partial", "infty", "top", "bot", "nabla")
BIG = _table("sum ∑ prod ∏ int ∫")
FUNCTIONS = (
    "exp",
    "log",
    "ln",
    "sin",
    "cos",
    "tan",
    "arcsin",
    "arccos",
    "arctan",
    "sinh",
    "cosh",
    "tanh",
    "erf",
    "sign",
    "max",
    "min",
    "arg",
    "argmax",
    "argmin",
    "lim",
    "sup",
    "inf",
    "det",
    "dim",
)
LIMITS = ("max", "min", "argmax", "argmin", "lim", "sup", "inf")  # their subscript goes underneath
ACCENTS = _table("bar ¯ overline ‾ hat ^ widehat ^ tilde ~ widetilde ~ dot ˙ vec →")
SPACES = {
    ",": "0.17em",
    ":": "0.22em",
    ";": "0.28em",
    " ": "0.33em",
    "!": "-0.17em",
    "quad": "1em",
    "qquad": "2em",
}
FENCES = _table(r"""
    { { } } | ‖ # # lbrace { rbrace } langle ⟨ rangle ⟩ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ lvert | rvert | vert |
    Vert ‖ lVert ‖ rVert ‖
""")
SIZES = {"big": "1.2em", "Big": "1.8em", "bigg": "2.4em", "Bigg": "3em"}
STYLES = {
    "mathrm": "normal",
    "operatorname": "normal",
    "mathbf": "bold",
    "mathit": "italic",
    "mathsf": "sans-serif",
}
PLAIN_OPERATORS = {"-": "−", "*": "∗", "'": "′"} | {c: c for c in "+=<>,;:/?!.…"}

TOKEN = re.compile(r"\\(?:[A-Za-z]+|.)|\s+|.", re.DOTALL)


class TexError(ValueError):
    """A formula holds something this small reader of TeX does not know."""


def tex_to_mathml(tex: str, display: bool = False) -> str:
    r"""Convert a TeX formula to a `<math>` element.

    Parameters
    ----------
    tex : str
        The formula, without dollar signs.
    display : bool
        True sets it as a line of its own, with larger sums.

    Raises
    ------
    TexError
        Unknown command, unbalanced braces or delimiters.

    Examples
    --------
    >>> tex_to_mathml("a_1")[49:]
    'display="inline" alttext="a_1"><msub><mi>a</mi><mn>1</mn></msub></math>'
    >>> tex_to_mathml(r"\foo")
    Traceback (most recent call last):
    needle_edu.viz.tex.texml.TexError: unknown command \foo at character 0 of '\\foo'
    """
    body = _Reader(tex).formula()
    where = "block" if display else "inline"
    return f'<math{XMLNS} display="{where}" alttext="{html.escape(tex)}">{body}</math>'


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, tex: str):
        self.tex = tex
        self.tokens = [(m.group(), m.start()) for m in TOKEN.finditer(tex) if not m.group().isspace()]
        self.at = 0

    # -- tokens
    def peek(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def fail(self, what: str, back: int = 1):
        place = min(self.at - back, len(self.tokens))
        where = self.tokens[place][1] if 0 <= place < len(self.tokens) else len(self.tex)
        raise TexError(f"{what} at character {where} of {self.tex!r}")

    # -- constructions
    def formula(self) -> str:
        row = self.row()
        if self.peek():
            self.fail(f"unexpected {self.peek()}", 0)
        return row

    def row(self) -> str:
        """Atoms up to the end of the formula, of the group, or of the fence."""
        parts: list[str] = []
        while self.peek() not in ("", "}", r"\right"):
            part = self.scripted()
            # A sign at the beginning, or after another operator, is a prefix and stands close to its operand.
            after_operator = not parts or re.match(r"<mo[ >](?!.*[)\]|]</mo>$)", parts[-1])
            if part in ("<mo>−</mo>", "<mo>+</mo>") and after_operator:
                part = part.replace("<mo>", '<mo form="prefix">')
            parts.append(part)
        return parts[0] if len(parts) == 1 else "<mrow>" + "".join(parts) + "</mrow>"

    def scripted(self) -> str:
        """An atom with what stands above and below it."""
        name = self.peek()[1:] if self.peek().startswith("\\") else ""
        base = self.atom()
        marks: dict[str, str] = {}
        while self.peek() in ("^", "_"):
            mark = self.take()
            if mark in marks:
                self.fail(f"two {mark} on one symbol")
            marks[mark] = self.argument()
        if marks:
            under = name in BIG or name in LIMITS
            kinds = ("munder", "mover", "munderover") if under else ("msub", "msup", "msubsup")
            tag = kinds[2 if len(marks) == 2 else "_^".index(next(iter(marks)))]
            base = f"<{tag}>{base}{marks.get('_', '')}{marks.get('^', '')}</{tag}>"
        closed = ("", "(", ")", "[", "}", ",", r"\left", r"\right")
        if name in (*FUNCTIONS, "operatorname") and self.peek() not in closed:
            base += '<mspace width="0.17em"/>'
        return base

    def argument(self) -> str:
        """What a command or script applies to: a group or a single token."""
        if not self.peek() or self.peek() in ("}", "^", "_"):
            self.fail("something is missing", 0)
        return self.atom(single=True)

    def atom(self, single: bool = False) -> str:
        token = self.take()
        if token.startswith("\\"):
            return self.command(token[1:])
        if token == "{":
            row = self.row()
            if self.take() != "}":
                self.fail("a { is never closed")
            return row
        if token.isdigit():
            while not single and (self.peek().isdigit() or self.peek() == "." and self._digit_follows()):
                token += self.take()
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{html.escape(token)}</mi>"
        if token in "()[]|":
            return f'<mo stretchy="false" lspace="0" rspace="0">{token}</mo>'
        if token in PLAIN_OPERATORS:
            return f"<mo>{html.escape(PLAIN_OPERATORS[token])}</mo>"
        return self.fail(f"unknown character {token}")

    def _digit_follows(self) -> bool:
        return self.at + 1 < len(self.tokens) and self.tokens[self.at + 1][0].isdigit()

    def command(self, name: str) -> str:
        if name in IDENTIFIERS:
            style = ' mathvariant="normal"' if name in UPRIGHT else ""
            return f"<mi{style}>{IDENTIFIERS[name]}</mi>"
        if name in OPERATORS:
            return f"<mo>{html.escape(OPERATORS[name])}</mo>"
        if name in BIG:
            return f'<mo largeop="true" movablelimits="false">{BIG[name]}</mo>'
        if name in FUNCTIONS:
            return f"<mi>{name}</mi>" if len(name) > 1 else f'<mi mathvariant="normal">{name}</mi>'
        if name in SPACES:
            return f'<mspace width="{SPACES[name]}"/>'
        if name in FENCES:
            return f'<mo stretchy="false">{FENCES[name]}</mo>'
        if name in ACCENTS:
            wide = "true" if name.startswith("wide") else "false"
            argument, sign = self.argument(), ACCENTS[name]
            if (
                name == "overline"
            ):  # as long as what is under it: only special fonts have a sign that stretches
                return f'<mrow style="border-top:.06em solid;padding-top:.1em">{argument}</mrow>'
            # The padding keeps the bar off the letter: fonts without mathematics set it right on top.
            base = f'<mrow style="padding-top:.13em">{argument}</mrow>'
            return f'<mover accent="true">{base}<mo stretchy="{wide}">{sign}</mo></mover>'
        if name in ("frac", "tfrac", "dfrac"):
            top, bottom = self.argument(), self.argument()
            fraction = f"<mfrac>{top}{bottom}</mfrac>"
            return f'<mstyle displaystyle="false">{fraction}</mstyle>' if name == "tfrac" else fraction
        if name == "sqrt":
            return f"<msqrt>{self.argument()}</msqrt>"
        if name == "mathbb":
            return f"<mi>{self.double_struck(self.letters())}</mi>"
        if name in ("text", "textrm", "mbox"):
            return f"<mtext>{html.escape(self.letters(keep_spaces=True))}</mtext>"
        if name in STYLES:
            return f'<mi mathvariant="{STYLES[name]}">{html.escape(self.letters())}</mi>'
        if name in ("left", "right"):
            return self.fenced() if name == "left" else self.fail(r"a \right without its \left")
        if (size := SIZES.get(name.rstrip("lr"))) and self.peek():
            return self.delimiter().replace("<mo ", f'<mo minsize="{size}" maxsize="{size}" ')
        return self.fail(f"unknown command \\{name}")

    def letters(self, keep_spaces: bool = False) -> str:
        """The raw text of a group."""
        if self.take() != "{":
            self.at -= 1
            return self.take()
        start = self.tokens[self.at - 1][1] + 1
        while self.peek() and self.peek() != "}":
            self.take()
        if self.take() != "}":
            self.fail("a { is never closed")
        text = self.tex[start : self.tokens[self.at - 1][1]]
        text = re.sub(r"\\([_{}%&#$ ])", r"\1", text)
        return text.replace(" ", "\u00a0") if keep_spaces else text.strip()

    def double_struck(self, text: str) -> str:
        known = {"1": "𝟙", "R": "ℝ", "N": "ℕ", "Z": "ℤ", "E": "𝔼", "P": "ℙ"}
        if text not in known:
            self.fail(f"no double-struck {text}")
        return known[text]

    def fenced(self) -> str:
        opening = self.delimiter()
        row = self.row()
        if self.take() != r"\right":
            self.fail(r"a \left without its \right")
        return f"<mrow>{opening}{row}{self.delimiter()}</mrow>"

    def delimiter(self) -> str:
        token = self.take()
        sign = FENCES.get(token[1:]) if token.startswith("\\") else token
        if sign == ".":
            return ""
        if not sign or sign not in "()[]{}|‖⟨⟩⌊⌋⌈⌉/":
            self.fail(f"{token or 'nothing'} is no delimiter")
        return f'<mo stretchy="true">{sign}</mo>'
