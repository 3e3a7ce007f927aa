"""The applications once more, in PyTorch: each twin gets the weights of ours, and then the same batches.

`TWINS[name](torch, application)` gives `step(batch)`, which returns the same numbers as the application's own step.
What an application draws at random, its twin draws from NumPy's generator in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.training.cyclegan_twin import cyclegan
from tests.training.dqn_twin import dqn
from tests.twins import our_dropout, share_weights, torch_gpt


def descent(torch: Any, app: Any) -> Any:
    def heights(p: Any) -> Any:
        hollows, valley, rosenbrock, saddle, himmelblau = p
        yield (hollows[0].square() + 3 * torch.sin(3 * hollows[0]) + 2.745) / 5
        yield valley[0].square() / 2 + 10 * valley[1].square()
        yield (1 - rosenbrock[0]).square() + 10 * (rosenbrock[1] - rosenbrock[0].square()).square()
        yield (saddle[0].square() - saddle[1].square()) / 2 + saddle[1].pow(4) / 4 + 0.25
        x, y = himmelblau
        yield (x * x + y - 11).square() + (x + y * y - 7).square()

    starts = [[4.6], [-4.0, 1.2], [-1.2, 1.0], [2.0, 0.001], [0.0, 0.0]]
    rates = {
        "SGD": [0.05, 0.09, 0.01, 0.1, 0.01],
        "momentum": [0.05, 0.02, 0.003, 0.03, 0.003],
        "Adam": [0.1, 0.2, 0.1, 0.1, 0.2],
    }
    made = {
        "SGD": torch.optim.SGD,
        "momentum": lambda groups: torch.optim.SGD(groups, momentum=0.9),
        "Adam": torch.optim.Adam,
    }
    walkers = {}
    for method, make in made.items():
        places = [torch.tensor(start, dtype=torch.float64, requires_grad=True) for start in starts]
        groups = [{"params": [p], "lr": lr} for p, lr in zip(places, rates[method], strict=True)]
        walkers[method] = places, make(groups)

    def step(batch: Any) -> dict[str, float]:
        means = {}
        for method, (places, optimizer) in walkers.items():
            optimizer.zero_grad()
            total = sum(heights(places))
            total.backward()
            optimizer.step()
            means[method] = total.item() / 5
        return {"loss": sum(means.values()) / 3, **means}

    return step


def perceptron(torch: Any, app: Any) -> Any:
    """Rosenblatt's rule as it is told: only where the answer was wrong, the rows of two classes move."""
    nn = torch.nn
    weights = torch.from_numpy(app.perceptron.weight.numpy().copy())  # (2, classes)
    bias = torch.from_numpy(app.perceptron.bias.numpy().reshape(-1).copy())
    network = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))
    share_weights(app.model, network)
    optimizer = torch.optim.Adam(network.parameters(), lr=app.settings.lr)

    def rule(x: Any, y: Any) -> dict[str, float]:
        scores = x @ weights + bias
        said = scores.argmax(1)
        loss = (scores.max(1).values - scores[torch.arange(len(y)), y]).mean().item()
        rate = app.settings.lr / len(y)
        for point, right, wrong in zip(x, y, said, strict=True):
            if right != wrong:
                weights[:, right] += rate * point
                bias[right] += rate
                weights[:, wrong] -= rate * point
                bias[wrong] -= rate
        return {"perceptron loss": loss, "perceptron accuracy": (said == y).float().mean().item()}

    def step(batch: Any) -> dict[str, float]:
        x, y = map(torch.from_numpy, batch)
        scores = network(x)
        loss = learn(optimizer, nn.functional.cross_entropy(scores, y))
        right = (scores.argmax(1) == y).float().mean().item()
        return {"network loss": loss, "network accuracy": right} | rule(x, y)

    return step


