"""Static graphs: a function's operations as data, which can be changed and run again.

`capture` runs a function once, on arrays that have shapes but no numbers, and writes its operations down as a
`Program`. Passes make another program of it that computes the same, and `run` computes it:

>>> import needle_edu as ndl
>>> program = capture(lambda x: (x * 2).exp().sum(), ndl.Tensor([1.0, 2.0]))
>>> print(program)
program lambda(%x: float32[2]) on cpu() {
  %0 = mul_scalar(%x) {scalar: 2} : float32[2]
  %1 = exp(%0) : float32[2]
  %2 = summation(%1) : float32[1]
  return %2
}
>>> program(ndl.Tensor([0.0, 0.0]))
Tensor([2.], requires_grad=False)
"""

from .array_type import Type
from .capture import capture
from .interpreter import run
from .program import Instruction, Program
from .text import parse
from .unknown import CaptureError
from .validation import GraphError, validate

__all__ = [
    "CaptureError", "GraphError", "Instruction", "Program", "Type", "capture", "parse", "run", "validate",
]  # fmt: skip
