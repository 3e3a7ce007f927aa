"""Declared graphs: programs in the shape of tinyflow's, with one changed import."""

import numpy as np
import pytest

import needle_edu.flow as tf
from needle_edu.autograd.arrays import BACKEND
from needle_edu.backend import GradientError, NeedleError, ShapeError
from needle_edu.data import digits

pytestmark = pytest.mark.skipif(BACKEND == "np", reason="NumPy's arrays cannot be captured")


@pytest.mark.parametrize(
    "declared, right",
    [
        (lambda x, y: x + y, lambda a, b: a + b),
        (lambda x, y: x - y, lambda a, b: a - b),
        (lambda x, y: 10 - x, lambda a, b: 10 - a),
        (lambda x, y: x - 10, lambda a, b: a - 10),
        (lambda x, y: x * y * 2, lambda a, b: a * b * 2),
        (lambda x, y: 2 / x, lambda a, b: 2 / a),
        (lambda x, y: x / y / 3, lambda a, b: a / b / 3),
        (lambda x, y: x**2, lambda a, b: a**2),
        (lambda x, y: x**y, lambda a, b: a**b),
        (lambda x, y: 10**x, lambda a, b: 10**a),
        (lambda x, y: 1 - 0.9**x, lambda a, b: 1 - 0.9**a),
        (lambda x, y: -x, lambda a, b: -a),
        (lambda x, y: tf.exp(x) + tf.log(x), lambda a, b: np.exp(a) + np.log(a)),
        (lambda x, y: tf.sqrt(x) + tf.tanh(x), lambda a, b: np.sqrt(a) + np.tanh(a)),
        (lambda x, y: tf.pow(x, 3), lambda a, b: a**3),
        (lambda x, y: tf.reduce_sum(x), lambda a, b: a.sum(keepdims=True).reshape(1)),
        (lambda x, y: tf.reduce_sum(x, reduction_indices=[1]), lambda a, b: a.sum(1)),
        (lambda x, y: tf.reduce_mean(x), lambda a, b: a.mean(keepdims=True).reshape(1)),
        (lambda x, y: tf.reduce_mean(x, [0]), lambda a, b: a.mean(0)),
        (lambda x, y: tf.matmul(x, y), lambda a, b: a @ b),
        (lambda x, y: tf.argmax(x, 1), lambda a, b: a.argmax(1)),
        (lambda x, y: tf.equal(tf.argmax(x, 1), 1), lambda a, b: (a.argmax(1) == 1).astype("float32")),
        (lambda x, y: tf.zeros_like(x) + tf.ones_like(y), lambda a, b: np.ones_like(a)),
        (lambda x, y: tf.zeros([2, 2]) + tf.ones((2, 1)) * x, lambda a, b: a),
        (lambda x, y: tf.pad(x, dim=1, pad=2), lambda a, b: np.pad(a, ((0, 0), (0, 2)))),
        (lambda x, y: tf.pad(x, dim=0, pad=-1), lambda a, b: a[:-1]),
        (lambda x, y: x + np.array([[1.0, 2.0]]), lambda a, b: a + np.array([[1.0, 2.0]])),
        (lambda x, y: tf.nn.softmax(x), lambda a, b: np.exp(a) / np.exp(a).sum(1, keepdims=True)),
        (lambda x, y: tf.nn.relu(x - 1), lambda a, b: np.maximum(a - 1, 0)),
    ],
)  # fmt: skip
def test_values(declared, right, rng):
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    a, b = rng.uniform(0.5, 2, (2, 2)), rng.uniform(0.5, 2, (2, 2))
    session = tf.Session()
    for _ in range(2):  # declared, and then compiled
        found = session.run(declared(x, y), {x: a, y: b})
        np.testing.assert_allclose(found, right(a, b), rtol=1e-5, atol=1e-6)
        assert found.shape == right(a, b).shape


def test_gradients_are_symbols_of_the_same_graph():
    x, w = tf.placeholder(tf.float32), tf.Variable([2.0], name="w")
    y = tf.exp(x * w)
    (first,) = tf.gradients(y, [w])
    (second,) = tf.gradients(first, [w])
    (inner,) = tf.gradients(y * 3, [y])
    session = tf.Session()
    session.run(tf.initialize_all_variables())
    found = session.run([first, second, inner, tf.gradients([y, y * w], w)[0]], {x: [0.5]})
    e = np.exp(1.0)
    np.testing.assert_allclose(np.concatenate(found), [0.5 * e, 0.25 * e, 3, 0.5 * e + e + e], rtol=1e-5)


def test_gradients_may_be_weighted():
    x = tf.placeholder(tf.float32)
    (g,) = tf.gradients([x * x], [x], [tf.constant([1.0, 10.0])])
    assert tf.Session().run(g, {x: [1.0, 2.0]}).tolist() == [2, 40]


