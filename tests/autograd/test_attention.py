"""Attention: beside its definition in float64, beside PyTorch's, and where it has edges of its own."""

import numpy as np
import pytest
from autograd_helpers import tensor

from needle_edu import ops
from needle_edu.autograd import Tensor, grad_check
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import DTypeError, ShapeError
from needle_edu.backend.reference.dropout import kept


def written_out(q, k, v, mask=0.0, scale=None):
    scores = np.einsum("...le,...se->...ls", q, k) * (q.shape[-1] ** -0.5 if scale is None else scale) + mask
    top = scores.max(-1, keepdims=True)
    weights = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = weights.sum(-1, keepdims=True)
    return np.einsum("...ls,...sd->...ld", weights / np.where(total == 0, 1, total), v)


def draw(rng, *shapes):
    return [rng.normal(size=shape) for shape in shapes]


def bottom_right(queries, keys):
    return np.where(np.arange(keys) <= np.arange(queries)[:, None] + keys - queries, 0, -np.inf)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (5, 5, 4, 4), (3, 7, 8, 2), (7, 3, 1, 5), (17, 33, 16, 16)])
def test_values_are_those_of_the_definition(rng, shape):
    length, keys, size, out = shape
    q, k, v = draw(rng, (2, 3, length, size), (2, 3, keys, size), (2, 3, keys, out))
    got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v))
    np.testing.assert_allclose(got.numpy(), written_out(q, k, v), rtol=1e-12, atol=1e-12)
    got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), scale=0.3)
    np.testing.assert_allclose(got.numpy(), written_out(q, k, v, scale=0.3), rtol=1e-12, atol=1e-12)


def test_the_causal_mask_lies_at_the_upper_left_or_the_lower_right(rng):
    q, k, v = draw(rng, (1, 4), (3, 4), (3, 2))
    one = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), is_causal=True)
    np.testing.assert_allclose(one.numpy(), v[:1], rtol=1e-12)
    all_of_them = ops.scaled_dot_product_attention(
        tensor(q), tensor(k), tensor(v), is_causal=True, lower_right=True
    )
    np.testing.assert_allclose(all_of_them.numpy(), written_out(q, k, v), rtol=1e-12)
    q, k, v = draw(rng, (2, 4), (5, 4), (5, 2))
    got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), is_causal=True, lower_right=True)
    np.testing.assert_allclose(got.numpy(), written_out(q, k, v, bottom_right(2, 5)), rtol=1e-12)


def test_masks_of_bools_say_where_to_look_and_numbers_are_added(rng):
    q, k, v = draw(rng, (2, 3, 4), (2, 5, 4), (2, 5, 2))
    seen = rng.random((3, 5)) < 0.6
    seen[:, 0] = True
    mask = np.where(seen, 0, -np.inf)
    for given in (Tensor(seen), tensor(mask)):
        got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), given)
        np.testing.assert_allclose(got.numpy(), written_out(q, k, v, mask), rtol=1e-12)
    bias = rng.normal(size=(2, 1, 5))
    got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), tensor(bias))
    np.testing.assert_allclose(got.numpy(), written_out(q, k, v, bias), rtol=1e-12)


def test_a_query_that_sees_nothing_gets_zero_and_no_gradient(rng):
    arrays = draw(rng, (3, 4), (5, 4), (5, 2))
    q, k, v = (tensor(x) for x in arrays)
    seen = np.ones((3, 5), bool)
    seen[1] = False
    y = ops.scaled_dot_product_attention(q, k, v, Tensor(seen))
    np.testing.assert_array_equal(y.numpy()[1], 0)
    y.backward()
    assert all(np.isfinite(x.grad.numpy()).all() for x in (q, k, v))
    np.testing.assert_array_equal(q.grad.numpy()[1], 0)
    mask = np.where(seen, 0, -np.inf)
    np.testing.assert_allclose(y.numpy(), written_out(*arrays, mask), rtol=1e-12)
    assert grad_check(
        lambda a, b, c: ops.scaled_dot_product_attention(a, b, c, Tensor(seen)), *arrays, order=2
    )


def test_a_causal_mask_may_leave_the_first_queries_blind(rng):
    q, k, v = (tensor(x) for x in draw(rng, (4, 2), (2, 2), (2, 3)))
    y = ops.scaled_dot_product_attention(q, k, v, is_causal=True, lower_right=True)
    np.testing.assert_array_equal(y.numpy()[:2], 0)
    np.testing.assert_allclose(y.numpy()[2], v.numpy()[0])
    arrays = draw(rng, (200, 2), (2, 2), (2, 3))  # whole blocks of queries see nothing
    y = ops.scaled_dot_product_attention(*map(tensor, arrays), is_causal=True, lower_right=True)
    np.testing.assert_allclose(y.numpy(), written_out(*arrays, bottom_right(200, 2)), rtol=1e-12)


