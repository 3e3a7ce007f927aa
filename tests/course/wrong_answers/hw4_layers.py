"""Homework 4: layers and blocks of convolutions (question 5)."""

from . import changed, solutions

BLOCK = solutions("hw4")["q5"]

FANS = "fan_in, fan_out = in_channels * kernel_size**2, out_channels * kernel_size**2"
SHAPE = "shape = (kernel_size, kernel_size, in_channels, out_channels)"
WEIGHT = "self.weight = nn.Parameter(ndl.init.kaiming_uniform(fan_in, fan_out, shape=shape, dtype=dtype))"
BIAS = "self.bias = nn.Parameter(ndl.init.rand(out_channels, low=-bound, high=bound, dtype=dtype))"
CHANNELS_LAST = "channels_last = ndl.ops.permute(x, (0, 2, 3, 1))"
Y = "y = ndl.ops.conv(channels_last, self.weight, stride=self.stride, padding=self.kernel_size // 2)"
FIRST = "return ndl.ops.permute(y, (0, 3, 1, 2))"
PLUS_BIAS = "y = y + self.bias"
THREE = "return nn.Sequential(layer, nn.BatchNorm2d(out_channels), nn.ReLU())"
TWO = "return nn.Residual(nn.Sequential(ConvBN(channels, channels, 3), ConvBN(channels, channels, 3)))"

WRONG = {
    "q5: bias forgotten": changed(BLOCK, PLUS_BIAS, "pass"),
    "q5: bias twice": changed(BLOCK, PLUS_BIAS, "y = y + self.bias + self.bias"),
    "q5: bias subtracted": changed(BLOCK, PLUS_BIAS, "y = y - self.bias"),
    "q5: bias before the convolution": changed(
        BLOCK,
        f"            {PLUS_BIAS}",
        f"            x = x + self.bias.sum()\n            {CHANNELS_LAST}\n            {Y}",
    ),
    "q5: bias along the columns": changed(
        BLOCK,
        PLUS_BIAS,
        "pass",
        FIRST,
        FIRST + " + (0 if self.bias is None else self.bias[: y.shape[2]].sum())",
    ),
    "q5: no bias anyway": changed(BLOCK, "        if bias:", "        if False:"),
    "q5: a bias anyway": changed(BLOCK, "        if bias:", "        if True:"),
    "q5: bias drawn first": changed(BLOCK, f"        {WEIGHT}\n", "", BIAS, f"{BIAS}\n        {WEIGHT}"),
    "q5: bias begins with zeros": changed(
        BLOCK, BIAS, "self.bias = nn.Parameter(ndl.init.zeros(out_channels, dtype=dtype))"
    ),
    "q5: bias from 0 up": changed(BLOCK, "low=-bound, high=bound", "low=0, high=bound"),
    "q5: bias with the weight's bound": changed(BLOCK, "bound = fan_in**-0.5", "bound = (6 / fan_in) ** 0.5"),
    "q5: bias bounded by the channels": changed(BLOCK, "bound = fan_in**-0.5", "bound = in_channels**-0.5"),
    "q5: bias of four axes": changed(
        BLOCK, "ndl.init.rand(out_channels, low", "ndl.init.rand(1, 1, 1, out_channels, low"
    ),
    "q5: fan-in of the channels alone": changed(
        BLOCK,
        FANS,
        "fan_in, fan_out = in_channels, out_channels",
        "fan_in**-0.5",
        "(in_channels * kernel_size**2) ** -0.5",
    ),
    "q5: fan-in with one side of the kernel": changed(
        BLOCK, "in_channels * kernel_size**2, out", "in_channels * kernel_size, out"
    ),
    "q5: fans swapped": changed(
        BLOCK, "kaiming_uniform(fan_in, fan_out,", "kaiming_uniform(fan_out, fan_in,"
    ),
    "q5: normal, not uniform": changed(BLOCK, "kaiming_uniform", "kaiming_normal"),
    "q5: Xavier's numbers": changed(
        BLOCK,
        WEIGHT,
        "self.weight = nn.Parameter(ndl.init.xavier_uniform(fan_in, fan_out, dtype=dtype)"
        "[: kernel_size**2 * in_channels, :out_channels].reshape(shape))",
    ),
    "q5: PyTorch's weight": changed(
        BLOCK,
        SHAPE,
        "shape = (out_channels, in_channels, kernel_size, kernel_size)",
        "channels_last, self.weight,",
        "channels_last, ndl.ops.permute(self.weight, (2, 3, 1, 0)),",
    ),
    "q5: the weight's channels swapped": changed(
        BLOCK,
        SHAPE,
        "shape = (kernel_size, kernel_size, out_channels, in_channels)",
        "channels_last, self.weight,",
        "channels_last, ndl.ops.permute(self.weight, (0, 1, 3, 2)),",
    ),
    "q5: no Parameter": changed(
        BLOCK,
        WEIGHT,
        "self.weight = ndl.init.kaiming_uniform(fan_in, fan_out, shape=shape, dtype=dtype, requires_grad=True)",
    ),
    "q5: no padding": changed(BLOCK, "padding=self.kernel_size // 2", "padding=0"),
    "q5: padding by one": changed(BLOCK, "padding=self.kernel_size // 2", "padding=1"),
    "q5: padding for even kernels": changed(
        BLOCK, "padding=self.kernel_size // 2", "padding=(self.kernel_size - 1) // 2"
    ),
    "q5: padding by the kernel": changed(BLOCK, "padding=self.kernel_size // 2", "padding=self.kernel_size"),
    "q5: padding by the stride": changed(
        BLOCK, "padding=self.kernel_size // 2", "padding=self.kernel_size // (2 * self.stride)"
    ),
    "q5: stride forgotten": changed(BLOCK, "stride=self.stride, padding", "padding"),
    "q5: channels stay first": changed(BLOCK, CHANNELS_LAST, "channels_last = x"),
    "q5: channels stay last": changed(BLOCK, FIRST, "return y"),
    "q5: rows and columns swapped": changed(
        BLOCK, "(0, 2, 3, 1)", "(0, 3, 2, 1)", "(0, 3, 1, 2)", "(0, 3, 2, 1)"
    ),
    "q5: rows and columns swapped on the way back": changed(BLOCK, "(0, 3, 1, 2)", "(0, 3, 2, 1)"),
    "q5: a reshape, not a permute": changed(
        BLOCK, CHANNELS_LAST, "channels_last = x.reshape((x.shape[0], *x.shape[2:], x.shape[1]))"
    ),
    "q5: the input detached": changed(BLOCK, "permute(x, (0", "permute(x.detach(), (0"),
    "q5: the weight detached": changed(
        BLOCK, "channels_last, self.weight,", "channels_last, self.weight.detach(),"
    ),
    "q5: a copy of the weight from the beginning": changed(
        BLOCK,
        "        self.bias = None\n",
        "        self.bias, self.first = None, []\n",
        Y,
        "self.first = self.first or [self.weight + 0]\n        " + Y.replace("self.weight", "self.first[0]"),
    ),
    "q5: float32 always": changed(BLOCK, "shape=shape, dtype=dtype", "shape=shape"),
    "q5: ReLU in the layer": changed(BLOCK, FIRST, FIRST.replace("permute(y,", "permute(ndl.ops.relu(y),")),
    "q5: no normalisation": changed(BLOCK, THREE, "return nn.Sequential(layer, nn.ReLU())"),
    "q5: no ReLU": changed(BLOCK, THREE, "return nn.Sequential(layer, nn.BatchNorm2d(out_channels))"),
    "q5: ReLU before the normalisation": changed(
        BLOCK, THREE, "return nn.Sequential(layer, nn.ReLU(), nn.BatchNorm2d(out_channels))"
    ),
    "q5: normalisation first": changed(
        BLOCK, THREE, "return nn.Sequential(nn.BatchNorm2d(in_channels), layer, nn.ReLU())"
    ),
    "q5: normalised twice": changed(
        BLOCK,
        THREE,
        "norm = nn.BatchNorm2d(out_channels)\n    return nn.Sequential(layer, norm, norm, nn.ReLU())",
    ),
    "q5: one group, not a batch": changed(
        BLOCK, "nn.BatchNorm2d(out_channels)", "nn.GroupNorm(1, out_channels)"
    ),
    "q5: instances, not a batch": changed(
        BLOCK, "nn.BatchNorm2d(out_channels)", "nn.InstanceNorm2d(out_channels, affine=True)"
    ),
    "q5: stride not handed on": changed(
        BLOCK, "kernel_size, stride)\n    return nn", "kernel_size)\n    return nn"
    ),
    "q5: ConvBN without bias": changed(
        BLOCK, "kernel_size, stride)\n    return nn", "kernel_size, stride, bias=False)\n    return nn"
    ),
    "q5: a function, no module": changed(
        BLOCK, THREE, f"module = {THREE[7:]}\n    return lambda x: module(x)"
    ),
    "q5: nothing goes past": changed(BLOCK, TWO, TWO.replace("nn.Residual(", "nn.Sequential(")),
    "q5: one ConvBN in the block": changed(BLOCK, TWO, "return nn.Residual(ConvBN(channels, channels, 3))"),
    "q5: the same ConvBN twice": changed(
        BLOCK, TWO, "both = ConvBN(channels, channels, 3)\n    return nn.Residual(nn.Sequential(both, both))"
    ),
    "q5: a residual around each": changed(
        BLOCK, TWO, "return nn.Sequential(*[nn.Residual(ConvBN(channels, channels, 3)) for _ in range(2)])"
    ),
    "q5: ReLU after the sum": changed(
        BLOCK, TWO, TWO.replace("return ", "return nn.Sequential(") + ", nn.ReLU())"
    ),
    "q5: kernels of 1 in the block": changed(BLOCK, TWO, TWO.replace(", 3)", ", 1)")),
}

