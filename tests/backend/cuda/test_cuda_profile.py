"""The profiler's counters equal what can be worked out by hand, whatever the order of threads.

A sector has 32 bytes: a warp that reads 128 bytes in a row needs 4 of them. A bank is 4 bytes wide, and there are 32.
"""

import platform
import shutil

import numpy as np
import pytest

N = 64
counts_flops = pytest.mark.skipif(
    platform.machine() != "x86_64" or not shutil.which("objdump"),
    reason="flops are counted on x86-64, by objdump",
)


@pytest.fixture
def program(compiled, simulator):
    simulator.clear_profile()
    return compiled("costs.cu", "profile")


@pytest.fixture
def square(simulator):
    return [simulator.array(np.arange(N * N, dtype=np.float32).reshape(N, N)) for _ in range(3)]


WARPS = N * N // 32  # of one element a lane


@pytest.mark.parametrize(
    ("which", "name", "sectors", "wavefronts"),
    [
        (0, "naive", WARPS * (4 + 32), 0),
        (1, "tiled_transpose<0>", WARPS * (4 + 4), WARPS * (1 + 32)),
        (2, "tiled_transpose<1>", WARPS * (4 + 4), WARPS * (1 + 1)),
    ],
)
def test_transposes(program, simulator, square, order, which, name, sectors, wavefronts):
    program.transposes(which, square[0], square[1], N)
    np.testing.assert_array_equal(square[0].numpy(), square[1].numpy().T)
    kernel = simulator.profile()[name]
    assert (kernel.requests, kernel.sectors, kernel.wavefronts) == (2 * WARPS, sectors, wavefronts)
    assert kernel.coalescing == 8 * WARPS / sectors and kernel.moved_bytes == 32 * sectors
    assert kernel.bank_conflicts == (wavefronts - 2 * WARPS if wavefronts else 0)
    assert kernel.bytes == 4 * 32 * WARPS * (4 if wavefronts else 2) and kernel.splits == 0
    assert (kernel.launches, kernel.threads, kernel.warps) == (1, N * N // 4, N * N // 128)


def test_kernels_come_in_the_order_of_their_first_launches(program, simulator, square):
    for which in (2, 0, 1, 2):
        program.transposes(which, square[0], square[1], N)
    assert list(simulator.profile()) == ["tiled_transpose<1>", "naive", "tiled_transpose<0>"]


@counts_flops
def test_products_have_2n3_operations(program, simulator, square, order):
    for which in (0, 1):
        program.products(which, square[0], square[1], square[2], N)
    profile = simulator.profile()
    tiled, plain = profile["tiled"], profile["plain_product"]
    assert tiled.flops == plain.flops == 2 * N**3
    # a warp is two rows of 16: it reads 2 x 2 sectors of a tile's row, and stores as many
    assert tiled.sectors == 2 * (N**3 // 16 // 32) * 4 + WARPS * 4
    assert tiled.shared_requests == 2 * (N**3 // 16 // 32) + 2 * N**3 // 32 and tiled.bank_conflicts == 0
    # of a, one element of each of two rows; of b, 16 in a row, twice the same
    assert plain.sectors == N**3 // 32 * (2 + 2) + WARPS * 4
    # the fewest that these could need: two elements are one sector, 16 are two; a tile's rows are whole sectors
    ideal = N**3 // 32 * (1 + 2) + WARPS * 4
    assert plain.coalescing == ideal / plain.sectors and tiled.coalescing == 1
    assert tiled.intensity == 2 * N**3 / (32 * tiled.sectors)
    line = next(line for line in tiled.lines if line.flops)
    assert line.flops == 2 * N**3 and line.shared_requests == 2 * N**3 // 32


@pytest.mark.parametrize(
    ("which", "name", "number", "loads", "stores"),
    [
        (0, "copy_every", 1, 4, 4),
        (0, "copy_every", 2, 8, 4),
        (0, "copy_every", 8, 32, 4),
        (0, "copy_every", 11, 32, 4),
        (1, "copy_offset", 1, 5, 4),
        (1, "copy_offset", 8, 4, 4),
        (2, "copy_vectors", 0, 16, 16),
        (3, "same_address", 0, 1, 4),
    ],
)
def test_copies(program, simulator, which, name, number, loads, stores):
    blocks, warps = 3, 3 * 8
    out, source = simulator.empty(blocks * 256 * 4), simulator.array(np.zeros(blocks * 256 * 12, np.float32))
    program.copies(which, out, source, blocks, number)
    kernel = simulator.profile()[name]
    assert kernel.sectors == warps * (loads + stores) and kernel.requests == 2 * warps
    assert kernel.lines[0].kinds == {"load", "store"}


@pytest.mark.parametrize(
    ("size", "stride", "wavefronts"),
    [
        (4, 1, 1),
        (4, 2, 2),
        (4, 4, 4),
        (4, 32, 32),
        (4, 31, 1),
        (4, 0, 1),
        (8, 1, 2),
        (8, 2, 4),
        (8, 16, 32),
        (8, 0, 2),
    ],
)
def test_bank_conflicts(program, simulator, size, stride, wavefronts):
    program.conflicts(simulator.empty(64, np.float64), size, stride)
    (kernel,) = simulator.profile().values()
    filling = 32 * (size // 4)
    assert kernel.wavefronts == filling + wavefronts
    assert kernel.bank_conflicts == wavefronts - size // 4


def test_divergence(program, simulator, order):
    a = simulator.array(np.ones(1024, np.float32))
    for which in (0, 1):
        program.branches(which, a, 4)
    parity, warp = (simulator.profile()[name] for name in ("by_parity", "by_warp"))
    assert parity.splits == 16 and warp.splits == 0
    # each half of a divided warp makes two requests of its own and moves all four sectors; then both store together
    assert (parity.requests, parity.sectors) == (16 * (2 * 2 + 1), 16 * (2 * 2 + 1) * 4)
    assert (warp.requests, warp.sectors) == (16 * 3, 16 * 3 * 4)


@pytest.mark.parametrize(
    ("block", "shared", "wanted"),
    [((256, 1, 1), 0, 1.0), ((96, 1, 1), 0, 2016 / 2048), ((32, 1, 1), 0, 0.5), ((33, 1, 1), 0, 1.0),
     ((1024, 1, 1), 100 << 10, 1.0), ((1024, 1, 1), 120 << 10, 0.5)],
)  # fmt: skip
def test_occupancy(program, simulator, square, block, shared, wanted):
    program.transposes(0, square[0], square[1], N)
    kernel = simulator.profile()["naive"]
    kernel.block, kernel.shared = block, shared
    assert kernel.occupancy() == wanted


def test_listing_and_html(program, simulator, square):
    program.transposes(1, square[0], square[1], N)
    profile = simulator.profile()
    kernel = profile["tiled_transpose<0>"]
    assert kernel.shared == 32 * 32 * 4 and profile["tiled_transpose"] is kernel
    listing = profile.listing()
    assert "    for" not in listing.splitlines()[0] and "= tile[tx][ty + j];\n" in listing
    assert (
        "128 requests, 512 sectors, 100% coalesced; 128 shared requests, 4096 wavefronts, 32.0-way conflict"
        in listing
    )
    assert "occupancy 100%" in listing and str(profile) in listing
    table = profile._repr_html_()
    assert table.count("<tr>") == 1 + len(kernel.lines) and table.count("#b00020") == 1
    assert "tiled_transpose&lt;0&gt;" in table and "<0>" not in table
    simulator.clear_profile()
    assert str(simulator.profile()) == "nothing was counted: no kernel has run under the profiler"


def test_without_objdump_flops_are_not_counted(program, simulator, square, monkeypatch):
    from needle_edu.backend.cudasim import flops

    flops.flops_of_blocks.cache_clear()
    monkeypatch.setattr(flops.platform, "machine", lambda: "aarch64")
    program.transposes(0, square[0], square[1], N)
    kernel = simulator.profile()["naive"]
    flops.flops_of_blocks.cache_clear()
    assert "flops: not counted" in str(kernel)
    with pytest.raises(ValueError, match="flops are not counted here: that needs x86-64 and objdump"):
        kernel.flops  # noqa: B018
