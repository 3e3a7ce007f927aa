"""The layers a network is built from, and `Module`, of which all are made."""

from . import utils
from .activations import (
    GELU,
    GLU,
    LogSigmoid,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Softsign,
    Tanh,
    Tanhshrink,
)
from .containers import Identity, ModuleDict, ModuleList, Residual, Sequential
from .conv_bn import ConvBN
from .convolution import Conv, Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from .dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d
from .embedding import Embedding
from .group_norm import GroupNorm, LayerNorm
from .linear import Bilinear, Linear
from .loss import CrossEntropyLoss, DistillationLoss, NLLLoss, SoftmaxLoss
from .losses import (
    BCELoss,
    BCEWithLogitsLoss,
    HingeLoss,
    HuberLoss,
    KLDivLoss,
    L1Loss,
    Loss,
    MAELoss,
    MSELoss,
    SmoothL1Loss,
)
from .model_summary import Summary, summary
from .module import Module
from .norm import BatchNorm1d, BatchNorm2d, LayerNorm1d
from .parameter import Parameter
from .piecewise import (
    CELU,
    ELU,
    SELU,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    PReLU,
    ReLU6,
    RReLU,
    Softshrink,
    Threshold,
)
from .pooling import (
    AdaptiveAvgPool1d,
    AdaptiveAvgPool2d,
    AdaptiveMaxPool1d,
    AdaptiveMaxPool2d,
    AvgPool1d,
    AvgPool2d,
    MaxPool1d,
    MaxPool2d,
)
from .shapes import Flatten, Reshape, Unflatten
from .softmax import LogSoftmax, Softmax, Softmax2d, Softmin

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AlphaDropout",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "CELU",
    "Conv",
    "Conv1d",
    "Conv2d",
    "ConvBN",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "DistillationLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "ELU",
    "Embedding",
    "Flatten",
    "GELU",
    "GLU",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "KLDivLoss",
    "L1Loss",
    "LayerNorm",
    "LayerNorm1d",
    "LeakyReLU",
    "Linear",
    "LogSigmoid",
    "LogSoftmax",
    "Loss",
    "MAELoss",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "NLLLoss",
    "PReLU",
    "Parameter",
    "RReLU",
    "ReLU",
    "ReLU6",
    "Reshape",
    "Residual",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SmoothL1Loss",
    "Softmax",
    "Softmax2d",
    "SoftmaxLoss",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Summary",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Unflatten",
    "summary",
    "utils",
]


def __dir__() -> list[str]:
    return sorted(__all__)
