"""Training: the loop that every application shares, and the applications that come with needle_edu.

    from needle_edu import training
    result = training.run("mlp", epochs=5)      # or `needle-edu train mlp --epochs 5`
    result.application.model                    # the network, trained
    result.history.test["accuracy"]             # a number per epoch

An application (`Application`, a few short methods) says what is learned: models, batches, one step, how good it is.
`run` does what is the same for all: epochs, live numbers, early stopping, checkpoints that a killed training goes on
from bit for bit, curves as a picture, a line with the result. `APPLICATIONS` has those that there are, by name.
"""

from .application import Application, Settings
from .applications import APPLICATIONS
from .classifier import Classifier
from .history import History
from .loop import run
from .result import Result

__all__ = ["APPLICATIONS", "Application", "Classifier", "History", "Result", "Settings", "run"]


def __dir__() -> list[str]:
    return sorted(__all__)
