"""CycleGAN once more, in PyTorch, with a pool of pictures that is a list."""

from __future__ import annotations

from typing import Any

import numpy as np

from needle_edu.training.applications import cyclegan as ours
from tests.twins import share_weights


def cyclegan(torch: Any, app: Any) -> Any:
    nn, c = torch.nn, 16
    norm = lambda width: nn.InstanceNorm2d(width)  # noqa: E731

    class Past(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(
                *(nn.Conv2d(2 * c, 2 * c, 3, 1, 1, bias=False), norm(2 * c), nn.ReLU()),
                *(nn.Conv2d(2 * c, 2 * c, 3, 1, 1, bias=False), norm(2 * c)),
            )

        def forward(self, x: Any) -> Any:
            return x + self.inner(x)

    def translator(source: Any) -> Any:
        made = nn.Sequential(
            *(nn.Conv2d(1, c, 3, 1, 1), nn.ReLU()),
            *(nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False), norm(2 * c), nn.ReLU()),
            *(Past(), Past()),
            *(nn.ConvTranspose2d(2 * c, c, 4, 2, 1), nn.ReLU(), nn.Conv2d(c, 1, 3, 1, 1), nn.Tanh()),
        )
        share_weights(source, made)
        return made

    def judge(source: Any) -> Any:
        made = nn.Sequential(
            *(nn.Conv2d(1, c, 4, 2, 1), nn.LeakyReLU(0.2)),
            *(
                nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False),
                norm(2 * c),
                nn.LeakyReLU(0.2),
                nn.Conv2d(2 * c, 1, 3, 1, 1),
            ),
        )
        share_weights(source, made)
        return made

    there, back = translator(app.there), translator(app.back)
    of_b, of_a = judge(app.judges[0]), judge(app.judges[1])
    options = {"lr": app.settings.lr, "betas": (0.5, 0.999)}
    translating = torch.optim.Adam([*there.parameters(), *back.parameters()], **options)
    judging = torch.optim.Adam([*of_b.parameters(), *of_a.parameters()], **options)
    pools: tuple[list, list] = ([], [])

    def exchanged(pool: list, pictures: Any) -> Any:
        shown = []
        for picture in pictures.detach():
            if len(pool) < ours.POOL:
                pool.append(picture)
            elif np.random.rand() < 0.5:
                place = np.random.randint(0, len(pool))
                pool[place], picture = picture, pool[place]
            shown.append(picture)
        return torch.stack(shown)

    def apart(x: Any, y: Any) -> Any:
        return (x - y).abs().mean()

    def step(batch: Any) -> dict[str, float]:
        n = app.settings.batch_size
        dtype = next(there.parameters()).dtype
        a = torch.from_numpy(app.upright[np.random.randint(0, len(app.upright), n)]).to(dtype)
        b = torch.from_numpy(app.slanted[np.random.randint(0, len(app.slanted), n)]).to(dtype)
        fake_b, fake_a = there(a), back(b)
        fooled = (of_b(fake_b) - 1).square().mean() + (of_a(fake_a) - 1).square().mean()
        cycle = apart(back(fake_b), a) + apart(there(fake_a), b)
        same = apart(there(b), b) + apart(back(a), a)
        translating.zero_grad()
        (fooled + 5 * cycle + app.identity * same).backward()
        translating.step()
        old_b, old_a = exchanged(pools[0], fake_b), exchanged(pools[1], fake_a)
        judged = (of_b(b) - 1).square().mean() + of_b(old_b).square().mean()
        judged = (judged + (of_a(a) - 1).square().mean() + of_a(old_a).square().mean()) / 2
        judging.zero_grad()
        judged.backward()
        judging.step()
        return {"fooled": fooled.item(), "cycle": cycle.item(), "judged": judged.item()}

    return step
