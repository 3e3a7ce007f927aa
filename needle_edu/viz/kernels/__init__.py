"""Kernels on the CUDA simulator as pictures (`viz.kernel`)."""
