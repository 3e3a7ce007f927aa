"""Homework 4: a convolution backward (question 4), layers and blocks of convolutions (5)."""

from . import changed, solutions

SOLUTIONS = solutions("hw4")
GRADIENT, BLOCK = SOLUTIONS["q4"], SOLUTIONS["q5"]

DILATED = "dilated = ndl.ops.dilate(out_grad, (1, 2), stride - 1)"
TURNED = "turned = ndl.ops.permute(ndl.ops.flip(b, (0, 1)), (0, 1, 3, 2))"
OF_IMAGES = "of_images = ndl.ops.conv(dilated, turned, padding=k - 1 - padding)"
TRIMMED = "last = (places - 1) * stride + 1"
KERNEL = "kernel = ndl.ops.permute(dilated[:, :last, :last], (1, 2, 0, 3))"
OF_WEIGHTS = "of_weights = ndl.ops.conv(ndl.ops.permute(a, (3, 1, 2, 0)), kernel, padding=padding)"
RETURN = "return of_images[:, :size, :size], ndl.ops.permute(of_weights, (1, 2, 0, 3))[:k, :k]"

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
    "q4: the kernel not turned round": changed(GRADIENT, TURNED, "turned = ndl.ops.permute(b, (0, 1, 3, 2))"),
    "q4: the kernel flipped along one axis": changed(GRADIENT, "flip(b, (0, 1))", "flip(b, (0,))"),
    "q4: the kernel transposed, not turned": changed(
        GRADIENT, TURNED, "turned = ndl.ops.permute(b, (1, 0, 3, 2))"
    ),
    "q4: all axes of the weights flipped": changed(GRADIENT, "flip(b, (0, 1))", "flip(b, (0, 1, 2, 3))"),
    "q4: channels not swapped": changed(GRADIENT, TURNED, "turned = ndl.ops.flip(b, (0, 1))"),
    "q4: the kernel of the weights turned too": changed(
        GRADIENT, KERNEL, KERNEL.replace("dilated[:, :last, :last]", "ndl.ops.flip(dilated[:, :last, :last], (1, 2))")
    ),
    "q4: the adjoint of the weights turned": changed(
        GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(1, 2, 0, 3))[:k, :k].flip((0, 1))"
    ),
    "q4: the stride forgotten": changed(GRADIENT, DILATED, "dilated = out_grad"),
    "q4: one zero too many": changed(GRADIENT, "(1, 2), stride - 1)", "(1, 2), stride)"),
    "q4: dilated along all axes": changed(GRADIENT, "(out_grad, (1, 2),", "(out_grad, (0, 1, 2, 3),"),
    "q4: dilated along the rows alone": changed(GRADIENT, "(out_grad, (1, 2),", "(out_grad, (1,),"),
    "q4: the stride again in the images' convolution": changed(
        GRADIENT, OF_IMAGES, OF_IMAGES[:-1] + ", stride=stride)"
    ),
    "q4: the stride again in the weights' convolution": changed(
        GRADIENT, OF_WEIGHTS, OF_WEIGHTS[:-1] + ", stride=stride)"
    ),
    "q4: no stride for the weights": changed(GRADIENT, KERNEL, KERNEL.replace("dilated[:, :last, :last]", "out_grad")),
    "q4: the zeros behind the last kept": changed(GRADIENT, KERNEL, KERNEL.replace("[:, :last, :last]", "")),
    "q4: one place too few": changed(GRADIENT, TRIMMED, "last = (places - 1) * stride"),
    "q4: the frame as it was": changed(GRADIENT, "padding=k - 1 - padding", "padding=padding"),
    "q4: the frame of no padding": changed(GRADIENT, "padding=k - 1 - padding", "padding=k - 1"),
    "q4: the frame one wider": changed(
        GRADIENT, "padding=k - 1 - padding)", "padding=k - padding)[:, 1:, 1:]", "return of_images[:, :size, :size]",
        "return of_images[:, : size - 1, : size - 1].pad(((0, 0), (1, 0), (1, 0), (0, 0)))",
    ),
    "q4: no frame for the weights": changed(GRADIENT, "kernel, padding=padding)", "kernel, padding=0)"),
    "q4: the images not cut": changed(GRADIENT, "of_images[:, :size, :size]", "of_images"),
    "q4: the images cut at the other end": changed(
        GRADIENT, "of_images[:, :size, :size]", "of_images[:, -size:, -size:]"
    ),
    "q4: the weights not cut": changed(GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(1, 2, 0, 3))"),
    "q4: the weights cut at the other end": changed(
        GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(1, 2, 0, 3))[-k:, -k:]"
    ),
    "q4: rows and columns of the weights swapped": changed(
        GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(2, 1, 0, 3))[:k, :k]"
    ),
    "q4: the weights' channels swapped": changed(
        GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(1, 2, 3, 0))[:k, :k]"
    ),
    "q4: images for channels": changed(GRADIENT, "ndl.ops.permute(a, (3, 1, 2, 0))", "a"),
    "q4: divided by the images": changed(GRADIENT, RETURN, RETURN + " / a.shape[0]"),
    "q4: both in the other order": changed(
        GRADIENT, RETURN, "return ndl.ops.permute(of_weights, (1, 2, 0, 3))[:k, :k], of_images[:, :size, :size]"
    ),
    "q4: the images alone": changed(GRADIENT, RETURN, "return of_images[:, :size, :size]"),
    "q4: zeros for the weights": changed(GRADIENT, RETURN, RETURN + " * 0"),
    "q4: the sign": changed(GRADIENT, RETURN, RETURN.replace("return of", "return -of")),
    "q4: no graph for the images": changed(
        GRADIENT, RETURN, RETURN.replace(":size, :size]", ":size, :size].detach()")
    ),
    "q4: no graph for the weights": changed(GRADIENT, RETURN, RETURN + ".detach()"),
    "q4: the weights detached": changed(GRADIENT, "a, b = node.inputs", "a, b = node.inputs[0], node.inputs[1].detach()"),
    "q4: the images detached": changed(GRADIENT, "a, b = node.inputs", "a, b = node.inputs[0].detach(), node.inputs[1]"),
    "q4: the result in the place of the adjoint": changed(GRADIENT, "dilate(out_grad,", "dilate(node,"),
    "q4: the adjoint forgotten": changed(GRADIENT, "dilate(out_grad,", "dilate(out_grad * 0 + 1,"),
    "q4: padding by one, whatever was said": changed(GRADIENT, "node.op.stride, node.op.padding", "node.op.stride, 1"),
    "q4: arrays": changed(
        GRADIENT, RETURN, RETURN.replace("[:k, :k]", "[:k, :k].numpy()").replace(":size, :size]", ":size, :size].numpy()")
    ),
    "q5: bias forgotten": changed(BLOCK, PLUS_BIAS, "pass"),
    "q5: bias twice": changed(BLOCK, PLUS_BIAS, "y = y + self.bias + self.bias"),
    "q5: bias subtracted": changed(BLOCK, PLUS_BIAS, "y = y - self.bias"),
    "q5: bias before the convolution": changed(BLOCK, f"            {PLUS_BIAS}", f"            x = x + self.bias.sum()\n            channels_last = ndl.ops.permute(x, (0, 2, 3, 1))\n            {Y}"),
    "q5: bias along the columns": changed(
        BLOCK, PLUS_BIAS, "pass", FIRST, FIRST + " + (0 if self.bias is None else self.bias[: y.shape[2]].sum())"
    ),
    "q5: no bias anyway": changed(BLOCK, "        if bias:", "        if False:"),
    "q5: a bias anyway": changed(BLOCK, "        if bias:", "        if True:"),
    "q5: bias drawn first": changed(
        BLOCK, f"        {WEIGHT}\n", "", BIAS, f"{BIAS}\n        {WEIGHT}"
    ),
    "q5: bias begins with zeros": changed(BLOCK, BIAS, "self.bias = nn.Parameter(ndl.init.zeros(out_channels, dtype=dtype))"),
    "q5: bias from 0 up": changed(BLOCK, "low=-bound, high=bound", "low=0, high=bound"),
    "q5: bias with the weight's bound": changed(BLOCK, "bound = fan_in**-0.5", "bound = (6 / fan_in) ** 0.5"),
    "q5: bias bounded by the channels": changed(BLOCK, "bound = fan_in**-0.5", "bound = in_channels**-0.5"),
    "q5: bias of four axes": changed(
        BLOCK, "ndl.init.rand(out_channels, low", "ndl.init.rand(1, 1, 1, out_channels, low"
    ),
    "q5: fan-in of the channels alone": changed(
        BLOCK, FANS, "fan_in, fan_out = in_channels, out_channels", "fan_in**-0.5", "(in_channels * kernel_size**2) ** -0.5"
    ),
    "q5: fan-in with one side of the kernel": changed(BLOCK, "in_channels * kernel_size**2, out", "in_channels * kernel_size, out"),
    "q5: fans swapped": changed(BLOCK, "kaiming_uniform(fan_in, fan_out,", "kaiming_uniform(fan_out, fan_in,"),
    "q5: normal, not uniform": changed(BLOCK, "kaiming_uniform", "kaiming_normal"),
    "q5: Xavier's numbers": changed(
        BLOCK, WEIGHT, "self.weight = nn.Parameter(ndl.init.xavier_uniform(fan_in, fan_out, dtype=dtype)"
        "[: kernel_size**2 * in_channels, :out_channels].reshape(shape))"
    ),
    "q5: PyTorch's weight": changed(
        BLOCK, SHAPE, "shape = (out_channels, in_channels, kernel_size, kernel_size)",
        "channels_last, self.weight,", "channels_last, ndl.ops.permute(self.weight, (2, 3, 1, 0)),",
    ),
    "q5: the weight's channels swapped": changed(
        BLOCK, SHAPE, "shape = (kernel_size, kernel_size, out_channels, in_channels)",
        "channels_last, self.weight,", "channels_last, ndl.ops.permute(self.weight, (0, 1, 3, 2)),",
    ),
    "q5: no Parameter": changed(
        BLOCK, WEIGHT,
        "self.weight = ndl.init.kaiming_uniform(fan_in, fan_out, shape=shape, dtype=dtype, requires_grad=True)",
    ),
    "q5: no padding": changed(BLOCK, "padding=self.kernel_size // 2", "padding=0"),
    "q5: padding by one": changed(BLOCK, "padding=self.kernel_size // 2", "padding=1"),
    "q5: padding for even kernels": changed(BLOCK, "padding=self.kernel_size // 2", "padding=(self.kernel_size - 1) // 2"),
    "q5: padding by the kernel": changed(BLOCK, "padding=self.kernel_size // 2", "padding=self.kernel_size"),
    "q5: padding by the stride": changed(BLOCK, "padding=self.kernel_size // 2", "padding=self.kernel_size // (2 * self.stride)"),
    "q5: stride forgotten": changed(BLOCK, "stride=self.stride, padding", "padding"),
    "q5: channels stay first": changed(BLOCK, CHANNELS_LAST, "channels_last = x"),
    "q5: channels stay last": changed(BLOCK, FIRST, "return y"),
    "q5: rows and columns swapped": changed(BLOCK, "(0, 2, 3, 1)", "(0, 3, 2, 1)", "(0, 3, 1, 2)", "(0, 3, 2, 1)"),
    "q5: rows and columns swapped on the way back": changed(BLOCK, "(0, 3, 1, 2)", "(0, 3, 2, 1)"),
    "q5: a reshape, not a permute": changed(
        BLOCK, CHANNELS_LAST, "channels_last = x.reshape((x.shape[0], *x.shape[2:], x.shape[1]))"
    ),
    "q5: the input detached": changed(BLOCK, "permute(x, (0", "permute(x.detach(), (0"),
    "q5: the weight detached": changed(BLOCK, "channels_last, self.weight,", "channels_last, self.weight.detach(),"),
    "q5: a copy of the weight from the beginning": changed(
        BLOCK, "        self.bias = None\n", "        self.bias, self.first = None, []\n",
        Y, "self.first = self.first or [self.weight + 0]\n        " + Y.replace("self.weight", "self.first[0]"),
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
        BLOCK, THREE, "norm = nn.BatchNorm2d(out_channels)\n    return nn.Sequential(layer, norm, norm, nn.ReLU())"
    ),
    "q5: one group, not a batch": changed(BLOCK, "nn.BatchNorm2d(out_channels)", "nn.GroupNorm(1, out_channels)"),
    "q5: instances, not a batch": changed(BLOCK, "nn.BatchNorm2d(out_channels)", "nn.InstanceNorm2d(out_channels, affine=True)"),
    "q5: stride not handed on": changed(BLOCK, "kernel_size, stride)\n    return nn", "kernel_size)\n    return nn"),
    "q5: ConvBN without bias": changed(BLOCK, "kernel_size, stride)\n    return nn", "kernel_size, stride, bias=False)\n    return nn"),
    "q5: a function, no module": changed(BLOCK, THREE, f"module = {THREE[7:]}\n    return lambda x: module(x)"),
    "q5: nothing goes past": changed(BLOCK, TWO, TWO.replace("nn.Residual(", "nn.Sequential(")),
    "q5: one ConvBN in the block": changed(BLOCK, TWO, "return nn.Residual(ConvBN(channels, channels, 3))"),
    "q5: the same ConvBN twice": changed(
        BLOCK, TWO, "both = ConvBN(channels, channels, 3)\n    return nn.Residual(nn.Sequential(both, both))"
    ),
    "q5: a residual around each": changed(
        BLOCK, TWO, "return nn.Sequential(*[nn.Residual(ConvBN(channels, channels, 3)) for _ in range(2)])"
    ),
    "q5: ReLU after the sum": changed(BLOCK, TWO, TWO.replace("return ", "return nn.Sequential(") + ", nn.ReLU())"),
    "q5: kernels of 1 in the block": changed(BLOCK, TWO, TWO.replace(", 3)", ", 1)")),
}  # fmt: skip