def test_heads_of_keys_may_serve_several_heads_of_queries(rng):
    q, k, v = draw(rng, (2, 6, 3, 4), (2, 2, 5, 4), (2, 2, 5, 3))
    mask = rng.normal(size=(2, 6, 3, 5))
    wide = [np.repeat(x, 3, axis=1) for x in (k, v)]
    got = ops.scaled_dot_product_attention(tensor(q), tensor(k), tensor(v), tensor(mask), enable_gqa=True)
    np.testing.assert_allclose(got.numpy(), written_out(q, *wide, mask), rtol=1e-12)
    assert grad_check(
        lambda a, b, c: ops.scaled_dot_product_attention(a, b, c, enable_gqa=True, is_causal=True), q, k, v
    )


def test_weights_add_up_to_one_and_make_the_result(rng):
    q, k, v = (tensor(x) for x in draw(rng, (2, 3, 4), (2, 5, 4), (2, 5, 2)))
    weights = ops.attention_weights(q, k, is_causal=True)
    np.testing.assert_allclose(weights.numpy().sum(-1), 1, rtol=1e-12)
    np.testing.assert_array_equal(weights.numpy()[:, 0, 1:], 0)
    y = ops.scaled_dot_product_attention(q, k, v, is_causal=True)
    np.testing.assert_allclose((weights @ v).numpy(), y.numpy(), rtol=1e-12)


def test_dropout_drops_weights_and_not_results(rng):
    np.random.seed(0)
    q, k = (tensor(x) for x in draw(rng, (40, 4), (50, 4)))
    v = tensor(np.eye(50))
    y = ops.scaled_dot_product_attention(q, k, v, dropout_p=0.25).numpy()
    kept = y != 0
    assert 0.7 < kept.mean() < 0.8
    weights = ops.attention_weights(q, k).numpy()
    np.testing.assert_allclose(y, np.where(kept, weights / 0.75, 0), rtol=1e-12)


def test_large_scores_do_not_overflow():
    q, k, v = tensor([[1e6, 0]]), tensor([[1e6, 0], [0, 1]]), tensor([[1.0], [2.0]])
    assert ops.scaled_dot_product_attention(q, k, v).numpy().tolist() == [[1.0]]


@pytest.mark.parametrize(
    "shapes", [((0, 3), (4, 3), (4, 2)), ((2, 3), (0, 3), (0, 2)), ((0, 2, 3), (0, 4, 3), (0, 4, 2))]
)
def test_of_nothing(shapes):
    inputs = [tensor(np.zeros(shape)) for shape in shapes]
    y = ops.scaled_dot_product_attention(*inputs)
    assert y.shape == (*shapes[0][:-1], 2)
    np.testing.assert_array_equal(y.numpy(), 0)
    y.backward()
    assert [x.grad.shape for x in inputs] == list(shapes)


def test_what_does_not_fit_is_said(rng):
    q, k, v = (tensor(x) for x in draw(rng, (2, 3, 4), (2, 5, 4), (2, 5, 2)))
    attend = ops.scaled_dot_product_attention
    with pytest.raises(ShapeError, match=r"wanted query \(\.\.\., L, E\), key \(\.\.\., S, E\)"):
        attend(q, v, v)
    with pytest.raises(ShapeError, match=r"the axes before the last two do not broadcast: \(2,\), \(3,\)"):
        attend(q, tensor(np.zeros((3, 5, 4))), v)
    with pytest.raises(
        ShapeError, match=r"a mask of shape \(4, 5\) does not broadcast to the scores' \(2, 3, 5\)"
    ):
        attend(q, k, v, tensor(np.zeros((4, 5))))
    with pytest.raises(DTypeError, match=r"got key of float32 beside float64"):
        attend(q, k.astype("float32"), v)
    with pytest.raises(DTypeError, match=r"wanted a mask of bools or float64, got int64"):
        attend(q, k, v, Tensor(np.zeros((3, 5), int)))
    with pytest.raises(ShapeError, match="heads of the query a multiple"):
        attend(*(tensor(np.zeros((1, h, 2, 2))) for h in (3, 2, 2)), enable_gqa=True)
    with pytest.raises(ValueError, match="lower_right says where a causal mask lies; set is_causal=True"):
        attend(q, k, v, lower_right=True)
    with pytest.raises(ValueError, match="dropout_p"):
        attend(q, k, v, dropout_p=1.5)


