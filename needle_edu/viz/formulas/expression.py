"""`viz.expression`: a formula as a graph, whose values and gradients move while a slider is pulled.

The graph, its values and its gradients are the library's own: the formula is computed with its operations, and one
backward pass brings the adjoints. The page holds the same graph as a list of operations, which a few lines of
JavaScript compute forward and backward again for every place of a slider; a test holds them against the library.
"""

from __future__ import annotations

import html
import math
from typing import Any, ClassVar

from needle_edu.autograd import Tensor
from needle_edu.backend.arguments import real, switch
from needle_edu.graph import Graph, graph_of
from needle_edu.graph.replay import add_adjoints
from needle_edu.viz.drawing.cards import make_cards
from needle_edu.viz.drawing.layout import edge_weights, layered_layout
from needle_edu.viz.drawing.svg import to_svg
from needle_edu.viz.formulas.parse import Formula, FormulaError, read
from needle_edu.viz.formulas.surface import Surface
from needle_edu.viz.island import Island
from needle_edu.viz.live import make_live
from needle_edu.viz.page import static_text
from needle_edu.viz.text import number

ROOM = "-1.234e-05"  # the widest number that a card must have room for
USUAL = 1.0  # the value of a variable that got none


class Expression(Island):
    """A formula to play with; shows itself in Jupyter.

    Attributes
    ----------
    formula : str
    values : dict
        Each variable's value.
    value : float
        Of the formula.
    gradients : dict
        The derivative by each variable there, from the library's backward pass.
    graph : Graph
    surface : Surface or None
        z = f(x, y), of a formula of two variables.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> board = ndl.viz.expression("x*y + sin(x)", x=0.0, y=2.0)
    >>> board.value, board.gradients
    (0.0, {'x': 3.0, 'y': 0.0})
    """

    view: ClassVar[str] = "expression"
    title: ClassVar[str] = "a formula and its gradients"
    styles: ClassVar[tuple[str, ...]] = ("formulas/expression.css",)
    script: ClassVar[str] = "formulas/expression.js"

    def __init__(self, formula: Formula, values: dict[str, float], span: float):
        self.formula, self.values, self.span = formula.text, values, span
        leaves = {name: Tensor(value, dtype="float64", requires_grad=True) for name, value in values.items()}
        result = formula.compute(leaves)
        self.graph: Graph = graph_of(result, None, [(leaf, name) for name, leaf in leaves.items()])
        add_adjoints(self.graph, result)
        self.value = float(result.item())
        nodes = self.graph.nodes.values()
        grads = {node.name: node.grad for node in nodes if node.is_leaf and node.grad is not None}
        self.gradients = {name: float(grads[name].low) if name in grads else 0.0 for name in values}
        two = len(values) == 2
        self.surface = Surface(formula, values, span, self.value, self.gradients) if two else None
        also = {key: [ROOM] for key in self.graph.nodes}
        cards = make_cards(self.graph, also=also)
        sizes = {key: (card.width, card.height) for key, card in cards.items()}
        edges = [(edge.source, edge.target) for edge in self.graph.edges]
        layout = layered_layout(sizes, edges, "TB", edge_weights(self.graph))
        self._svg = to_svg(self.graph, cards, layout, numbers=False)

    def still(self) -> str:
        """The graph, and a row with value and gradient for each variable."""
        rows = "".join(
            f'<tr data-variable="{html.escape(name)}"><td class="mono">{html.escape(name)}</td><td class="pull"></td>'
            f'<td class="value mono">{number(value)}</td>'
            f'<td class="gradient mono">{number(self.gradients[name])}</td></tr>'
            for name, value in self.values.items()
        )
        formula = html.escape(self.formula)
        surface = ""
        if self.surface is not None:
            words = html.escape(self.surface.words)
            surface = f'<figure class="surface">{self.surface.svg}<figcaption>{words}</figcaption></figure>'
        return (
            f'<div class="island" role="group" aria-label="the formula {formula} and its gradients"><div class="bar">'
            f'<h3 class="mono">f = {formula}</h3><span class="result mono">= {number(self.value)}</span></div>'
            f'<div class="main"><div class="graph" tabindex="0" role="group" aria-label="graph">{self._svg}</div>'
            f'<div class="side"><table><thead><tr><th>name</th><td></td><th>value</th><th class="gradient">'
            f"gradient</th></tr></thead><tbody>{rows}</tbody></table>{surface}"
            '<div class="curves"></div></div></div></div>'
        )

    def data(self) -> dict[str, Any]:
        """The graph as a list of operations, each with the places of its operands; the variables are the leaves."""
        place = {key: i for i, key in enumerate(self.graph.nodes)}
        nodes = [
            {
                "op": node.op,
                "of": [place[k] for k in self.graph.inputs(key)],
                "by": float(node.attrs["scalar"]) if "scalar" in node.attrs else None,
                "name": node.name if node.name in self.values else None,
                "is": None if node.op or node.value is None else _plain(node.value.low),
            }
            for key, node in self.graph.nodes.items()
        ]
        return {"nodes": nodes, "values": self.values, "span": self.span}

    def program(self) -> str:
        """The script of the view, with that of the surface."""
        return f"{static_text('formulas/surface.js')}\n{super().program()}"

    def __repr__(self) -> str:
        where = ", ".join(f"{name}={number(value)}" for name, value in self.values.items())
        slopes = ", ".join(f"∂f/∂{name}={number(slope)}" for name, slope in self.gradients.items())
        return f"<Expression {self.formula} = {number(self.value)} at {where}; {slopes}>"