def painting(torch: Any, app: Any) -> Any:
    nn = torch.nn
    model = nn.Sequential(
        *(nn.Linear(18, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()),
        *(nn.Linear(64, 3), nn.Sigmoid()),
    )
    share_weights(app.model, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr)

    def step(batch: Any) -> dict[str, float]:
        where, colours = map(torch.from_numpy, batch)
        return {"loss": learn(optimizer, nn.functional.mse_loss(model(where), colours))}

    return step


def autoencoder(torch: Any, app: Any) -> Any:
    nn = torch.nn
    pixels = 14 * 14
    model = nn.Sequential(
        *(nn.Flatten(), nn.Linear(pixels, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU()),
        *(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, pixels), nn.Sigmoid()),
    )
    share_weights(nn_of(app.encoder, app.decoder), model)
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr)

    def step(batch: Any) -> dict[str, float]:
        clean, _ = batch
        spoilt = clean + 0.3 * np.random.randn(*clean.shape)
        output = model(torch.from_numpy(spoilt).clamp(0, 1).float())
        return {"loss": learn(optimizer, nn.functional.mse_loss(output, torch.from_numpy(clean).flatten(1)))}

    return step


def dcgan(torch: Any, app: Any) -> Any:
    """For thumbnails: 3 - 7 - 14 and back."""
    nn, c = torch.nn, app.channels
    forger = nn.Sequential(
        *(nn.ConvTranspose2d(64, 2 * c, 3, bias=False), nn.BatchNorm2d(2 * c), nn.ReLU()),
        *(nn.ConvTranspose2d(2 * c, c, 3, 2, bias=False), nn.BatchNorm2d(c), nn.ReLU()),
        *(nn.ConvTranspose2d(c, 1, 4, 2, 1), nn.Tanh()),
    )
    judge = nn.Sequential(
        *(nn.Conv2d(1, c, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(c, 2 * c, 3, 2, bias=False), nn.BatchNorm2d(2 * c), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(2 * c, 1, 3), nn.Flatten()),
    )
    share_weights(app.generator, forger)
    share_weights(app.discriminator, judge)
    forging, judging = (
        torch.optim.Adam(network.parameters(), lr=app.settings.lr, betas=(0.5, 0.999))
        for network in (forger, judge)
    )
    loss = nn.functional.binary_cross_entropy_with_logits

    def step(batch: Any) -> dict[str, float]:
        real = torch.from_numpy(batch[0]) * 2 - 1
        noise = np.random.randn(len(real), 64, 1, 1).astype("float32")
        fake = forger(torch.from_numpy(noise).to(real.dtype))
        scores = judge(real), judge(fake.detach())
        judged = learn(
            judging, loss(scores[0], torch.ones(len(real), 1)) + loss(scores[1], torch.zeros(len(real), 1))
        )
        return {
            "discriminator": judged,
            "generator": learn(forging, loss(judge(fake), torch.ones(len(real), 1))),
        }

    return step


def distillation(torch: Any, app: Any) -> Any:
    nn, functional = torch.nn, torch.nn.functional
    drop = our_dropout(torch, 0.3)
    teacher = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), drop, nn.Linear(64 * 9, 10)),
    )
    alone, taught = (
        nn.Sequential(nn.Flatten(), nn.Linear(196, 64), nn.ReLU(), nn.Linear(64, 10)) for _ in range(2)
    )
    for ours, theirs in ((app.teacher, teacher), (app.alone, alone), (app.alone, taught)):
        share_weights(ours, theirs)
    optimizers = [torch.optim.Adam(n.parameters(), lr=app.settings.lr) for n in (teacher, alone, taught)]
    lessons = app.settings.epochs // 2 * len(app.loader)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizers[0], lessons)
    taken = []

    def step(batch: Any) -> dict[str, float]:
        x, y = map(torch.from_numpy, batch)
        learning = len(taken) < lessons
        taken.append(1)
        teacher.train(learning)
        logits = teacher(x)
        losses = [functional.cross_entropy(z, y) for z in (logits, alone(x), taught(x))]
        if learning:
            learn(optimizers[0], losses[0])
            schedule.step()
        else:
            learn(optimizers[1], losses[1])
            soft = functional.log_softmax(taught(x) / 2, 1), functional.softmax(logits.detach() / 2, 1)
            imitation = 4 * functional.kl_div(*soft, reduction="batchmean")
            learn(optimizers[2], 0.9 * imitation + 0.1 * losses[2])
        return dict(zip(("teacher", "alone", "taught"), [loss.item() for loss in losses], strict=True))

    return step


