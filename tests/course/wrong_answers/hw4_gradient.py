"""Homework 4: a convolution backward (question 4)."""

from . import changed, solutions

GRADIENT = solutions("hw4")["q4"]

DILATED = "dilated = ndl.ops.dilate(out_grad, (1, 2), stride - 1)"
TURNED = "turned = ndl.ops.permute(ndl.ops.flip(b, (0, 1)), (0, 1, 3, 2))"
OF_IMAGES = "of_images = ndl.ops.conv(dilated, turned, padding=k - 1 - padding)"
TRIMMED = "last = (places - 1) * stride + 1"
KERNEL = "kernel = ndl.ops.permute(dilated[:, :last, :last], (1, 2, 0, 3))"
OF_WEIGHTS = "of_weights = ndl.ops.conv(ndl.ops.permute(a, (3, 1, 2, 0)), kernel, padding=padding)"
RETURN = "return of_images[:, :size, :size], ndl.ops.permute(of_weights, (1, 2, 0, 3))[:k, :k]"

WRONG = {
    "q4: the kernel not turned round": changed(GRADIENT, TURNED, "turned = ndl.ops.permute(b, (0, 1, 3, 2))"),
    "q4: the kernel flipped along one axis": changed(GRADIENT, "flip(b, (0, 1))", "flip(b, (0,))"),
    "q4: the kernel transposed, not turned": changed(
        GRADIENT, TURNED, "turned = ndl.ops.permute(b, (1, 0, 3, 2))"
    ),
    "q4: all axes of the weights flipped": changed(GRADIENT, "flip(b, (0, 1))", "flip(b, (0, 1, 2, 3))"),
    "q4: channels not swapped": changed(GRADIENT, TURNED, "turned = ndl.ops.flip(b, (0, 1))"),
    "q4: the kernel of the weights turned too": changed(
        GRADIENT,
        KERNEL,
        KERNEL.replace("dilated[:, :last, :last]", "ndl.ops.flip(dilated[:, :last, :last], (1, 2))"),
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
    "q4: no stride for the weights": changed(
        GRADIENT, KERNEL, KERNEL.replace("dilated[:, :last, :last]", "out_grad")
    ),
    "q4: the zeros behind the last kept": changed(GRADIENT, KERNEL, KERNEL.replace("[:, :last, :last]", "")),
    "q4: one place too few": changed(GRADIENT, TRIMMED, "last = (places - 1) * stride"),
    "q4: the frame as it was": changed(GRADIENT, "padding=k - 1 - padding", "padding=padding"),
    "q4: the frame of no padding": changed(GRADIENT, "padding=k - 1 - padding", "padding=k - 1"),
    "q4: the frame one wider": changed(
        GRADIENT,
        "padding=k - 1 - padding)",
        "padding=k - padding)[:, 1:, 1:]",
        "return of_images[:, :size, :size]",
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
    "q4: the weights' channels swapped": changed(GRADIENT, "(1, 2, 0, 3))[:k, :k]", "(1, 2, 3, 0))[:k, :k]"),
    "q4: images for channels": changed(GRADIENT, "ndl.ops.permute(a, (3, 1, 2, 0))", "a"),
    "q4: divided by the images": changed(GRADIENT, RETURN, RETURN + " / a.shape[0]"),
    "q4: both in the other order": changed(
        GRADIENT,
        RETURN,
        "return ndl.ops.permute(of_weights, (1, 2, 0, 3))[:k, :k], of_images[:, :size, :size]",
    ),
    "q4: the images alone": changed(GRADIENT, RETURN, "return of_images[:, :size, :size]"),
    "q4: zeros for the weights": changed(GRADIENT, RETURN, RETURN + " * 0"),
    "q4: the sign": changed(GRADIENT, RETURN, RETURN.replace("return of", "return -of")),
    "q4: no graph for the images": changed(
        GRADIENT, RETURN, RETURN.replace(":size, :size]", ":size, :size].detach()")
    ),
    "q4: no graph for the weights": changed(GRADIENT, RETURN, RETURN + ".detach()"),
    "q4: the weights detached": changed(
        GRADIENT, "a, b = node.inputs", "a, b = node.inputs[0], node.inputs[1].detach()"
    ),
    "q4: the images detached": changed(
        GRADIENT, "a, b = node.inputs", "a, b = node.inputs[0].detach(), node.inputs[1]"
    ),
    "q4: the result in the place of the adjoint": changed(GRADIENT, "dilate(out_grad,", "dilate(node,"),
    "q4: the adjoint forgotten": changed(GRADIENT, "dilate(out_grad,", "dilate(out_grad * 0 + 1,"),
    "q4: padding by one, whatever was said": changed(
        GRADIENT, "node.op.stride, node.op.padding", "node.op.stride, 1"
    ),
    "q4: arrays": changed(
        GRADIENT,
        RETURN,
        RETURN.replace("[:k, :k]", "[:k, :k].numpy()").replace(":size, :size]", ":size, :size].numpy()"),
    ),
}

HINTS = {
    "q4: the kernel not turned round": ["Is the kernel turned round?"],
    "q4: the kernel of the weights turned too": ["This kernel is not turned round."],
    "q4: no graph for the images": [
        "Compute with Tensors all the way; a new or a detached one has no graph."
    ],
    "q4: no graph for the weights": [
        "Compute with Tensors all the way; a new or a detached one has no graph."
    ],
    "q4: the weights detached": ["Compute with Tensors all the way; a new or a detached one has no graph."],
    "q4: the images detached": ["Compute with Tensors all the way; a new or a detached one has no graph."],
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
EQUIVALENT = {
    "q4: 1 → 2 (2)": SQUARE,
    "q4: 1 → 2 (3)": SQUARE,
    "q4: 0 → 1": SQUARE,
}
