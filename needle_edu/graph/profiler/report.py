"""What a profile shows: a table, as text and in a notebook, and its totals."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from pathlib import Path

from needle_edu.backend.naming import a_kind

from .chrome_trace import write
from .spans import Row, Span, rows_of

HEAD = ("time", "share", "calls", "op", "FLOPs", "bytes", "FLOP/byte", "GFLOP/s", "module", "line")
LEFT = {"op", "module", "line"}  # columns of text
SIDES = ["left" if name in LEFT else "right" for name in HEAD]
ORDERS = {
    "time": lambda row: -row.took_ns,
    "flops": lambda row: -row.flops,
    "bytes": lambda row: -row.nbytes,
    "intensity": lambda row: -row.intensity,
    "calls": lambda row: -row.calls,
    "order": lambda row: 0,  # as they came
}
SHOWN = 25  # rows of a table, unless more are asked for


class Report:
    """What was timed, and what of it is shown.

    Attributes
    ----------
    spans : list of Span
        Each piece of work, in the order of the run.
    wall_ns : int
        From the beginning to the end.
    listening_ns : int
        Of these, what the profiler took for itself between the pieces.
    runs : int
        How many runs the spans belong to.
    """

    spans: list[Span]
    wall_ns: int = 0
    listening_ns: int = 0
    runs: int = 1
    full = False

    @property
    def rows(self) -> list[Row]:
        """The spans added up by op, phase, module and line, the longest first."""
        return self.sorted_by("time")

    @property
    def took_ns(self) -> int:
        """Nanoseconds in all spans."""
        return sum(one.took_ns for one in self.spans)

    @property
    def flops(self) -> int:
        """Floating-point operations of all spans."""
        return sum(one.flops for one in self.spans)

    @property
    def nbytes(self) -> int:
        """Bytes that all spans read and wrote."""
        return sum(one.nbytes for one in self.spans)

    def sorted_by(self, by: str) -> list[Row]:
        """Return the rows by "time", "flops", "bytes", "intensity" or "calls", the most first, or in their "order".

        Raises
        ------
        ValueError
            For another word.
        """
        if not isinstance(by, str) or by not in ORDERS:
            raise ValueError(f"profile: rows are sorted by {', '.join(ORDERS)}; got {by!r}")
        return sorted(rows_of(self.spans), key=ORDERS[by])

    def table(self, by: str = "time", count: int = SHOWN) -> str:
        """Return the first `count` rows as text; see `sorted_by`."""
        cells = self._cells(by, count)
        widths = [max(len(row[k]) for row in cells) for k in range(len(HEAD))]
        lines = [
            "  ".join(
                [
                    text.ljust(width) if name in LEFT else text.rjust(width)
                    for text, width, name in zip(row, widths, HEAD, strict=True)
                ]
            ).rstrip()
            for row in cells
        ]
        lines.insert(1, "─" * max(map(len, lines)))
        return "\n".join([*lines, *self._notes(count)])

    def save_trace(self, path: str | os.PathLike) -> Path:
        """Write the timeline as a Chrome trace file (JSON), which chrome://tracing and ui.perfetto.dev open.

        Examples
        --------
        >>> import needle_edu as ndl, json, tempfile
        >>> profile = ndl.profile(lambda x: (x * 2).exp(), ndl.Tensor([1.0]))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     told = json.loads(profile.save_trace(f"{folder}/run.json").read_text())
        >>> [event["name"] for event in told["traceEvents"] if event["ph"] == "X"]
        ['mul_scalar', 'exp']
        """
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"save_trace: wanted the path of a file, got {a_kind(path)}")
        return write(self.spans, Path(path))

    def _cells(self, by: str, count: int) -> list[tuple[str, ...]]:
        total = self.took_ns or 1
        cells: list[tuple[str, ...]] = [HEAD]
        for row in self.sorted_by(by)[:count]:
            numbers = (f"{row.flops:,}", f"{row.nbytes:,}", f"{row.intensity:.2f}", f"{row.gflops:.2f}")
            cells.append(
                (
                    f"{row.took_ns / 1e3:,.1f} µs", f"{100 * row.took_ns / total:.0f} %", str(row.calls), row.op,
                    *(numbers if row.nbytes or row.flops else ("", "", "", "")), row.module, row.place,
                )
            )  # fmt: skip
        return cells

    def _notes(self, count: int) -> Sequence[str]:
        hidden = len(rows_of(self.spans)) - count
        rest = self.wall_ns - self.took_ns - self.listening_ns
        runs = f"{self.runs} runs" if self.runs > 1 else "wall clock"
        told = [f"and {hidden} more rows"] if hidden > 0 else []
        told.append(
            f"{runs} {self.wall_ns / 1e3:,.1f} µs: {self.took_ns / 1e3:,.1f} µs in {len(self.spans)} operations, "
            f"{max(rest, 0) / 1e3:,.1f} µs between them (Python, the optimiser), "
            f"{self.listening_ns / 1e3:,.1f} µs for the profiler itself"
        )
        return [*told, *(["more was done than is kept: the profile is cut off"] if self.full else [])]

    def __repr__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        head, *rows = self._cells("time", SHOWN)
        lines = []
        for tag, row in [("th", head), *[("td", row) for row in rows]]:
            cells = "".join(
                f'<{tag} style="text-align:{side};white-space:pre">{escape(text)}</{tag}>'
                for text, side in zip(row, SIDES, strict=True)
            )
            lines.append(f"<tr>{cells}</tr>")
        notes = "<br>".join(map(escape, self._notes(SHOWN)))
        return f'<div class="needle-profile"><table>{"".join(lines)}</table><small>{notes}</small></div>'
