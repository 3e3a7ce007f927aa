"""The graph of a finished run as data: its nodes and edges, who records them, and what is kept of the arrays.

`graph_of(tensor)` is the graph of how a tensor came about. A `Tape` listens while a program runs, and reads what it
heard into a graph. Both only listen to the engine's events (`needle_edu.autograd.events`) and keep no tensor alive.
Pictures are made of it by `needle_edu.viz`.
"""

from needle_edu.graph.build import build_graph
from needle_edu.graph.compiled import compile
from needle_edu.graph.names import variable_names
from needle_edu.graph.nodes import Edge, Graph, Node
from needle_edu.graph.opinfo import OpInfo, op_info
from needle_edu.graph.profiler import profile
from needle_edu.graph.recorder import Recorder
from needle_edu.graph.replay import graph_of, record_backward
from needle_edu.graph.snapshot import Snapshot, take_snapshot
from needle_edu.graph.static import capture
from needle_edu.graph.tape import Tape

__all__ = [
    "Edge",
    "Graph",
    "Node",
    "OpInfo",
    "Recorder",
    "Snapshot",
    "Tape",
    "capture",
    "compile",
    "build_graph",
    "graph_of",
    "op_info",
    "profile",
    "record_backward",
    "take_snapshot",
    "variable_names",
]


def __dir__() -> list[str]:
    return sorted(__all__)