def test_assign_group_and_what_they_give():
    v, w = tf.Variable([1.0]), tf.Variable([5.0])
    session = tf.Session("cpu")
    assert session.run(tf.initialize_all_variables()) is None
    both = tf.group(tf.assign(v, w), tf.assign(w, v))
    assert session.run([both, v])[0] is None  # what is fetched beside it is from before
    assert [x.tolist() for x in session.run([v, w])] == [[5], [1]]
    assert [x.tolist() for x in session.run([tf.assign(v, v + 1), tf.assign(w, [0.5])])] == [[6], [0.5]]
    assert session.run(v).tolist() == [6]
    assert session.run(tf.assign(v, tf.ones([3]))).tolist() == [1, 1, 1]  # another shape
    assert session.run(v + 1).tolist() == [2, 2, 2]


def test_sessions_keep_their_own_variables():
    v = tf.Variable([1.0])
    first, second = tf.Session(), tf.Session()
    for session in (first, second):
        session.run(tf.initialize_all_variables())
    first.run(tf.assign(v, v + 1))
    assert (first.run(v).tolist(), second.run(v).tolist()) == ([2], [1])


def test_random_numbers_are_drawn_at_each_run():
    session, numbers = tf.Session(), tf.normal([1000], stdev=0.5)
    a, b = session.run(numbers), session.run(numbers)
    assert (a != b).any() and abs(a.std() - 0.5) < 0.05


@pytest.fixture(scope="module")
def the_digits():
    images, labels = digits()
    return np.asarray(images, "float32").reshape(len(labels), -1), np.asarray(labels, "float32")


def accuracy_of(logits, label):
    return tf.reduce_mean(tf.equal(tf.argmax(logits, 1), label))


def test_softmax_regression(the_digits):
    x, label = tf.placeholder(tf.float32, [None, 64]), tf.placeholder(tf.float32, name="label")
    w, b = tf.Variable(tf.zeros([64, 10])), tf.Variable(tf.zeros([10]))
    logits = tf.matmul(x, w) + b
    loss = tf.nn.mean_sparse_softmax_cross_entropy_with_logits(logits, label)
    step = tf.train.GradientDescentOptimizer(0.5).minimize(loss)
    session = tf.Session(config="cpu")
    session.run(tf.initialize_all_variables())
    images, labels = the_digits
    for k in range(150):
        at = slice(k % 10 * 100, k % 10 * 100 + 100)
        assert session.run([step, loss], {x: images[at], label: labels[at]})[0] is None
    assert session.run(accuracy_of(logits, label), {x: images, label: labels})[0] > 0.9


def test_convolutional_network_whose_shapes_are_inferred(the_digits):
    x, label = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    h = tf.nn.conv2d(x, num_filter=8, ksize=[1, 3, 3, 1], padding="SAME", name="conv", no_bias=False)
    h = tf.nn.max_pool(
        tf.tanh(tf.nn.batch_normalization(h, name="bn")), ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1]
    )
    h = tf.nn.relu(tf.nn.linear(tf.flatten_layer(h), num_hidden=32, no_bias=False, name="fc"))
    logits = tf.nn.linear(h, num_hidden=10, name="out")
    loss = tf.nn.mean_sparse_softmax_cross_entropy_with_logits(logits, label)
    step = tf.train.AdamOptimizer(0.01).minimize(loss)
    session = tf.Session()
    found = tf.infer_variable_shapes(loss, feed_dict={x: [50, 1, 8, 8], label: [50]})
    assert {name: shape for _, name, shape in found} == {
        "conv_weight": (8, 1, 3, 3), "conv_bias": (8,), "bn_gamma": (8,), "bn_beta": (8,), "fc_weight": (32, 128),
        "fc_bias": (32,), "out_weight": (10, 32),
    }  # fmt: skip
    starts = {"bn_gamma": tf.ones([8])}
    session.run([tf.assign(v, starts.get(name, tf.normal(shape, 0.1))) for v, name, shape in found])
    session.run(tf.initialize_all_variables())
    images, labels = the_digits[0].reshape(-1, 1, 8, 8), the_digits[1]
    losses = []
    for k in range(60):
        at = slice(k % 20 * 50, k % 20 * 50 + 50)
        losses.append(session.run([loss, step], {x: images[at], label: labels[at]})[0][0])
    assert losses[0] > 2 and np.mean(losses[-5:]) < 0.5
    assert session.run(accuracy_of(logits, label), {x: images[:50], label: labels[:50]})[0] > 0.85


