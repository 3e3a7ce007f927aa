"""Homework 7's adapters: how its tests let your functions run as several workers.

A test says how many workers there are and what each gets; what stands here runs your function as every one of them
(`needle_edu/course/workers/network.py`), and returns what each gave, and every message. Nothing here judges.
(`needle_edu/course/adapters.py` says what an adapter is.)
"""

from collections.abc import Callable

import numpy as np

from needle_edu import nn, optim
from needle_edu.autograd import Tensor
from needle_edu.course.adapters import plain
from needle_edu.course.workers.network import Network, Replay, Trouble

# --- one function, called once ------------------------------------------------------------------------------


def call_and_look(answer: Callable, *arguments) -> tuple:
    """Call the answer; return the result, and the arguments as they are afterwards.

    The result is read after every array among the arguments has been filled with zeros: one that lives in their
    memory shows it.
    """
    result = answer(*arguments)
    afterwards = _copied(arguments)
    _fill(arguments)
    return plain(result), afterwards


def drawn(answer: Callable, calls: list) -> tuple[list, bool]:
    """Call the answer with each of these arguments, NumPy's global generator in another state every time.

    Returns
    -------
    results : list
    untouched : bool
        Whether that generator is always as it was before.
    """
    found, untouched = [], True
    for number, (arguments, settings) in enumerate(calls):
        np.random.seed(number)
        found.append(plain(answer(*arguments, **settings)))
        after = np.random.random()
        np.random.seed(number)
        untouched = untouched and after == np.random.random()
    return found, untouched


# --- workers ------------------------------------------------------------------------------------------------


def workers(answer: Callable, arguments: list) -> dict:
    """Run the answer as ``len(arguments)`` workers; each gets a communicator, and its own arguments.

    Returns
    -------
    dict
        ``"results"`` of the workers, by rank; ``"arguments"`` as they are afterwards; of each message, in the order of
        sending, ``"heads"`` (from, to, step) and ``"arrays"``; ``"unread"``: how many were never received;
        ``"trouble"``: kind and text, if the workers did not come to their end.
    """
    return _report(Network(len(arguments)), lambda comm: answer(comm, *arguments[comm.rank]), arguments)


def worker_alone(answer: Callable, rank: int, size: int, arriving: list, arguments: list) -> dict:
    """Run the answer as one worker, without the others: it receives what is given here.

    Returns
    -------
    dict
        Its ``"result"``, and what it ``"sent"``: pairs of a rank and an array.
    """
    replay = Replay(rank, size, [(source, array) for source, array in arriving])
    result = answer(replay.communicator, *arguments)
    return {"result": plain(result), "sent": [[to, array] for to, array in replay.sent]}


def training(answer: Callable, weights: list, batches: list, settings: dict) -> dict:
    """Let workers train a small network with the answer as their step.

    Parameters
    ----------
    weights : list of numpy.ndarray
        At the start, the same for all: of a Linear, a bias, a second Linear, a bias.
    batches : list
        For each step a list: each worker's rows and targets.
    settings : dict
        ``"lr"`` and ``"momentum"`` of SGD, ``"bucket_bytes"``.

    Returns
    -------
    dict
        As `workers`; a result is the weights at the end and their gradients, and ``"calls"`` has for each worker what
        it gave to `all_reduce`: sizes and dtypes. Before the first step every parameter has an old gradient, of ones.
    """
    size = len(batches[0])
    calls: list[list] = [[] for _ in range(size)]

    def work(comm):
        model = _Small(weights)
        parameters = model.parameters()
        for parameter in parameters:
            parameter.grad = Tensor(np.ones(parameter.shape, "float32"))
        optimizer = optim.SGD(parameters, lr=settings["lr"], momentum=settings["momentum"])

        def all_reduce(array):
            calls[comm.rank].append([int(np.size(array)), str(np.asarray(array).dtype)])
            return _sum_by_the_first(comm, array)

        for batch in batches:
            rows, targets = batch[comm.rank]
            difference = model(Tensor(rows, requires_grad=False)) - Tensor(targets, requires_grad=False)
            loss = (difference * difference).sum() / len(rows)
            answer(comm, parameters, loss, optimizer, all_reduce, settings["bucket_bytes"])
        return [p.numpy() for p in parameters], [p.grad for p in parameters]

    return {**_report(Network(size), work, []), "calls": calls}


class _Small(nn.Module):
    """Two Linears and a tanh, and a parameter that the loss does not depend on."""

    def __init__(self, weights):
        super().__init__()
        self.first, self.first_bias, self.second, self.second_bias, self.unused = map(nn.Parameter, weights)

    def forward(self, x):
        hidden = (x @ self.first + self.first_bias.broadcast_to((x.shape[0], self.first.shape[1]))).tanh()
        return hidden @ self.second + self.second_bias.broadcast_to((x.shape[0], self.second.shape[1]))


# --- parts of adapters --------------------------------------------------------------------------------------


def _report(network: Network, function: Callable, arguments: list) -> dict:
    found: dict = {"results": [], "trouble": []}
    try:
        raw = network.run(function)
        found["arguments"] = _copied(arguments)
        _fill(arguments)
        found["results"] = plain(raw)
    except Trouble as error:
        found["trouble"] = [error.kind, str(error)]
    sent = network.messages[:200]
    found["heads"] = [[message.source, message.to, message.step] for message in sent]
    found["arrays"] = [message.array for message in sent]
    found["unread"] = network.unread
    return found


def _sum_by_the_first(comm, array):
    """What `all_reduce` gives: worker 0 adds all arrays and sends the sum back."""
    total, room = np.array(array), np.empty_like(array)
    if comm.rank:
        comm.send(total, 0)
        return comm.receive(total, 0)
    for other in range(1, comm.size):
        total += comm.receive(room, other)
    for other in range(1, comm.size):
        comm.send(total, other)
    return total


def _copied(value):
    if type(value) in (list, tuple):
        return type(value)(map(_copied, value))
    return value.copy() if isinstance(value, np.ndarray) else value


def _fill(value) -> None:
    for item in value:
        if type(item) in (list, tuple):
            _fill(item)
        elif isinstance(item, np.ndarray):
            item.fill(0)
