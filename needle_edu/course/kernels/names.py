"""The names in an answer in C or CUDA: each is on the list of `words`, or declared in the answer itself before its use.

The same pass sees to it that functions are called by their names only, and that nothing on the stack has its address
taken: with either an answer could reach beyond what it is given (`rules`).
"""

from __future__ import annotations

from needle_edu.course.kernels.parts import Function, Token, refuse
from needle_edu.course.kernels.words import FUNCTIONS, KEYWORDS, MEMBERS, QUALIFIERS, REFUSED, TYPES, VALUES

CLOSING = (")", "]", "}")
CONDITIONS = ("if", "for", "while", "switch")


class Names:
    """Looks at each name: is it allowed where it stands?"""

    def __init__(self, tokens: list[Token], partner: dict[int, int], functions: tuple[Function, ...]):
        self.words, self.lines = [token.text for token in tokens], [token.line for token in tokens]
        self.partner, self.own = partner, {function.name for function in functions}
        self.kernels = {function.name for function in functions if function.is_kernel}
        self.declared: set[str] = set()
        self.own_arrays: dict[str, int] = {}  # those on the stack, and how many brackets their elements need

    def word(self, place: int) -> str:
        return self.words[place] if 0 <= place < len(self.words) else ""

    def look(self) -> None:
        for place, word in enumerate(self.words):
            if word[0].isalpha() or word[0] == "_":
                self.name(place, word)
            elif word in ("::", "<<<", ">>>", "@", "$", "`"):
                refuse(self.lines[place], f"{word} has no place in a function of the device")
            elif word == "(":
                self.call(place)
            elif word == "&":
                self.address(place)
            elif word == "[" and not self.is_indexed(place - 1):
                refuse(self.lines[place], "[ without an array before it: no attributes, and no lambdas")

    def name(self, place: int, word: str) -> None:
        line, before, after = self.lines[place], self.word(place - 1), self.word(place + 1)
        if before in (".", "->"):
            if word not in MEMBERS:
                refuse(line, f"{before}{word}: vectors have the members x, y, z and w")
        elif word == "extern":
            if after != "__shared__":
                refuse(line, "extern: nothing of an answer lies elsewhere, but for extern __shared__")
        elif word in REFUSED:
            refuse(line, f"{word}: not needed in an answer, and not allowed")
        elif word in TYPES | QUALIFIERS | KEYWORDS | VALUES:
            if (
                after == "("
                and word not in TYPES
                and word not in ("if", "for", "while", "switch", "return", "sizeof", "case")
            ):
                refuse(line, f"{word}( is no call")
        elif word in FUNCTIONS or word in self.own:
            if after != "(":
                refuse(line, f"{word}: a function is called, its address is not taken")
            if word in self.kernels and not self.is_definition(place):
                refuse(line, f"{word} is a kernel, and kernels are launched by the host")
        elif word.startswith("_") or "__" in word:
            refuse(
                line, f"{word}: names like this belong to the compiler, and it is not one that a kernel needs"
            )
        elif after == "(":
            refuse(line, f"{word}: no function of this answer, and not one that a kernel may call")
        elif word not in self.declared:
            if not self.is_declaration(place):
                refuse(line, f"{word}: declared nowhere in this answer before this line")
            self.declared.add(word)
            if after == "[" and not self.is_shared(place):
                self.own_arrays[word] = self.brackets(place)
        elif word in self.own_arrays and self.brackets(place) < self.own_arrays[word]:
            refuse(
                line, f"{word}: an array of the function's own is used element by element, never as a pointer"
            )

    def brackets(self, place: int) -> int:
        """How many pairs of [ ] stand behind a name."""
        count, at = 0, place + 1
        while self.word(at) == "[":
            count, at = count + 1, self.partner[at] + 1
        return count

    def is_shared(self, place: int) -> bool:
        """Whether a declaration is of ``__shared__`` memory, which the checker sees."""
        while place >= 0 and self.word(place) not in (";", "{", "}"):
            if self.word(place) == "__shared__":
                return True
            place -= 1
        return False

    def address(self, place: int) -> None:
        """What lies on the stack has no address: from there it is not far to what judges the answer."""
        before = self.word(place - 1)
        after_cast = before == ")" and self.is_cast_or_condition(self.partner[place - 1], place - 1)
        if (
            before in TYPES
            or not after_cast
            and (before[:1].isalnum() or before in (")", "]"))
            and before not in KEYWORDS
        ):
            return  # a reference, or the operator between two numbers
        name = self.word(place + 1)
        if self.word(place + 2) != "[" or name in self.own_arrays:
            refuse(
                self.lines[place], f"&{name}: only elements in memory have an address here, such as &out[i]"
            )

    def is_indexed(self, place: int) -> bool:
        word = self.word(place)
        return word in ("]", ")") or word.isidentifier() and word not in KEYWORDS

    def is_definition(self, place: int) -> bool:
        return self.word(self.partner[place + 1] + 1) == "{"

    def call(self, place: int) -> None:
        """What is called is a name, never the value of an expression: that could be the address of anything."""
        before = self.word(place - 1)
        if (
            before == "]"
            or before == ")"
            and not self.is_cast_or_condition(self.partner[place - 1], place - 1)
        ):
            refuse(
                self.lines[place], "a call of what an expression gives: functions are called by their names"
            )

    def is_cast_or_condition(self, begin: int, end: int) -> bool:
        inside = set(self.words[begin + 1 : end])
        return self.word(begin - 1) in CONDITIONS or inside <= TYPES | QUALIFIERS | {"*"}

    def is_declaration(self, place: int) -> bool:
        """Whether the name at `place` gets its meaning there: it follows a type, or a comma in such a declaration."""
        at = place - 1
        while self.word(at) in ("*", "&") or self.word(at) in QUALIFIERS - {"__shared__"}:
            at -= 1
        if self.word(at) in TYPES or self.word(at) in ("const", "constexpr"):
            return True
        if self.word(at) == "{" and self.word(at - 1) == "enum":
            return True
        if self.word(at) != ",":
            return False
        while at >= 0 and self.word(at) not in (";", "{", "("):  # back to where the statement begins
            at = self.partner[at] - 1 if self.word(at) in CLOSING else at - 1
        outside = self.word(at - 1)
        if self.word(at) == "(" and outside != "for" and self.partner[at] + 1 < len(self.words):
            return (
                self.word(self.partner[at] + 1) == "{" and outside in self.own
            )  # the parameters of a function
        if self.word(at) == "{" and outside not in (")", ";", "}", ":", "else", "do"):
            return outside == "enum"  # not the numbers between the braces of an array
        return self.starts_declaration(at + 1)

    def starts_declaration(self, place: int) -> bool:
        return self.word(place) in TYPES | QUALIFIERS
