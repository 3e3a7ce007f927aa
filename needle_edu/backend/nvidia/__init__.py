"""NVIDIA's cards: which there are, the compiler for them, and the runtime of `cuda()`."""