def test_adam_is_kingma_and_bas():
    """Three steps beside the paper's formulas, in float64."""
    w, g = tf.Variable([1.0, -2.0]), np.array([0.3, -4.0])
    step = tf.train.AdamOptimizer(0.1, 0.9, 0.999, 1e-4).minimize(tf.reduce_sum(w * g))
    session = tf.Session()
    session.run(tf.initialize_all_variables())
    p, m, v = np.array([1.0, -2.0]), 0.0, 0.0
    for t in (1, 2, 3):
        session.run(step)
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
        p = p - 0.1 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-4)
        np.testing.assert_allclose(session.run(w), p, rtol=1e-5)


def test_padding_like_tensorflows(rng):
    """SAME gives ceil(n / step) windows; an average is over numbers that are no padding."""
    x = tf.placeholder(tf.float32)
    image = rng.normal(size=(1, 1, 5, 5)).astype("float32")
    found = tf.Session().run(tf.nn.avg_pool(x), {x: image})
    wanted = [[image[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].mean() for j in range(3)] for i in range(3)]
    np.testing.assert_allclose(found[0, 0], wanted, rtol=1e-5)
    top = tf.Session().run(tf.nn.max_pool(x, padding="SAME"), {x: image - 10})
    wanted = [
        [(image - 10)[0, 0, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max() for j in range(3)] for i in range(3)
    ]
    np.testing.assert_allclose(top[0, 0], wanted, rtol=1e-5)
    assert tf.Session().run(tf.nn.max_pool(x), {x: image}).shape == (1, 1, 2, 2)
    even = tf.Session().run(
        tf.nn.conv2d(x, tf.ones([1, 1, 2, 2]), padding="SAME"), {x: np.ones((1, 1, 2, 2))}
    )
    assert even[0, 0].tolist() == [[4, 2], [2, 1]]  # an odd padding has one more behind


def test_runs_are_compiled():
    x = tf.placeholder(tf.float32)
    y = tf.exp(x) * 2
    session = tf.Session()
    for _ in range(3):
        session.run(y, {x: [1.0]})
    session.run(y, {x: [1.0, 2.0]})
    (step,) = session._steps.values()
    assert step.captures == 2


@pytest.mark.parametrize(
    "act, error, message",
    [
        (lambda x: tf.Session().run(x + 1), NeedleError, "<Placeholder x> is needed, but not fed"),
        (lambda x: tf.Session().run(tf.Variable([1.0], name="w")), NeedleError, "<Variable w> has no value yet"),
        (lambda x: tf.Session().run(3), TypeError, "fetches are a symbol or a list of symbols, got an int"),
        (lambda x: tf.Session().run(None), TypeError, "fetches are a symbol or a list of symbols, got a NoneType"),
        (lambda x: tf.Session().run(x, {"x": 1}), TypeError, "feed_dict has a value for 'x', which is no symbol"),
        (lambda x: tf.placeholder("float99"), NeedleError, "placeholder: 'float99' is no dtype"),
        (lambda x: tf.Session().run([x, 3]), TypeError, "fetches are symbols, got int"),
        (lambda x: tf.Session("tpu"), NeedleError, "config is one of cpu, gpu, gpu fusion, got 'tpu'"),
        (lambda x: tf.assign(x, 1.0), TypeError, "assign: wanted a Variable"),
        (lambda x: tf.gradients(x, [1.0]), TypeError, "gradients: wanted symbols"),
        (lambda x: tf.gradients(x, [x], [x, x]), ValueError, "1 ys need as many grad_ys, got 2"),
        (lambda x: bool(x), NeedleError, "neither true nor false"),
        (lambda x: tf.Session().run(tf.gradients(x, [tf.ones([1])])[0], {x: [1]}), GradientError, "does not depend"),
        (lambda x: tf.Session().run(tf.placeholder(tf.float32, [None, 2], "y"), None), NeedleError, "not fed"),
        (lambda x: tf.nn.conv2d(x, data_format="NHWC"), ValueError, "data_format 'NCHW', got 'VALID' and 'NHWC'"),
        (lambda x: tf.nn.max_pool(x, padding="FULL"), ValueError, "got 'FULL'"),
        (lambda x: tf.train.AdamOptimizer().minimize(x * 2), NeedleError, "depends on no Variable"),
        (lambda x: tf.infer_variable_shapes(x + 1, {}), NeedleError, "no shape is given for <Placeholder x>"),
        (lambda x: tf.infer_variable_shapes(x * tf.Variable(), {x: [2]}), NeedleError, "nothing says which shape"),
    ],
)  # fmt: skip
def test_bad_input(act, error, message):
    with pytest.raises(error, match=message):
        act(tf.placeholder(tf.float32, name="x"))


def test_a_feed_of_another_shape():
    x = tf.placeholder(tf.float32, [None, 2], name="x")
    with pytest.raises(ShapeError, match=r"<Placeholder x> was declared with shape \(None, 2\), got \(3,\)"):
        tf.Session().run(x, {x: [1.0, 2.0, 3.0]})
