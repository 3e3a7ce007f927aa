"""Arguments that code written for PyTorch gives to layers, optimisers and schedulers.

They do what they do there, or are refused in a sentence; none is taken and then ignored.
"""

import numpy as np
import pytest

from needle_edu import Tensor, cpu, nn, ops, optim
from needle_edu.backend.errors import NeedleError, ShapeError


def pytorch():
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[parity]'")


def same(ours, theirs):
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parity
@pytest.mark.parametrize("size", [(7, 11), (8, 13), (3, 6, 7, 12), [8, 11]])
@pytest.mark.parametrize("padding", [1, (1, 2)])
def test_output_size_of_a_transposed_convolution(size, padding, rng):
    torch = pytorch()
    if padding == (1, 2):
        size = (*size[:-1], size[-1] - 2)
    sizes = {"kernel_size": (3, 4), "stride": (2, 3), "padding": padding, "padding_mode": "zeros"}
    ours, theirs = (
        nn.ConvTranspose2d(2, 6, **sizes, dtype="float64"),
        torch.nn.ConvTranspose2d(2, 6, **sizes).double(),
    )
    ours.weight.data = Tensor(theirs.weight.detach().numpy(), dtype="float64")
    ours.bias.data = Tensor(theirs.bias.detach().numpy(), dtype="float64")
    a = Tensor(rng.normal(size=(3, 2, 4, 4)), dtype="float64")
    b = torch.tensor(a.numpy(), requires_grad=True)
    y, z = ours(a, output_size=size), theirs(b, output_size=list(size))
    same(y, z)
    (y * y).sum().backward()
    (z * z).sum().backward()
    same(a.grad, b.grad)
    same(ours.weight.grad, theirs.weight.grad)
    assert ours.output_padding == 0  # it was for this call
    with pytest.raises(ShapeError, match=r"ConvTranspose2d: output_size lies between \(7, .*got \(9, 11\)"):
        ours(a, output_size=(9, 11))


@pytest.mark.parity
@pytest.mark.parametrize(
    "shape, size", [((2, 3, 7), 3), ((2, 3, 8), 4), ((2, 3, 5, 7), (2, 3)), ((2, 3, 4, 6), (2, None))]
)
def test_places_of_adaptive_maxima(shape, size, rng):
    torch, axes = pytorch(), len(shape) - 2
    a = Tensor(rng.integers(0, 5, size=shape).astype(float), dtype="float64")  # with equals
    b = torch.tensor(a.numpy(), requires_grad=True)
    ours = getattr(nn, f"AdaptiveMaxPool{axes}d")(size, return_indices=True)
    theirs = getattr(torch.nn, f"AdaptiveMaxPool{axes}d")(size, return_indices=True)
    (y, places), (z, wanted) = ours(a), theirs(b)
    same(y, z)
    np.testing.assert_array_equal(places.numpy(), wanted.numpy())
    (y * y).sum().backward()
    (z * z).sum().backward()
    same(a.grad, b.grad)
    assert "return_indices=True" in repr(ours) and not places.requires_grad


@pytest.mark.parity
@pytest.mark.parametrize("evaluation", [False, True])
@pytest.mark.parametrize(
    "name, arguments, shape",
    [
        ("BatchNorm1d", (3,), (4, 3)), ("BatchNorm2d", (3,), (4, 3, 2, 2)), ("GroupNorm", (2, 4), (3, 4, 5)),
        ("InstanceNorm1d", (3, 1e-5, 0.1, True, True), (4, 3, 5)),
    ],
)  # fmt: skip
def test_a_normalisation_without_a_bias(name, arguments, shape, evaluation, rng):
    torch = pytorch()
    ours = getattr(nn, name)(*arguments, bias=False, dtype="float64")
    theirs = getattr(torch.nn, name)(*arguments, bias=False, dtype=torch.float64)
    assert ours.bias is None and len(ours.parameters()) == 1
    a = Tensor(rng.normal(size=shape), dtype="float64")
    b = torch.tensor(a.numpy(), requires_grad=True)
    if evaluation:
        ours.eval(), theirs.eval()
    y, z = ours(a), theirs(b)
    same(y, z)
    (y * y * y).sum().backward()
    (z * z * z).sum().backward()
    same(a.grad, b.grad)
    same(ours.weight.grad, theirs.weight.grad)


def test_num_features_is_dim():
    assert nn.BatchNorm2d(num_features=3, momentum=0.2).dim == 3
    with pytest.raises(TypeError, match="BatchNorm1d: dim and num_features are two names for one number"):
        nn.BatchNorm1d(3, num_features=3)
    with pytest.raises(ValueError, match="BatchNorm1d: dim is a whole number of at least 1, got None"):
        nn.BatchNorm1d()


