"""Homework 6's adapters: how its tests put passes to work.

A test describes a graph as plain data (`needle_edu/course/graphs.py` says how); what stands here makes a `Program` of it,
hands it to your function, and describes what came back. Nothing here judges. (`needle_edu/course/adapters.py` says what
an adapter is.)
"""

from collections.abc import Callable

import numpy as np

import needle_edu as ndl
from needle_edu import graph as graphs, nn, optim
from needle_edu.autograd.registry import slot
from needle_edu.course.adapters import kind
from needle_edu.course.messages import MessageError
from needle_edu.graph.static import Instruction, Program
from needle_edu.graph.static.array_type import Type
from needle_edu.graph.static.places import DataOf


def _place(shape: tuple) -> DataOf:
    return DataOf(ndl.Tensor(np.zeros(shape, "float32"), requires_grad=False))


def _program(graph: dict) -> Program:
    types = {name: Type(tuple(shape), "float32") for name, shape in graph["inputs"].items()}
    sources = {name: (Type(tuple(shape), "float32"), _place(shape)) for name, shape in graph["sources"].items()}
    shapes = {name: tuple(shape) for name, *_, shape in graph["body"]}
    body = tuple(
        Instruction(name, slot(op).cls(**attributes), tuple(operands), Type(shapes[name], "float32"))
        for name, op, operands, attributes, _ in graph["body"]
    )
    updates = tuple((name, _place(shapes[name])) for name in graph["updates"])
    return Program("f", ndl.cpu(), types, sources, {}, body, tuple(graph["outputs"]), updates)


def _description(program: object, op_of: dict) -> dict:
    if not isinstance(program, Program):
        raise MessageError(f"{kind(program)}; wanted a Program, such as program.with_(body=…) makes")
    for part in ("body", "outputs", "updates"):
        if not isinstance(getattr(program, part), tuple):
            raise MessageError(f"a Program whose {part} is {kind(getattr(program, part))}; wanted a tuple")
    for one in program.body:
        if not isinstance(one, Instruction):
            raise MessageError(f"a Program with {kind(one)} in its body; wanted Instructions")
    body = [
        [one.name, one.op.name, list(one.inputs), dict(op_of.get(id(one.op), one.attributes)), tuple(one.type.shape)]
        for one in program.body
    ]
    updates = [name for name, _ in program.updates]
    return {
        "inputs": list(program.inputs),
        "sources": list(program.sources),
        "body": body,
        "outputs": list(program.outputs),
        "updates": updates,
    }


def _attributes(program: Program, graph: dict) -> dict:
    """The attributes of each op as the test wrote them; `Instruction.attributes` leaves defaults out."""
    return {id(one.op): told[3] for one, told in zip(program.body, graph["body"], strict=True)}


def infer(answer: Callable, op: str, attributes: dict, shapes: list) -> tuple | str:
    """The shape, or the text of a ValueError."""
    try:
        found = answer(op, dict(attributes), [tuple(shape) for shape in shapes])
    except ValueError as error:
        return f"ValueError: {error}"
    if not isinstance(found, tuple):
        raise MessageError(f"{kind(found)}; wanted a tuple of ints")
    return tuple(int(extent) for extent in found)


def infer_all(answer: Callable) -> list:
    """The shapes that an answer finds for a captured network, each with that of the framework."""
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))

    def f(x):
        y = model(x)
        return ((y * y).sum(axes=(1,), keepdims=True) + y).transpose().reshape((-1,)).sum()

    program = graphs.capture(f, ndl.Tensor(np.zeros((4, 6), "float32")))
    shapes = {name: type_.shape for name, type_ in program.types().items()}
    return [
        [infer(answer, one.op.name, one.attributes, [shapes[name] for name in one.inputs]), one.type.shape]
        for one in program.body
    ]


def transformed(answer: Callable, graph: dict) -> dict:
    """What a pass makes of a graph."""
    program = _program(graph)
    return _description(answer(program), _attributes(program, graph))


def given_afterwards(answer: Callable, graph: dict) -> dict:
    """The graph that a pass was given, as it is after the call."""
    program = _program(graph)
    op_of = _attributes(program, graph)
    answer(program)
    return _description(program, op_of)


def on_a_training_step(answer: Callable) -> dict:
    """Losses of a network that is trained by its captured step, without and with a pass; instructions of both."""
    found: dict = {"losses": [], "instructions": []}
    for change in (None, answer):
        ndl.seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer, loss_of = optim.Adam(model.parameters(), lr=0.05), nn.SoftmaxLoss()

        def step(x, y, model=model, optimizer=optimizer, loss_of=loss_of):
            optimizer.reset_grad()
            unused = model(x).exp()  # noqa: F841
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            return loss

        rng = np.random.default_rng(0)
        x = ndl.Tensor(rng.normal(size=(6, 4)).astype("float32"), requires_grad=False)
        y = ndl.Tensor(rng.integers(0, 3, size=6), requires_grad=False)
        program = graphs.capture(step, x, y)
        program = program if change is None else change(program)
        if not isinstance(program, Program):
            raise MessageError(f"{kind(program)}; wanted a Program, such as program.with_(body=…) makes")
        found["losses"].append([float(program(x, y).item()) for _ in range(3)])
        found["instructions"].append(len(program.body))
    return found


def fusible(answer: Callable, graph: dict, groups: list) -> list:
    """What an answer says of each group of instructions."""
    program = _program(graph)
    found = [answer(program, list(group)) for group in groups]
    for one in found:
        if not isinstance(one, (bool, np.bool_)):
            raise MessageError(f"{kind(one)}; wanted True or False")
    return [bool(one) for one in found]


def lives(answer: Callable, graph: dict) -> dict:
    """The lives that an answer finds."""
    found = answer(_program(graph))
    if not isinstance(found, dict):
        raise MessageError(f"{kind(found)}; wanted a dict")
    for life in found.values():
        if not isinstance(life, (tuple, list)) or len(life) != 2:
            raise MessageError(f"a dict with {kind(life)} in it; wanted pairs (first, last)")
    return {name: list(life) for name, life in found.items()}


def planned(answer: Callable, lives: dict, nbytes: dict) -> dict:
    """The places that an answer gives to buffers."""
    found = answer({name: tuple(life) for name, life in lives.items()}, dict(nbytes))
    if not isinstance(found, dict):
        raise MessageError(f"{kind(found)}; wanted a dict")
    return dict(found)


def planned_inputs(answer: Callable, lives: dict, nbytes: dict) -> list:
    """What an answer was given, as it is after the call."""
    given = {name: tuple(life) for name, life in lives.items()}, dict(nbytes)
    answer(*given)
    return [{name: list(life) for name, life in given[0].items()}, given[1]]
