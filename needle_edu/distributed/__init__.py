"""Training on several processors at once: the same model everywhere, other examples for each, gradients added up.

`launch(function, processes=2)` starts processes, from a notebook too; `init()` tells each of them who it is.
`SimulatedNetwork` has workers in one process and writes down every message, and `draw_messages` draws them. Sums over
all workers can be had from MPI, or from `ring_all_reduce` and `tree_all_reduce`, a page each.
"""

from . import cost
from .all_reduce import ring_all_reduce, star_all_reduce, tree_all_reduce
from .communicator import Alone, Communicator, Work
from .data_parallel import DistributedDataParallel
from .drawing import MessagePicture, draw_messages
from .environment import launched
from .group import init, rank, world_size
from .launching import launch
from .parameter_server import Server, ServerRun, ServerWorker, train_with_server
from .sampler import DistributedSampler
from .simulation import Message, SimulatedNetwork, SimulatedWorker

__all__ = [
    "Alone",
    "Communicator",
    "DistributedDataParallel",
    "DistributedSampler",
    "Message",
    "MessagePicture",
    "Server",
    "ServerRun",
    "ServerWorker",
    "SimulatedNetwork",
    "SimulatedWorker",
    "Work",
    "cost",
    "draw_messages",
    "init",
    "launch",
    "launched",
    "rank",
    "ring_all_reduce",
    "star_all_reduce",
    "train_with_server",
    "tree_all_reduce",
    "world_size",
]


def __dir__() -> list[str]:
    return sorted(__all__)
