"""Steps of many parameters in one kernel call: the formulas of NumPy, in any layout; what may be written over."""

import copy

import numpy as np
import pytest

from needle_edu import ndarray as nd, optim
from needle_edu.autograd import Tensor
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import optimizer_steps as formulas
from needle_edu.backend.errors import DTypeError, GradientError, ShapeError
from needle_edu.backend.optimizer_steps import Numbers
from needle_edu.ndarray import fused
from needle_edu.ndarray.ownership import held_once

MEMORIES = {kind: formula.__code__.co_argcount - 3 for kind, formula in formulas.FORMULAS.items()}
NUMBERS = Numbers(-1.0, 0.01, 0.9, 0.1, 0.8, 0.3, 0.95, 0.2, 0.7, 1e-3, 0.05)
own_arrays = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays do not say who holds them")


def draw(rng, kind, shape, dtype):
    """Parameter, gradient and memories; means of squares are not negative."""
    arrays = [rng.normal(size=shape).astype(dtype) for _ in range(2 + MEMORIES[kind])]
    if kind in ("asgd", "momentum", "nesterov", "lion"):
        return arrays
    first = 2 if kind in ("adagrad", "adadelta") or kind.startswith("rmsprop") else 3
    for array in arrays[first:]:
        array[...] = abs(array)
    if "centered" in kind:
        arrays[2][...] += 9  # more than the square of the mean
    return arrays


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", formulas.KINDS)
def test_all_parameters_of_a_call_get_their_formulas(kind, dtype, rng):
    """Lengths around those of vectors; the numbers of the second parameter are others."""
    given, wanted = [], []
    for k, shape in enumerate([(3, 5), (), (0, 2), (1, 67), (130,)]):
        p, g, *memories = draw(rng, kind, shape, dtype)
        numbers = NUMBERS if k != 1 else NUMBERS._replace(sign=1.0, rate=0.3, scale=1.0)
        given.append(
            fused.Step(
                kind, nd.asarray(p.copy()), nd.asarray(g), [nd.asarray(m.copy()) for m in memories], numbers
            )
        )
        wanted.append((formulas.step(kind, p, g, memories, numbers), memories))
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    for (new, memories), (right, remembered) in zip(fused.optimizer_steps(given), wanted, strict=True):
        for ours, numpys in zip([new, *memories], [right, *remembered], strict=True):
            assert ours.dtype == numpys.dtype == dtype
            np.testing.assert_allclose(ours.numpy(), numpys, tolerance, tolerance)


@pytest.mark.parametrize("kind", formulas.KINDS)
def test_what_is_no_number_stays_none(kind, rng):
    p, g, *memories = draw(rng, kind, (9,), "float64")
    g[1], g[3], p[5] = np.nan, np.inf, np.nan
    for memory in memories:
        memory[7] = np.nan
    step = fused.Step(kind, nd.asarray(p), nd.asarray(g), [nd.asarray(m.copy()) for m in memories], NUMBERS)
    [(new, remembered)] = fused.optimizer_steps([step])
    right = formulas.step(kind, p, g, memories, NUMBERS)
    for ours, numpys in zip([new, *remembered], [right, *memories], strict=True):
        np.testing.assert_allclose(ours.numpy(), numpys, 1e-12)


def test_layouts_need_not_agree(rng):
    """A gradient or memory that lies otherwise, or is of another type, is copied to lie as the parameter does."""
    p, g, m, v = (rng.normal(size=(3, 4)).astype("float32") for _ in range(4))
    wide = nd.asarray(np.stack([p, p], axis=-1))[:, :, 0]
    for parameter, gradient, mean in [
        (nd.asarray(p.T.copy()).T, nd.asarray(g), nd.asarray(m.copy())),
        (wide, nd.asarray(g[:, ::-1].copy())[:, ::-1], nd.asarray(m.T.copy()).T),
        (nd.asarray(p.copy()), nd.asarray(g.astype("float64")), nd.asarray(m.astype("float64"))),
    ]:
        square = nd.asarray(abs(v))
        step = fused.Step("adam", parameter, gradient, [mean, square], NUMBERS)
        [(new, (new_mean, new_square))] = fused.optimizer_steps([step])
        ours = [m.copy(), abs(v)]
        right = formulas.step("adam", p, g, ours, NUMBERS)
        np.testing.assert_allclose(new.numpy(), right, 1e-5, 1e-6)
        np.testing.assert_allclose(new_mean.numpy(), ours[0], 1e-5, 1e-6)
        np.testing.assert_allclose(new_square.numpy(), ours[1], 1e-5, 1e-6)
        assert new.layout is new_mean.layout is new_square.layout
        assert np.array_equal(parameter.numpy(), p)


