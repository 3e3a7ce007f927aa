"""What passes over kernel calls ask: which buffers a call writes, which it reads, and the same call with others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from needle_edu.backend.build.declarations import written_places
from needle_edu.backend.paths import csrc_dir

from .lowering import Buffer, Call, Lowered, buffers


@cache
def _written() -> dict[str, tuple[int, ...]]:
    return written_places((csrc_dir() / "include" / "needle_kernels.h").read_text())


def places_written(call: Call) -> tuple[int, ...]:
    """Return the places of the arguments that a call writes to, as the header declares them."""
    return _written()[call.kernel]


def written(call: Call) -> list[Buffer]:
    """Return the buffers that a call writes; an optimiser's steps write parameters and memories."""
    if call.kernel == "optimizer_steps":
        return [one for row in call.arguments[2] for one in buffers([row[2], row[5]])]
    given = [call.arguments[place] for place in places_written(call)]
    return [one for one in given if type(one) is Buffer]


def with_buffers(call: Call, new: Mapping[Buffer, Buffer]) -> Call:
    """Return a call with some buffers replaced."""
    if not any(one in new for one in buffers(call.arguments)):
        return call
    return replace(call, arguments=_replaced(call.arguments, new))


def _replaced(argument: Any, new: Mapping[Buffer, Buffer]) -> Any:
    if type(argument) is Buffer:
        return new.get(argument, argument)
    return (
        type(argument)([_replaced(one, new) for one in argument])
        if type(argument) in (list, tuple)
        else argument
    )


def last_places(lowered: Lowered) -> dict[Buffer, int]:
    """Return the last call that names each buffer; those that are returned or written somewhere live on."""
    found = {one: place for place, call in enumerate(lowered.calls) for one in buffers(call.arguments)}
    return found | {one: len(lowered.calls) for one, _ in lowered.results.values()}


def writers(lowered: Lowered) -> dict[Buffer, list[int]]:
    """Return the calls that write each buffer."""
    found: dict[Buffer, list[int]] = {}
    for place, call in enumerate(lowered.calls):
        for one in written(call):
            found.setdefault(one, []).append(place)
    return found


def pairs(call: Call) -> Iterator[tuple[int, Any]]:
    """Yield place and argument of what a call only reads."""
    kept = set(places_written(call))
    return ((place, one) for place, one in enumerate(call.arguments) if place not in kept)
