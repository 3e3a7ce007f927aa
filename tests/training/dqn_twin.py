"""The deep Q-network once more, in PyTorch: it plays in a world of its own and remembers in lists of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.training.applications import dqn as ours
from tests.twins import share_weights


def dqn(torch: Any, app: Any) -> Any:
    import gymnasium

    nn = torch.nn

    def network() -> Any:
        made = nn.Sequential(
            *(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2)),
        )
        share_weights(app.model, made)
        return made

    model, target = network(), network()
    units = torch.tensor([1.0, 1.0, 10.0, 1.0])
    optimizer = torch.optim.Adam(model.parameters(), lr=app.settings.lr)
    falls = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, app.settings.epochs * app.steps)
    memory = list(zip(*app.replay.kept, strict=True))
    begun = app.episodes.state_dict()
    world = gymnasium.make("CartPole-v1")
    state, _ = world.reset(seed=begun["seed"])
    for action in begun["done"].tolist():
        state, *_ = world.step(action)
    last = {"return": float(begun["returns"][-1]), "length": len(begun["done"]), "steps": 0}

    def q(which: Any, states: Any) -> Any:
        return 100 * which(torch.as_tensor(np.array(states)) * units)

    def play(action: int) -> None:
        nonlocal state
        following, reward, over, late, _ = world.step(action)
        memory.append((state, action, np.float32(reward), following, over))
        state, last["length"] = following, last["length"] + 1
        if over or late:
            last["return"], last["length"] = float(last["length"]), 0
            state, _ = world.reset(seed=int(np.random.randint(0, 2**31 - 1)))

    def step(batch: Any) -> dict[str, float]:
        for _ in range(4):
            if np.random.rand() < max(0.05, 1 - 0.95 * len(memory) / 10_000):
                play(int(np.random.randint(2)))
            else:
                play(int(q(model, [state]).detach().numpy().argmax()))  # of equal ones the first
        drawn = [memory[k] for k in np.random.randint(0, len(memory), app.settings.batch_size)]
        states, actions, rewards, following, over = zip(*drawn, strict=True)
        with torch.no_grad():
            ahead = q(target, following).max(1).values
            wanted = torch.tensor(np.array(rewards)) + 0.99 * torch.where(torch.tensor(over), 0.0, ahead)
        said = q(model, states)[torch.arange(len(drawn)), torch.tensor(actions)]
        loss = nn.functional.huber_loss(said, wanted, delta=10.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falls.step()
        last["steps"] += 1
        if last["steps"] % ours.RENEWED == 0:
            target.load_state_dict(model.state_dict())
        return {"loss": loss.item(), "return": last["return"]}

    return step
