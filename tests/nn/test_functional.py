"""nn.functional against torch.nn.functional: same name, same arguments, same numbers; names that are not there."""

import numpy as np
import pytest

import needle_edu as ndl
from needle_edu import nn, optim
from needle_edu.autograd import Tensor
from needle_edu.nn import functional as F

X, Z = np.array([[-1.5, 0.3, 2.0], [0.1, -0.2, 4.0]]), np.array([[0.5, -0.3, 1.0], [2.0, 1.2, -1.0]])
P, Q = np.array([[0.2, 0.5, 0.3], [0.1, 0.8, 0.1]]), np.array([[0.6, 0.2, 0.2], [0.3, 0.3, 0.4]])
Y, SIGNS, IMAGE = np.array([2, 0]), np.array([1.0, -1.0]), np.arange(16.0).reshape(1, 1, 4, 4)
CALLS = {
    "softmax": ((X,), {"dim": 0}), "log_softmax": ((X,), {"dim": 1}), "softmin": ((X, 0), {}), "relu": ((X,), {}),
    "glu": ((X[:, :2],), {"dim": 1}), "normalize": ((X,), {"dim": 0}), "cosine_similarity": ((X, Z), {"dim": 0}),
    "pairwise_distance": ((X, Z), {"keepdim": True}), "leaky_relu": ((X,), {"negative_slope": 0.2}),
    "hardtanh": ((X,), {"min_val": -0.5, "max_val": 0.25}), "gelu": ((X,), {}), "silu": ((X,), {}),
    "elu": ((X, 0.5), {}), "threshold": ((X, 0.2, -1.0), {}), "logsigmoid": ((X,), {}), "mish": ((X,), {}),
    "dropout": ((X, 0.5, False), {}), "one_hot": ((Y, 4), {}), "embedding": ((Y, np.arange(12.0).reshape(4, 3)), {}),
    "max_pool2d": ((IMAGE, 2, 1), {}), "avg_pool2d": ((IMAGE, 2, 2), {}), "adaptive_avg_pool2d": ((IMAGE, 3), {}),
    "interpolate": ((IMAGE,), {"scale_factor": 2.0, "mode": "bilinear"}), "unfold": ((IMAGE, 3), {"padding": 1}),
    "scaled_dot_product_attention": ((X, Z, P), {"is_causal": True}), "pixel_unshuffle": ((IMAGE, 2), {}),
    "cross_entropy": ((X, Y), {"label_smoothing": 0.1}), "nll_loss": ((X, Y), {"reduction": "sum"}),
    "mse_loss": ((X, Z), {}), "l1_loss": ((X, Z), {"reduction": "none"}), "smooth_l1_loss": ((X, Z), {"beta": 0.5}),
    "huber_loss": ((X, Z), {"delta": 0.5}), "kl_div": ((np.log(P), Q), {"reduction": "batchmean"}),
    "binary_cross_entropy": ((P, Q), {}), "binary_cross_entropy_with_logits": ((X, Q), {}),
    "poisson_nll_loss": ((X, np.abs(Z)), {}), "gaussian_nll_loss": ((X, Z, P), {}),
    "cosine_embedding_loss": ((X, Z, SIGNS), {"margin": 0.1}), "hinge_embedding_loss": ((X[:, 0], SIGNS), {}),
    "margin_ranking_loss": ((X[:, 0], Z[:, 0], SIGNS), {}), "triplet_margin_loss": ((X, Z, P), {"p": 1.0}),
}  # fmt: skip


def tensors(make, args):
    return [make(arg) if isinstance(arg, np.ndarray) else arg for arg in args]


@pytest.mark.parity
@pytest.mark.parametrize("name", CALLS)
def test_equals_pytorch(name):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    args, options = CALLS[name]
    ours = getattr(F, name)(*tensors(lambda a: Tensor(a, dtype=str(a.dtype)), args), **options)
    wanted = getattr(torch.nn.functional, name)(*tensors(torch.tensor, args), **options).numpy()
    np.testing.assert_allclose(ours.numpy().reshape(wanted.shape), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parity
def test_every_name_is_pytorchs():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'needle_edu[parity]'")
    assert [name for name in F.__all__ if not hasattr(torch.nn.functional, name)] == []
    assert [name for name in F.ELSEWHERE if name in F.__all__ or not hasattr(torch.nn.functional, name)] == []
    assert "not_here" not in F.__all__ and len(F.__all__) > 60


def test_an_error_within_a_property_is_not_hidden():
    class Odd(nn.Module):
        @property
        def broken(self):
            return self.weigth

    with pytest.raises(AttributeError, match="'Odd' object has no attribute 'weigth'"):
        Odd().broken  # noqa: B018


def test_options_of_a_loss_are_named():
    with pytest.raises(TypeError, match="MSELoss as a function: got 3 positional arguments, wanted 2"):
        F.mse_loss(Tensor([1.0]), Tensor([1.0]), "sum")


@pytest.mark.parametrize(
    ("module", "name", "words"),
    [
        (F, "linear", r"no attribute 'linear'; write x @ weight \+ bias"),
        (F, "sigmod", "did you mean sigmoid"),
        (nn, "Conv3d", "write nn.Conv2d"),
        (nn, "Lienar", "did you mean Linear"),
        (nn, "init", "write needle_edu.init"),
        (optim, "lr_scheduler", "write optim.StepLR"),
        (optim, "adam2", "module 'needle_edu.optim' has no attribute 'adam2'"),
        (ndl, "tensor", r"write Tensor\(\[1.0, 2.0\]\)"),
        (ndl, "manual_seed", r"write seed\(0\)"),
        (ndl.data, "TensorDataset", "write data.NDArrayDataset"),
        (
            nn.Linear(2, 2),
            "modules",
            r"'Linear' object has no attribute 'modules'; write model.named_modules\(\)",
        ),
        (nn.Linear(2, 2), "cuda", r"write model.to\(needle_edu.cuda\(\)\)"),
        (nn.Linear(2, 2), "wieght", "'Linear' object has no attribute 'wieght'$"),
        (ndl, "sofmax", "did you mean softmax"),
    ],
)
def test_a_name_that_is_not_there_says_what_to_write(module, name, words):
    with pytest.raises(AttributeError, match=words):
        getattr(module, name)
    assert not hasattr(module, "__wrapped__")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda x: nn.ReLU(x),
            r"ReLU: got a tensor while being made; first make it, then call it: ReLU\(\)\(x\)",
        ),
        (lambda x: nn.MSELoss(x), "MSELoss: got a tensor while being made"),
        (lambda x: nn.CrossEntropyLoss(x, x), "CrossEntropyLoss: got a tensor while being made"),
        (lambda x: nn.NLLLoss(x, x), "NLLLoss: got a tensor while being made"),
        (
            lambda x: optim.SGD(nn.Linear(2, 2).parameters),
            r"got one method; give SGD\(model.parameters\(\)\)",
        ),
    ],
)
def test_usual_slips_are_said(call, words):
    with pytest.raises(TypeError, match=words):
        call(Tensor([1.0]))
