"""Homework 2's withheld names: each way to hand in the library's own class or function is refused, by that name."""

from .withheld_tests import WithheldTests

LINEAR = "class Linear(nn.Module):\n    def __init__(self, in_features, out_features, bias=True, dtype='float32'):\n"
LINEAR += "        super().__init__()\n"
NORM = "class {name}(nn.Module):\n    def __init__(self, dim, eps=1e-5, momentum=0.1, dtype='float32'):\n"
NORM += "        super().__init__()\n        self.eps, self.momentum = eps, momentum\n"
NORM += "        self.weight = nn.Parameter(ndl.init.ones(dim, dtype=dtype))\n"
NORM += "        self.bias = nn.Parameter(ndl.init.zeros(dim, dtype=dtype))\n"
AVERAGES = "        self.running_mean, self.running_var = ndl.init.zeros(dim), ndl.init.ones(dim)\n"
DROPOUT = (
    "class Dropout(nn.Module):\n    def __init__(self, p):\n        super().__init__()\n        self.p = p\n"
)
LOSS = "class SoftmaxLoss(nn.Module):\n    def __init__(self, smoothing=0.0):\n        super().__init__()\n"
LOSS += "        self.smoothing = smoothing\n    def forward(self, logits, y):\n        "
STEP = "class {name}(ndl.optim.Optimizer):\n    def __init__(self, params, {settings}):\n"
STEP += "        super().__init__(params, lr=lr)\n    def step(self):\n        for p in self.params:\n"
FUSED = "from needle_edu.ndarray.fused import optimizer_steps\n"
FUSED += "from needle_edu.backend.optimizer_steps import Numbers\n"
LOADER = "class DataLoader:\n    def __init__(self, dataset, **settings):\n        self.dataset = dataset\n"
LOADER += "    def __iter__(self):\n        "
FORWARD = "    def forward(self, x):\n        "
LAYER, BATCH = NORM.format(name="LayerNorm1d"), NORM.format(name="BatchNorm1d") + AVERAGES

