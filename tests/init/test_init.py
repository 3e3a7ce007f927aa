"""Initial values: shapes, dtypes, and above all the documented draws, in order, from NumPy's generator."""

import math

import numpy as np
import pytest

from needle_edu import init
from needle_edu.autograd import Tensor
from needle_edu.backend.errors import DTypeError, IndexOutOfRange, ShapeError

A = 1.5 * math.sqrt(6 / (7 + 3))
BOUND = math.sqrt(2) * math.sqrt(3 / 7)

DRAWS = {
    "rand": (lambda: init.rand(7, 3), lambda r: r.rand(7, 3)),
    "rand in a range": (lambda: init.rand(4, low=-2, high=5), lambda r: r.rand(4) * 7 - 2),
    "rand of no shape": (lambda: init.rand(), lambda r: np.asarray(r.rand())),
    "randn": (lambda: init.randn(7, 3, mean=1, std=0.2), lambda r: r.randn(7, 3) * 0.2 + 1),
    "randb": (lambda: init.randb(50, p=0.3), lambda r: r.rand(50) <= 0.3),
    "randb as float": (lambda: init.randb(5, 2, dtype="float32"), lambda r: (r.rand(5, 2) <= 0.5) * 1.0),
    "xavier_uniform": (lambda: init.xavier_uniform(7, 3, gain=1.5), lambda r: r.rand(7, 3) * 2 * A - A),
    "xavier_normal": (
        lambda: init.xavier_normal(7, 3, gain=1.5),
        lambda r: r.randn(7, 3) * 1.5 * math.sqrt(2 / 10),
    ),
    "kaiming_uniform": (lambda: init.kaiming_uniform(7, 3), lambda r: r.rand(7, 3) * 2 * BOUND - BOUND),
    "kaiming_uniform of a shape": (
        lambda: init.kaiming_uniform(7, 3, shape=(2, 2, 5)),
        lambda r: r.rand(2, 2, 5) * 2 * BOUND - BOUND,
    ),
    "kaiming_normal": (lambda: init.kaiming_normal(7, 3), lambda r: r.randn(7, 3) * math.sqrt(2 / 7)),
    "kaiming_normal of a shape": (
        lambda: init.kaiming_normal(7, 3, shape=(4,)),
        lambda r: r.randn(4) * math.sqrt(2 / 7),
    ),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_numpys_in_order(name):
    ours, numpys = DRAWS[name]
    init.seed(11)
    first, second, follower = ours(), ours(), np.random.rand()
    rng = np.random.RandomState(11)
    for tensor in (first, second):
        wanted = numpys(rng)
        assert tensor.shape == wanted.shape
        assert tensor.dtype == ("bool" if wanted.dtype == bool else "float32")
        np.testing.assert_allclose(tensor.numpy(), wanted.astype(tensor.dtype), rtol=1e-6)
    assert follower == rng.rand(), "drew more or less than documented"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["rand", "randn", "ones", "zeros", "constant"])
def test_dtype_and_requires_grad(name, dtype):
    tensor = getattr(init, name)(2, 3, dtype=dtype)
    assert tensor.shape == (2, 3) and tensor.dtype == dtype and not tensor.requires_grad
    assert getattr(init, name)(2, dtype=dtype, requires_grad=True).requires_grad


def test_float64_keeps_every_digit():
    init.seed(0)
    assert init.rand(3, dtype="float64").numpy().tolist() == np.random.RandomState(0).rand(3).tolist()


def test_constants():
    assert init.ones(2).numpy().tolist() == [1, 1]
    assert init.zeros(2, 1).numpy().tolist() == [[0], [0]]
    assert init.constant(2, c=-3.5).numpy().tolist() == [-3.5, -3.5]
    assert init.constant(2, c=3, dtype="int32").dtype == "int32"
    like = Tensor(np.arange(4.0), dtype="float64")
    for make, value in ((init.ones_like, 1), (init.zeros_like, 0)):
        made = make(like)
        assert made.shape == (4,) and made.dtype == "float64" and not made.requires_grad
        assert made.numpy().tolist() == [value] * 4
    assert init.zeros_like(like, requires_grad=True).requires_grad


