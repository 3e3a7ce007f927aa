"""The cost model: closed forms, what is best where, and numbers found again from measurements."""

import pytest

from needle_edu.distributed import cost
from needle_edu.distributed.cost import Cost, fit


def test_a_ring_hardly_grows_and_a_tree_has_few_steps():
    lan = Cost(latency=1e-4, bandwidth=1e9)
    assert lan.sum("ring", 1024, 10**9) / lan.sum("ring", 2, 10**9) < 2.3
    assert lan.sum("ring", 64, 10**8) < lan.sum("tree", 64, 10**8) < lan.sum("server", 64, 10**8)
    assert lan.sum("tree", 64, 100) < lan.sum("ring", 64, 100)
    assert lan.sum("ring", 1, 10**9) == 0


def test_numbers_of_a_noisy_network_are_found_again(rng):
    true = Cost(latency=3e-5, bandwidth=2e9)
    points = [
        (way, n, size, true.sum(way, n, size) * rng.uniform(0.9, 1.1))
        for way in ("ring", "tree") for n in (2, 4) for size in (10**3, 10**5, 10**7)
    ]  # fmt: skip
    found = fit(points)
    assert found.latency == pytest.approx(3e-5, rel=0.15) and found.bandwidth == pytest.approx(2e9, rel=0.15)


def test_what_cannot_be_fitted():
    for points in (
        [],
        [("ring", 2, 10, 1.0)],
        [("ring", 2, 10, 1.0)] * 3,
        [("ring", 1, 10, 1.0), ("ring", 1, 20, 1.0)],
    ):
        with pytest.raises(ValueError, match="fit: wanted at least two measurements"):
            fit(points)
    with pytest.raises(ValueError, match="parts: way is one of ring, tree, server, got 'star'"):
        cost.parts("star", 2, 10)


def test_scaling():
    lan = Cost(latency=0, bandwidth=1e9, compute=1.0)
    assert lan.speedup("ring", 4, 0, strong=True) == 4 == lan.speedup("ring", 4, 0)
    assert lan.step("ring", 4, 10**9, strong=True) == pytest.approx(0.25 + 1.5)
