"""An example for each function that a factory makes (elementwise.py, reductions.py).

`help(nd.exp)` shows it; tests/packaging/test_docstrings.py runs it.
"""

_EXAMPLES = """
    negative(nd.array([1, -2]))                                       [-1.,  2.] float32
    abs(nd.array([1, -2]))                                            [1., 2.] float32
    sign(nd.array([3, 0, -2]))                                        [ 1.,  0., -1.] float32
    square(nd.array([3, -2]))                                         [9., 4.] float32
    relu(nd.array([3, -2]))                                           [3., 0.] float32
    floor(nd.array([1.5, -1.5]))                                      [ 1., -2.] float32
    ceil(nd.array([1.5, -1.5]))                                       [ 2., -1.] float32
    sqrt(nd.array([4, 9]))                                            [2., 3.] float32
    reciprocal(nd.array([2, 4]))                                      [0.5 , 0.25] float32
    exp(nd.array([0, -nd.inf]))                                       [1., 0.] float32
    log(nd.array([1, 0]))                                             [  0., -inf] float32
    sin(nd.array([0, nd.inf]))                                        [ 0., nan] float32
    cos(nd.array([0, nd.inf]))                                        [ 1., nan] float32
    tanh(nd.array([0, nd.inf]))                                       [0., 1.] float32
    sigmoid(nd.array([0, nd.inf]))                                    [0.5, 1. ] float32
    erf(nd.array([0, nd.inf]))                                        [0., 1.] float32
    gelu(nd.array([0, 10, -nd.inf]))                                  [ 0., 10., -0.] float32
    silu(nd.array([0, 100, -nd.inf]))                                 [  0., 100.,  -0.] float32
    softplus(nd.array([100, -nd.inf]))                                [100.,   0.] float32
    add(nd.array([1, 2]), 10)                                         [11., 12.] float32
    subtract(nd.array([1, 2]), nd.array([10, 20]))                    [ -9., -18.] float32
    multiply(nd.array([1, 2]), nd.array([10, 20]))                    [10., 40.] float32
    divide(nd.arange(1, 3), 2)                                        [0.5, 1. ] float32
    power(nd.arange(1, 4), 2)                                         [1, 4, 9] int64
    tan(nd.array([0, nd.inf]))                                        [ 0., nan] float32
    asin(nd.array([0, 2]))                                            [ 0., nan] float32
    acos(nd.array([1, 2]))                                            [ 0., nan] float32
    atan(nd.array([0]))                                               [0.] float32
    sinh(nd.array([0, -nd.inf]))                                      [  0., -inf] float32
    cosh(nd.array([0, -nd.inf]))                                      [ 1., inf] float32
    asinh(nd.array([0, -nd.inf]))                                     [  0., -inf] float32
    acosh(nd.array([1, 0]))                                           [ 0., nan] float32
    atanh(nd.array([0, 1]))                                           [ 0., inf] float32
    log1p(nd.array([0, -1]))                                          [  0., -inf] float32
    expm1(nd.array([0, -nd.inf]))                                     [ 0., -1.] float32
    log2(nd.array([8, 0]))                                            [  3., -inf] float32
    log10(nd.array([100, 0]))                                         [  2., -inf] float32
    trunc(nd.array([1.5, -1.5]))                                      [ 1., -1.] float32
    round(nd.array([0.5, 1.5, 2.4]))                                  [0., 2., 2.] float32
    floor_divide(nd.arange(-2, 3), 2)                                 [-1, -1,  0,  0,  1] int64
    remainder(nd.arange(-2, 3), 3)                                    [1, 2, 0, 1, 2] int64
    fmod(nd.arange(-2, 3), 3)                                         [-2, -1,  0,  1,  2] int64
    atan2(nd.array([0, 1]), nd.array([1, 0]))                         [0.       , 1.5707964] float32
    maximum(nd.array([1, 5]), nd.array([3, nd.nan]))                  [ 3., nan] float32
    minimum(nd.array([1, 5]), nd.array([3, nd.nan]))                  [ 1., nan] float32
    relu_backward(nd.array([7, 7]), nd.array([3, -2]))                [7., 0.] float32
    tanh_backward(nd.array([8, 8]), nd.array([0, 0.5]))               [8., 6.] float32
    sigmoid_backward(nd.array([8, 8]), nd.array([0.5, 1]))            [2., 0.] float32
    gelu_backward(nd.array([8, 4]), nd.array([20, 20]))               [8., 4.] float32
    prelu(nd.array([-8, 8]), nd.array([0.5, 0.5]))                    [-4.,  8.] float32
    silu_backward(nd.array([8, 8]), nd.array([0, 100]))               [4., 8.] float32
    equal(nd.array([1, 2]), 2)                                        [False,  True] bool
    not_equal(nd.array([1, 2]), 2)                                    [ True, False] bool
    less(nd.array([1, 2]), 2)                                         [ True, False] bool
    less_equal(nd.array([1, 2]), 2)                                   [ True,  True] bool
    greater(nd.array([1, 2]), 1)                                      [False,  True] bool
    greater_equal(nd.array([1, 2]), 1)                                [ True,  True] bool
    logical_and(nd.array([1, 0]), nd.array([1, 1]))                   [ True, False] bool
    logical_or(nd.array([1, 0]), nd.array([1, 1]))                    [ True,  True] bool
    logical_xor(nd.array([1, 0]), nd.array([1, 1]))                   [False,  True] bool
    sum(nd.array([[1, 2], [3, 4]]), axis=0)                           [4., 6.] float32
    prod(nd.array([[1, 2], [3, 4]]))                                  [24.] float32
    max(nd.array([[1, 2], [3, nd.nan]]), axis=1)                      [ 2., nan] float32
    min(nd.array([[1, 2], [3, 4]]), axis=1)                           [1., 3.] float32
    argmax(nd.array([[1, 2, 2], [4, 3, 0]]), axis=1)                  [1, 0] int64
    argmin(nd.array([[1, 2], [4, 3]]), axis=1)                        [0, 1] int64
"""


def example(name: str) -> str:
    """Return the end of a docstring, with the example of `name`; nothing if there is none.

    Examples
    --------
    >>> example("square").splitlines()[-2].strip()
    'NDArray([9., 4.], dtype=float32, device=cpu())'
    """
    if name not in _LINES:
        return ""
    call, _, rest = _LINES[name].partition("  ")
    result, _, dtype = rest.strip().rpartition(" ")
    return (
        "\n\n    Examples\n    --------\n    >>> from needle_edu import ndarray as nd\n"
        f"    >>> nd.{call}\n    NDArray({result}, dtype={dtype}, device=cpu())\n    "
    )


_LINES = {line.split("(")[0].strip(): line.strip() for line in _EXAMPLES.strip().splitlines()}