@pytest.mark.parametrize("kind", ["int64", "int32", "uint8", "float32"])
def test_one_hot(kind):
    labels = np.array([[2, 0], [1, 2]]).astype(kind)
    for given in (labels, Tensor(labels)):
        rows = init.one_hot(3, given)
        assert rows.shape == (2, 2, 3) and rows.dtype == "float32"
        np.testing.assert_array_equal(rows.numpy(), np.eye(3)[labels.astype(int)])
    assert init.one_hot(3, labels, dtype="bool").dtype == "bool"


def test_one_hot_of_nothing_and_of_one_number():
    assert init.one_hot(3, np.zeros(0)).shape == (0, 3)
    assert init.one_hot(3, 2).numpy().tolist() == [0, 0, 1]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("wrong", [[3], [-1], [0.5], [np.nan], [np.inf], [1, 3], [True, 7]])
def test_one_hot_refuses_what_is_no_class(wrong):
    with pytest.raises(IndexOutOfRange, match="from 0 to 2"):
        init.one_hot(3, np.array(wrong))


def test_kaiming_knows_relu_only():
    with pytest.raises(ValueError, match="'tanh'"):
        init.kaiming_uniform(3, 4, nonlinearity="tanh")


@pytest.mark.parametrize("name", ["xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal"])
def test_weights_without_inputs_or_of_whole_numbers_are_refused(name):
    """Integer weights would silently be all 0 or ±1."""
    make = getattr(init, name)
    for fans, wrong in [((0, 3), "fan_in"), ((3, 0), "fan_out"), ((-2, 3), "fan_in")]:
        with pytest.raises(
            ValueError, match=f"{name}: {wrong} is a whole number of at least 1, got {min(fans)}"
        ):
            make(*fans)
    for wrong in ("3", 2.5, None):
        with pytest.raises(ValueError, match=f"{name}: fan_in is a whole number"):
            make(wrong, 3)
    with pytest.raises(DTypeError, match=f"{name}.*int32.*float32"):
        make(2, 3, dtype="int32")
    assert make(2, 3, dtype=np.float64).dtype == "float64"


@pytest.mark.parametrize("name", ["rand", "randn", "randb", "ones", "zeros", "constant"])
def test_the_shape_may_be_one_tuple(name):
    make = getattr(init, name)
    init.seed(0)
    separate = make(2, 3).numpy()
    init.seed(0)
    np.testing.assert_array_equal(make((2, 3)).numpy(), separate)
    assert make(()).shape == make().shape == ()


def test_ones_like_takes_arrays_of_any_kind():
    for like in (np.zeros((2, 3), "float32"), Tensor(np.zeros((2, 3))).cached_data, Tensor(np.zeros((2, 3)))):
        assert init.ones_like(like).numpy().tolist() == [[1] * 3] * 2
        assert init.zeros_like(like).shape == (2, 3)


def test_scale_keeps_the_variance_through_layers():
    """What the initialisers are for: after ten layers the signal is neither gone nor exploded."""
    init.seed(0)
    x = np.random.randn(200, 300)
    for make, f in [(init.kaiming_normal, lambda z: np.maximum(z, 0)), (init.xavier_normal, lambda z: z)]:
        signal = x
        for _ in range(10):
            signal = f(signal @ make(300, 300).numpy())
        assert 0.2 < np.mean(signal**2) < 5


def test_seed_is_the_global_generators():
    init.seed(4)
    assert init.generator().rand() == np.random.RandomState(4).rand()
    assert init.generator(4).rand() == np.random.RandomState(4).rand()


