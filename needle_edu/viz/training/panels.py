"""The board as HTML: each part a figure, made of what the training has measured and of what the looks have seen."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import numpy as np

from needle_edu.training import History
from needle_edu.training.history import shown
from needle_edu.viz.charts import histogram, line_chart, picture
from needle_edu.viz.plane import plane
from needle_edu.viz.text import number, shape_text, shorten
from needle_edu.viz.training.looks import Look, Moved, Spread
from needle_edu.viz.training.pictures import Pictures

POINTS = 200  # of a curve
ROWS = 12  # of a table
SMALL, LARGE = 1e-4, 1e-2  # steps between these shares of the weights are usual; about 1e-3 is a good one


def panels(history: History, looks: Sequence[Look]) -> str:
    """All parts that this training has; it may go on in its thread meanwhile."""
    looks = list(looks)
    parts = [_curve(name, history) for name in dict.fromkeys([*list(history.steps), *list(history.test)])]
    if looks:
        steps = [look.step for look in looks]
        if np.isfinite(looks[-1].rate):
            parts.append(line_chart("learning rate", [(steps, [look.rate for look in looks], "lr")]))
        parts.append(_ratios(looks))
        parts += _seen(looks[-1].pictures)
        tables = _parameters(looks[-1].parameters, looks[-1].step) + _layers(looks[-1].layers)
        parts.append(f'<div class="tables">{tables}</div>')
    return "".join(parts)


def _curve(name: str, history: History) -> str:
    """A number of each step, thinned to means of neighbours, and that of fresh examples after each epoch."""
    values = np.asarray(history.steps.get(name, []), float)
    lines = []
    if values.size:
        each = -(-values.size // POINTS)
        ends = np.minimum(np.arange(each, values.size + each, each), values.size)
        starts = np.concatenate([[0], ends[:-1]])
        means = np.add.reduceat(values, starts) / (ends - starts)
        lines.append((ends.tolist(), means.tolist(), "training"))
    fresh = list(
        zip(history.ends, history.test.get(name, []), strict=False)
    )  # the end of an epoch may be half noted
    if fresh:
        lines.append(([end for end, _ in fresh], [value for _, value in fresh], "fresh examples"))
    last = f" {shown(name, float(values[-1]))}" if values.size else ""
    return line_chart(f"{name}{last}", lines)


def _ratios(looks: Sequence[Look]) -> str:
    """How far a step moves each matrix, as a share of its size; five at most, evenly chosen."""
    weights = [k for k, one in enumerate(looks[-1].parameters) if is_matrix(one)]
    chosen = [
        weights[i] for i in np.unique(np.linspace(0, len(weights) - 1, min(5, len(weights))).astype(int))
    ]
    steps = [look.step for look in looks]
    lines = [
        (steps, [look.parameters[k].ratio for look in looks], shorten(looks[-1].parameters[k].name, 24))
        for k in chosen
    ]
    return line_chart("size of a step ÷ size of the weights", lines, logarithmic=True) if lines else ""


def is_matrix(one: Moved) -> bool:
    """Whether this is a matrix or a kernel; what begins at 0, a bias for instance, moves by large shares at first."""
    return sum(extent > 1 for extent in one.shape) > 1


def _parameters(moved: Sequence[Moved], step: int) -> str:
    rows = []
    for one in moved[:ROWS]:
        judged = is_matrix(one) and math.isfinite(one.ratio)
        fit = (
            ' class="odd"'
            if judged and one.ratio > LARGE
            else ' class="slow"'
            if judged and one.ratio < SMALL
            else ""
        )
        grad = "none" if one.grad is None else f"{_bars(one.grad, f'gradient of {one.name}')}"
        cells = [
            f'<td class="mono">{html.escape(shorten(one.name, 30))}</td><td>{shape_text(one.shape)}</td>',
            f'<td class="mono">{number(one.norm)}</td><td class="gradient mono">{number(one.grad_norm)}</td>',
            f'<td class="mono"><span{fit}>{number(one.ratio)}</span></td><td>{grad}</td>',
        ]
        rows.append(f"<tr>{''.join(cells)}</tr>")
    head = (
        "<th>parameter</th><th>shape</th><th>size</th><th>gradient</th><th>step ÷ size</th><th>gradients</th>"
    )
    return _table(f"what step {step} did", head, rows, len(moved))


def _layers(layers: Sequence[tuple[str, Spread]]) -> str:
    if not layers:
        return ""
    rows = []
    for name, one in layers[:ROWS]:
        odd = ' class="odd"' if one.zeros > 0.9 or one.wrong else ""
        rows.append(
            f'<tr><td class="mono">{html.escape(shorten(name, 30))}</td><td class="mono">{number(one.mean)}</td>'
            f'<td class="mono">{number(one.deviation)}</td>'
            f'<td class="mono"><span{odd}>{100 * one.zeros:.0f} %</span></td>'
            f"<td>{_bars(one, f'what {name} gives')}</td></tr>"
        )
    head = "<th>layer</th><th>mean</th><th>deviation</th><th>zeros</th><th>activations</th>"
    return _table("what the layers give", head, rows, len(layers))


def _table(title: str, head: str, rows: list[str], count: int) -> str:
    more = f"<p>… and {count - len(rows)} more</p>" if count > len(rows) else ""
    return (
        f'<figure class="panel table" tabindex="0"><h4>{title}</h4><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>{more}</figure>"
    )


def _bars(one: Spread, what: str) -> str:
    wrong = f' <span class="bad">{one.wrong} not finite</span>' if one.wrong else ""
    return histogram(one.counts, one.low, one.high, what) + wrong


def _seen(pictures: Pictures) -> list[str]:
    parts = []
    if pictures.plane is not None:
        parts.append(plane(pictures.plane))
    if pictures.confusion is not None:
        parts.append(_confusion(pictures.confusion))
    if pictures.features is not None:
        path, maps = pictures.features
        parts.append(
            _gallery(f"feature maps: {path}", [picture(m, f"channel {k}", 56) for k, m in enumerate(maps)])
        )
    if pictures.attention is not None:
        path, heads = pictures.attention
        shown_ = [picture(h, f"head {k}: a row for each place that looks", 112) for k, h in enumerate(heads)]
        parts.append(_gallery(f"attention: {path}", shown_))
    if pictures.samples is not None:
        many = len(pictures.samples) > 1
        shown_ = [
            picture(
                np.repeat(s, 3, 0).transpose(1, 2, 0) if len(s) == 1 else s.transpose(1, 2, 0),
                f"sample {k}",
                48 if many else 160,
            )
            for k, s in enumerate(pictures.samples)
        ]
        parts.append(_gallery("samples", shown_))
    return parts


def _gallery(title: str, images: list[str]) -> str:
    return f'<figure class="panel"><h4>{html.escape(title)}</h4><div class="gallery">{"".join(images)}</div></figure>'


def _confusion(table: np.ndarray) -> str:
    """A row for each class that examples are of, a column for each that they are taken for; each row has its shades."""
    count = len(table)
    if count > 20:
        wrong = picture(np.sqrt(table / np.maximum(table.sum(1, keepdims=True), 1)), "confusion matrix", 200)
        return _gallery("taken for: rows are what it is", [wrong])
    head = "<td></td>" + "".join(f"<th>{k}</th>" for k in range(count))
    rows = []
    for k, row in enumerate(table.tolist()):
        total = max(sum(row), 1)
        cells = "".join(
            f'<td class="{"right" if j == k else "mistake"}" style="--share:{100 * n / total:.0f}%">{n or ""}</td>'
            for j, n in enumerate(row)
        )
        rows.append(f"<tr><th>{k}</th>{cells}</tr>")
    right = int(np.trace(table))
    return (
        '<figure class="panel confusion" tabindex="0"><h4>what fresh examples are taken for</h4>'
        f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        f"<p>rows: what it is; {right} of {int(table.sum())} right</p></figure>"
    )