def test_what_is_written_is_stamped():
    """A graph that was made from it must notice."""
    p, g, u = (nd.ones(3) for _ in range(3))
    [(new, _)] = fused.optimizer_steps([fused.Step("momentum", p, g, [u], NUMBERS)])
    assert new is not p and u.storage.version > 0
    assert p.storage.version == g.storage.version == new.storage.version == 0
    before = p.numpy()
    [(new, _)] = fused.optimizer_steps([fused.Step("momentum", p, g, [u], NUMBERS, overwrite=True)])
    assert new is p and p.storage.version == u.storage.version > 0 and (p.numpy() != before).all()


def test_operands_that_do_not_go_together_change_nothing():
    p, u = nd.ones(3), nd.ones(3)
    good = fused.Step("momentum", p, nd.ones(3), [u], NUMBERS, overwrite=True)
    for bad, error, words in [
        (
            good._replace(g=nd.zeros(2)),
            ShapeError,
            r"parameter of shape \(3,\) with a gradient of shape \(2,\)",
        ),
        (good._replace(memories=[nd.zeros((1, 3))]), ShapeError, r"with a memory of shape \(1, 3\)"),
        (good._replace(p=nd.arange(3)), DTypeError, "parameters are float32 or float64, got int64"),
    ]:
        with pytest.raises(error, match=f"optimizer_steps: .*{words}"):
            fused.optimizer_steps([good, bad])
    assert p.numpy().tolist() == u.numpy().tolist() == [1.0, 1.0, 1.0]
    assert fused.optimizer_steps([]) == []


@own_arrays
@pytest.mark.parametrize(
    "hold",
    [
        lambda p: p.data,
        lambda p: p.cached_data,
        lambda p: p.cached_data.storage,
        lambda p: p.cached_data[1:],
        lambda p: p.cached_data.T,
        lambda p: p.reshape((4,)),
        lambda p: p.detach(),
        lambda p: copy.copy(p),
        lambda p: Tensor.make_const(p.cached_data),
        lambda p: {"deep": [(p.cached_data,)]},
    ],
)
def test_who_holds_an_array_keeps_its_numbers(hold):
    p = Tensor(np.arange(4.0))
    optimizer = optim.Adam([p], lr=0.5)
    for _ in range(3):  # the first array came from outside, the others are the optimiser's own
        kept, before, storage = hold(p), p.numpy(), id(p.cached_data.storage)
        numbers = kept.numpy() if hasattr(kept, "numpy") else None
        assert not held_once(p)
        p.grad = Tensor(np.ones(4))
        optimizer.step()
        assert (p.numpy() != before).all() and id(p.cached_data.storage) != storage
        assert numbers is None or np.array_equal(kept.numpy(), numbers)
        del kept
        assert held_once(p)


@own_arrays
@pytest.mark.shares_memory
def test_who_looks_into_an_array_keeps_its_numbers():
    """NumPy over our memory, and our arrays over NumPy's."""
    p = Tensor(np.arange(4.0))
    optimizer = optim.SGD([p], lr=0.5)
    for look in (np.asarray, lambda a: memoryview(np.asarray(a)), np.from_dlpack):
        seen, before = look(p.cached_data), p.numpy()
        p.grad = Tensor(np.ones(4))
        optimizer.step()
        assert np.array_equal(np.asarray(seen), before) and np.array_equal(p.numpy(), before - 0.5)
        del seen
    theirs = np.arange(4, dtype="float32")
    shared = Tensor.make_const(nd.asarray(theirs))
    shared.grad = Tensor(np.ones(4))
    optim.SGD([shared], lr=0.5).step()
    assert theirs.tolist() == [0, 1, 2, 3] and shared.numpy().tolist() == [-0.5, 0.5, 1.5, 2.5]


@own_arrays
def test_nobody_else_holds_it_so_it_is_written_over():
    p, tied = Tensor(np.arange(4.0)), Tensor([1.0])
    other = Tensor.make_const(tied.cached_data)
    optimizer = optim.SGD([p, tied, other], lr=0.5, momentum=0.9)
    memory = id(p.cached_data.storage)
    for _ in range(3):
        for q in (p, tied, other):
            q.grad = Tensor(np.ones(q.shape))
        optimizer.step()
        assert id(p.cached_data.storage) == memory and p.cached_data.storage.version > 0
    assert tied.numpy() == other.numpy() != 1  # each made its own step, from the same numbers


@own_arrays
def test_a_graph_notices_that_a_parameter_was_written_over():
    w = Tensor([2.0])
    loss = (w * w).sum()
    loss.backward()
    memory = id(w.cached_data.storage)
    optim.SGD([w], lr=0.5).step()
    assert id(w.cached_data.storage) == memory
    with pytest.raises(GradientError, match="overwritten"):
        loss.backward()
