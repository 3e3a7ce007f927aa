"""Homework 2: transforms (question 9) and the loader (10)."""

from . import changed, solutions

SOLUTIONS = solutions("hw2")
IMAGES, LOADER = SOLUTIONS["q9"], SOLUTIONS["q10"]

FLIP = "return image[:, ::-1] if np.random.rand() < self.p else image"
SHIFT = "down, right = np.random.randint(-p, p + 1, size=2)"
FRAME = "framed = np.pad(image, ((p, p), (p, p), (0, 0)))"
CUT = "return framed[p + down : p + down + height, p + right : p + right + width]"
LENGTH = "return -(-len(self.dataset) // self.batch_size)"
ORDER = "order = np.arange(len(self.dataset))"
SHUFFLE = "np.random.shuffle(order)"
LOOP = "for start in range(0, len(order), self.batch_size):"
EXAMPLES = "examples = [self.dataset[i] for i in order[start : start + self.batch_size]]"
BATCH = "yield tuple(ndl.Tensor(np.stack(field), requires_grad=False) for field in zip(*examples))"

WRONG = {
    "q9: upside down": changed(IMAGES, "image[:, ::-1]", "image[::-1]"),
    "q9: channels turned round": changed(IMAGES, "image[:, ::-1]", "image[:, :, ::-1]"),
    "q9: turned by half": changed(IMAGES, "image[:, ::-1]", "image[::-1, ::-1]"),
    "q9: transposed": changed(IMAGES, "image[:, ::-1]", "image.swapaxes(0, 1)"),
    "q9: mirrored always": changed(IMAGES, FLIP, "return image[:, ::-1]"),
    "q9: never mirrored": changed(IMAGES, FLIP, "return image"),
    "q9: p is the probability of staying": changed(IMAGES, "< self.p", ">= self.p"),
    "q9: half of them always": changed(IMAGES, "< self.p", "< 0.5"),
    "q9: every second image": changed(
        IMAGES,
        FLIP,
        "self.odd = not getattr(self, 'odd', False)\n        return image[:, ::-1] if self.odd else image",
    ),
    "q9: a number for each row": changed(
        IMAGES,
        FLIP,
        "image = image.copy()\n"
        "        for row in image:\n"
        "            if np.random.rand() < self.p:\n"
        "                row[:] = row[::-1].copy()\n"
        "        return image",
    ),
    "q9: a coin of its own": changed(IMAGES, "np.random.rand()", "np.random.default_rng(0).random()"),
    "q9: Python's random": "import random\n" + changed(IMAGES, "np.random.rand()", "random.random()"),
    "q9: one seed for all": changed(IMAGES, FLIP, f"np.random.seed(0)\n        {FLIP}"),
    "q9: drawn once for all": changed(
        IMAGES,
        "        self.p = p\n",
        "        self.p, self.drawn = p, np.random.rand()\n",
        "np.random.rand() < self.p",
        "self.drawn < self.p",
    ),
    "q9: the image itself mirrored": changed(
        IMAGES,
        FLIP,
        "if np.random.rand() < self.p:\n            image[:] = image[:, ::-1].copy()\n        return image",
    ),
    "q9: rows and columns swapped": changed(IMAGES, "down, right =", "right, down ="),
    "q9: the other way": changed(IMAGES, SHIFT, "down, right = -np.random.randint(-p, p + 1, size=2)"),
    "q9: both shifts the same": changed(IMAGES, SHIFT, "down = right = np.random.randint(-p, p + 1)"),
    "q9: the largest shift left out": changed(
        IMAGES, SHIFT, "down, right = np.random.randint(-p, max(p, 1 - p), size=2)"
    ),
    "q9: only down and to the right": changed(
        IMAGES, SHIFT, "down, right = np.random.randint(0, p + 1, size=2)"
    ),
    "q9: from 0 to twice the padding": changed(
        IMAGES, CUT, "return framed[down : down + height, right : right + width]"
    ),
    "q9: corners drawn from 0": changed(
        IMAGES, SHIFT, "down, right = np.random.randint(0, 2 * p + 1, size=2) - p + (p > 1)"
    ),
    "q9: rolled round": changed(IMAGES, CUT, "return np.roll(image, (-down, -right), axis=(0, 1))"),
    "q9: no frame": changed(
        IMAGES, CUT, "return image[max(down, 0) : height + down, max(right, 0) : width + right]"
    ),
    "q9: the whole frame": changed(IMAGES, CUT, "return framed"),
    "q9: the window too small": changed(
        IMAGES, CUT, "return framed[p + down : p + down + height - 1, p + right : p + right + width - 1]"
    ),
    "q9: a square window": changed(
        IMAGES, CUT, "return framed[p + down : p + down + height, p + right : p + right + height]"
    ),
    "q9: a frame of the nearest pixels": changed(
        IMAGES, FRAME, 'framed = np.pad(image, ((p, p), (p, p), (0, 0)), mode="edge")'
    ),
    "q9: a frame of ones": changed(
        IMAGES, FRAME, "framed = np.pad(image, ((p, p), (p, p), (0, 0)), constant_values=1)"
    ),
    "q9: channels framed too": changed(IMAGES, FRAME, "framed = np.pad(image, p)"),
    "q9: a frame on one side": changed(
        IMAGES, FRAME, "framed = np.pad(image, ((0, 2 * p), (0, 2 * p), (0, 0)))"
    ),
    "q9: float64": changed(IMAGES, FRAME, f"{FRAME}.astype('float64')"),
    "q9: the image itself moved": changed(
        IMAGES, CUT, f"image[:] = {CUT.removeprefix('return ')}\n        return image"
    ),
    "q9: a picture without channels": changed(IMAGES, CUT, f"{CUT}[:, :, 0]"),
    "q9: the shift drawn with the transform": changed(
        IMAGES,
        "        self.padding = padding\n",
        "        self.padding, self.shift = padding, np.random.randint(-padding, padding + 1, size=2)\n",
        SHIFT,
        "down, right = self.shift",
    ),
    "q9: two draws of one number, the other first": changed(
        IMAGES, SHIFT, "right, down = np.random.randint(-p, p + 1), np.random.randint(-p, p + 1)"
    ),
    "q10: the last batch dropped": changed(
        LOADER, LOOP, "for start in range(0, len(order) - self.batch_size + 1, self.batch_size):"
    ),
    "q10: the last batch filled up": changed(
        LOADER,
        EXAMPLES,
        "examples = [self.dataset[order[k % len(order)]] for k in range(start, start + self.batch_size)]",
    ),
    "q10: the last batch moved back": changed(
        LOADER, LOOP, f"{LOOP}\n            start = max(min(start, len(order) - self.batch_size), 0)"
    ),
    "q10: len without the last batch": changed(LOADER, LENGTH, "return len(self.dataset) // self.batch_size"),
    "q10: len one too many": changed(LOADER, LENGTH, "return len(self.dataset) // self.batch_size + 1"),
    "q10: len counts examples": changed(LOADER, LENGTH, "return len(self.dataset)"),
    "q10: not shuffled": changed(LOADER, SHUFFLE, "pass"),
    "q10: shuffled always": changed(LOADER, "if self.shuffle:", "if True:"),
    "q10: shuffled unless asked": changed(LOADER, "if self.shuffle:", "if not self.shuffle:"),
    "q10: one order for all epochs": changed(
        LOADER,
        "shuffle = dataset, batch_size, shuffle\n",
        "shuffle = dataset, batch_size, shuffle\n"
        "        self.order = np.random.permutation(len(dataset)) if shuffle else np.arange(len(dataset))\n",
        SHUFFLE,
        "order = self.order",
    ),
    "q10: the order of the first epoch again": changed(
        LOADER, SHUFFLE, "np.random.seed(0)\n            np.random.shuffle(order)"
    ),
    "q10: a generator of its own": changed(LOADER, SHUFFLE, "np.random.default_rng().shuffle(order)"),
    "q10: Python's random": "import random\n" + changed(LOADER, SHUFFLE, "random.shuffle(order)"),
    "q10: turned round, not shuffled": changed(LOADER, SHUFFLE, "order = order[::-1]"),
    "q10: moved by a random number": changed(
        LOADER,
        SHUFFLE,
        "order = np.roll(order, np.random.randint(1, max(len(order), 2)))\n"
        "            order = np.concatenate([order[:1], order[1:]]) if len(order) > 3 else np.arange(len(order))",
    ),
    "q10: with replacement": changed(
        LOADER, SHUFFLE, "order = np.random.randint(0, len(order), size=len(order))"
    ),
    "q10: whole batches shuffled": changed(
        LOADER,
        SHUFFLE,
        "blocks = np.array_split(order, len(self))\n"
        "            np.random.shuffle(blocks) if len({len(b) for b in blocks}) == 1 else None\n"
        "            order = np.concatenate(blocks)",
    ),
    "q10: each field shuffled by itself": changed(
        LOADER,
        BATCH,
        "fields = [np.stack(field) for field in zip(*examples)]\n"
        "            for field in fields if self.shuffle else ():\n"
        "                np.random.shuffle(field)\n"
        "            yield tuple(ndl.Tensor(field, requires_grad=False) for field in fields)",
    ),
    "q10: all read at once": changed(
        LOADER,
        LOOP,
        f"everything = [self.dataset[i] for i in order]\n        {LOOP}",
        EXAMPLES,
        "examples = everything[start : start + self.batch_size]",
    ),
    "q10: read once for ever": changed(
        LOADER,
        EXAMPLES,
        "self.kept = getattr(self, 'kept', {})\n"
        "            for i in order[start : start + self.batch_size]:\n"
        "                if i not in self.kept:\n"
        "                    self.kept[i] = self.dataset[i]\n"
        "            examples = [self.kept[i] for i in order[start : start + self.batch_size]]",
    ),
    "q10: each example read twice": changed(
        LOADER, EXAMPLES, EXAMPLES.replace("self.dataset[i] for", "(self.dataset[i], self.dataset[i])[0] for")
    ),
    "q10: one epoch only": changed(
        LOADER,
        "    def __iter__(self):",
        "    def __iter__(self):\n"
        "        self.batches = getattr(self, 'batches', None) or self.all()\n"
        "        return self.batches\n"
        "\n"
        "    def all(self):",
    ),
    "q10: a list": changed(LOADER, BATCH, BATCH.replace("tuple(", "list(")),
    "q10: NumPy arrays": changed(LOADER, BATCH, "yield tuple(np.stack(field) for field in zip(*examples))"),
    "q10: gradients wanted": changed(
        LOADER,
        BATCH,
        BATCH.replace("=False", "=True").replace("np.stack(field)", "np.stack(field).astype('float32')"),
    ),
    "q10: labels as floats": changed(
        LOADER, BATCH, BATCH.replace("np.stack(field)", "np.stack(field).astype('float32')")
    ),
    "q10: the first field alone": changed(
        LOADER, BATCH, f"{BATCH}[:1]".replace("yield tuple", "yield tuple")
    ),
    "q10: stacked along the last axis": changed(
        LOADER, BATCH, BATCH.replace("np.stack(field)", "np.stack(field, axis=-1)")
    ),
    "q10: joined, not stacked": changed(
        LOADER, BATCH, BATCH.replace("np.stack(field)", "np.concatenate([np.atleast_1d(f) for f in field])")
    ),
    "q10: a list of examples": changed(LOADER, BATCH, "yield tuple(examples)"),
    "q10: from the second example": changed(LOADER, "range(0, len(order)", "range(1, len(order)"),
    "q10: batches that overlap": changed(
        LOADER, "[start : start + self.batch_size]", "[start : start + self.batch_size + 1]"
    ),
    "q10: batches of one too few": changed(
        LOADER, "[start : start + self.batch_size]", "[start : start + max(self.batch_size - 1, 1)]"
    ),
    "q10: one batch": changed(LOADER, LOOP, f"{LOOP[:-1]}[:1]:"),
    "q10: an empty batch at the end": changed(
        LOADER,
        "len(order), self.batch_size)",
        "len(order) + self.batch_size, self.batch_size)",
        BATCH,
        f"{BATCH} if examples else ()",
    ),
}
HINTS = {
    "q9: upside down": ["That is upside down."],
    "q9: channels turned round": ["Is it mirrored, or not?"],
    "q9: mirrored always": ["Is it mirrored, or not?"],
    "q9: never mirrored": ["Is it mirrored, or not?"],
    "q9: p is the probability of staying": ["Is it mirrored, or not?"],
    "q9: half of them always": ["Is it mirrored, or not?"],
    "q9: every second image": ["Is it mirrored, or not?"],
    "q9: rows and columns swapped": ["The first number drawn is how far the window goes down."],
    "q9: the other way": ["The window goes down and to the right: the image goes up and to the left."],
    "q9: rolled round": ["What leaves on one side does not come back on the other."],
    "q9: two draws of one number, the other first": [
        "The first number drawn is how far the window goes down."
    ],
    "q10: the last batch dropped": ["The last batch is smaller, but it belongs to the epoch."],
    "q10: the last batch filled up": ["No example twice."],
    "q10: the last batch moved back": ["No example twice."],
    "q10: len without the last batch": ["The smaller batch counts too."],
    "q10: one order for all epochs": ["Draw the order at the beginning of each epoch."],
    "q10: the order of the first epoch again": ["Draw the order at the beginning of each epoch."],
    "q10: turned round, not shuffled": ["Draw the order at the beginning of each epoch."],
    "q10: one epoch only": ["A second loop begins anew."],
}
NEUTRAL = {
    "How many numbers are drawn for an image, and when is it mirrored?",
    "The channels stay where they are.",
    "Follow one pixel: where is it in the frame, where in the window?",
    "The window is as large as the image was.",
    "How many batches are there, and where does each begin?",
    "From np.random, and nothing else.",
    "Read in the loop over the batches.",
}
EQUIVALENT = {
    "q9: np.random.rand() < self.p → np.random.rand() <= self.p": "the number drawn is p itself with probability 2^-53",
    "q10: np.stack(field) → field": "a Tensor of several arrays is their stack",
}
