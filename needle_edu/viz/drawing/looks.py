"""What the reader's own function says about the nodes of a drawing: a title, more rows, a colour, or to hide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from needle_edu.backend import NeedleError
from needle_edu.graph import Graph, Node
from needle_edu.graph.build import visible
from needle_edu.viz.drawing.svg import describe_node
from needle_edu.viz.text import shorten

COLOURS = ("blue", "orange", "green", "red", "grey")
KEYS = ("label", "rows", "color", "hide")
LABEL_CHARS, ROW_CHARS, MOST_ROWS = 26, 28, 8
NodeFunction = Callable[[Node], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Look:
    """How one node is drawn: `label` instead of its name, `rows` below its own, `color` of its card; or not at all."""

    label: str = ""
    rows: tuple[tuple[str, str], ...] = ()
    color: str = ""
    hide: bool = False

    @property
    def css(self) -> str:
        """The class of the colour."""
        return f"ndl-paint-{self.color}" if self.color else ""


def check_node(function: Any) -> None:
    """Refuse what can't be called."""
    if function is not None and not callable(function):
        raise TypeError(
            f"viz.draw: node={function!r}; it is a function of a node that returns None or a dict, such as "
            "lambda node: {'color': 'red'}"
        )


def looks_of(graph: Graph, function: NodeFunction | None) -> dict[int, Look]:
    """Ask the function about every node, once, in the order of the graph. It gets a copy: the graph stays as it is.

    Raises
    ------
    NeedleError
        The function failed, or returned what can't be drawn; the message names the node.

    Examples
    --------
    >>> graph = Graph(); graph.add(Node(1, label="x")); graph.add(Node(2, op="exp", label="y"), (1,))
    >>> looks_of(graph, lambda node: {"color": "red"} if node.op else None)
    {2: Look(label='', rows=(), color='red', hide=False)}
    """
    found = {}
    for key, node in graph.nodes.items() if function is not None else ():
        assert function is not None
        try:
            said = function(replace(node, attrs=dict(node.attrs)))
        except Exception as error:
            raise NeedleError(
                f"viz.draw: node= failed at {describe_node(node, False)}: {type(error).__name__}: {error}"
            ) from error
        if said is not None:
            found[key] = _look(node, said)
    return found


def _look(node: Node, said: Any) -> Look:
    def refuse(what: str) -> NeedleError:
        return NeedleError(f"viz.draw: node= returned {what}, at {describe_node(node, False)}")

    if not isinstance(said, Mapping):
        raise refuse(f"{type(said).__name__}; it returns None or a dict with {', '.join(KEYS)}")
    if unknown := [key for key in said if key not in KEYS]:
        raise refuse(f"the key {unknown[0]!r}; there are {', '.join(KEYS)}")
    label, rows, color, hide = (said.get(key) for key in KEYS)
    if hide not in (None, True, False):
        raise refuse(f"hide={hide!r}; it is True or False")
    if label is not None and not isinstance(label, str):
        raise refuse(f"label={label!r}; a label is a str")
    if color is not None and color not in COLOURS:
        raise refuse(f"color={color!r}; it is one of {', '.join(COLOURS)}")
    if rows is not None and (not isinstance(rows, Mapping) or len(rows) > MOST_ROWS):
        raise refuse(f"rows={rows!r}; rows are a dict of at most {MOST_ROWS} names and texts")
    title = shorten(visible(label or ""), LABEL_CHARS)
    return Look(title, tuple(_rows((rows or {}).items())), color or "", bool(hide))


def _rows(rows: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, str]]:
    for name, text in rows:
        yield shorten(visible(str(name)), ROW_CHARS), shorten(visible(str(text)), ROW_CHARS)
