"""A timeline in the trace event format, which chrome://tracing and Perfetto draw.

A complete event (``"ph": "X"``) is a bar: it begins at `ts` and lasts `dur`, both in microseconds. Bars of one thread
that lie within one another are drawn below one another; so a bar around neighbours of one module shows the module.
Metadata events (``"ph": "M"``) name the process and its threads.

Reference: "Trace Event Format", Google, 2016.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from needle_edu.backend.files import whole_file

from .spans import Span


def events(spans: Sequence[Span]) -> list[dict[str, Any]]:
    """Return the events of a timeline that begins at 0.

    Examples
    --------
    >>> _, _, bar = events([Span("exp", "forward", 5_000_000, 1500, 10, 80)])
    >>> bar["ph"], bar["name"], bar["ts"], bar["dur"], bar["args"]["FLOPs"]
    ('X', 'exp', 0.0, 1.5, 10)
    """
    threads = sorted({one.thread for one in spans})
    told = [_named("process_name", "needle_edu", 0)]
    told += [_named("thread_name", f"thread {thread}", thread) for thread in threads]
    start = min((one.began_ns for one in spans), default=0)
    for thread in threads:
        own = sorted((one for one in spans if one.thread == thread), key=lambda one: one.began_ns)
        told += [*_modules(own, start), *[_bar(one.op, one, one, start, _facts(one)) for one in own]]
    return told


def write(spans: Sequence[Span], path: Path) -> Path:
    """Write a trace file, complete or not at all."""
    text = json.dumps({"traceEvents": events(spans), "displayTimeUnit": "ns"})
    with whole_file(path, encoding="utf-8") as file:
        file.write(text)
    return path


def _modules(own: list[Span], start: int) -> Iterator[dict[str, Any]]:
    """Yield a bar around neighbours that one module has asked for."""
    for (module, phase), group in groupby(own, key=lambda one: (one.module, one.phase)):
        inside = list(group)
        if module:
            yield _bar(module, inside[0], inside[-1], start, {"phase": phase})


def _bar(name: str, first: Span, last: Span, start: int, facts: dict[str, Any]) -> dict[str, Any]:
    end = last.began_ns + last.took_ns
    return {
        "name": name, "cat": first.phase, "ph": "X", "ts": (first.began_ns - start) / 1e3,
        "dur": (end - first.began_ns) / 1e3, "pid": 0, "tid": first.thread, "args": facts,
    }  # fmt: skip


def _facts(one: Span) -> dict[str, Any]:
    return {
        "phase": one.phase, "FLOPs": one.flops, "bytes": one.nbytes, "module": one.module, "line": one.place,
    }  # fmt: skip


def _named(what: str, name: str, thread: int) -> dict[str, Any]:
    return {"name": what, "ph": "M", "pid": 0, "tid": thread, "args": {"name": name}}