HINTS = {
    "q5: bias forgotten": ["Where is the bias?"],
    "q5: no bias anyway": ["Only attributes that are an nn.Parameter are found."],
    "q5: bias with the weight's bound": ["The bias's bound is 1 / √fan-in."],
    "q5: fan-in of the channels alone": [
        "Of the kernel every element counts: the fan-in is in_channels · K²."
    ],
    "q5: fans swapped": ["The fan-in stands before the fan-out."],
    "q5: no Parameter": ["A gradient is missing: was everything computed with Tensors?"],
    "q5: the input detached": ["A gradient is missing: was everything computed with Tensors?"],
    "q5: the weight detached": ["A gradient is missing: was everything computed with Tensors?"],
    "q5: nothing goes past": ["Where is x itself?"],
    "q5: one ConvBN in the block": ["Two of them, one after the other."],
    "q5: the same ConvBN twice": ["That is one ConvBN, twice: each has weights of its own."],
}
NEUTRAL = {
    "The padding is K // 2, and the places are a stride apart.",
    "Convolution, normalisation, ReLU: is each of them right by itself, in training too?",
    "Which kernel, which stride, how many channels has each part?",
    "The weight is (K, K, in_channels, out_channels), the bias (out_channels,).",
}
FAN_OUT = "kaiming's bound knows the fan-in alone"
EQUIVALENT = {
    "q5: kernel_size ** 2 → kernel_size * 2 (2)": FAN_OUT,
    "q5: kernel_size ** 2 → 2 ** kernel_size (2)": FAN_OUT,
    "q5: 2 → 3 (4)": FAN_OUT,
}
