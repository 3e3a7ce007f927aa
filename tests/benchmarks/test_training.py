"""The engine against PyTorch eager: a tiny chain (pure overhead), whole training steps, and what they need."""

import os
import statistics
import subprocess
import sys
import time

import numpy as np
import pytest

from tests import twins

from .duel import AFTER_BLAS, Outcome


def test_chain_4x4(arena, fight):
    """Forward and backward of ((p*p).relu() @ p).sum() on 4x4: what the engine itself costs."""
    torch, ndl = arena
    start = np.random.default_rng(0).standard_normal((4, 4), dtype=np.float32)
    ours, theirs = ndl.Tensor(start), torch.tensor(start, requires_grad=True)

    def needle():
        (ndl.relu(ours * ours) @ ours).sum().backward()

    def pytorch():
        theirs.grad = None
        ((theirs * theirs).relu() @ theirs).sum().backward()

    fight("chain of 4 ops on 4x4, forward + backward", {"needle_edu": needle, "PyTorch": pytorch}, limit=0.35)


STEPS = {"MLP": ("784-400-100-10", 0.75), "LeNet": ("28x28", 0.40), "ResNet-9": ("3x32x32", 0.50)}


@pytest.mark.parametrize("name", STEPS)
def test_step(arena, fight, name):
    """One Adam step on a batch of 128: forward, loss, backward, update."""
    what, limit = STEPS[name]
    contenders = steps(*arena, twins.CLASSIFIERS[name], twins.IMAGES[name], 128)
    fight(f"{name} {what}, batch 128, Adam step", contenders, limit=limit, **AFTER_BLAS, block_s=0.1)


def steps(torch, ndl, make, shape, batch):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((batch, *shape), dtype=np.float32), rng.integers(0, 10, batch)

    def step(lib, **options):
        one = twins.classifier_step(lib, make(lib), **options)
        given = twins.constant(lib, x), twins.constant(lib, y)
        return lambda: one(*given)

    return {"needle_edu": step(ndl), "PyTorch": step(torch), "PyTorch, fused Adam": step(torch, fused=True)}


def test_dcgan_step(arena, fight):
    """One step of DCGAN's discriminator and one of its generator, on 64 images of 28 x 28."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    real, noise = (rng.standard_normal((64, *s), dtype=np.float32) for s in ((1, 28, 28), (100, 1, 1)))

    def step(lib, **options):
        one = twins.gan_step(lib, twins.generator(lib), twins.discriminator(lib), 64, **options)
        given = twins.constant(lib, np.tanh(real)), twins.constant(lib, noise)
        return lambda: one(*given)

    contenders = {"needle_edu": step(ndl), "PyTorch, fused Adam": step(torch, fused=True)}
    fight("DCGAN 28x28, batch 64, both Adam steps", contenders, limit=0.6, **AFTER_BLAS, block_s=0.2)


def test_language_model_step(arena, fight):
    """One SGD step of an LSTM language model on 40 x 16 of 10,000 words: the three products of its head decide."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 10_000, (40, 16)), rng.integers(0, 10_000, 640)
    contenders = {}
    for who, lib in (("needle_edu", ndl), ("PyTorch", torch)):
        one = twins.language_step(lib, twins.language_model(lib, 10_000, 100, 100))
        given = twins.constant(lib, x), twins.constant(lib, y)
        contenders[who] = lambda one=one, given=given: one(*given)
    fight(
        "LSTM language model 10,000 words, 40x16, SGD step", contenders, limit=0.7, **AFTER_BLAS, block_s=0.2
    )


