"""A formula of two variables as a surface: z = f(x, y) over the square of the sliders, with the point where they stand,
the tangent plane there, and an arrow along it that goes up as steeply as it can, which is the way of the gradient.

What is drawn here is seen without a script; `surface.js` draws the same from any side and for any place of the sliders,
and a test holds the two together. The projection is orthographic; (u, v, w) are coordinates from -1 to 1 in the cube
that x, y and z fill. Pieces are painted from the back to the front.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping

import numpy as np

from needle_edu.autograd import Tensor, no_grad
from needle_edu.autograd.events import unheard
from needle_edu.viz.formulas.parse import Formula
from needle_edu.viz.text import number

POINTS = 21  # along each side
SHADES = 8
WIDE, HIGH, SCALE = 420, 390, 122.0  # pixels; and how many of them are one unit of the cube
TALL = 0.62  # how high the cube is drawn, beside its sides
TURN, LIFT = 30, 30  # degrees: from where it is seen at first
REACH = 0.38  # half a side of the tangent plane, in units of the cube
Point = tuple[float, float, float]


def span_of(value: float, span: float) -> float:
    """How far to both sides a slider goes: `span`, and twice as far as a value that lies outside.

    Examples
    --------
    >>> span_of(2.0, 5.0), span_of(7.0, 5.0)
    (5.0, 14.0)
    """
    return float(math.ceil(2 * abs(value))) if abs(value) > span else span


def heights(formula: Formula, sides: Mapping[str, float]) -> np.ndarray:
    """The formula on a grid, (POINTS, POINTS), the first variable along the rows, by the library's operations."""
    names = list(sides)
    axes = [np.linspace(-sides[name], sides[name], POINTS) for name in names]
    grid = np.meshgrid(*axes, indexing="ij")
    with unheard(), no_grad(), np.errstate(all="ignore"):
        leaves = {
            name: Tensor(part, dtype="float64", requires_grad=False)
            for name, part in zip(names, grid, strict=True)
        }
        return np.broadcast_to(formula.compute(leaves).numpy(), (POINTS, POINTS))


def visible_range(z: np.ndarray, here: float) -> tuple[float, float] | None:
    """The heights that are drawn: all, but where a pole would flatten the rest, only what lies near the middle 90 %.

    Examples
    --------
    >>> visible_range(np.arange(100.0), 50.0)
    (0.0, 99.0)
    >>> visible_range(np.append(np.arange(100.0), 1e9), 50.0)
    (5.0, 95.0)
    """
    finite = np.sort(z[np.isfinite(z)], axis=None)
    if not finite.size:
        return None
    cut = int(0.05 * finite.size)
    low, high = float(finite[cut]), float(finite[-1 - cut])
    if finite[-1] - finite[0] <= 4 * (high - low) or high == low:
        low, high = float(finite[0]), float(finite[-1])
    if math.isfinite(here):
        low, high = min(low, here), max(high, here)
    if high - low < 1e-9 * max(1.0, abs(high)):
        low, high = low - 1, high + 1
    return low, high