def kimcnn(torch: Any, app: Any) -> Any:
    nn, functional = torch.nn, torch.nn.functional
    words = nn.Embedding(len(app.numbers) + 2, 64, padding_idx=0)
    layers = [nn.Conv1d(64, 64, width) for width in (3, 4, 5)]
    output, drop = nn.Linear(3 * 64, 2), our_dropout(torch, 0.5)
    with torch.no_grad():
        words.weight.copy_(torch.from_numpy(app.model.embedding.weight.numpy()))
    share_weights(nn_of(*app.model.convolutions, app.model.output), nn.Sequential(*layers, output))
    everything = nn.ModuleList([words, *layers, output])
    optimizer = torch.optim.Adam(everything.parameters(), lr=app.settings.lr)

    def step(batch: Any) -> dict[str, float]:
        numbers, labels = map(torch.from_numpy, batch)
        vectors = words(numbers).transpose(1, 2)
        logits = output(drop(torch.cat([functional.relu(layer(vectors)).amax(2) for layer in layers], 1)))
        right = (logits.argmax(1) == labels).double().mean().item()
        return {"loss": learn(optimizer, functional.cross_entropy(logits, labels)), "accuracy": right}

    return step


def take_over(torch: Any, ours: Any, parameter_of: dict[str, Any]) -> None:
    """Copy parameters by their names; the maps of a linear layer are (in, out) here and (out, in) there."""
    with torch.no_grad():
        for name, parameter in ours.named_parameters():
            values, other = parameter.numpy(), parameter_of[name.replace(".modules.", ".")]
            table = "embedding" in name or name.startswith("w")  # rows of a table stay rows
            values = values if table or values.ndim < 2 or other.ndim < 2 else values.T
            other.copy_(torch.from_numpy(np.ascontiguousarray(values.reshape(other.shape))))


def reversal(torch: Any, app: Any) -> Any:
    nn, size = torch.nn, app.model.embedding.weight.shape[1]

    class Reverser(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.positions = nn.Embedding(10, size), nn.Module()
            self.positions.embedding = nn.Embedding(12, size)
            self.layer = nn.TransformerEncoderLayer(size, 1, 2 * size, 0.0, batch_first=True, norm_first=True)
            self.output = nn.Linear(size, 10)

        def forward(self, tokens: Any) -> Any:
            return self.output(self.layer(self.embedding(tokens) + self.positions.embedding.weight))

    model = Reverser()
    take_over(torch, app.model, dict(model.named_parameters()))
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr)

    def step(batch: Any) -> dict[str, float]:
        tokens = torch.from_numpy(np.random.randint(0, 10, (app.settings.batch_size, 12)))
        logits, answers = model(tokens).reshape(-1, 10), tokens.flip(1).reshape(-1)
        accuracy = (logits.argmax(1) == answers).float().mean().item()
        return {"loss": learn(optimizer, nn.functional.cross_entropy(logits, answers)), "accuracy": accuracy}

    return step


def gpt(torch: Any, app: Any) -> Any:
    nn, ours, length = torch.nn, app.model, app.length
    vocabulary, size = ours.wte.weight.shape
    model = torch_gpt(torch, vocabulary, length, len(ours.blocks), ours.heads, size)
    take_over(torch, ours, dict(model.named_parameters()))
    optimizer = torch.optim.AdamW(model.parameters(), lr=app.settings.lr, betas=(0.9, 0.99), weight_decay=0.1)

    def step(batch: Any) -> dict[str, float]:
        starts = np.random.randint(0, len(app.tokens) - length, app.settings.batch_size)
        pieces = torch.from_numpy(app.tokens[starts[:, None] + np.arange(length + 1)])
        loss = nn.functional.cross_entropy(
            model(pieces[:, :-1]).reshape(-1, vocabulary), pieces[:, 1:].reshape(-1)
        )
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return {"loss": loss.item()}

    return step


TWINS = {
    "descent": descent,
    "painting": painting,
    "perceptron": perceptron,
    "autoencoder": autoencoder,
    "dcgan": dcgan,
    "distillation": distillation,
    "kimcnn": kimcnn,
    "reversal": reversal,
    "gpt": gpt,
    "dqn": dqn,
    "cyclegan": cyclegan,
}


def learn(optimizer: Any, loss: Any) -> float:
    """One step; the loss before it."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def nn_of(*modules: Any) -> Any:
    """One network of several, so that its parameters are theirs in order."""
    from needle_edu import nn

    return nn.Sequential(*modules)
