"""Models known by name, made of the layers of `needle_edu.nn`, each in a file that can be read in one sitting."""

from .cache import KVCache
from .gpt import GPT, GPTBlock

__all__ = ["GPT", "GPTBlock", "KVCache"]


def __dir__() -> list[str]:
    return sorted(__all__)