def test_transformer_step(arena, fight):
    """One Adam step of one Transformer layer on 128 sentences of 45 words, 64 features, dropout 0.1."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5000, (128, 45)), rng.integers(0, 2, 128)
    contenders = {}
    for who, lib, options in (("needle_edu", ndl, {}), ("PyTorch", torch, {"fused": True})):
        one = twins.classifier_step(lib, twins.sentence_transformer(lib), **options)
        given = twins.constant(lib, x), twins.constant(lib, y)
        contenders[who] = lambda one=one, given=given: one(*given)
    fight(
        "Transformer layer 128x45x64, dropout 0.1, Adam step",
        contenders,
        limit=0.4,
        **AFTER_BLAS,
        block_s=0.2,
    )


def test_gpt_step(arena, fight):
    """One Adam step of a GPT of 4 layers and 128 features on 16 x 256 letters."""
    torch, ndl = arena
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 65, (16, 256)), rng.integers(0, 65, 16 * 256)
    ours, theirs = ndl.models.GPT(65, 256), twins.torch_gpt(torch, 65, 256, 4, 4, 128)
    contenders = {}
    for who, lib, model, options in (
        ("needle_edu", ndl, ours, {}), ("PyTorch", torch, theirs, {"fused": True}),
    ):  # fmt: skip
        one = twins.classifier_step(
            lib, lambda x, model=model: model(x).reshape((-1, 65)), **options, of=model
        )
        given = twins.constant(lib, x), twins.constant(lib, y)
        contenders[who] = lambda one=one, given=given: one(*given)
    fight(
        "GPT 4 layers, 128 wide, 16x256 letters, Adam step", contenders, limit=0.7, **AFTER_BLAS, block_s=0.4
    )


def test_generation(arena, fight):
    """100 letters, one by one, with keys and values kept: a third of the time is three times the letters."""
    torch, ndl = arena
    ours, theirs = ndl.models.GPT(65, 256).eval(), twins.torch_gpt(torch, 65, 256, 4, 4, 128)

    def pytorch():
        with torch.inference_mode():
            caches, letter = theirs.new_caches(), torch.tensor([[1]])
            for start in range(100):
                letter = theirs(letter, caches, start).argmax(-1, keepdim=True)

    contenders = {"needle_edu": lambda: ours.generate([1], 100, temperature=0), "PyTorch": pytorch}
    fight("GPT writes 100 letters with its cache", contenders, limit=0.33, **AFTER_BLAS, block_s=0.2)


def test_minilm(arena, fight):
    """MiniLM's sizes, 32 sentences of 32 tokens, inference: transformers' BertModel in both its ways of attention."""
    torch, ndl = arena
    transformers = pytest.importorskip("transformers", reason="compares with transformers 5.24.0")
    sizes = ndl.models.sentences.MINILM
    tokens = np.random.default_rng(0).integers(0, sizes["vocab_size"], (32, 32))
    ours, given = (
        ndl.models.Bert(30522, 512, 6, 12, 384, 1536).eval(),
        ndl.Tensor(tokens, requires_grad=False),
    )

    def needle():
        with ndl.no_grad():
            ours(given)

    def pytorch(way):
        config = transformers.BertConfig(**sizes, attn_implementation=way)
        theirs, given = transformers.BertModel(config).eval(), torch.tensor(tokens)

        def call():
            with torch.inference_mode():
                theirs(given)

        return call

    contenders = {"needle_edu": needle, **{f"PyTorch, {way}": pytorch(way) for way in ("sdpa", "eager")}}
    fight(
        "MiniLM 6 layers, 384 wide, 32x32 tokens, inference", contenders, limit=0.8, **AFTER_BLAS, block_s=0.4
    )


# Memory, in a process of its own: what three steps of LeNet need at most, beyond what the imports had taken.
ADDED = """
import sys
import numpy as np
{imports}
from tests import twins

def field(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024

x, y = np.ones((128, 1, 28, 28), "float32"), np.zeros(128, "int64")
step = twins.classifier_step(lib, twins.lenet(lib){options})
x, y = twins.constant(lib, x), twins.constant(lib, y)
open("/proc/self/clear_refs", "w").write("5")  # the peak begins anew
before = field("VmRSS")
for _ in range(3):
    step(x, y)
print(field("VmHWM") - before)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="the peak is read in Linux's way")
def test_memory_of_lenet(arena, benchmark, request):
    from .conftest import OUTCOMES

    threads = arena[1].backend.get_num_threads()
    ours = f"import needle_edu as lib\nlib.backend.set_num_threads({threads})"
    theirs = f"import torch as lib\nlib.set_num_threads({threads})"

    def added(imports, options):
        code = ADDED.format(imports=imports, options=options)
        run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        return float(run.stdout)

    rounds = {"needle_edu": [], "PyTorch, fused Adam": []}
    for _ in range(7):
        rounds["needle_edu"].append(added(ours, ""))
        rounds["PyTorch, fused Adam"].append(added(theirs, ", fused=True"))
    outcome = Outcome("memory that LeNet's steps add, batch 128", 0.8, rounds, unit="B")
    request.config.stash.setdefault(OUTCOMES, []).append(outcome)
    benchmark.pedantic(lambda: added(ours, ""), rounds=1)


def test_import_time(request, benchmark):
    """What `import needle_edu` adds to `import numpy`, in fresh interpreters that take turns."""
    from .conftest import OUTCOMES

    # Byte code is kept, as on any ordinary machine.
    compiled = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}

    def seconds(code: str) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=compiled)
        return time.perf_counter() - start

    both = "import numpy, needle_edu"
    seconds(both)
    rounds: dict[str, list[float]] = {"needle_edu": [], "NumPy": []}
    for _ in range(15):
        rounds["NumPy"].append(seconds("import numpy"))
        rounds["needle_edu"].append(seconds(both))
    pairs = zip(rounds["needle_edu"], rounds["NumPy"], strict=True)
    added = statistics.median(ours - alone for ours, alone in pairs)
    print(f"needle_edu adds {added * 1e3:.0f} ms to the import of NumPy; the promise is at most 60")
    outcome = Outcome("import numpy, needle_edu", None, rounds)
    request.config.stash.setdefault(OUTCOMES, []).append(outcome)
    benchmark.pedantic(lambda: seconds(both), rounds=3)