def test_the_compiled_backward_pass_is_that_of_the_formulas(rng):
    """Without a second graph the kernel answers, with one the ordinary ops."""
    for masked in (False, True):
        for diagonal in (None, 0, -1, 2):
            q, k, v = (
                Tensor(x.astype("float32")).transpose((1, 2))
                for x in draw(rng, (2, 70, 3, 8), (2, 65, 3, 8), (2, 65, 3, 5))
            )
            q, k, v = (x.detach() for x in (q, k, v))
            for x in (q, k, v):
                x.requires_grad = True
            mask = Tensor(
                np.where(rng.random((2, 1, 70, 65)) < 0.2, -np.inf, 0).astype("float32"), requires_grad=False
            )
            inputs = (q, k, v, mask) if masked else (q, k, v)
            g = Tensor(rng.normal(size=(2, 3, 70, 5)).astype("float32"), requires_grad=False)
            found = []
            for create_graph in (False, True):
                op = ops.Attention(diagonal=diagonal)
                op.mask_learns = False
                op.apply(*inputs).backward(g, create_graph=create_graph)
                found.append([x.grad.numpy() for x in (q, k, v)])
            for fast, slow in zip(*found, strict=True):
                np.testing.assert_allclose(fast, slow, rtol=2e-4, atol=2e-5)


def adjoints_written_out(q, k, v, g, seen, by):
    """By the chain rule on all scores; `by` is what dropout multiplies the weights by."""
    s = np.where(seen, q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]), -np.inf)
    p = np.exp(s - s.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    to_p = g @ v.swapaxes(-1, -2) * by
    to_s = p * (to_p - (to_p * p).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return (p * by) @ v, to_s @ k, to_s.swapaxes(-1, -2) @ q, (p * by).swapaxes(-1, -2) @ g


@pytest.mark.parametrize("p", [0.0, 0.3])
@pytest.mark.parametrize("diagonal", [None, 0])
@pytest.mark.parametrize(
    ("queries", "keys", "size", "values"),
    [(1, 1, 1, 1), (7, 65, 3, 5), (57, 45, 8, 8), (115, 131, 17, 1), (61, 531, 5, 9)],
)
def test_gradients_in_float64_at_odd_sizes(rng, queries, keys, size, values, diagonal, p):
    """Beside the plain formula: no size is a multiple of a register, of a block, or of what dropout draws at once."""
    q, k, v = draw(rng, (2, 3, queries, size), (2, 3, keys, size), (2, 3, keys, values))
    g = rng.normal(size=(2, 3, queries, values))
    given = [Tensor(x, dtype="float64") for x in (q, k, v)]
    y = ops.Attention(diagonal=diagonal, dropout_p=p, key=77).apply(*given)
    y.backward(Tensor(g, dtype="float64"))
    by = kept(77, p, (2, 3, queries, keys), 6 * queries) / (1 - p) if p else 1.0
    seen = np.ones((queries, keys), bool) if diagonal is None else np.tri(queries, keys, dtype=bool)
    wanted = adjoints_written_out(q, k, v, g, seen, by)
    for found, right in zip((y, *[x.grad for x in given]), wanted, strict=True):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-10, atol=1e-12)


def test_nan_spreads_to_the_queries_that_look_at_it():
    k = Tensor(np.ones((3, 2), "float32"))
    k = Tensor(np.where(np.arange(3)[:, None] == 2, np.nan, k.numpy()))
    q = v = Tensor(np.ones((3, 2), "float32"))
    y = ops.scaled_dot_product_attention(q, k, v, is_causal=True).numpy()
    assert np.isfinite(y[:2]).all() and np.isnan(y[2]).all()
    assert np.isnan(ops.scaled_dot_product_attention(q[:1], k[2:], v[:1]).numpy()).all()


def test_a_mask_that_learns_gets_its_gradient(rng):
    q, k, v = (tensor(x) for x in draw(rng, (2, 3, 4), (2, 5, 4), (2, 5, 2)))
    assert grad_check(
        lambda bias: ops.scaled_dot_product_attention(q, k, v, bias), rng.normal(size=(3, 5)), order=2
    )
    bias = Tensor(rng.normal(size=(3, 5)).astype("float32"))
    single = [Tensor(x.numpy().astype("float32")) for x in (q, k, v)]
    ops.scaled_dot_product_attention(*single, bias).backward()
    np.testing.assert_allclose(bias.grad.numpy().sum(), 0, atol=1e-5)
    assert np.abs(bias.grad.numpy()).max() > 0


@pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays do not count their writes")
def test_operands_that_were_written_over_are_noticed(rng):
    from needle_edu.backend import GradientError

    q, k, v = (Tensor(x.astype("float32")) for x in draw(rng, (3, 4), (3, 4), (3, 4)))
    y = ops.scaled_dot_product_attention(q, k, v)
    k.cached_data[0, 0] = 5.0
    with pytest.raises(GradientError):
        y.backward()
