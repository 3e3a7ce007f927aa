"""Answers that several workers run at once, each with its own data: data parallelism without a cluster.

`network` runs a function as N workers that may only send messages to one another, and writes every message down;
`judging` is what tests say of such a run.
"""

from needle_edu.course.workers.judging import alone_too, messages, results, traffic

__all__ = ["alone_too", "messages", "results", "traffic"]
