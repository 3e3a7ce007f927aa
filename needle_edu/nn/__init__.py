"""The layers a network is built from, and `Module`, of which all are made."""

from typing import Any

from ..backend.naming import not_here
from . import functional, utils
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
from .attention import MultiheadAttention
from .containers import Identity, ModuleDict, ModuleList, Residual, Sequential
from .conv_bn import ConvBN
from .convolution import Conv, Conv1d, Conv2d
from .ctc import CTCLoss
from .distances import CosineSimilarity, PairwiseDistance
from .dropout import AlphaDropout, Dropout, Dropout1d, Dropout2d
from .embedding import Embedding
from .embedding_bag import EmbeddingBag
from .folding import ChannelShuffle, Fold, PixelShuffle, PixelUnshuffle, Unfold
from .group_norm import GroupNorm, LayerNorm
from .instance_norm import InstanceNorm1d, InstanceNorm2d
from .likelihoods import GaussianNLLLoss, PoissonNLLLoss
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
from .margin_losses import MultiLabelMarginLoss, MultiLabelSoftMarginLoss, MultiMarginLoss, SoftMarginLoss
from .model_summary import Summary, summary
from .module import Module
from .needle_transformer import AttentionLayer, MultiHeadAttention, Transformer, TransformerLayer
from .norm import BatchNorm1d, BatchNorm2d, LayerNorm1d
from .padding import (
    CircularPad1d,
    CircularPad2d,
    ConstantPad1d,
    ConstantPad2d,
    ReflectionPad1d,
    ReflectionPad2d,
    ReplicationPad1d,
    ReplicationPad2d,
    ZeroPad1d,
    ZeroPad2d,
)
from .parameter import Parameter
from .parameter_containers import ParameterDict, ParameterList
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
from .positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from .ranking_losses import (
    CosineEmbeddingLoss,
    HingeEmbeddingLoss,
    MarginRankingLoss,
    TripletMarginLoss,
    TripletMarginWithDistanceLoss,
)
from .recurrent import GRU, LSTM, RNN
from .recurrent_cells import GRUCell, LSTMCell, RNNCell
from .response_norm import LocalResponseNorm
from .rms_norm import RMSNorm, SwiGLU
from .shapes import Flatten, Reshape, Unflatten
from .softmax import LogSoftmax, Softmax, Softmax2d, Softmin
from .transformer import (
    TransformerDecoder,
    TransformerDecoderLayer,
    TransformerEncoder,
    TransformerEncoderLayer,
)
from .transposed_convolution import ConvTranspose1d, ConvTranspose2d
from .unpooling import LPPool1d, LPPool2d, MaxUnpool1d, MaxUnpool2d
from .upsampling import Upsample, UpsamplingBilinear2d, UpsamplingNearest2d

__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AlphaDropout",
    "AttentionLayer",
    "AvgPool1d",
    "AvgPool2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Bilinear",
    "CELU",
    "CTCLoss",
    "ChannelShuffle",
    "CircularPad1d",
    "CircularPad2d",
    "ConstantPad1d",
    "ConstantPad2d",
    "Conv",
    "Conv1d",
    "Conv2d",
    "ConvBN",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineEmbeddingLoss",
    "CosineSimilarity",
    "CrossEntropyLoss",
    "DistillationLoss",
    "Dropout",
    "Dropout1d",
    "Dropout2d",
    "ELU",
    "Embedding",
    "EmbeddingBag",
    "Flatten",
    "Fold",
    "GELU",
    "GLU",
    "GRU",
    "GRUCell",
    "GaussianNLLLoss",
    "GroupNorm",
    "Hardshrink",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
    "HingeEmbeddingLoss",
    "HingeLoss",
    "HuberLoss",
    "Identity",
    "InstanceNorm1d",
    "InstanceNorm2d",
    "KLDivLoss",
    "L1Loss",
    "LPPool1d",
    "LPPool2d",
    "LSTM",
    "LSTMCell",
    "LayerNorm",
    "LayerNorm1d",
    "LeakyReLU",
    "LearnedPositions",
    "Linear",
    "LocalResponseNorm",
    "LogSigmoid",
    "LogSoftmax",
    "Loss",
    "MAELoss",
    "MSELoss",
    "MarginRankingLoss",
    "MaxPool1d",
    "MaxPool2d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "Mish",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MultiHeadAttention",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "MultiMarginLoss",
    "MultiheadAttention",
    "NLLLoss",
    "PReLU",
    "PairwiseDistance",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "PixelShuffle",
    "PixelUnshuffle",
    "PoissonNLLLoss",
    "RMSNorm",
    "RNN",
    "RNNCell",
    "RReLU",
    "ReLU",
    "ReLU6",
    "ReflectionPad1d",
    "ReflectionPad2d",
    "ReplicationPad1d",
    "ReplicationPad2d",
    "Reshape",
    "Residual",
    "RotaryPositions",
    "SELU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SinusoidalPositions",
    "SmoothL1Loss",
    "SoftMarginLoss",
    "Softmax",
    "Softmax2d",
    "SoftmaxLoss",
    "Softmin",
    "Softplus",
    "Softshrink",
    "Softsign",
    "Summary",
    "SwiGLU",
    "Tanh",
    "Tanhshrink",
    "Threshold",
    "Transformer",
    "TransformerDecoder",
    "TransformerDecoderLayer",
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "TransformerLayer",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "Unflatten",
    "Unfold",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "ZeroPad1d",
    "ZeroPad2d",
    "functional",
    "summary",
    "utils",
]

ELSEWHERE = {
    "init": "needle_edu.init, whose functions make tensors: weight.data = init.xavier_uniform(3, 4)",
    "Conv3d": "nn.Conv2d or nn.Conv1d: layers for volumes are not there",
    "LazyLinear": "nn.Linear with both sizes: layers that find out their sizes are not there",
    "DataParallel": "needle_edu.distributed.DistributedDataParallel",
}


def __getattr__(name: str) -> Any:
    raise not_here(__name__, name, __all__, ELSEWHERE)


def __dir__() -> list[str]:
    return sorted(__all__)
