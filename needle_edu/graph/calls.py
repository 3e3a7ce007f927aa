"""Which module made a node: the calls of modules, as the engine noted them, found again in a finished graph.

Every result of an operation has a serial number, and every call of a module notes the numbers before and after it. So
the call made the results between. The calls of one thread lie inside each other or apart; where those of two threads
overlap, nobody knows which of them made a result, and they are left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from needle_edu.autograd.events import value_id
from needle_edu.autograd.noted import noted_calls


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a module: results whose serial lies between `begin` and `end` are its work.

    Attributes
    ----------
    begin, end : int
    name : str
        The module's place in the module that called it ("layers.0"), or its class if nobody did.
    kind : str
        Its class.
    path : str
        Where it is, from the outermost module on: "Sequential.layers.0"; a second call ends with ":2".
    parameters : dict of value id to str
        The names of its parameters, if nobody called it from another module.
    alive : bool
        Whether the module still exists; else nothing more is known of it.
    """

    begin: int
    end: int
    name: str
    kind: str
    path: str
    parameters: dict[int, str] = field(default_factory=dict, compare=False)
    alive: bool = True


def module_calls(made: Iterable[int]) -> list[Call]:
    """The calls of modules that made one of the results with these serial numbers, outer ones first.

    Examples
    --------
    >>> import needle_edu as ndl
    >>> model = ndl.nn.Sequential(ndl.nn.Linear(3, 2), ndl.nn.ReLU())
    >>> y = model(ndl.Tensor([[1.0, 2.0, 3.0]]))
    >>> [(call.path, call.kind) for call in module_calls([y._serial])]
    [('Sequential', 'Sequential'), ('Sequential.modules.1', 'ReLU')]
    """
    numbers = sorted(made)
    if not numbers:
        return []
    near = [call for call in noted_calls() if call[1] > numbers[0] and call[0] < numbers[-1]]
    noted = _apart(sorted(near, key=lambda call: call[0]))
    calls: list[Call] = []
    open_calls: list[tuple[Call, Any]] = []  # those around the present one, with their modules
    times: dict[str, int] = {}
    place = 0
    for begin, end, reference, cls, _ in noted:
        while place < len(numbers) and numbers[place] < begin:
            place += 1
        if place == len(numbers):
            break
        if numbers[place] > end:
            continue
        while open_calls and open_calls[-1][0].end < begin:
            open_calls.pop()
        module = reference()
        outer, around = open_calls[-1] if open_calls else (None, None)
        name = _name_in(around, module) or cls.__name__
        path = f"{outer.path}.{name}" if outer else name
        times[path] = times.get(path, 0) + 1
        if times[path] > 1:
            path += f":{times[path]}"
        parameters = {} if outer or module is None else _parameters(module)
        call = Call(begin, end, name, cls.__name__, path, parameters, module is not None)
        calls.append(call)
        open_calls.append((call, module))
    return calls


def _apart(noted: list[tuple]) -> list[tuple]:
    """The calls that overlap no other thread's, of calls sorted by where they begin."""
    around: list[int] = []
    overlapping: set[int] = set()
    for place, (begin, *_, thread) in enumerate(noted):
        around = [other for other in around if noted[other][1] > begin]
        crossed = [other for other in around if noted[other][4] != thread]
        if crossed:
            overlapping.update(crossed, [place])
        around.append(place)
    return [call for place, call in enumerate(noted) if place not in overlapping]


def _name_in(outer: Any, module: Any) -> str:
    """What `outer` calls a module inside it; empty if it has none such."""
    if outer is None or module is None:
        return ""
    return next((path for path, part in outer.named_modules() if part is module and path), "")


def _parameters(module: Any) -> dict[int, str]:
    """The names of a module's parameters and buffers by value id."""
    named = [*module.named_parameters(), *module.saved_buffers()]
    return {value_id(tensor): name for name, tensor in named}
