"""The networks whose training steps are captured and compiled in several tests."""

from needle_edu import nn, ops


class Convolutional(nn.Module):
    """Square images as rows of numbers: convolution, batch normalisation, pooling, dropout, a linear layer."""

    def __init__(self, side=8, channels=4):
        super().__init__()
        self.side, self.flat = side, channels * ((side - 2) // 2) ** 2
        self.conv, self.norm = nn.Conv2d(1, channels, 3), nn.BatchNorm2d(channels)
        self.head = nn.Linear(self.flat, 3)

    def forward(self, x):
        h = ops.relu(self.norm(self.conv(x.reshape((-1, 1, self.side, self.side)))))
        h = ops.max_pool2d(h, 2)
        return self.head(ops.dropout(h.reshape((h.shape[0], self.flat)), 0.2, self.training))


class Recurrent(nn.Module):
    """Rows of 64 numbers as four steps of 16: an LSTM, and a linear layer on what it says last."""

    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.LSTM(16, 6), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.cell(x.reshape((4, -1, 16)))[0][3])


def step_of(model, optimizer, loss_of):
    """A training step of a model as a function."""

    def step(x, y):
        optimizer.reset_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step
