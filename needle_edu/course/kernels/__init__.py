"""Answers that are kernels: functions in C, and kernels in CUDA C++, compiled and run by the CUDA simulator.

`rules` says what may stand in such an answer, `translation_unit` compiles the answers of a submission together,
`launching` runs one in every flavour, each time in a process of its own, and `judging` is what tests say of the result.
"""

from needle_edu.course.kernels.judging import clean, cost

__all__ = ["clean", "cost"]
