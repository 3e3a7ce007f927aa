"""Seeing what the framework does: graphs drawn, backpropagation walked through one event at a time.

`draw(tensor)` is a picture of how a tensor came about, `array(a)` one of how an array lies in memory (or of the images
or the attention in it). `step(loss)`
walks through the forward and the backward pass of the real run, with all its numbers; `record()` does the same for a
run of your own, and `memory(tape)` shows what that held. `why(x, loss)` says why a gradient is zero, huge or NaN,
`compare` where two runs depart; `roofline(profile)` draws where a run spends its time. They only listen to the
engine's events.

`expression("x*y + sin(x)")` is a formula to pull at, `playground()` a small network to play with, `modules(model)` a
tree of layers to change, `train(application)` a training that is watched while it runs, and `kernel(report)` what a
CUDA kernel does with memory.
"""

from needle_edu.graph import Edge, Graph, Node
from needle_edu.viz.arrays.images import ArrayImages
from needle_edu.viz.arrays.picture import ArrayPicture, array
from needle_edu.viz.drawing.draw import draw
from needle_edu.viz.drawing.drawing import Drawing
from needle_edu.viz.formulas.expression import Expression, expression
from needle_edu.viz.kernels.kernel import kernel
from needle_edu.viz.lifetimes.memory import Memory, memory
from needle_edu.viz.playing.play import playground
from needle_edu.viz.roofline import Roofline, roofline
from needle_edu.viz.stepper.compare import Comparison, compare
from needle_edu.viz.stepper.stepper import Stepper
from needle_edu.viz.stepper.walk import step
from needle_edu.viz.stepper.why import Why, why
from needle_edu.viz.tape import Tape, record
from needle_edu.viz.training.train import train
from needle_edu.viz.trees.editor import modules
from needle_edu.viz.trees.modules import Modules

__all__ = [
    "ArrayImages",
    "ArrayPicture",
    "Comparison",
    "Drawing",
    "Edge",
    "Expression",
    "Graph",
    "Memory",
    "Modules",
    "Node",
    "Roofline",
    "Stepper",
    "Tape",
    "Why",
    "array",
    "compare",
    "draw",
    "expression",
    "kernel",
    "memory",
    "modules",
    "playground",
    "record",
    "roofline",
    "step",
    "train",
    "why",
]


def __dir__() -> list[str]:
    return sorted(__all__)
