"""Programs in the shape of tinyflow's, on cases of our own: each held against NumPy, a formula or an eager model."""

import numpy as np
import pytest

import needle_edu as ndl
import needle_edu.flow as tf
from needle_edu import Tensor, ops
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import NeedleError, ShapeError

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")


def started(*assigned):
    session = tf.Session(config="cpu")
    session.run(tf.initialize_all_variables())
    if assigned:
        session.run(list(assigned))
    return session


# ---- nothing is computed before it is fetched -----------------------------------------------------------------------


def test_declaring_computes_nothing(monkeypatch):
    calls = []
    matmul = ops.MatMul.compute
    monkeypatch.setattr(
        ops.MatMul, "compute", lambda self, a, b: (calls.append(a.shape), matmul(self, a, b))[1]
    )
    a = tf.placeholder(tf.float32)
    left, right = tf.matmul(a, a), tf.matmul(tf.matmul(a, a), a)
    assert not calls and right.name == "matmul"
    session = tf.Session()
    assert session.run(left, {a: [[2.0]]}).tolist() == [[4.0]]
    assert set(calls) <= {(1, 1)} and calls  # once captured, once computed; the other branch is nobody's


def test_only_what_is_needed_is_fed_and_anything_may_be():
    x, y = tf.placeholder(tf.float32, name="x"), tf.placeholder(tf.float32, name="y")
    h = x * y
    session = tf.Session()
    assert session.run(x + 1, {x: [1.0]}).tolist() == [2.0]  # y is not needed
    assert session.run(h * 2, {h: [5.0]}).tolist() == [10.0]  # x and y are not, either
    with pytest.raises(NeedleError, match="<Placeholder y> is needed, but not fed"):
        session.run(h, {x: [1.0]})


@pytest.mark.parametrize("value", [3, 3.0, [3], np.int64(3), np.array(3, "uint8"), np.float64(3)])
def test_feeds_of_any_dtype_are_cast(value):
    x = tf.placeholder(tf.float32)
    found = tf.Session().run(x / 2, {x: value})
    assert found.dtype == "float32" and float(np.ravel(found)[0]) == 1.5


def test_one_session_many_shapes():
    x = tf.placeholder(tf.float32, [None, 3])
    y, session = tf.reduce_sum(x * x, reduction_indices=[1]), tf.Session()
    for n in (1, 4, 2, 4):
        fed = np.arange(3.0 * n).reshape(n, 3)
        np.testing.assert_allclose(session.run(y, {x: fed}), (fed**2).sum(1))


def test_fetches_in_one_run_see_the_same_values():
    v = tf.Variable([1.0], name="v")
    session = started()
    bump = tf.assign(v, v * 2)
    for k in range(4):
        before, after, again = session.run([v, bump, v + 0])
        assert (before, after, again) == ([2.0**k], [2.0 ** (k + 1)], [2.0**k])


# ---- gradients ------------------------------------------------------------------------------------------------------


