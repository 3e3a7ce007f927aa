"""What an answer in C or CUDA is taken apart into, and how it is refused (`rules`)."""

from __future__ import annotations

from typing import NamedTuple, NoReturn


class CompileError(SyntaxError):
    """An answer that does not compile. Jupyter shows it as the compiler's words, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(note) for note in getattr(self, "__notes__", ())] or [str(self.msg)]


class NotAllowed(CompileError):
    """An answer with something in it that `rules` does not allow."""


class Token(NamedTuple):
    """A word or a sign, and the line it stands in."""

    text: str
    line: int


class Function(NamedTuple):
    """A function that an answer defines: its name, its parameters' types and names, and whether it is a kernel."""

    name: str
    types: tuple[str, ...]
    parameters: tuple[str, ...]
    is_kernel: bool


def refuse(line: int, why: str) -> NoReturn:
    """Raise `NotAllowed` for something in a line."""
    error = NotAllowed(why)
    error.lineno = line
    raise error