NO_GRAPH = "Compute with Tensors all the way; a new Tensor, or a detached one, has no graph."
HINTS = {
    "q4: the kernel not turned round": ["Is the kernel turned round?"],
    "q4: the kernel of the weights turned too": ["This kernel is not turned round."],
    "q4: no graph for the images": [NO_GRAPH],
    "q4: no graph for the weights": [NO_GRAPH],
    "q4: the weights detached": [NO_GRAPH],
    "q4: the images detached": [NO_GRAPH],
}
NEUTRAL = {
    "Two adjoints, that of the images first, each of the shape of its input.",
    "A frame of p around the images is K - 1 - p around the adjoint, and p again for the weights.",
    "Where does the stride go? Each answer's place is s rows after the one before.",
    "Draw it in one dimension, and count.",
    "Which channels does the turned kernel get, and which does it give?",
    "The images are summed over, and the channels are not.",
}
SQUARE = "images, results and kernels are square: either extent will do"
FAN_OUT = "kaiming's bound knows the fan-in alone"
EQUIVALENT = {
    "q4: 1 → 2 (2)": SQUARE,
    "q4: 1 → 2 (3)": SQUARE,
    "q4: 0 → 1": SQUARE,
    "q5: kernel_size ** 2 → kernel_size * 2 (2)": FAN_OUT,
    "q5: kernel_size ** 2 → 2 ** kernel_size (2)": FAN_OUT,
    "q5: 2 → 3 (4)": FAN_OUT,
}