SMOOTH = {
    "exp": (tf.exp, np.exp), "log": (tf.log, np.log), "sqrt": (tf.sqrt, np.sqrt), "tanh": (tf.tanh, np.tanh),
    "cube": (lambda x: tf.pow(x, 3), lambda a: a**3), "number to the power": (lambda x: 2**x, lambda a: 2**a),
    "reciprocal": (lambda x: 1 / x, lambda a: 1 / a), "minus": (lambda x: 3 - x * x, lambda a: 3 - a * a),
    "mean of squares": (lambda x: tf.reduce_mean(x * x), lambda a: (a * a).mean()),
    "softmax": (lambda x: tf.nn.softmax(x) * tf.exp(x), lambda a: np.exp(2 * a) / np.exp(a).sum(-1, keepdims=True)),
    "pad": (lambda x: tf.pad(x, dim=1, pad=1) * 2, lambda a: a * 2),
    "crop": (lambda x: tf.pad(x, 1, -1) ** 2, lambda a: a[:, :-1] ** 2),
    "average pool": (
        lambda x: tf.nn.avg_pool(x * x + tf.zeros([1, 1, 1, 1]), padding="VALID"),
        lambda a: (a**2)[:2, :2].mean(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_those_of_differences(name, rng):
    """Central differences in float64 of the same function in NumPy."""
    declared, right = SMOOTH[name]
    a = rng.uniform(0.5, 1.5, (2, 3))
    shape = (1, 1, 2, 3) if name == "average pool" else a.shape
    x = tf.placeholder(tf.float32)
    found = tf.Session().run(tf.gradients(tf.reduce_sum(declared(x)), [x])[0], {x: a.reshape(shape)})
    wanted, h = np.zeros_like(a), 1e-6
    for place in np.ndindex(a.shape):
        up, down = a.copy(), a.copy()
        up[place] += h
        down[place] -= h
        wanted[place] = (right(up).sum() - right(down).sum()) / (2 * h)
    np.testing.assert_allclose(found.reshape(a.shape), wanted, rtol=2e-4, atol=1e-5)


def test_gradients_of_gradients():
    """d²/dx² of x⁴ is 12x²; a Hessian times a vector is the gradient of a sum."""
    x, v = tf.placeholder(tf.float32), tf.constant([1.0, -2.0])
    y = tf.reduce_sum(x**4)
    (first,) = tf.gradients(y, [x])
    (times_v,) = tf.gradients(tf.reduce_sum(first * v), [x])
    found = tf.Session().run(times_v, {x: [1.0, 3.0]})
    np.testing.assert_allclose(found, [12.0, -2 * 108.0], rtol=1e-5)


def test_a_variable_used_twice_gets_both_contributions():
    w = tf.Variable([3.0])
    (g,) = tf.gradients(w * w + w, [w])
    assert started().run(g).tolist() == [7.0]


# ---- training -------------------------------------------------------------------------------------------------------


def test_least_squares_ends_at_the_normal_equations(rng):
    a = rng.normal(size=(40, 3)).astype("float32")
    b = a @ np.array([[1.0], [-2.0], [0.5]], "float32") + 0.3
    x, y = tf.placeholder(tf.float32, [None, 3]), tf.placeholder(tf.float32, [None, 1])
    w, c = tf.Variable(tf.zeros([3, 1])), tf.Variable(tf.zeros([1]))
    error = tf.matmul(x, w) + c - y
    loss = tf.reduce_mean(error * error)
    step, session = tf.train.GradientDescentOptimizer(0.2).minimize(loss), started()
    session = started()
    for _ in range(150):
        assert session.run(step, {x: a, y: b}) is None
    design = np.concatenate([a, np.ones((40, 1), "float32")], 1).astype("float64")
    wanted = np.linalg.lstsq(design, b.astype("float64"), rcond=None)[0]
    np.testing.assert_allclose(np.concatenate([session.run(w), session.run(c)[None]]), wanted, atol=1e-3)


def test_one_step_of_gradient_descent_by_hand():
    x, w = tf.placeholder(tf.float32), tf.Variable([[1.0, 2.0]])
    step = tf.train.GradientDescentOptimizer(0.5).minimize(tf.reduce_sum(w * w * x))
    session = started()
    session.run(step, {x: [[3.0]]})
    assert session.run(w).tolist() == [[1 - 0.5 * 6, 2 - 0.5 * 12]]


def test_a_network_trains_as_the_eager_one(rng):
    """The same weights, the same batches: ten steps of a two-layer network, declared and eager."""
    weights = [rng.normal(size=shape, scale=0.3).astype("float32") for shape in ((8, 5), (3, 8))]
    x, label = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    h = tf.nn.relu(tf.nn.linear(x, num_hidden=8, name="one"))
    loss = tf.nn.mean_sparse_softmax_cross_entropy_with_logits(
        tf.nn.linear(h, num_hidden=3, name="two"), label
    )
    step = tf.train.GradientDescentOptimizer(0.2).minimize(loss)
    found = tf.infer_variable_shapes(loss, feed_dict={x: [6, 5], label: [6]})
    assert [(name, shape) for _, name, shape in found] == [("one_weight", (8, 5)), ("two_weight", (3, 8))]
    session = tf.Session()
    session.run([tf.assign(v, w) for (v, _, _), w in zip(found, weights, strict=True)])
    eager = [Tensor(w) for w in weights]
    for _ in range(10):
        a, b = rng.normal(size=(6, 5)).astype("float32"), rng.integers(0, 3, 6)
        _, declared = session.run([step, loss], {x: a, label: b.astype("float32")})
        for p in eager:
            p.grad = None
        now = ops.cross_entropy(ops.relu(Tensor(a) @ eager[0].T) @ eager[1].T, Tensor(b))
        now.backward()
        for p in eager:
            p.data = p.data - 0.2 * p.grad
        np.testing.assert_allclose(declared, np.ravel(now.numpy()), rtol=1e-5)
    for (v, _, _), p in zip(found, eager, strict=True):
        np.testing.assert_allclose(session.run(v), p.numpy(), rtol=1e-4, atol=1e-6)


def test_a_step_written_by_hand_is_the_optimisers():
    """assign, group and gradients are all that minimize uses."""
    x = tf.placeholder(tf.float32)
    pairs = [(tf.Variable([1.0]), tf.Variable([2.0])) for _ in range(2)]
    losses = [tf.reduce_sum((v * x - w) ** 2) for v, w in pairs]
    by_hand = tf.group(
        *[
            tf.assign(p, p - 0.1 * g)
            for p, g in zip(pairs[0], tf.gradients(losses[0], list(pairs[0])), strict=True)
        ]
    )
    minimized = tf.train.GradientDescentOptimizer(0.1).minimize(losses[1])
    session = started()
    for _ in range(5):
        assert session.run([by_hand, minimized], {x: [0.7]}) == [None, None]
    np.testing.assert_allclose(session.run(list(pairs[0])), session.run(list(pairs[1])), rtol=1e-6)


def test_adam_remembers_from_run_to_run():
    """On a constant gradient each of Adam's steps is about as long as its rate, whatever the gradient is."""
    w = tf.Variable([0.0, 0.0])
    step = tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(w * tf.constant([3.0, -0.5])))
    session = started()
    for k in range(1, 6):
        session.run(step)
        np.testing.assert_allclose(session.run(w), [-0.1 * k, 0.1 * k], rtol=2e-2)


# ---- layers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("padding", ["VALID", "SAME"])
def test_a_convolution_by_its_definition(padding, step, rng):
    a, k = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(4, 3, 3, 3))
    x = tf.placeholder(tf.float32)
    y = tf.nn.conv2d(x, tf.constant(k), strides=[1, step, step, 1], padding=padding)
    found = tf.Session().run(y, {x: a})
    if padding == "SAME":
        missing = [max((-(-n // step) - 1) * step + 3 - n, 0) for n in (5, 6)]
        a = np.pad(a, ((0, 0), (0, 0), *[(m // 2, m - m // 2) for m in missing]))
    rows, columns = ((n - 3) // step + 1 for n in a.shape[2:])
    wanted = np.zeros((2, 4, rows, columns))
    for i, j in np.ndindex(rows, columns):
        window = a[:, :, i * step : i * step + 3, j * step : j * step + 3]
        wanted[:, :, i, j] = np.tensordot(window, k, ((1, 2, 3), (1, 2, 3)))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(12, 3), (4, 3, 2, 5)])
def test_batch_normalisation_by_its_definition(shape, rng):
    a = rng.normal(2.0, 3.0, size=shape)
    gamma, beta = rng.normal(size=3), rng.normal(size=3)
    x = tf.placeholder(tf.float32)
    y = tf.nn.batch_normalization(x, tf.constant(gamma), tf.constant(beta))
    axes = tuple(k for k in range(a.ndim) if k != 1)
    line = (1, 3) + (1,) * (a.ndim - 2)
    wanted = (a - a.mean(axes, keepdims=True)) / np.sqrt(a.var(axes, keepdims=True) + 1e-5)
    wanted = wanted * gamma.reshape(line) + beta.reshape(line)
    np.testing.assert_allclose(tf.Session().run(y, {x: a}), wanted, rtol=1e-4, atol=1e-4)


def test_a_residual_network_learns(rng):
    """Convolution, normalisation, a way past both, pooling, and Adam: squares told from crosses."""
    pictures = np.zeros((64, 1, 8, 8), "float32")
    labels = rng.integers(0, 2, 64)
    for picture, label in zip(pictures, labels, strict=True):
        i, j = rng.integers(0, 5, 2)
        picture[0, i : i + 3, j : j + 3] = (
            [[1, 1, 1], [1, 0, 1], [1, 1, 1]] if label else [[1, 0, 1], [0, 1, 0], [1, 0, 1]]
        )
    x, label = tf.placeholder(tf.float32), tf.placeholder(tf.float32)

    def conv(h, name):
        h = tf.nn.conv2d(h, num_filter=6, ksize=[1, 3, 3, 1], padding="SAME", name=name)
        return tf.nn.batch_normalization(h, name=f"{name}_bn")

    first = tf.nn.relu(conv(x, "a"))
    h = tf.nn.relu(conv(tf.nn.relu(conv(first, "b")), "c") + first)
    h = tf.nn.max_pool(h, ksize=[1, 8, 8, 1], strides=[1, 8, 8, 1])
    logits = tf.nn.linear(tf.nn.flatten_layer(h), num_hidden=2)
    loss = tf.nn.mean_sparse_softmax_cross_entropy_with_logits(logits, label)
    found = tf.infer_variable_shapes(loss, feed_dict={x: pictures.shape, label: labels.shape})
    step, session = tf.train.AdamOptimizer(0.02).minimize(loss), tf.Session()
    ndl.seed(0)
    session.run(
        [tf.assign(v, tf.ones(s) if name.endswith("gamma") else tf.normal(s, 0.2)) for v, name, s in found]
    )
    session.run(tf.initialize_all_variables())
    fed = {x: pictures, label: labels.astype("float32")}
    losses = [session.run([loss, step], fed)[0].item() for _ in range(25)]
    assert losses[0] > 0.4 and losses[-1] < 0.1
    right = tf.reduce_mean(tf.equal(tf.argmax(logits, 1), label))
    assert session.run(right, fed) >= 0.95


def test_variables_of_layers_have_names_of_their_own():
    x = tf.placeholder(tf.float32)
    net = tf.nn.linear(tf.nn.linear(x, num_hidden=4, no_bias=False), num_hidden=2, no_bias=False)
    names = [name for _, name, _ in tf.infer_variable_shapes(net, {x: [1, 3]})]
    assert len(set(names)) == 4 and all(name.endswith(("_weight", "_bias")) for name in names)


# ---- graphs that are wrong ------------------------------------------------------------------------------------------


def test_a_cycle_is_one_sentence():
    """No function of symbols makes one; a program that puts one together by hand is told where."""
    x = tf.placeholder(tf.float32, name="x")
    a = x + 1
    b = a * 2
    a.inputs = (b,)
    with pytest.raises(NeedleError, match="<Symbol multiply> depends on itself: multiply <- add <- multiply"):
        tf.Session().run(b, {x: [1.0]})


def test_shapes_that_do_not_fit_name_both_sides():
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    fed = {x: np.ones((2, 3)), y: np.ones((4, 5))}
    with pytest.raises(ShapeError, match=r"(?s)\(2, 3\).*\(4, 5\)"):
        tf.Session().run(x + y, fed)
    with pytest.raises(ShapeError, match=r"(?s)\(2, 3\).*\(4, 5\)"):
        tf.Session().run(tf.matmul(x, y), fed)
    with pytest.raises(ShapeError, match=r"(?s)\(2, 3\).*\(4, 5\)"):
        tf.infer_variable_shapes(x + y, {x: [2, 3], y: [4, 5]})


def test_a_value_that_is_no_array():
    x = tf.placeholder(tf.float32, name="x")
    with pytest.raises((TypeError, ValueError, NeedleError), match="<Placeholder x>"):
        tf.Session().run(x, {x: "three"})
    with pytest.raises((TypeError, ValueError, NeedleError), match="<Placeholder x>"):
        tf.Session().run(x, {x: [[1.0], [1.0, 2.0]]})


# ---- data -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("flatten, onehot", [(False, False), (True, True)])
def test_pictures_that_are_at_hand(flatten, onehot, monkeypatch, tmp_path):
    """On a fresh machine: the digits, as large as MNIST's, each picture what it was."""
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    mnist = tf.datasets.get_mnist(flatten=flatten, onehot=onehot)
    assert "digits" in mnist.said and "mnist" in mnist.said
    images, labels = mnist.train.next_batch(32)
    assert images.shape == ((32, 784) if flatten else (32, 1, 28, 28)) and images.dtype == "float32"
    assert labels.shape == ((32, 10) if onehot else (32,)) and images.min() >= 0 and images.max() <= 1
    small, kinds = ndl.data.load("digits", True)[:]
    large = mnist.train.images.reshape(-1, 28, 28)
    np.testing.assert_allclose(large[:, 2:26:3, 2:26:3], np.asarray(small).reshape(-1, 8, 8), rtol=1e-6)
    assert not large[:, :2].any()
    own = mnist.train.labels.argmax(1) if onehot else mnist.train.labels
    np.testing.assert_array_equal(own, kinds)


def test_every_picture_once_before_one_comes_again(monkeypatch, tmp_path):
    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    part = tf.datasets.Part(np.arange(10.0), np.arange(10.0))
    first = np.concatenate([part.next_batch(5)[0] for _ in range(2)])
    assert sorted(first) == list(range(10))
    assert (part.next_batch(5)[0] == part.labels[part._order[:5]]).all()
    with pytest.raises(ValueError, match="there are 10 pictures, got batch_size 11"):
        part.next_batch(11)
    with pytest.raises((TypeError, ValueError), match="next_batch: batch_size"):
        part.next_batch(0)
    assert tf.datasets.get_cifar10().train.images.shape[1:] == (3, 32, 32)
