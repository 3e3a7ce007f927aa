"""Models known by name, made of the layers of `needle_edu.nn`, each in a file that can be read in one sitting.

`load_pretrained` gives them the weights that somebody else has trained.
"""

from .bert import Bert, BertClassifier, BertForMaskedLM
from .cache import KVCache
from .gpt import GPT, GPTBlock
from .llama import Llama, LlamaBlock
from .pretrained import load_pretrained
from .sentences import SentenceEncoder, minilm
from .vit import ViT

__all__ = [
    "Bert",
    "BertClassifier",
    "BertForMaskedLM",
    "GPT",
    "GPTBlock",
    "KVCache",
    "Llama",
    "LlamaBlock",
    "SentenceEncoder",
    "ViT",
    "load_pretrained",
    "minilm",
]


def __dir__() -> list[str]:
    return sorted(__all__)