@pytest.mark.parity
def test_layers_of_distances(rng):
    torch = pytorch()
    x, y = rng.normal(size=(2, 4, 5, 3))
    a, b = Tensor(x, dtype="float64"), Tensor(y, dtype="float64")
    for name, options in (
        ("CosineSimilarity", {}), ("CosineSimilarity", {"dim": -1, "eps": 0.5}), ("PairwiseDistance", {}),
        ("PairwiseDistance", {"p": 1.0, "eps": 0.1, "keepdim": True}), ("PairwiseDistance", {"p": float("inf")}),
    ):  # fmt: skip
        same(
            getattr(nn, name)(**options)(a, b),
            getattr(torch.nn, name)(**options)(torch.tensor(x), torch.tensor(y)),
        )


def test_a_pretrained_table():
    table = np.arange(6, dtype="float32").reshape(3, 2)
    layer = nn.Embedding.from_pretrained(table, padding_idx=1)
    np.testing.assert_array_equal(layer([1, 2]).numpy(), table[[1, 2]])
    table[:] = 7
    np.testing.assert_array_equal(layer.weight.numpy()[0], [0, 1])
    assert not layer.weight.requires_grad and layer.weight.dtype == "float32" and layer.padding_idx == 1
    assert nn.Embedding.from_pretrained(Tensor(table, dtype="float64"), freeze=False).weight.requires_grad
    assert nn.Embedding.from_pretrained(Tensor(table, dtype="float64")).weight.dtype == "float64"
    with pytest.raises(ShapeError, match=r"Embedding.from_pretrained: wanted a table .*, got \(3,\)"):
        nn.Embedding.from_pretrained([1.0, 2.0, 3.0])


@pytest.mark.parametrize("whose", ["model", "optimizer"])
def test_zero_grad(whose):
    layer = nn.Linear(2, 1)
    owner = layer if whose == "model" else optim.SGD(layer.parameters())
    for to_none in (False, True):
        layer(Tensor([[1.0, 2.0]])).sum().backward()
        owner.zero_grad(set_to_none=to_none)
        grads = [p.grad for p in layer.parameters()]
        assert grads == [None, None] if to_none else not any(g.numpy().any() for g in grads)
    owner.zero_grad(set_to_none=False)  # where there is none, none is made
    assert layer.bias.grad is None


@pytest.mark.parity
def test_the_words_of_tensors(rng):
    torch = pytorch()
    x = rng.normal(size=(2, 3))
    a, b = Tensor(x, dtype="float64"), torch.tensor(x)
    assert (a.size, a.shape, a.shape[0], a.ndim) == (b.numel(), tuple(b.size()), b.size(0), b.dim())
    assert a.numpy().tolist() == b.tolist() and a.to(cpu()).astype("float64") is not None
    for ours, theirs in (
        (a.clip(-0.5, 0.5), b.clamp(-0.5, 0.5)), (a.T, b.t()), (a @ a.T, b.mm(b.t())), (a**2, b.pow(2)),
        (ops.equal(a, a * 1), b.eq(b)), (a.astype("float64"), b.double()),
        (a.sum(axes=1, keepdims=True), b.sum(dim=1, keepdim=True)), (ops.softmax(a, axis=1), b.softmax(dim=1)),
    ):  # fmt: skip
        same(ours, theirs)


X, W = Tensor([[1.0, -1.0]]), [Tensor([1.0])]
REFUSED = {
    "ReLU: inplace=True is not supported": lambda: nn.ReLU(True),
    "LeakyReLU: inplace=True is not supported": lambda: nn.LeakyReLU(0.2, True),
    "Dropout: inplace=True is not supported, .* the results are the same": lambda: nn.Dropout(
        0.5, inplace=True
    ),
    "SiLU: inplace is True or False, got 'no'": lambda: nn.SiLU(inplace="no"),
    "unexpected keyword argument 'size_average'": lambda: nn.MSELoss(size_average=False),
    "unexpected keyword argument 'sparse'": lambda: nn.Embedding(3, 2, sparse=True),
    "unexpected keyword argument 'scale_grad_by_freq'": lambda: nn.Embedding(3, 2, scale_grad_by_freq=True),
    "unexpected keyword argument 'fused'": lambda: optim.Adam(W, fused=True),
    "unexpected keyword argument 'foreach'": lambda: optim.SGD(W, foreach=True),
    r"step\(\) takes 1 positional argument": lambda: optim.SGD(W).step(lambda: 1.0),
    "unexpected keyword argument 'last_epoch'": lambda: optim.StepLR(optim.SGD(W), 3, last_epoch=2),
    "unexpected keyword argument 'scale_fn'": lambda: optim.CyclicLR(optim.SGD(W), 0.1, 0.2, scale_fn=abs),
    r"ConvTranspose1d: padding_mode is 'zeros', nothing else, got 'reflect'": lambda: nn.ConvTranspose1d(
        1, 1, 2, padding_mode="reflect"
    ),
    r"unexpected keyword argument 'dim'; the function is softmax\(a, axis=-1\)": lambda: ops.softmax(
        X, dim=0
    ),
    r"unexpected keyword argument 'inplace'": lambda: ops.relu(X, inplace=True),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_not_taken_is_refused(words):
    with pytest.raises((NeedleError, TypeError, ValueError), match=words):
        REFUSED[words]()
    assert nn.ReLU(inplace=False)(X).numpy().tolist() == [[1, 0]]