@pytest.mark.parametrize("wrong", [-1, 2.5, "3", None])
@pytest.mark.parametrize("name", ["rand", "randn", "randb", "constant", "ones", "zeros"])
def test_extents_that_are_none_are_said(name, wrong):
    with pytest.raises(
        ShapeError, match=f"{name}: .*(a tuple of integers|no negative extents), got .2, {wrong!r}"
    ):
        getattr(init, name)(2, wrong)
    with pytest.raises(
        ShapeError, match=f"{name}: .*(a tuple of integers|no negative extents), got .{wrong!r}, 2"
    ):
        getattr(init, name)((wrong, 2))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: init.rand(2, low="a"), "rand: low is a finite number, got 'a'"),
        (lambda: init.rand(2, high=np.nan), "rand: high is a finite number"),
        (lambda: init.rand(2, low=1, high=0), "low is at most high"),
        (lambda: init.randn(2, mean=None), "randn: mean is a finite number"),
        (lambda: init.randn(2, std=-1), "0 <= std, got -1"),
        (lambda: init.randb(2, p=1.5), "0 <= p <= 1, got 1.5"),
        (lambda: init.constant(2, c="x"), "constant: c is a number, got 'x'"),
        (lambda: init.one_hot(0, [0]), "one_hot: n is a whole number of at least 1, got 0"),
        (lambda: init.one_hot(2.5, [0]), "one_hot: n is a whole number of at least 1, got 2.5"),
        (lambda: init.one_hot(3, ["a"]), "one_hot: wants whole numbers, got dtype"),
        (lambda: init.xavier_uniform(2, 3, gain="x"), "xavier_uniform: gain"),
        (lambda: init.xavier_normal(2, 3, gain=np.nan), "xavier_normal: gain"),
        (lambda: init.kaiming_uniform(2, 3, shape=(2, -3)), "no negative extents"),
        (lambda: init.kaiming_normal(2, 3, dtype="flaot32"), "kaiming_normal: there is no dtype 'flaot32'"),
    ],
)
def test_what_makes_no_sense_is_said_by_its_name(make, words):
    with pytest.raises((ValueError, DTypeError), match=words):
        make()


@pytest.mark.parity
@pytest.mark.parametrize(
    "args",
    [
        ("linear",),
        ("conv2d",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("selu",),
        ("leaky_relu",),
        ("leaky_relu", 0.3),
    ],
)
def test_gains_are_pytorchs(args):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    assert init.calculate_gain(*args) == torch.nn.init.calculate_gain(*args)


def test_gains_that_make_no_sense_are_said():
    with pytest.raises(ValueError, match="calculate_gain: nonlinearity is one of .*'relu'.*, got 'x'"):
        init.calculate_gain("x")
    with pytest.raises(ValueError, match="calculate_gain: param is a finite number, got 'x'"):
        init.calculate_gain("leaky_relu", "x")


def test_truncated_normal_is_the_normal_distribution_between_its_bounds():
    np.random.seed(3)
    values = init.trunc_normal(200, 200, mean=1.0, std=2.0, low=-1.0, high=2.0, dtype="float64").numpy()
    assert values.shape == (200, 200) and values.min() >= -1.0 and values.max() <= 2.0
    # alpha = -1, beta = 0.5: the mean is mu + sigma * (phi(alpha) - phi(beta)) / (Phi(beta) - Phi(alpha))
    assert values.mean() == pytest.approx(1 + 2 * (0.2419707 - 0.3520653) / (0.6914625 - 0.1586553), abs=0.02)
    assert init.trunc_normal(0, 3).shape == (0, 3) and init.trunc_normal().shape == ()
    for wrong, words in [
        ({"std": 0.0}, "wants std > 0 and low < high, got std=0.0"),
        ({"low": 3.0}, "low=3.0 and high=2.0"),
        ({"low": 50.0, "high": 60.0}, "nothing of the distribution lies between"),
        ({"mean": np.nan}, "trunc_normal: mean is a finite number"),
    ]:
        with pytest.raises(ValueError, match=words):
            init.trunc_normal(2, **wrong)
