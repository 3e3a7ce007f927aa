"""Applications for the tests of the loop: small enough to see what they should give."""

import numpy as np

from needle_edu import data, nn, optim, training


class Points(training.Classifier):
    """Three classes of points in the plane, with everything that has a state: dropout, transforms, a schedule."""

    name, summary, epochs, batch_size, lr = "points", "points in the plane", 4, 8, 0.05

    def __init__(self, settings):
        training.Application.__init__(self, settings)
        x, y = data.spiral(48, 3)
        x, y = np.asarray(x, "f4"), np.asarray(y)
        moved = data.NDArrayDataset(x, y, transforms=[self.moved])
        self.loader = data.DataLoader(moved, settings.batch_size, shuffle=True)
        self.fresh_examples = data.NDArrayDataset(x, y)
        self.model = nn.Sequential(
            nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3)
        )
        self.optimizer = optim.Adam(self.model.parameters(), lr=settings.lr)
        self.scheduler = optim.CosineAnnealingLR(self.optimizer, T_max=40)
        self.loss = nn.SoftmaxLoss()
        self.data = "a spiral"

    @staticmethod
    def moved(x):
        return x + 0.01 * np.random.randn(2).astype("f4")


class Scripted(training.Application):
    """Learns nothing: its losses and accuracies are written down."""

    name, summary, epochs = "scripted", "what is written down", 6
    losses = [float(k) for k in range(100)]
    accuracies = [0.5, 0.75, 0.75, 0.625, 0.5, 1.0]

    def __init__(self, settings):
        super().__init__(settings)
        self.taken, self.seen = 0, []

    def batches(self):
        return ["a", "b", "c"]

    def step(self, batch):
        self.seen.append(batch)
        self.taken += 1
        return {"loss": self.losses[self.taken - 1]}

    def evaluate(self):
        return {"accuracy": self.accuracies[self.taken // 3 - 1]}
