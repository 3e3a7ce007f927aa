"""Homework 2: the residual network (question 6)."""

from . import changed, solutions

SOLUTIONS = solutions("hw2")
NET = SOLUTIONS["q6"]

SUM = "return x + self.fn(x)"
FIRST = "first = [Linear(dim, hidden_dim), norm(hidden_dim), nn.ReLU(), Dropout(drop_prob)]"
SECOND = "second = [Linear(hidden_dim, dim), norm(dim)]"
BLOCK = "return nn.Sequential(Residual(nn.Sequential(*first, *second)), nn.ReLU())"
BLOCKS = "blocks = [ResidualBlock(hidden_dim, hidden_dim // 2, norm, drop_prob) for _ in range(num_blocks)]"
WHOLE = "return nn.Sequential(Linear(dim, hidden_dim), nn.ReLU(), *blocks, Linear(hidden_dim, num_classes))"

WRONG = {
    "q6: x forgotten": changed(NET, SUM, "return self.fn(x)"),
    "q6: fn forgotten": changed(NET, SUM, "return x + x"),
    "q6: minus": changed(NET, SUM, "return x - self.fn(x)"),
    "q6: the mean": changed(NET, SUM, "return (x + self.fn(x)) / 2"),
    "q6: x twice": changed(NET, SUM, "return x + self.fn(x) + x"),
    "q6: fn twice": changed(NET, SUM, "y = self.fn(x)\n        return x + self.fn(x) + y - y"),
    "q6: fn of fn": changed(NET, SUM, "return x + self.fn(self.fn(x))"),
    "q6: product": changed(NET, SUM, "return x * self.fn(x)"),
    "q6: x detached": changed(NET, SUM, "return x.detach() + self.fn(x)"),
    "q6: fn detached": changed(NET, SUM, "return x + self.fn(x).detach()"),
    "q6: ReLU in Residual": changed(NET, SUM, "return ndl.ops.relu(x + self.fn(x))"),
    "q6: fn hidden in a function": changed(NET, "self.fn = fn", "self.fn = lambda x: fn(x)"),
    "q6: x overwritten": changed(
        NET, SUM, "y = x + self.fn(x)\n        x.data = y.detach()\n        return y"
    ),
    "q6: no Residual in the block": changed(NET, BLOCK, "return nn.Sequential(*first, *second, nn.ReLU())"),
    "q6: no ReLU after the sum": changed(NET, BLOCK, "return Residual(nn.Sequential(*first, *second))"),
    "q6: ReLU before the sum": changed(
        NET, BLOCK, "return Residual(nn.Sequential(*first, *second, nn.ReLU()))"
    ),
    "q6: ReLU before and after the sum": changed(
        NET, BLOCK, BLOCK.replace("*second)", "*second, nn.ReLU())")
    ),
    "q6: Residual around the second half alone": changed(
        NET,
        BLOCK,
        "return nn.Sequential(*first, second[0], Residual(second[1]), nn.ReLU())",
    ),
    "q6: no first norm": changed(NET, FIRST, FIRST.replace(" norm(hidden_dim),", "")),
    "q6: no second norm": changed(NET, SECOND, "second = [Linear(hidden_dim, dim)]"),
    "q6: norm after ReLU": changed(
        NET, FIRST, FIRST.replace("norm(hidden_dim), nn.ReLU()", "nn.ReLU(), norm(hidden_dim)")
    ),
    "q6: norm before Linear": changed(
        NET,
        FIRST,
        FIRST.replace("Linear(dim, hidden_dim), norm(hidden_dim)", "norm(dim), Linear(dim, hidden_dim)"),
    ),
    "q6: the norm that is not asked for": changed(
        NET, FIRST, FIRST.replace("norm(", "BatchNorm1d("), SECOND, SECOND.replace("norm(", "BatchNorm1d(")
    ),
    "q6: norm not passed on": changed(NET, BLOCKS, BLOCKS.replace("norm, drop_prob", "drop_prob=drop_prob")),
    "q6: no dropout": changed(NET, FIRST, FIRST.replace(", Dropout(drop_prob)", "")),
    "q6: dropout's own p": changed(NET, FIRST, FIRST.replace("Dropout(drop_prob)", "Dropout()")),
    "q6: dropout not passed on": changed(NET, BLOCKS, BLOCKS.replace(", drop_prob)", ")")),
    "q6: dropout at the end of the block": changed(
        NET,
        FIRST,
        FIRST.replace(", Dropout(drop_prob)", ""),
        SECOND,
        SECOND.replace("norm(dim)", "norm(dim), Dropout(drop_prob)"),
    ),
    "q6: dropout before ReLU, and once more": changed(
        NET, FIRST, FIRST.replace("nn.ReLU()", "Dropout(drop_prob), nn.ReLU()")
    ),
    "q6: the probability of staying": changed(NET, FIRST, FIRST.replace("(drop_prob)", "(1 - drop_prob)")),
    "q6: tanh": changed(NET, FIRST, FIRST.replace("ReLU", "Tanh")),
    "q6: one block, several times": changed(
        NET, BLOCKS, "blocks = [ResidualBlock(hidden_dim, hidden_dim // 2, norm, drop_prob)] * num_blocks"
    ),
    "q6: one block too few": changed(
        NET, BLOCKS, BLOCKS.replace("range(num_blocks)", "range(num_blocks - 1)")
    ),
    "q6: three blocks always": changed(NET, BLOCKS, BLOCKS.replace("range(num_blocks)", "range(3)")),
    "q6: blocks as wide inside": changed(NET, BLOCKS, BLOCKS.replace(" // 2", "")),
    "q6: blocks twice as wide inside": changed(NET, BLOCKS, BLOCKS.replace(" // 2", " * 2")),
    "q6: blocks rounded up": changed(NET, BLOCKS, BLOCKS.replace("hidden_dim // 2", "(hidden_dim + 1) // 2")),
    "q6: no ReLU before the blocks": changed(NET, WHOLE, WHOLE.replace(" nn.ReLU(),", "")),
    "q6: a ReLU at the end": changed(NET, WHOLE, WHOLE.replace("num_classes))", "num_classes), nn.ReLU())")),
    "q6: softmax at the end": changed(
        NET, WHOLE, WHOLE.replace("num_classes))", "num_classes), nn.Softmax())")
    ),
    "q6: the last layer without bias": changed(
        NET, WHOLE, WHOLE.replace("num_classes)", "num_classes, bias=False)")
    ),
    "q6: ten classes always": changed(NET, WHOLE, WHOLE.replace("num_classes)", "10)")),
    "q6: blocks in a list": changed(NET, WHOLE, WHOLE.replace("*blocks", "nn.Sequential(*blocks[:1])")),
    "q6: norm of the first layer too": changed(
        NET, WHOLE, WHOLE.replace(" nn.ReLU(),", " norm(hidden_dim), nn.ReLU(),")
    ),
    "q6: a list, no module": changed(NET, BLOCK, "return [*first, *second]"),
}
HINTS = {
    "q6: x forgotten": ["Where is x itself?"],
    "q6: x detached": ["x has a way of its own."],
    "q6: fn hidden in a function": ["Keep fn as an attribute."],
    "q6: one block, several times": ["That is one block: each has weights of its own."],
    "q6: one block too few": ["That is one block: each has weights of its own."],
    "q6: blocks in a list": ["That is one block: each has weights of its own."],
}
NEUTRAL = {
    "After which layer are numbers dropped, and with which probability?",
    "Each block has two normalisations, of the class that is asked for.",
}
EQUIVALENT: dict[str, str] = {}
