"""The applications that come with needle_edu, one file each. A new one is a class and a place in the list below."""

from __future__ import annotations

import difflib

from ...backend.errors import DataError
from ..application import Application
from .autoencoder import Autoencoder
from .chargpt import CharGPT
from .cola import CoLA
from .cyclegan import CycleGAN
from .dcgan import DCGAN
from .descent import Descent
from .distillation import Distillation
from .dqn import DQN
from .kimcnn import KimCNN
from .language_model import LSTMLanguageModel, RNNLanguageModel
from .lenet import LeNet
from .mlp import MLP
from .painting import Painting
from .perceptron import Perceptron
from .regularisation import Regularisation
from .resmlp import ResidualMLP
from .resnet9 import CIFARNet
from .reversal import Reversal
from .rows import Rows
from .sine import Sine
from .word2vec import Word2Vec

KINDS: tuple[type[Application], ...] = (
    MLP,
    LeNet,
    ResidualMLP,
    Regularisation,
    CIFARNet,
    Perceptron,
    Descent,
    Painting,
    Autoencoder,
    DCGAN,
    Distillation,
    KimCNN,
    CoLA,
    Sine,
    Rows,
    Word2Vec,
    RNNLanguageModel,
    LSTMLanguageModel,
    Reversal,
    CharGPT,
    DQN,
    CycleGAN,
)
APPLICATIONS: dict[str, type[Application]] = {kind.name: kind for kind in KINDS}


def named(application: str | type[Application]) -> type[Application]:
    """The application of a name; a class is itself.

    Raises
    ------
    DataError
        If there is none.
    TypeError
        If it is neither.

    Examples
    --------
    >>> named("mlp").__name__
    'MLP'
    >>> named("mpl")
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: train: there is no application 'mpl'; did you mean mlp?
    """
    if isinstance(application, type) and issubclass(application, Application):
        return application
    if not isinstance(application, str):
        raise TypeError(f"train: an application is a name or a class of them, got {application!r:.60}")
    if application not in APPLICATIONS:
        near = difflib.get_close_matches(application, APPLICATIONS, 1)
        advice = f"did you mean {near[0]}?" if near else f"there are {', '.join(APPLICATIONS)}"
        raise DataError(f"train: there is no application {application!r}; {advice}")
    return APPLICATIONS[application]
