"""Data parallelism: the same model in every worker, other examples for each, and the mean of all gradients.

The loss of a batch is the mean over its examples. So its gradient is the mean of the gradients of equal parts of the
batch, one in each worker, and whoever steps with that mean takes the step that one process would take with the whole
batch. Models that begin equal stay equal, bit for bit: they are never sent again.

Goyal et al., Accurate, large minibatch SGD, 2017; Li et al., PyTorch Distributed, 2020 (buckets).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..autograd import Tensor, hooks, state
from ..autograd.arrays import readable
from ..backend.arguments import whole
from ..backend.errors import DistributedError
from ..nn import Module, Parameter
from .cards import Cards, connected
from .communicator import Communicator
from .gradients import buckets
from .group import init


class DistributedDataParallel(Module):
    """A model whose gradients are, after each `backward()`, the means over all workers.

    Everybody must make it, at the same point of the program. Then the models are compared, and those of the others get
    the parameters and buffers of worker 0. Before each forward pass in training, they get its buffers (the running
    averages of BatchNorm) once more. It saves and loads under the names of the model inside, so checkpoints are the
    same with one process as with several; one worker, of rank 0, writes them.

    The sums work by hooks on the parameters: the model inside may as well be called itself.

    Parameters
    ----------
    module : Module
    bucket_bytes : int
        Gradients are added up in groups of about so many bytes, each as soon as it is complete.
    communicator : Communicator, optional
        By default that of `init()`.

    Raises
    ------
    DistributedError
        If the models of two workers differ: the first difference is named, in every worker.

    Examples
    --------
    Two simulated workers with two examples each take the step that one takes with four:

    >>> from needle_edu import nn, optim
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> x = np.arange(8, dtype="float32").reshape(4, 2)
    >>> def train(comm):
    ...     model = DistributedDataParallel(nn.Linear(2, 1))
    ...     sgd = optim.SGD(model.parameters(), lr=0.01)
    ...     for step in range(3):
    ...         sgd.reset_grad()
    ...         (model(Tensor(x[comm.rank :: comm.size])) ** 2).mean().backward()
    ...         sgd.step()
    ...     return model.module.weight.numpy()
    >>> (one,), (first, second) = SimulatedNetwork(1).run(train), SimulatedNetwork(2).run(train)
    >>> bool((first == second).all()), bool(abs(one - first).max() < 1e-6)
    (True, True)
    """

    def __init__(
        self, module: Module, bucket_bytes: int = 2**20, *, communicator: Communicator | None = None
    ) -> None:
        super().__init__()
        if not isinstance(module, Module):
            raise TypeError(f"DistributedDataParallel: wanted a Module, got {module!r:.60}")
        if communicator is not None and not isinstance(communicator, Communicator):
            raise TypeError(
                f"DistributedDataParallel: communicator is a Communicator, got {communicator!r:.60}"
            )
        whole("DistributedDataParallel", bucket_bytes=bucket_bytes)
        self.module = module
        self._communicator = init() if communicator is None else communicator
        self._syncing = True
        compare(self._communicator, module)
        everything = [*module.parameters(), *module.buffers()]
        self._cards = connected(self._communicator, [tensor.device for tensor in everything])
        spread(self._communicator, everything, self._cards)
        learning = [parameter for parameter in module.parameters() if parameter.requires_grad]
        self._buckets = _Buckets(self._communicator, learning, bucket_bytes, self._cards)
        if self._communicator.size > 1:
            module.register_forward_pre_hook(self._before_forward)
            for parameter in learning:
                parameter.register_post_accumulate_grad_hook(self._written)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the model inside computes."""
        return self.module(*args, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Within the block, gradients stay each worker's own: to add up those of several batches before one sum.

        Examples
        --------
        >>> from needle_edu import nn
        >>> model = DistributedDataParallel(nn.Linear(2, 1))
        >>> with model.no_sync():
        ...     model(Tensor([[1.0, 2.0]])).sum().backward()
        >>> model(Tensor([[3.0, 4.0]])).sum().backward(accumulate=True)
        >>> model.module.weight.grad.numpy().tolist()
        [[4.0], [6.0]]
        """
        before, self._syncing = self._syncing, False
        try:
            yield
        finally:
            self._syncing = before

    def state_dict(self) -> Any:
        """That of the model inside."""
        return self.module.state_dict()

    def load_state_dict(self, saved: Any, strict: bool = True) -> Any:
        """Load into the model inside; every worker must load the same."""
        return self.module.load_state_dict(saved, strict)

    def _before_forward(self, module: Module, args: tuple) -> None:
        if state.tracing() is not None:
            raise DistributedError(
                "DistributedDataParallel: a captured or compiled step cannot add up gradients over workers; "
                "train without compile()"
            )
        if self._syncing and module.training and state.grad_enabled():
            spread(self._communicator, list(module.buffers()), self._cards)

    def _written(self, parameter: Any) -> None:
        if self._syncing:
            self._buckets.written(parameter)
        else:
            self._buckets.kept(parameter)


class _Buckets:
    """All buckets of a model, and how far their sums are. Sums begin in the same order in every worker."""

    def __init__(
        self, communicator: Communicator, parameters: list[Parameter], bucket_bytes: int, cards: Cards | None
    ):
        self.communicator = communicator
        self.all = buckets(parameters, bucket_bytes, cards)
        self._of = {id(parameter): bucket for bucket in self.all for parameter in bucket.parameters}
        self._kept: dict[int, Parameter] = {}  # those with gradients that have not been added up
        self._begun = 0
        self._asked = False

    def kept(self, parameter: Parameter) -> None:
        """A gradient was written that is not to be added up yet."""
        self._kept[id(parameter)] = parameter

    def written(self, parameter: Parameter) -> None:
        """A gradient was written: begin the sums of all buckets that are full by now."""
        if not self._asked:
            self._asked = True
            hooks.call_after_pass(self.finish)
        bucket = self._of[id(parameter)]
        if not bucket.under_way:
            bucket.put(parameter)
            self._kept.pop(id(parameter), None)
        self._begin_full()

    def _begin_full(self) -> None:
        for bucket in self.all[: self._begun]:
            bucket.drive()
        while self._begun < len(self.all) and self.all[self._begun].full:
            self.all[self._begun].begin(self.communicator)
            self._begun += 1

    def finish(self) -> None:
        """The end of a backward pass: begin what is left, and wait for all."""
        self._asked = False
        for parameter in self._kept.values():
            if parameter.grad is not None:
                self._of[id(parameter)].put(parameter)
        self._kept.clear()
        for bucket in self.all[self._begun :]:
            bucket.begin(self.communicator)
        self._begun = 0
        for bucket in self.all:
            bucket.end()


def compare(communicator: Communicator, module: Module) -> None:
    """Complain, in every worker, unless all have the same model: names, shapes, dtypes.

    Raises
    ------
    DistributedError
        It names the first difference.

    Examples
    --------
    >>> from needle_edu import nn
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> SimulatedNetwork(2).run(lambda comm: compare(comm, nn.Linear(2, 3 + comm.rank)))
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DistributedError: DistributedDataParallel: the models differ: worker 0 has ...
    """
    tensors = [*module.named_parameters(), *module.named_buffers()]
    own = "\n".join(f"{name} {tensor.dtype} {tensor.shape}" for name, tensor in tensors)
    all_said = [text.splitlines() for text in communicator.all_gather_texts(own)]
    for rank, lines in enumerate(all_said):
        if lines != all_said[0]:
            longest = max(len(lines), len(all_said[0]))
            first, other = ([*text, *["nothing"] * longest] for text in (all_said[0], lines))
            k = next(k for k in range(longest) if first[k] != other[k])
            raise DistributedError(
                f"DistributedDataParallel: the models differ: worker 0 has {first[k]}, and worker {rank} {other[k]}"
            )


def spread(communicator: Communicator, tensors: list[Any], cards: Cards | None = None) -> None:
    """Give the tensors of every worker the numbers of worker 0, in one message; those on `cards` go between them.

    Examples
    --------
    >>> from needle_edu.distributed import SimulatedNetwork
    >>> def three(comm):
    ...     x = Tensor([1.0 + comm.rank])
    ...     spread(comm, [x])
    ...     return x.item()
    >>> SimulatedNetwork(3).run(three)
    [1.0, 1.0, 1.0]
    """
    if cards is not None:
        there = [tensor for tensor in tensors if tensor.device == cards.device]
        tensors = [tensor for tensor in tensors if tensor.device != cards.device]
        own = [tensor.realize_cached_data() for tensor in there]
        for tensor, of_first in zip(there, cards.broadcast(own) if own else [], strict=True):
            tensor.replace_data(of_first)
    if communicator.size == 1 or not tensors:
        return
    arrays = [np.ascontiguousarray(readable(tensor)) for tensor in tensors]
    everything = np.concatenate([array.reshape(-1).view(np.uint8) for array in arrays])
    communicator.broadcast(everything)
    if communicator.rank:
        ends = np.cumsum([array.nbytes for array in arrays])[:-1]
        for tensor, array, part in zip(tensors, arrays, np.split(everything, ends), strict=True):
            new = part.view(array.dtype).reshape(array.shape)
            tensor.replace_data(Tensor(new, device=tensor.device, dtype=tensor.dtype).cached_data)