class Surface:
    """The picture of a surface from one side.

    Examples
    --------
    >>> from needle_edu.viz.formulas.parse import read
    >>> surface = Surface(read("x*y"), {"x": 1.0, "y": 2.0}, 5.0, 2.0, {"x": 2.0, "y": 1.0})
    >>> surface.svg.count("<polygon"), surface.words[:60]
    (401, 'f from -25 to 25 over x from -5 to 5 and y from -5 to 5; at ')
    """

    def __init__(
        self,
        formula: Formula,
        values: Mapping[str, float],
        span: float,
        here: float,
        gradients: Mapping[str, float],
    ):
        self.values, self.here, self.gradients = values, here, gradients
        self.sides = {name: span_of(value, span) for name, value in values.items()}
        self.z = heights(formula, self.sides)
        self.range = visible_range(self.z, here)

    @property
    def words(self) -> str:
        """What the picture shows, in a sentence."""
        over = " and ".join(
            f"{name} from {number(-side)} to {number(side)}" for name, side in self.sides.items()
        )
        if self.range is None:
            return f"f has no finite value over {over}"
        low, high = self.range
        at = ", ".join(f"{name}={number(value)}" for name, value in self.values.items())
        slopes = ", ".join(number(slope) for slope in self.gradients.values())
        return (
            f"f from {number(low)} to {number(high)} over {over}; at {at} it is {number(self.here)}, "
            f"and steepest along the gradient ({slopes})"
        )

    @property
    def svg(self) -> str:
        """The surface, seen as it is at first."""
        said = html.escape(self.words)
        inside = "" if self.range is None else self._floor() + self._pieces() + self._tangent()
        return (
            f'<svg class="relief" viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{said}"><title>{said}</title>'
            f"{inside}</svg>"
        )

    def _cube(self, x: float, y: float, z: float) -> Point:
        (first, second), range_ = self.sides.values(), self.range
        assert range_ is not None
        low, high = range_
        return x / first, y / second, 2 * (z - low) / (high - low) - 1

    def _floor(self) -> str:
        corners = [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1)]
        out = [f'<path class="floor" d="M{"L".join(_at(project(*c)) for c in corners)}Z"/>']
        for name, (u, v) in zip(self.sides, ((0, -1.16), (-1.16, 0)), strict=True):
            x, y, _ = project(u, v, -1)
            out.append(f'<text x="{x:.1f}" y="{y + 4:.1f}" text-anchor="middle">{html.escape(name)}</text>')
        return "".join(out)

    def _pieces(self) -> str:
        first, second = self.sides.values()
        low, high = self.range or (0.0, 1.0)
        steps = np.linspace(-1, 1, POINTS)
        drawn = []
        for i in range(POINTS - 1):
            for k in range(POINTS - 1):
                corners = [(i, k), (i + 1, k), (i + 1, k + 1), (i, k + 1)]
                z = [float(self.z[place]) for place in corners]
                if not all(map(math.isfinite, z)) or min(z) > high or max(z) < low:
                    continue
                points = [
                    project(*self._cube(steps[a] * first, steps[b] * second, min(high, max(low, height))))
                    for (a, b), height in zip(corners, z, strict=True)
                ]
                mean = sum(min(high, max(low, height)) for height in z) / 4
                shade = min(SHADES - 1, int(SHADES * (mean - low) / (high - low)))
                drawn.append((sum(p[2] for p in points), shade, points))
        drawn.sort(key=lambda piece: -round(piece[0], 6))  # the farthest first
        return "".join(
            f'<polygon class="shade{shade}" points="{" ".join(_at(p) for p in points)}"/>'
            for _, shade, points in drawn
        )

    def _tangent(self) -> str:
        """The point, the plane that touches the surface there, and the steepest way up on it."""
        slopes = list(self.gradients.values())
        if not all(map(math.isfinite, (self.here, *slopes))):
            return ""
        x, y = self.values.values()
        centre = self._cube(x, y, self.here)
        low, high = self.range or (0.0, 1.0)
        tilt = [
            2 * slope * side / (high - low) for slope, side in zip(slopes, self.sides.values(), strict=True)
        ]
        reach = min(REACH, 0.6 / max(1e-12, abs(tilt[0]) + abs(tilt[1])))  # a steep plane is drawn small

        def on_plane(du: float, dv: float) -> str:
            u, v, w = centre
            return _at(project(u + du, v + dv, w + tilt[0] * du + tilt[1] * dv))

        corners = [on_plane(a * reach, b * reach) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        out = [f'<polygon class="tangent" points="{" ".join(corners)}"/>']
        first, second = self.sides.values()
        ways = [slopes[0] / first, slopes[1] / second]  # the gradient's direction, in the cube
        length = math.hypot(*ways)
        if length > 0:
            a, b = (way / length * reach for way in ways)
            tip, left = on_plane(a, b), on_plane(0.75 * a - 0.12 * b, 0.75 * b + 0.12 * a)
            right = on_plane(0.75 * a + 0.12 * b, 0.75 * b - 0.12 * a)
            out.append(f'<path class="uphill" d="M{_at(project(*centre))}L{tip}M{left}L{tip}L{right}"/>')
        cx, cy, _ = project(*centre)
        out.append(f'<circle class="point" cx="{cx:.1f}" cy="{cy:.1f}" r="4.5"/>')
        return "".join(out)


def project(u: float, v: float, w: float, turn: float = TURN, lift: float = LIFT) -> Point:
    """Where a point of the cube is in the picture, and how far it is from the eye.

    Examples
    --------
    >>> [round(x) for x in project(0, 0, 0)]
    [210, 195, 0]
    """
    a, e = math.radians(turn), math.radians(lift)
    across, away = u * math.cos(a) - v * math.sin(a), u * math.sin(a) + v * math.cos(a)
    up = TALL * w * math.cos(e) + away * math.sin(e)
    return WIDE / 2 + SCALE * across, HIGH / 2 - SCALE * up, away * math.cos(e) - TALL * w * math.sin(e)


def _at(point: Point) -> str:
    return f"{point[0] + 0.0:.1f} {point[1] + 0.0:.1f}"