def _plain(x: float) -> float | None:
    return float(x) if math.isfinite(x) else None


def expression(formula: str, /, live: bool = False, span: float = 5.0, **values: float):
    """Show a formula as a graph, with a slider for each variable that moves every value and every gradient.

    A formula of two variables is drawn as a surface, too, with its tangent plane and its gradient where the sliders
    stand; it is turned by dragging or with the arrow keys.

    Parameters
    ----------
    formula : str
        Variables, numbers, ``+ - * / **`` (or ``^``), ``pi``, ``e``, and the functions sin, cos, tan, sinh, cosh, tanh,
        exp, log, sqrt, sigmoid, relu, abs, square, max and min. Nothing else is read, and no Python is run.
    live : bool
        True makes a widget with a field in which another formula can be typed; needs anywidget and a running kernel.
    span : float
        Sliders go from -span to span, and further if a value lies further out.
    **values : float
        Where each variable stands at first; 1 if not given.

    Returns
    -------
    Expression

    Raises
    ------
    FormulaError
        The formula cannot be read; the message points at the place. It is a ValueError.
    ValueError
        A value for a variable that is not in the formula, or no finite number.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> ndl.viz.expression("x*y + sin(x)", x=0, y=2)
    <Expression x*y + sin(x) = 0 at x=0, y=2; ∂f/∂x=3, ∂f/∂y=0>
    """
    switch("viz.expression", live=live)
    real("viz.expression", 1e-6, 1e6, span=span)
    made = _make(formula, span, values)
    if not live:
        return made

    def typed(message: Any) -> dict[str, Any]:
        """Another formula from the page: its frame, or what is wrong with it; known variables keep their places."""
        try:
            kept = {str(name): float(value) for name, value in dict(message["values"]).items()}
            wanted = read(message["formula"]).variables
            return _make(message["formula"], span, {n: v for n, v in kept.items() if n in wanted}).frame()
        except (FormulaError, ValueError) as error:
            return {"error": str(error).removeprefix("viz.expression: ")}

    return make_live(made, typed)


def _make(text: str, span: float, values: dict[str, float]) -> Expression:
    formula = read(text)
    for name, value in values.items():
        if name not in formula.variables:
            known = ", ".join(formula.variables)
            raise ValueError(
                f"viz.expression: {name} is not in the formula {formula.text!r}; its variables are {known}"
            )
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"viz.expression: {name} must be a finite number, got {value!r}")
    return Expression(
        formula, {name: float(values.get(name, USUAL)) for name in formula.variables}, float(span)
    )
