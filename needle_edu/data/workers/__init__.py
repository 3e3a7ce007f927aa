"""Worker processes that read examples ahead of the model.

`pool` is this process's side, `worker` what runs in each worker, `block` the memory that both see. A batch travels
through that memory: the worker writes its arrays there, and this process makes tensors of them where they lie.
"""

from .pool import Pool

__all__ = ["Pool"]
