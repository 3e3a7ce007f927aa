"""The story of a run, one step at a time, told from its events.

Reads recorded events and turns each into a `Step`: a leaf enters, an operation computes, backward is
seeded, a vector-Jacobian product gives a contribution, contributions are added, a gradient is written. A
value that is used only once has nothing to add, so its sum is told together with its contribution. Here are only facts
and sentences.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from needle_edu.graph import Graph, OpInfo, Snapshot, build_graph, op_info
from needle_edu.viz.stepper.steps import Shown, Step
from needle_edu.viz.tex.notation import bar_over, letters_of, tex_name, with_names
from needle_edu.viz.text import attribute_texts, number, shape_text, shorten

MAX_TERMS = 4  # a sum of more contributions is told as a running sum
TITLE_CHARS = 40


def tell(records: list[tuple[Any, Snapshot | None]], names: Mapping[int, str] | None = None):
    """Turn a recording into its graph and its steps.

    Returns
    -------
    graph : Graph
    steps : list of Step
    """
    graph = build_graph(records, names)
    narrator = _Narrator(graph, records)
    steps = []
    for position, record in enumerate(records):
        for step in narrator.listen(position, record):
            step.position = position
            steps.append(step)
    return graph, steps


class _Narrator:
    def __init__(self, graph: Graph, records):
        self.graph = graph
        self.values: dict[int, Snapshot | None] = {}
        self.adjoints: dict[int, Snapshot | None] = {}
        self.inputs: dict[int, list[int]] = {k: [] for k in graph.nodes}
        self.edge_number: dict[tuple[int, int], int] = {}
        for place, edge in enumerate(graph.edges):
            self.inputs[edge.target].append(edge.source)
            self.edge_number[edge.target, edge.operand] = place
        self.infos: dict[str, OpInfo] = {n.op: op_info(n.op) for n in graph.nodes.values() if n.op}
        # Per backward pass: its last event, and for every value its contributions (node, operand), to tell "1 of 2".
        self.last_event: dict[int, int] = {}
        self.expected: dict[tuple[int, int], list[tuple[int, int]]] = {}
        passes = 0
        for position, (event, _) in enumerate(records):
            passes += event.kind == "seeded"
            if event.kind in ("vjp", "accumulated", "leaf"):
                self.last_event[passes] = position
            if event.kind == "vjp":
                self.expected.setdefault((passes, event.value), []).append((event.node, event.operand))
        self.passes = 0
        self.arrived: dict[int, list[Snapshot | None]] = {}

    # -- helpers
    def label(self, value: int) -> str:
        return shorten(self.graph.nodes[value].label, TITLE_CHARS)

    def letter(self, node: int, operand: int) -> str:
        return op_info(self.graph.nodes[node].op or "").letter(operand, len(self.inputs[node]))

    def expression(self, value: int) -> str:
        """The operation as one would write it: `x @ W`, `relu(h)`."""
        node = self.graph.nodes[value]
        labels = [self.label(source) for source in self.inputs[value]]
        symbol = node.symbol
        if len(labels) == 2 and not any(c.isalnum() for c in symbol):
            return f"{labels[0]} {symbol} {labels[1]}"
        if len(labels) == 1 and set(node.attrs) == {"scalar"} and not any(c.isalnum() for c in symbol):
            return f"{labels[0]} {symbol} {number(node.attrs['scalar'])}"
        attrs = [f"{name}={text}" for name, text in attribute_texts(node.attrs).items()]
        return f"{node.op}({', '.join([*labels, *attrs])})"

    def operands(self, value: int, letters: str | None = None) -> list[Shown]:
        """The operands of a node (only those whose letter is in `letters`), with their forward values."""
        shown = []
        for operand, source in enumerate(self.inputs[value]):
            letter = self.letter(value, operand)
            if letters is None or letter in letters:
                tex = letter if letter.isalpha() else f"a_{{{letter}}}"
                shown.append(Shown(letter, tex, self.label(source), self.values.get(source)))
        return shown

    def expanded(self, node: int, value: int) -> bool:
        """Whether `value` was broadcast when `node` was computed: then the engine sums what the rule gives."""
        shape, shapes = self.graph.nodes[node].shape, [self.graph.nodes[k].shape for k in self.inputs[node]]
        if self.graph.nodes[node].op == "matmul" or self.graph.nodes[value].shape == shape or len(shapes) < 2:
            return False
        try:
            return np.broadcast_shapes(*shapes) == shape
        except ValueError:
            return False

    def rule_here(self, formula: str | None, node: int, value: int, expanded: bool) -> str | None:
        """The rule of a contribution with the names of this graph."""
        names = {self.letter(node, k): self.label(source) for k, source in enumerate(self.inputs[node])}
        names["y"] = self.label(node)
        if "scalar" in self.graph.nodes[node].attrs:
            names.setdefault("c", number(self.graph.nodes[node].attrs["scalar"]))
        right = with_names(formula, names) if formula else None
        if right is None:
            return None
        left = bar_over(self.label(value))
        if self.uses(value) > 1:
            left += f"^{{({len(self.arrived[value])})}}"
        return rf"{left} = \sum_{{\text{{expanded axes}}}} {right}" if expanded else f"{left} = {right}"

    # -- events
    def listen(self, position: int, record) -> list[Step]:
        event, numbers = record
        if event.value not in self.graph.nodes:
            return []
        backward = position <= self.last_event.get(self.passes, -1)
        if event.kind == "computed":
            self.values[event.value] = numbers
            return [self.computed(event, numbers, "backward" if backward and self.passes else "forward")]
        if event.kind == "seeded":
            self.passes += 1
            self.arrived.clear()
            self.adjoints[event.value] = numbers
            return [self.seeded(event, numbers)]
        if event.kind == "vjp":
            self.arrived.setdefault(event.value, []).append(numbers)
            return [self.contribution(event, numbers)]
        if event.kind == "accumulated":
            before, self.adjoints[event.value] = self.adjoints.get(event.value), numbers
            return [self.total(event, numbers, before)] if self.uses(event.value) > 1 else []
        return [self.written(event, numbers)] if event.kind == "leaf" else []

    def uses(self, value: int) -> int:
        """How many contributions a value gets in this backward pass."""
        return len(self.expected.get((self.passes, value), ()))

    def computed(self, event, numbers, phase: str) -> Step:
        value, node = event.value, self.graph.nodes[event.value]
        if node.is_leaf:
            if node.requires_grad:
                text = "A parameter enters: its value is given. Backward will write its gradient into .grad."
            else:
                text = "Data enters: its value is given, and nobody asks for its gradient."
            shown = Shown("value", tex_name(node.label), node.label, numbers)
            return Step(phase, "leaf", value, f"{node.label} enters", text, result=shown)
        info = self.infos[node.op or ""]
        operands = self.operands(value)
        used = (
            " and ".join(f"{s.role} = {s.label}" for s in operands)
            if len(operands) <= 3
            else f"{len(operands)} operands"
        )
        text = f"The forward pass computes {node.label} from {used}."
        edges = [self.edge_number[value, k] for k in range(len(self.inputs[value]))]
        return Step(
            phase, "op", value, f"{node.label} = {self.expression(value)}", text, edges=edges, formula=info.formula,
            attrs=node.attrs, given=operands, result=Shown("y", "y", node.label, numbers),
        )  # fmt: skip

    def seeded(self, event, numbers) -> Step:
        label = self.label(event.value)
        ones = numbers is not None and numbers.low == numbers.high == 1.0
        text = f"Backward starts here. The adjoint of {label} says how much the result changes when {label} changes. "
        if not ones:
            text += "Here it was given by the caller."
        elif numbers.size == 1:
            text += "The result is this value itself, so it is one."
        else:
            text += "It is one everywhere: the result is the sum of all elements."
        bar = bar_over(label)
        shown = Shown("adjoint", bar, f"adjoint of {label}", numbers)
        formula = f"{bar} = 1" if ones else None
        return Step(
            "backward",
            "seed",
            event.value,
            f"backward starts at {label}",
            text,
            formula=formula,
            result=shown,
        )

    def contribution(self, event, numbers) -> Step:
        node, value = event.node, event.value
        source, target = self.label(node), self.label(value)
        info = self.infos[self.graph.nodes[node].op or ""]
        letter, uses = self.letter(node, event.operand), self.uses(value)
        formula = info.vjp(event.operand)
        text = (
            f"The adjoint of {source} arrives at its operation, {info.name}. Its vector-Jacobian product is the part "
            f"that reaches {target}{'' if len(self.inputs[node]) == 1 else f' (operand {letter})'}."
        )
        expanded = self.expanded(node, value)
        if expanded:
            shapes = [shape_text(self.graph.nodes[k].shape) for k in (value, node)]
            text += (
                f" {target} has shape {shapes[0]} and was broadcast to {shapes[1]}: each of its elements was used many "
                "times, so the rule's result is summed over the expanded axes."
            )
        if uses == 1:
            text += f" Nothing else reaches {target}, so this is its whole adjoint."
        else:
            nth = len(self.arrived[value])
            text += f" {target} is used {uses} times; this is contribution {nth} of {uses}."
        given = [Shown("adjoint", r"\bar{y}", f"adjoint of {source}", self.adjoints.get(node))]
        letters = letters_of(formula) if formula else ""
        given += self.operands(node, letters)
        if "y" in letters:
            given.append(Shown("y", "y", source, self.values.get(node)))
        tex = rf"\bar{{{letter}}}" if letter.isalpha() else rf"\bar{{a}}_{{{letter}}}"
        result = Shown("contribution", tex, f"contribution to {target}", numbers)
        return Step(
            "backward", "vjp", value, f"{source} → {target}", text, origin=node,
            edges=[self.edge_number[node, event.operand]], formula=formula,
            here=self.rule_here(formula, node, value, expanded),
            attrs=self.graph.nodes[node].attrs, given=given, result=result, completes=uses == 1,
        )  # fmt: skip

    def total(self, event, numbers, before) -> Step:
        value, label = event.value, self.label(event.value)
        arrived, expected = self.arrived[value], self.expected[self.passes, value]
        bar, done = bar_over(label), len(arrived) == len(expected)
        text = f"{label} is used {len(expected)} times, and a change of it acts through every use: its adjoint is the "
        text += f"sum of the contributions. {'All' if done else f'{len(arrived)} of {len(expected)}'} are in."
        terms, pairs = [self.term(value, k) for k in range(len(expected))], expected[: len(arrived)]
        if len(expected) <= MAX_TERMS:
            formula = f"{bar} = " + " + ".join(term.tex for term in terms)
        else:  # a running sum: what was there, and what came now
            terms, pairs = [terms[len(arrived) - 1]], pairs[-1:]
            formula = f"{bar} = {terms[0].tex}"
            if len(arrived) > 1:
                terms.insert(0, Shown("term so far", bar, "the sum so far", before))
                formula = rf"{bar} \leftarrow {bar} + {terms[1].tex}"
        edges = [self.edge_number[pair] for pair in pairs]
        shown = Shown("sum", bar, f"adjoint of {label}" if done else f"adjoint of {label} so far", numbers)
        return Step(
            "backward", "sum", value, f"adding up the adjoint of {label}", text, edges=edges, formula=formula,
            given=terms, result=shown, signs="+",
        )  # fmt: skip

    def term(self, value: int, k: int) -> Shown:
        """Contribution number `k` to the adjoint of a value, which may be still to come."""
        arrived = self.arrived[value]
        node, operand = self.expected[self.passes, value][k]
        via = f"via {self.label(node)}, operand {self.letter(node, operand)}"
        tex = f"{bar_over(self.label(value))}^{{({k + 1})}}"
        return Shown(f"term {k + 1}", tex, via, arrived[k] if k < len(arrived) else None)

    def written(self, event, numbers) -> Step:
        label = self.label(event.value)
        text = f"The adjoint of {label} is complete, and {label} is a leaf: it is written into .grad."
        shown = Shown("grad", bar_over(label), f"{label}.grad", numbers)
        return Step("backward", "grad", event.value, f"{label}.grad is written", text, result=shown)
