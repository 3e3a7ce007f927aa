"""Benchmarks run only by `make bench`. They measure; they never fail because a machine is slow.

Every duel is kept, and at the end of the run the table is printed; `--write-table` puts it into docs/speed.md.
"""

from __future__ import annotations

import pytest

from . import table
from .duel import duel


@pytest.fixture(scope="session")
def arena():
    """PyTorch first, then needle_edu, both (and NumPy's BLAS) at the same thread count."""
    torch = pytest.importorskip("torch", reason="PyTorch is absent: install it with `make parity`")
    import needle_edu as ndl

    if not ndl.cpu().native:
        pytest.fail("the benchmarks need the C kernels; `needle-edu doctor` says why they are absent")
    torch.set_num_threads(ndl.backend.get_num_threads())
    return torch, ndl


@pytest.fixture
def fight(benchmark, request):
    """`fight(name, contenders, limit=…)`: alternate, remember for the table, show ours in pytest-benchmark."""

    def run(name, contenders, **options):
        outcome = duel(name, contenders, **options)
        request.config.stash.setdefault(OUTCOMES, []).append(outcome)
        for who in outcome.rounds:
            benchmark.extra_info[who] = outcome.seconds(who)
        benchmark.pedantic(contenders["needle_edu"], rounds=5, iterations=1, warmup_rounds=1)
        return outcome

    return run


OUTCOMES = pytest.StashKey[list]()


def pytest_sessionfinish(session):
    outcomes = session.config.stash.get(OUTCOMES, [])
    if outcomes:
        entries = [table.entry(outcome) for outcome in outcomes]
        name = table.machine()
        print("\n" + table.render([{"machine": name, "duels": entries}]))
        if session.config.getoption("--write-table"):
            table.keep(name, "duels", entries)
            table.write_page()


def pytest_addoption(parser):
    parser.addoption(
        "--write-table",
        action="store_true",
        help="keep this machine's numbers, and make the tables of docs/speed.md anew",
    )