ATTACKS = {
    "q1: a subclass": ("Linear", "class Linear(nn.Linear): pass"),
    "q1: another name for it": ("Linear", "import functools\nLinear = functools.partial(nn.Linear)"),
    "q1: a layer inside": (
        "Linear",
        f"{LINEAR}        layer = nn.Linear(in_features, out_features, bias, dtype=dtype)\n"
        f"        self.weight, self.bias = layer.weight, layer.bias\n{FORWARD}return x @ self.weight + self.bias",
    ),
    "q1: made before": (
        "Linear",
        f"layers = [nn.Linear(2, 3) for _ in range(99)]\n{LINEAR}        self.layer = layers.pop()\n"
        f"        self.weight, self.bias = self.layer.weight, self.layer.bias\n{FORWARD}return self.layer(x)",
    ),
    "q1: of two inputs": (
        "Bilinear",
        f"{LINEAR}        self.layer = nn.Bilinear(in_features, 1, out_features)\n{FORWARD}return x",
    ),
    "q2: a subclass": ("LayerNorm1d", "class LayerNorm1d(nn.LayerNorm1d): pass"),
    "q2: PyTorch's": (
        "layer_norm",
        "class LayerNorm1d(nn.LayerNorm):\n    def __init__(self, dim, eps=1e-5, dtype='float32'):\n"
        "        super().__init__(dim, eps, dtype=dtype)",
    ),
    "q2: the op": ("layer_norm", f"{LAYER}{FORWARD}return ndl.ops.layer_norm(x, self.weight, self.bias)"),
    "q2: in one group": (
        "group_norm",
        f"{LAYER}{FORWARD}return ndl.ops.group_norm(x, self.weight, self.bias, num_groups=1)",
    ),
    "q2: turned round": (
        "batch_norm",
        f"{LAYER}{FORWARD}n = len(x.shape) and x.shape[0]\n        y = ndl.ops.batch_norm(x.transpose(), "
        "ndl.init.ones(n), ndl.init.zeros(n))\n        return y.transpose()",
    ),
    "q2: each example an instance": (
        "group_norm",
        f"{LAYER}{FORWARD}return nn.InstanceNorm1d(1)(x.reshape((x.shape[0], 1, -1))).reshape(x.shape)",
    ),
    "q3: a subclass": ("BatchNorm1d", "class BatchNorm1d(nn.BatchNorm1d): pass"),
    "q3: of images": ("BatchNorm1d", "class BatchNorm1d(nn.BatchNorm2d): pass"),
    "q3: the op": ("batch_norm", f"{BATCH}{FORWARD}return ndl.ops.batch_norm(x, self.weight, self.bias)"),
    "q3: its evaluation": (
        "by_averages",
        f"from needle_edu.nn.norm import by_averages\n{BATCH}{FORWARD}return by_averages(self, x)",
    ),
    "q3: turned round": (
        "layer_norm",
        f"{BATCH}{FORWARD}n = x.shape[0]\n        y = ndl.ops.layer_norm(x.transpose(), ndl.init.ones(n), "
        "ndl.init.zeros(n))\n        return y.transpose()",
    ),
    "q4: a subclass": ("Dropout", "class Dropout(nn.Dropout): pass"),
    "q4: the op": ("dropout", f"{DROPOUT}{FORWARD}return ndl.ops.dropout(x, self.p)"),
    "q4: by a key": ("keyed_dropout", f"{DROPOUT}{FORWARD}return ndl.ops.keyed_dropout(x, self.p, 1)"),
    "q4: of whole channels": (
        "dropout1d",
        f"{DROPOUT}{FORWARD}return ndl.ops.dropout1d(x.reshape((1, -1, 1)), self.p, self.training).reshape(x.shape)",
    ),
    "q5: a subclass": ("SoftmaxLoss", "class SoftmaxLoss(nn.SoftmaxLoss): pass"),
    "q5: PyTorch's": (
        "CrossEntropyLoss",
        f"{LOSS}return nn.CrossEntropyLoss(label_smoothing=self.smoothing)(logits, y)",
    ),
    "q5: the op": ("cross_entropy", f"{LOSS}return ndl.ops.cross_entropy(logits, y)"),
    "q6: a subclass": ("Residual", "class Residual(nn.Residual): pass"),
    "q6: the application's block": (
        "ResidualBlock",
        "from needle_edu.apps.mlp_resnet import ResidualBlock as block\n"
        "def ResidualBlock(*sizes, **settings): return block(*sizes, **settings)",
    ),
    "q6: the application": (
        "MLPResNet",
        "import needle_edu.apps.mlp_resnet as app\nMLPResNet = lambda *a, **k: app.MLPResNet(*a, **k)",
    ),
    "q7: a subclass": ("SGD", "class SGD(ndl.optim.SGD): pass"),
    "q7: its formula": (
        "optimizer_steps",
        f"{FUSED}{STEP.format(name='SGD', settings='lr=0.01, **rest')}"
        "            one = 'sgd', p.cached_data, p.grad.cached_data, (), Numbers(rate=self.lr)\n"
        "            p.data = ndl.Tensor(optimizer_steps([one])[0][0])",
    ),
    "q8: a subclass": ("Adam", "class Adam(ndl.optim.Adam): pass"),
    "q8: AdamW without decay": (
        "Adam",
        "Adam = lambda p, **rest: ndl.optim.AdamW(p, **rest, weight_decay=0.0)",
    ),
    "q8: its formula": (
        "optimizer_steps",
        f"{FUSED}{STEP.format(name='Adam', settings='lr=0.01, **rest')}"
        "            a = p.cached_data\n"
        "            numbers = Numbers(rate=self.lr, keep1=0.9, fresh1=0.1, keep2=0.999, fresh2=0.001, eps=1e-8)\n"
        "            one = 'adam', a, p.grad.cached_data, (a * 0, a * 0), numbers\n"
        "            p.data = ndl.Tensor(optimizer_steps([one])[0][0])",
    ),
    "q9: a subclass": (
        "RandomFlipHorizontal",
        "class RandomFlipHorizontal(ndl.data.RandomFlipHorizontal): pass\nRandomCrop = ndl.data.Transform",
    ),
    "q9: the other": (
        "RandomCrop",
        "class RandomCrop(ndl.data.RandomCrop): pass\nRandomFlipHorizontal = None",
    ),
    "q10: a subclass": ("DataLoader", "class DataLoader(ndl.data.DataLoader): pass"),
    "q10: what puts batches together": (
        "collate_ndarray",
        f"{LOADER}yield ndl.data.collate_ndarray([self.dataset[0]])",
    ),
    "q10: what stacks them": (
        "stack_examples",
        f"from needle_edu.data.dataset import stack_examples\n{LOADER}yield stack_examples([self.dataset[0]])",
    ),
}


class TestHomework2(WithheldTests, homework="hw2"):
    attacks = ATTACKS
