"""What every picture needs around it: style sheets and scripts, a page of its own, a file that is written whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

from needle_edu.backend.files import whole_file

# A page of its own follows the reader's system; in a notebook the theme's own variables are used.
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
:root {{ color-scheme: light dark }}
body {{ margin: 16px; background: var(--jp-layout-color0, #fff) }}
@media (prefers-color-scheme: dark) {{ :root {{ --jp-layout-color0: #16181c; --jp-ui-font-color0: #e6e8eb }} }}
</style></head><body>
{body}
</body></html>
"""


class HasHtml(Protocol):
    """What a notebook can show."""

    @property
    def html(self) -> str: ...


class Shown:
    """The base of what shows its `html` in a notebook, and its `repr` where there is only text."""

    def _repr_html_(self: HasHtml) -> str:
        return self.html

    def _repr_mimebundle_(self: HasHtml, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": repr(self)}


def static_text(name: str) -> str:
    """A file of this folder or of one below (`stepper/stepper.js`), without its opening comment."""
    text = resources.files("needle_edu.viz").joinpath(name).read_text(encoding="utf-8")
    return text[text.index("*/") + 2 :].strip() if text.startswith("/*") else text


def script_text(name: str) -> str:
    """A script, with those of its keys and of the window over a graph before it, which it uses."""
    return "\n".join(map(static_text, ("keys.js", "drawing/view.js", name)))


def scoped_css(name: str, scope: str) -> str:
    """A style sheet as `static_text` finds it, every rule limited to elements inside class `scope`."""
    return static_text(name).replace(".ndl ", f".{scope} ")


def write_atomically(
    path: str | os.PathLike[str], forms: Mapping[str, Callable[[], str | bytes]], function: str
) -> Path:
    """Write the form that the file's ending asks for; the file appears complete or not at all."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(
            f"{function}: wanted the name of a file, such as 'picture{next(iter(forms))}', got {type(path).__name__}"
        )
    path = Path(path)
    make = forms.get(path.suffix.lower())
    if make is None:
        raise ValueError(f"{function}: cannot write {path.name!r}; the endings are {', '.join(forms)}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"{function}: the folder {str(path.parent)!r} does not exist; create it first"
        )
    content = make()
    mode: dict = {"mode": "wb"} if isinstance(content, bytes) else {"encoding": "utf-8"}
    with whole_file(path, **mode) as file:
        file.write(content)
    return path
