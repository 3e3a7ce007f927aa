"""A lowered program run call by call from Python, in memory where nothing that is dead survives.

It needs no C compiler, so every op can be tried; and what a temporary held is destroyed after its last use: a memory
plan that puts two living buffers into one place, or forgets one too early, gives wrong numbers.
"""

import numpy as np

from needle_edu.backend.dtypes import DTYPES
from needle_edu.backend.optimizer_steps import Numbers
from needle_edu.graph.compiled.epilogue import Rows
from needle_edu.graph.compiled.fusion import Fused
from needle_edu.graph.compiled.lowering import Buffer
from needle_edu.graph.compiled.memory_plan import named
from needle_edu.graph.static.interpreter import arguments_of
from needle_edu.ndarray.host import host_values


def run(program, lowered, steps, memory, *arguments, block=3):
    """Return name → NumPy array of every result; fused steps go by blocks of so many elements."""
    runtime = program.device.runtime
    arena = np.full(max(memory.nbytes, 64), 0xFF, np.uint8)
    values = arguments_of(program, arguments) | {
        name: source.read() for name, (_, source) in program.sources.items()
    }
    held = {
        buffer: host_values(values[name].compact()).reshape(-1)
        for name, (buffer, _) in lowered.arguments.items()
    }
    for buffer, _ in lowered.results.values():
        if buffer.kind == "temporary":
            held[buffer] = np.full(buffer.n, 0xFF, DTYPES[buffer.dtype])

    def lies(buffer):
        if buffer.kind == "constant":
            return buffer.numbers
        if buffer in held:
            return held[buffer]
        start = memory.offsets[buffer]
        return arena[start : start + buffer.nbytes].view(DTYPES[buffer.dtype])

    def given(one):
        if type(one) is Buffer:
            return (
                runtime.adopt(lies(one).view(np.uint8)).ptr if one.n else runtime.allocate(one.dtype, 0).ptr
            )
        if type(one) in (list, tuple):
            return type(one)(map(given, one))
        return one

    def part(one, inside, start, n):
        line = inside[one][:n] if one in inside else lies(one)[start : start + n]
        return runtime.adopt(line.view(np.uint8)).ptr

    def known(call):
        """The arguments of a call; a number that is known only now lies in a buffer of its own."""
        if call.kernel == "optimizer_steps":
            code, count, rows = call.arguments
            return code, count, [(*given(row[:-1]), numbers_of(row[-1])) for row in rows]
        types = [one.cname for one in runtime.ffi.typeof(getattr(runtime.lib, f"nd_{call.kernel}")).args]
        return [
            lies(one)[0].item() if type(one) is Buffer and "*" not in type_ else given(one)
            for one, type_ in zip(call.arguments, types, strict=True)
        ]

    def numbers_of(one):
        return Numbers(*lies(one).tolist()) if type(one) is Buffer else one

    def compute(call, arguments):
        assert getattr(runtime.kernels, call.kernel)(*arguments) == 0, call.kernel

    pieces = [
        (place, part)
        for place, step in enumerate(steps)
        for part in (step.parts if isinstance(step, Rows) else [step])
    ]
    for n_th, (place, step) in enumerate(pieces):
        if isinstance(step, Fused):
            inside = {one: np.full(block, 0xFF, DTYPES[one.dtype]) for one in step.inner}
            for start in range(0, step.n, block):
                n = min(block, step.n - start)
                for call in step.calls:
                    code, _, *rest = call.arguments
                    parts = [part(one, inside, start, n) if type(one) is Buffer else one for one in rest]
                    compute(call, (code, n, *parts))
        else:
            compute(step, known(step))
        if n_th + 1 < len(pieces) and pieces[n_th + 1][0] == place:
            continue  # in the middle of a product with an epilogue
        for buffer in set(named(steps[place])):
            if memory.lives.get(buffer, (0, -1))[1] == place:
                start = memory.offsets[buffer]
                arena[start : start + buffer.nbytes] = 0xFF
    found = {}
    for name, (buffer, layout) in lowered.results.items():
        strides = [stride * layout.dtype.itemsize for stride in layout.strides]
        start = layout.offset * layout.dtype.itemsize
        memory_of = np.ascontiguousarray(lies(buffer)).view(np.uint8)
        found[name] = (
            np.ndarray(layout.shape, layout.dtype, memory_of, start, strides) if layout.size else None
        )
    return found
