"""Homework 7's withheld names: each way to hand in the library's own function or class is refused, by that name."""

from .withheld_tests import WithheldTests

BROADCAST = "def broadcast(comm, array, root=0):\n    "
SCATTER = "def reduce_scatter(comm, array):\n    "
RING = "from needle_edu import distributed\ndef ring_all_reduce(comm, array):\n    "
STEP = "def ddp_step(comm, parameters, loss, optimizer, all_reduce, bucket_bytes):\n    "
SECONDS = (
    "def step_seconds(way, workers, batch, example_seconds, nbytes, latency, bandwidth):\n"
    "    from needle_edu.distributed import cost\n    "
)

ATTACKS = {
    "q1: the sampler": (
        "DistributedSampler",
        "from needle_edu.distributed import DistributedSampler\n"
        "def shard(n, rank, size, epoch=0, seed=0, shuffle=True):\n"
        "    sampler = DistributedSampler(range(n), rank, size, shuffle=shuffle, seed=seed)\n"
        "    sampler.set_epoch(epoch)\n    return list(sampler)",
    ),
    "q3: the communicator's": (
        "broadcast",
        f"{BROADCAST}return ndl.distributed.Communicator.broadcast(comm, array.copy(), root)",
    ),
    "q3: the tree below it": (
        "spread",
        f"{BROADCAST}array = array.copy()\n    ndl.distributed.Communicator._spread(comm, array, root)\n"
        "    return array",
    ),
    "q4: a chunk of the ring": (
        "ring_all_reduce",
        f"{SCATTER}total = ndl.distributed.ring_all_reduce(comm, array)\n"
        "    return np.array_split(total, comm.size)[comm.rank]",
    ),
    "q4: a chunk of the tree": (
        "tree_all_reduce",
        f"{SCATTER}total = ndl.distributed.tree_all_reduce(comm, array)\n"
        "    return np.array_split(total, comm.size)[comm.rank]",
    ),
    "q4: a chunk of the star": (
        "star_all_reduce",
        f"{SCATTER}total = ndl.distributed.star_all_reduce(comm, array)\n"
        "    return np.array_split(total, comm.size)[comm.rank]",
    ),
    "q5: the ring": ("ring_all_reduce", f"{RING}return distributed.ring_all_reduce(comm, array)"),
    "q5: the ring, by its table": (
        "ring_all_reduce",
        f"{RING}return distributed.cost.WAYS['ring'](comm, array)",
    ),
    "q5: the tree": ("tree_all_reduce", f"{RING}return distributed.tree_all_reduce(comm, array)"),
    "q5: the star": ("star_all_reduce", f"{RING}return distributed.star_all_reduce(comm, array)"),
    "q6: the library's model": (
        "DistributedDataParallel",
        f"{STEP}ndl.distributed.DistributedDataParallel(nn.Linear(2, 2))",
    ),
    "q6: its buckets": (
        "buckets",
        f"{STEP}from needle_edu.distributed.gradients import buckets\n    buckets(parameters, bucket_bytes)",
    ),
    "q6: one bucket": (
        "Bucket",
        f"{STEP}from needle_edu.distributed.gradients import Bucket\n    Bucket(parameters)",
    ),
    "q7: the model": (
        "Cost",
        f"{SECONDS}return cost.Cost(latency, bandwidth, batch * example_seconds).step(way, workers, nbytes, True)",
    ),
    "q7: its parts": (
        "parts",
        f"{SECONDS}messages, passed = cost.parts(way, workers, nbytes)\n"
        "    return batch / workers * example_seconds + messages * latency + passed / bandwidth",
    ),
}


class TestHomework7(WithheldTests, homework="hw7"):
    attacks = ATTACKS
    every = 20

    @classmethod
    def cases(cls) -> dict[str, list]:
        """Without question 2: the library has nothing that would answer it."""
        found = super().cases()
        return found | {"question_name": [name for name in found["question_name"] if name != "q2"]}
