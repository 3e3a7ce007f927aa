"""A view as a piece of a page: what can be read without a script, and a script that brings it to life.

The still form is HTML made in Python. The script finds it in the page, moves it into a shadow root, where no style of
the page or of another view reaches it, and adds what moves. So a view works in a notebook and in an exported page with
no kernel and no network; where scripts are taken out, the still form is left.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, ClassVar

from needle_edu.viz.page import PAGE, Shown, scoped_css, static_text, write_atomically


class Island(Shown):
    """The base of such views; a view says `view`, `title`, `styles`, `script`, and what `still` and `data` are.

    Attributes
    ----------
    html : str
        What a notebook shows: everything is in it.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> board = ndl.viz.expression("x * x", x=3.0)
    >>> board.html.startswith('<div id="needle-expression-')
    True
    """

    view: ClassVar[str]  # its name in the ids of the page
    title: ClassVar[str]  # of a page of its own
    styles: ClassVar[tuple[str, ...]]
    script: ClassVar[str]

    def still(self) -> str:
        """What is seen without a script, as HTML."""
        raise NotImplementedError

    def data(self) -> dict[str, Any]:
        """What the script needs, as JSON has it."""
        raise NotImplementedError

    def frame(self) -> dict[str, Any]:
        """The whole view as the script takes it: the still form, styles and data, under a class of this content alone.

        The class comes from the content, so it is the same in every process (nbval compares outputs).
        """
        still, data = self.still(), self.data()
        content = still + json.dumps(data)
        scope = "ndl-" + hashlib.sha256(content.encode()).hexdigest()[:10]
        css = "\n".join(scoped_css(name, scope) for name in ("drawing/graph.css", "island.css", *self.styles))
        return {"still": still, "data": data, "scope": scope, "css": css}

    @property
    def html(self) -> str:
        """What a notebook shows: everything is in it."""
        frame = self.frame()
        scope, css, still = frame["scope"], frame["css"], frame["still"]
        name = f"needle-{self.view}-{scope[4:]}"
        # Inside a script element only "</script" could do harm; without any "<" it can't occur.
        data = json.dumps(frame["data"], ensure_ascii=False).replace("<", "\\u003c")
        return (
            f'<div id="{name}" class="needle-{self.view}"><div class="{scope}"><style>{css}</style>{still}</div>'
            f'<script type="application/json" class="ndl-data">{data}</script></div>'
            f'<script type="module">{self.program()}\nmountAll("{name}");</script>'
        )

    def program(self) -> str:
        """The script of the view, with that of all islands."""
        return "\n".join(map(static_text, ("keys.js", "alive.js", "island.js", self.script)))

    def save(self, path: str | os.PathLike) -> Path:
        """Write a page of its own (.html), complete or not at all."""
        forms = {".html": lambda: PAGE.format(title=self.title, body=self.html)}
        return write_atomically(path, forms, f"{type(self).__name__}.save")
