"""Networks that needle_edu and PyTorch both build, and the training steps of them: twins, given the same weights.

`lib` is either library (`needle_edu` or `torch`), for their names are the same. The tests compare what twins lose, step
by step; the benchmarks compare how long they take.
"""

from __future__ import annotations

from typing import Any

import numpy as np

IMAGES = {"MLP": (784,), "LeNet": (1, 28, 28), "ResNet-9": (3, 32, 32)}


def mlp(lib: Any, inputs: int = 784) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Linear(inputs, 400), nn.ReLU(), nn.Linear(400, 100), nn.ReLU(), nn.Linear(100, 10)
    )  # fmt: skip


def lenet(lib: Any) -> Any:
    """LeNet-5 with rectifiers and max-pooling, for images of 28 x 28: 61,706 parameters."""
    nn = lib.nn
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
    )


def resnet9(lib: Any) -> Any:
    """The course's network: ours is the one of `needle_edu.apps`."""
    if lib.__name__ == "needle_edu":
        from needle_edu.apps.models import ResNet9

        return ResNet9()
    nn = lib.nn

    def block(channels: int, outputs: int, k: int, stride: int) -> Any:
        return nn.Sequential(
            nn.Conv2d(channels, outputs, k, stride, padding=k // 2), nn.BatchNorm2d(outputs), nn.ReLU()
        )

    class Past(nn.Module):
        def __init__(self, channels: int):
            super().__init__()
            self.inner = nn.Sequential(block(channels, channels, 3, 1), block(channels, channels, 3, 1))

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    return nn.Sequential(
        *(
            block(3, 16, 7, 4),
            block(16, 32, 3, 2),
            Past(32),
            block(32, 64, 3, 2),
            block(64, 128, 3, 2),
            Past(128),
        ),
        *(nn.Flatten(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def residual_mlp(torch: Any, inputs: int = 784) -> Any:
    """Homework 2's `MLPResNet`, PyTorch's: three blocks of width 100."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                *(nn.Linear(100, 50), nn.BatchNorm1d(50), nn.ReLU(), our_dropout(torch, 0.1)),
                *(nn.Linear(50, 100), nn.BatchNorm1d(100)),
            )

        def forward(self, x: Any) -> Any:
            return (x + self.inner(x)).relu()

    return nn.Sequential(
        nn.Linear(inputs, 100), nn.ReLU(), Block(), Block(), Block(), nn.Linear(100, 10)
    )  # fmt: skip


def regularised(torch: Any, inputs: int, classes: int) -> Any:
    """The three networks of the application `regularisation`, PyTorch's: plain, dropout, normalised."""
    nn = torch.nn

    def layers(*after: Any) -> Any:
        first, second = after or ([nn.ReLU()], [nn.ReLU()])
        return nn.Sequential(
            nn.Linear(inputs, 128), *first, nn.Linear(128, 64), *second, nn.Linear(64, classes)
        )

    def thinned() -> list:
        return [nn.ReLU(), our_dropout(torch, 0.5)]

    return nn.ModuleList(
        [
            layers(),
            layers(thinned(), thinned()),
            layers([nn.BatchNorm1d(128), nn.ReLU()], [nn.BatchNorm1d(64), nn.ReLU()]),
        ]
    )


def our_dropout(torch: Any, p: float) -> Any:
    """PyTorch's dropout with the masks that ours would make of a key drawn where NumPy's global generator is."""
    from needle_edu.backend.reference.dropout import kept

    class Dropout(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            if not self.training:
                return x
            key = int(np.random.randint(0, 2**63 - 1, dtype=np.int64))
            return x * torch.from_numpy(kept(key, p, tuple(x.shape)).astype("float32")) / (1 - p)

    return Dropout()


def torch_gpt(torch: Any, vocabulary: int, length: int, layers: int, heads: int, size: int) -> Any:
    """`needle_edu.models.GPT` in PyTorch, with the same names; with a cache, as many (keys, values) as layers."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ln_1, self.ln_2 = nn.LayerNorm(size), nn.LayerNorm(size)
            self.attn_qkv, self.attn_proj = nn.Linear(size, 3 * size), nn.Linear(size, size)
            self.mlp_fc, self.mlp_proj = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)

        def forward(self, x: Any, cache: Any = None, start: int = 0) -> Any:
            n, t, _ = x.shape
            q, k, v = (
                part.view(n, t, heads, size // heads).transpose(1, 2)
                for part in self.attn_qkv(self.ln_1(x)).split(size, -1)
            )
            if cache is not None:
                for kept, new in zip(cache, (k, v), strict=True):
                    kept[:, :, start : start + t] = new
                k, v = (kept[:, :, : start + t] for kept in cache)
            y = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
            x = x + self.attn_proj(y.transpose(1, 2).reshape(n, t, size))
            return x + self.mlp_proj(nn.functional.gelu(self.mlp_fc(self.ln_2(x)), approximate="tanh"))

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.wte, self.wpe = nn.Embedding(vocabulary, size), nn.Embedding(length, size)
            self.blocks = nn.ModuleList([Block() for _ in range(layers)])
            self.ln_f = nn.LayerNorm(size)

        def forward(self, tokens: Any, caches: Any = None, start: int = 0) -> Any:
            x = self.wte(tokens) + self.wpe.weight[start : start + tokens.shape[1]]
            for k, block in enumerate(self.blocks):
                x = block(x, None if caches is None else caches[k], start)
            x = self.ln_f(x)
            return (x if caches is None else x[:, -1]) @ self.wte.weight.T

        def new_caches(self) -> list:
            shape = (1, heads, length, size // heads)
            return [(torch.zeros(shape), torch.zeros(shape)) for _ in range(layers)]

    return Model()


def sentence_transformer(lib: Any, dropout: float = 0.1) -> Any:
    """Tokens (batch, 45) give scores of two classes: a table, one layer of 8 heads with dropout, the mean, a map."""
    nn = lib.nn

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(5000, 64)
            self.layer = nn.TransformerEncoderLayer(64, 8, 256, dropout, batch_first=True)
            self.output = nn.Linear(64, 2)

        def forward(self, tokens: Any) -> Any:
            return self.output(self.layer(self.embedding(tokens)).mean(1))

    return Model()


CLASSIFIERS = {"MLP": mlp, "LeNet": lenet, "ResNet-9": resnet9}


def generator(lib: Any, channels: int = 64) -> Any:
    """DCGAN's: noise (N, 100, 1, 1) becomes images (N, 1, 28, 28)."""
    nn, c = lib.nn, channels
    return nn.Sequential(
        *(nn.ConvTranspose2d(100, 2 * c, 7), nn.BatchNorm2d(2 * c), nn.ReLU()),
        *(nn.ConvTranspose2d(2 * c, c, 4, 2, 1), nn.BatchNorm2d(c), nn.ReLU()),
        *(nn.ConvTranspose2d(c, 1, 4, 2, 1), nn.Tanh()),
    )


def discriminator(lib: Any, channels: int = 64) -> Any:
    """DCGAN's: images (N, 1, 28, 28) become scores (N, 1)."""
    nn, c = lib.nn, channels
    return nn.Sequential(
        *(nn.Conv2d(1, c, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(c, 2 * c, 4, 2, 1), nn.BatchNorm2d(2 * c), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(2 * c, 1, 7), nn.Flatten()),
    )


def language_model(lib: Any, words: int, width: int, hidden: int, layers: int = 1, kind: str = "LSTM") -> Any:
    """The course's: an embedding, a recurrent network, a linear layer; words (seq, batch) become (logits, state)."""
    if lib.__name__ == "needle_edu":
        from needle_edu.apps.models import LanguageModel

        return LanguageModel(width, words, hidden, layers, kind.lower())
    nn = lib.nn

    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(words, width)
            self.model = getattr(nn, kind)(width, hidden, layers)
            self.linear = nn.Linear(hidden, words)

        def forward(self, x: Any, state: Any = None) -> Any:
            y, state = self.model(self.embedding(x), state)
            return self.linear(y.flatten(0, 1)), state

    return Words()


def share_language(ours: Any, theirs: Any) -> None:
    """Give PyTorch's language model the parameters of ours."""
    import torch

    linear = {"weight": ours.linear.weight.numpy().T, "bias": ours.linear.bias.numpy()[0]}
    for part, state in (
        (theirs.embedding, {"weight": ours.embedding.weight.numpy()}),
        (theirs.model, ours.model.torch_state_dict()),
        (theirs.linear, linear),
    ):
        part.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in state.items()})


def language_step(lib: Any, model: Any, lr: float = 1.0) -> Any:
    """`step(x, y, state)`: one step of SGD on the cross-entropy of the words that follow; the loss, and the state."""
    loss_of, sgd = lib.nn.CrossEntropyLoss(), lib.optim.SGD(model.parameters(), lr=lr)

    def step(x: Any, y: Any, state: Any = None) -> Any:
        sgd.zero_grad()
        logits, state = model(x, state)
        loss = loss_of(logits, y)
        loss.backward()
        sgd.step()
        return loss, tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()

    return step


def constant(lib: Any, values: np.ndarray) -> Any:
    """A tensor of the same type, without a gradient."""
    if lib.__name__ == "torch":
        return lib.from_numpy(values)
    return lib.Tensor(values, dtype=str(values.dtype), requires_grad=False)


def doubled(model: Any) -> Any:
    """The network with its parameters in float64, either library's."""
    if hasattr(model, "double"):
        return model.double()
    return model.to(dtype="float64")


def share_weights(ours: Any, theirs: Any) -> None:
    """Give PyTorch's network the parameters of ours, in the order in which they stand."""
    import torch

    with torch.no_grad():
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            values = mine.numpy()
            if values.ndim == 2:  # of a linear layer: (in, out) is (out, in), its bias (1, out) is (out,)
                values = values.T if other.ndim == 2 else values[0]
            elif values.shape != tuple(other.shape):  # of a `Conv`: (k, k, in, out) is (out, in, k, k)
                values = values.transpose(3, 2, 0, 1)
            assert values.shape == tuple(other.shape)
            other.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def classifier_step(lib: Any, model: Any, lr: float = 1e-3, of: Any = None, **options: Any) -> Any:
    """`step(x, y)`: one step of Adam on the cross-entropy; the loss, before the step, is returned.

    The parameters are those `of` the model, or of a part of it where that is a function.
    """
    loss_of, adam = lib.nn.CrossEntropyLoss(), lib.optim.Adam((of or model).parameters(), lr=lr, **options)

    def step(x: Any, y: Any) -> Any:
        adam.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        adam.step()
        return loss

    return step


def gan_step(lib: Any, make: Any, judge: Any, batch: int, lr: float = 2e-4, **options: Any) -> Any:
    """`step(real, noise)`: one step of Adam of the discriminator, one of the generator; both losses are returned."""
    loss_of = lib.nn.BCEWithLogitsLoss()
    forger = lib.optim.Adam(make.parameters(), lr=lr, betas=(0.5, 0.999), **options)
    critic = lib.optim.Adam(judge.parameters(), lr=lr, betas=(0.5, 0.999), **options)
    true, false = [constant(lib, np.full((batch, 1), value, "float32")) for value in (1, 0)]

    def step(real: Any, noise: Any) -> Any:
        fake = make(noise)
        critic.zero_grad()
        seen = loss_of(judge(real), true) + loss_of(judge(fake.detach()), false)
        seen.backward()
        critic.step()
        forger.zero_grad()
        fooled = loss_of(judge(fake), true)
        fooled.backward()
        forger.step()
        return seen, fooled

    return step
