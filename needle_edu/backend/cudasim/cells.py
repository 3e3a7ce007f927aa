"""A cell of CUDA as Python sees it: its kernels and its ``extern "C"`` functions, ready to be called.

    kernels = cuda_cell('''
    __global__ void scale(float *a, float by, int n) {
      const int i = blockIdx.x * blockDim.x + threadIdx.x;
      if (i < n) a[i] *= by;
    }''')
    kernels["scale"][(n + 255) // 256, 256](a, 2.0, n)      # scale<<<(n + 255) / 256, 256>>>(a, 2.0f, n)

In a notebook the magic ``%%cuda`` puts them among the variables. Where they run follows from their arguments: arrays of
`cuda()` on the card, those of `cuda_sim()` on the simulator. The checker and the profiler are the simulator's.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import arguments
from ..arguments import integer
from ..nvidia import cells as card
from ..operands import Memory, address_for, memory_of, number_for
from .declarations import host_functions
from .signatures import LAUNCHER, GlobalFunction, global_functions, launchers
from .simulator import Program, Simulator, check_settings, open_simulator
from .watching import Watch, cuda_check, cuda_profile, current_watch

_WATCHED: dict[str, Callable[[], Any]] = {"check": cuda_check, "profile": cuda_profile}


def cuda_cell(
    text: str, name: str | None = None, *, flavour: str = "plain", order: str | None = None, seed: int = 0
) -> dict[str, "Kernel | HostFunction"]:
    """Compile CUDA C++17 and return what it defines, by name.

    Parameters
    ----------
    text : str
        Any number of ``__global__`` functions, and all they need.
    name : str, optional
        What messages call the text; default the name of its first function with ``.cu``.
    flavour : {"plain", "check", "profile"}
        With "check" or "profile" each launch is watched, and what was found is printed behind it.
    order : {"forward", "reverse", "lockstep", "seeded"}, optional
        In which order the threads of a block run.
    seed : int
        Of the order "seeded".

    Raises
    ------
    BuildError
        g++ is missing, or refused the source; messages have the lines of the text.
    ValueError
        There is no such flavour or order, or the text defines nothing that can be called.

    Examples
    --------
    >>> scale = cuda_cell("__global__ void scale(float *a, float by) { a[threadIdx.x] *= by; }")["scale"]
    >>> scale
    <CUDA kernel scale(float *a, float by)>
    >>> a = open_simulator().array(np.arange(4, dtype=np.float32))
    >>> scale[1, 4](a, 10)
    >>> a.numpy()
    array([ 0., 10., 20., 30.], dtype=float32)
    """
    cell = Cell(text, name, flavour, order, seed)
    if flavour == "plain" and card.is_there():
        cell.card_program()
    else:
        cell.program(flavour)
    return {
        **{one: HostFunction(cell, one) for one in cell.functions},
        **{one: Kernel(cell, kernel) for one, kernel in cell.kernels.items()},
    }


class Cell:
    """A text of CUDA, compiled in each flavour when that is first needed."""

    def __init__(self, text: str, name: str | None, flavour: str, order: str | None, seed: int):
        if flavour not in ("plain", *_WATCHED):
            raise ValueError(f"cuda_cell: no flavour {flavour!r}; there are plain, check, profile")
        check_settings("cuda_cell", order, seed)
        arguments.text("cuda_cell", text=text, name="" if name is None else name)
        self.kernels, self.functions = global_functions(text), host_functions(text)
        defined = [*self.kernels, *self.functions]
        if not defined:
            raise ValueError('cuda_cell: the text defines no __global__ function and no extern "C" function')
        self.text, self.name = text, name or f"{defined[0]}.cu"
        self.flavour, self.order, self.seed = flavour, order, seed
        self._programs: dict[str, Program] = {}
        self._card: card.CardProgram | None = None

    @property
    def simulator(self) -> Simulator:
        return open_simulator()

    def program(self, flavour: str) -> Program:
        """Return the text compiled in this flavour."""
        if flavour not in self._programs:
            behind = launchers(self.kernels, self.name)
            self._programs[flavour] = self.simulator.compile(self.text, flavour, self.name, behind)
        return self._programs[flavour]

    def card_program(self) -> card.CardProgram:
        """Return the text compiled by nvcc."""
        if self._card is None:
            behind = launchers(self.kernels, self.name)
            self._card = card.CardProgram(self.text, behind, self.name, self.functions)
        return self._card

    def run(self, call: Callable[[Any], Any], on_card: bool = False) -> Any:
        """Call something of the program, watched if the block around or the cell itself wants it."""
        __tracebackhide__ = True  # Jupyter shows the line of the launch, and the error
        watch = current_watch()
        if on_card:
            if watch is not None or self.flavour != "plain":
                raise TypeError(
                    f"{self.name}: the checker and the profiler are the simulator's; use arrays of cuda_sim()"
                )
            return call(self.card_program())
        if watch is not None or self.flavour == "plain":
            return self._run(call, watch)
        with _WATCHED[self.flavour]() as seen:
            result = self._run(call, current_watch())
        print(seen.listing())
        return result

    def _run(self, call: Callable[[Program], Any], watch: Watch | None) -> Any:
        __tracebackhide__ = True
        program = self.program("plain" if watch is None else watch.flavour)
        with contextlib.ExitStack() as around:
            if self.order is not None:
                around.enter_context(self.simulator.settings(self.order, self.seed))
            if watch is not None:
                around.enter_context(watch.launching(self.simulator))
            return call(program)


class Kernel:
    """A ``__global__`` function: ``kernel[grid, block](arguments)`` launches it, and waits until it is done.

    ``grid`` and ``block`` are a number or up to three; a third entry is the bytes of dynamic shared memory. A pointer
    takes an array in the device's memory (Tensor, NDArray or what `Simulator.array` returns) whose elements lie row by
    row and have the pointer's type, or None; anything else takes a number.
    """

    def __init__(self, cell: Cell, signature: GlobalFunction):
        self.cell, self.signature = cell, signature
        self.__name__ = signature.name
        self.__doc__ = f"CUDA kernel {signature}, of {cell.name}."

    def __repr__(self) -> str:
        return f"<CUDA kernel {self.signature}>"

    def __call__(self, *arguments: Any) -> None:
        name, names = self.__name__, ", ".join(one.name for one in self.signature.parameters)
        raise TypeError(f"{name}: a kernel needs a grid and a block: {name}[blocks, threads]({names})")

    def __getitem__(self, configuration: Any) -> "Launch":
        name = self.__name__
        if not isinstance(configuration, tuple) or not 2 <= len(configuration) <= 3:
            raise TypeError(
                f"{name}: wanted {name}[grid, block] or {name}[grid, block, shared bytes], got [{configuration!r}]"
            )
        grid, block, *shared = configuration
        numbers = [*_extents(name, "grid", grid), *_extents(name, "block", block)]
        return Launch(self, [*numbers, _count(name, "shared", shared[0] if shared else 0)])


class Launch:
    """A kernel with its launch configuration: call it with the arguments."""

    def __init__(self, kernel: Kernel, configuration: list[int]):
        self.kernel, self.configuration = kernel, configuration

    def __repr__(self) -> str:
        grid, block = tuple(self.configuration[:3]), tuple(self.configuration[3:6])
        return f"<CUDA kernel {self.kernel.signature} with grid {grid}, block {block}>"

    def __call__(self, *arguments: Any) -> None:
        __tracebackhide__ = True
        cell, signature = self.kernel.cell, self.kernel.signature
        _check_callable(signature)
        wanted = signature.parameters
        if len(arguments) != len(wanted):
            raise TypeError(f"{signature} takes {len(wanted)} arguments, got {len(arguments)}")
        memories = [
            address_for(signature.name, one.text, one.dtype, value) if one.pointer else None
            for one, value in zip(wanted, arguments, strict=True)
        ]
        on_card = _on_card(signature.name, [one for one in memories if one is not None])

        def launch(program: Any) -> None:
            __tracebackhide__ = True
            ffi = program.ffi
            values = [
                number_for(ffi, one.number, signature.name, one.text, value)
                if memory is None
                else ffi.new("void **", ffi.cast("void *", memory.address))
                for one, value, memory in zip(wanted, arguments, memories, strict=True)
            ]
            program.launch(f"{LAUNCHER}{signature.name}", self.configuration, values)

        try:
            cell.run(launch, on_card)
        finally:
            for parameter, memory in zip(wanted, memories, strict=True):
                if memory is not None and parameter.writes:
                    memory.written()


class HostFunction:
    """An ``extern "C"`` function of a cell: takes numbers, arrays, and NumPy arrays as pointers to host memory."""

    def __init__(self, cell: Cell, name: str):
        self.cell, self.__name__ = cell, name
        self.declaration = cell.functions[name].rstrip(";")
        self.__doc__ = f"{self.declaration}, of {cell.name}."

    def __repr__(self) -> str:
        return f"<CUDA host function {self.declaration}>"

    def __call__(self, *arguments: Any) -> Any:
        __tracebackhide__ = True
        memories = [None if isinstance(one, np.ndarray) else memory_of(one) for one in arguments]
        if _on_card(self.__name__, [one for one in memories if one is not None]):
            addresses = [_address(*pair) for pair in zip(arguments, memories, strict=True)]
            return self.cell.run(lambda program: program.call(self.__name__, addresses), True)
        return self.cell.run(lambda program: getattr(program, self.__name__)(*arguments))


def _address(argument: Any, memory: Memory | None) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.ctypes.data
    if memory is not None and not memory.compact:
        raise ValueError("the elements of this array do not lie row by row; copy it first")
    return 0 if argument is None else argument if memory is None else memory.address


def _extents(who: str, what: str, value: Any) -> list[int]:
    extents = list(value) if isinstance(value, (tuple, list)) else [value]
    if not 1 <= len(extents) <= 3:
        raise ValueError(f"{who}: {what} has one to three extents, got {value!r}")
    numbers = [_count(who, what, one) for one in extents]
    return numbers + [1] * (3 - len(numbers))


def _count(who: str, what: str, value: Any) -> int:
    return min(integer(who, what, value, 0, error=ValueError), 2**32 - 1)


def _check_callable(signature: GlobalFunction) -> None:
    if signature.template:
        raise TypeError(
            f'{signature.name}: a template has no types yet; write a __global__ or extern "C" function that uses it'
        )
    for one in signature.parameters:
        if not one.passable:
            raise TypeError(
                f'{signature.name}: Python cannot give "{one.text}"; a parameter is a pointer or a number'
            )


def _on_card(who: str, memories: list[Memory]) -> bool:
    """Return whether a real card is to run this: where all arrays live; without one, wherever there is a card."""
    devices = []
    for one in memories:
        if one.device is not None and one.device not in devices:
            devices.append(one.device)
        if one.device is not None and not any(
            hasattr(one.device.runtime, k) for k in ("simulator", "raise_cuda")
        ):
            raise TypeError(
                f"{who}: an array lives on {one.device!r}, whose memory the simulated device does not reach; "
                "copy it: x.to(cuda_sim())"
            )
    if len(devices) > 1:
        raise TypeError(f"{who}: all arrays must live on one device, got {devices[0]!r} and {devices[1]!r}")
    if devices:
        return not hasattr(devices[0].runtime, "simulator")
    bare = any(one.storage is None and one.size for one in memories)  # arrays of the simulator
    return not bare and current_watch() is None and card.is_there()
