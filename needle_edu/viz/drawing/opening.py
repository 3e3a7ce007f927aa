"""Which boxes of a drawing are open at first, and which can be opened: as much as can be read."""

from __future__ import annotations

import difflib

from needle_edu.graph.boxes import NO_MODULE, Box

READABLE = 60  # so many cards are shown at first
PAGE_CARDS = 300  # so many are in the page at all, most of them in closed boxes


def check_boxes(modules: bool | int | str, roll: bool | None, focus: str | None) -> None:
    """Refuse what says nothing about boxes."""
    if modules != "auto" and not (isinstance(modules, int) and modules >= 0):
        raise ValueError(
            f"viz.draw: modules={modules!r}; it is 'auto', True, False, or how many levels of modules are open"
        )
    if roll not in (None, True, False):
        raise ValueError(f"viz.draw: roll={roll!r}; it is True, False, or None for large graphs only")
    if focus is not None and not isinstance(focus, str):
        raise ValueError(
            f"viz.draw: focus={focus!r}; it is the name of a module, such as 'layers.0', or None"
        )


def choose(root: Box, modules: bool | int | str) -> tuple[set[Box], set[Box]]:
    """The boxes that are open at first, and those that the page can open.

    Parameters
    ----------
    root : Box
        It is both.
    modules : "auto", bool or int
        "auto" opens level after level while at most `READABLE` cards are shown; True opens all modules, a number so
        many levels of them. Passes that repeat each other are closed at first.

    Examples
    --------
    >>> inner = Box("Linear", items=[2, 3])
    >>> root = Box(items=[1, inner])
    >>> [sorted(map(len, [box.items for box in boxes])) for boxes in choose(root, 0)]
    [[2], [2, 2]]
    """
    opened, inside = {root}, {root}
    shown = written = len(root.items)
    level = [root]
    number = 0
    while level:
        number += 1
        deeper = []
        for box in [item for outer in level for item in outer.items if isinstance(item, Box)]:
            if written + len(box.items) > PAGE_CARDS:
                continue
            written += len(box.items)
            inside.add(box)
            deeper.append(box)
        fits = shown + sum(len(box.items) - 1 for box in deeper) <= READABLE
        wanted = fits if modules == "auto" else modules is True or number <= int(modules)
        for box in deeper:
            visible = any(box in outer.items for outer in level if outer in opened)
            if wanted and visible and (box.kind not in NO_MODULE or modules == "auto" and box.kind == "pass"):
                opened.add(box)
                shown += len(box.items) - 1
        level = deeper
    return opened, inside


def find_box(root: Box, path: str) -> Box:
    """The box with this path; the part of it after the outermost module will do.

    Examples
    --------
    >>> root = Box(items=[Box("Linear", "0", "Sequential.0", [1, 2])])
    >>> find_box(root, "0").kind
    'Linear'
    """
    boxes = [box for box in root.boxes() if box.path]
    for box in boxes:
        if path == box.path:
            return box
    for box in boxes:
        if box.path.endswith(f".{path}"):
            return box
    known = [box.path for box in boxes]
    near = difflib.get_close_matches(path, known, 3, 0.3) or known[:3]
    advice = f"there are {', '.join(near)}" if near else "no module made a part of this graph"
    raise ValueError(f"viz.draw: focus={path!r} is no box of this graph; {advice}")
