"""Checkpoints as the package transformers writes them, made here, and what models of them give, in plain NumPy float64.

Each formula is written from the papers, with the names and the arrangement of the files.
"""

import json
import math
import struct

import numpy as np

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "uint16": "BF16"}


def write(path, arrays):
    """A safetensors file of these arrays; uint16 stands for bfloat16."""
    header, place = {"__metadata__": {"format": "pt"}}, 0
    for name, a in arrays.items():
        header[name] = {
            "dtype": DTYPES[a.dtype.name],
            "shape": a.shape,
            "data_offsets": [place, place + a.nbytes],
        }
        place += a.nbytes
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(a.tobytes() for a in arrays.values()))


def folder(path, config, arrays):
    path.mkdir(exist_ok=True)
    (path / "config.json").write_text(json.dumps(config))
    write(path / "model.safetensors", arrays)
    return path


BERT = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "vocab_size": 13,
        "intermediate_size": 12, "type_vocab_size": 2, "max_position_embeddings": 9, "hidden_act": "gelu",
        "layer_norm_eps": 1e-5}  # fmt: skip
GPT2 = {"model_type": "gpt2", "n_embd": 8, "n_layer": 2, "n_head": 2, "n_positions": 9, "vocab_size": 13,
        "layer_norm_epsilon": 1e-3, "activation_function": "gelu_new"}  # fmt: skip
LLAMA = {"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4, "head_dim": 6,
         "num_key_value_heads": 2, "intermediate_size": 10, "vocab_size": 13, "max_position_embeddings": 9,
         "rms_norm_eps": 1e-3, "rope_theta": 50.0, "tie_word_embeddings": False}  # fmt: skip
VIT = {"model_type": "vit", "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 6,
       "patch_size": 3, "num_channels": 2, "intermediate_size": 12, "layer_norm_eps": 1e-3,
       "id2label": {"0": "a", "1": "b", "2": "c"}}  # fmt: skip


class Drawn(dict):
    """Names and arrays of random numbers, drawn one after the other."""

    def __init__(self, rng):
        self.rng = rng

    def put(self, name, *shape):
        self[name] = self.rng.standard_normal(shape) * 0.5

    def linear(self, name, n, m, turned=False):
        self.put(f"{name}.weight", *((n, m) if turned else (m, n)))
        self.put(f"{name}.bias", m)

    def norm(self, name, n, bias=True):
        self.put(f"{name}.weight", n)
        if bias:
            self.put(f"{name}.bias", n)

    def encoder(self, attention, norms):
        for k in range(2):
            layer = f"encoder.layer.{k}"
            for part in ("query", "key", "value"):
                self.linear(f"{layer}.attention.{attention}.{part}", 8, 8)
            self.linear(f"{layer}.attention.output.dense", 8, 8)
            self.linear(f"{layer}.intermediate.dense", 8, 12)
            self.linear(f"{layer}.output.dense", 12, 8)
            for norm in norms:
                self.norm(f"{layer}.{norm}", 8)


def bert(rng):
    w = Drawn(rng)
    w.put("embeddings.word_embeddings.weight", 13, 8)
    w.put("embeddings.position_embeddings.weight", 9, 8)
    w.put("embeddings.token_type_embeddings.weight", 2, 8)
    w.norm("embeddings.LayerNorm", 8)
    w.encoder("self", ("attention.output.LayerNorm", "output.LayerNorm"))
    return w


def gpt2(rng):
    w = Drawn(rng)
    w.put("wte.weight", 13, 8)
    w.put("wpe.weight", 9, 8)
    for k in range(2):
        for name, n, m in (
            ("attn.c_attn", 8, 24),
            ("attn.c_proj", 8, 8),
            ("mlp.c_fc", 8, 32),
            ("mlp.c_proj", 32, 8),
        ):
            w.linear(f"h.{k}.{name}", n, m, turned=True)
        w.norm(f"h.{k}.ln_1", 8)
        w.norm(f"h.{k}.ln_2", 8)
    w.norm("ln_f", 8)
    return w


def llama(rng):
    w = Drawn(rng)
    w.put("model.embed_tokens.weight", 13, 8)
    for k in range(2):
        layer = f"model.layers.{k}"
        for part, n, m in (("q_proj", 8, 24), ("k_proj", 8, 12), ("v_proj", 8, 12), ("o_proj", 24, 8)):
            w.put(f"{layer}.self_attn.{part}.weight", m, n)
        for part, n, m in (("gate_proj", 8, 10), ("up_proj", 8, 10), ("down_proj", 10, 8)):
            w.put(f"{layer}.mlp.{part}.weight", m, n)
        w.norm(f"{layer}.input_layernorm", 8, bias=False)
        w.norm(f"{layer}.post_attention_layernorm", 8, bias=False)
    w.norm("model.norm", 8, bias=False)
    w.put("lm_head.weight", 13, 8)
    return w


def vit(rng):
    w = Drawn(rng)
    w.put("embeddings.cls_token", 1, 1, 8)
    w.put("embeddings.position_embeddings", 1, 5, 8)
    w.put("embeddings.patch_embeddings.projection.weight", 8, 2, 3, 3)
    w.put("embeddings.patch_embeddings.projection.bias", 8)
    w.encoder("attention", ("layernorm_before", "layernorm_after"))
    w.norm("layernorm", 8)
    return w


# ---- formulas -----------------------------------------------------------------------------------------------------


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def layer_norm(w, name, x, eps):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]


def rms_norm(w, name, x, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w[f"{name}.weight"]


def gelu(x):
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def gelu_new(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def attend(q, k, v, seen):
    """One head of one sequence after the other: rows of q, k, v are positions, `seen[i, j]` says what i sees."""
    scores = np.where(seen, q @ k.T / math.sqrt(q.shape[1]), -np.inf)
    p = np.exp(scores - scores.max(-1, keepdims=True))
    return p / p.sum(-1, keepdims=True) @ v


def heads(q, k, v, number, seen):
    """Attention of one sequence, features cut into heads; fewer heads of k and v serve several of q in turn."""
    size = q.shape[1] // number
    share = number // (k.shape[1] // size)
    out = [
        attend(
            q[:, i * size :][:, :size],
            k[:, i // share * size :][:, :size],
            v[:, i // share * size :][:, :size],
            seen,
        )
        for i in range(number)
    ]
    return np.concatenate(out, 1)


def encoded(w, k, x, attention, seen):
    layer = f"encoder.layer.{k}"
    q, key, v = (linear(w, f"{layer}.attention.{attention}.{part}", x) for part in ("query", "key", "value"))
    return linear(w, f"{layer}.attention.output.dense", heads(q, key, v, 2, seen))


def network(w, k, x):
    return linear(
        w, f"encoder.layer.{k}.output.dense", gelu(linear(w, f"encoder.layer.{k}.intermediate.dense", x))
    )


def bert_hidden(w, tokens, counts, kinds):
    e = "embeddings"
    x = w[f"{e}.word_embeddings.weight"][tokens] + w[f"{e}.position_embeddings.weight"][: len(tokens)]
    x = layer_norm(w, f"{e}.LayerNorm", x + w[f"{e}.token_type_embeddings.weight"][kinds], 1e-5)
    seen = np.broadcast_to(np.asarray(counts) > 0, (len(tokens), len(tokens)))
    for k in range(2):
        layer = f"encoder.layer.{k}"
        x = layer_norm(w, f"{layer}.attention.output.LayerNorm", x + encoded(w, k, x, "self", seen), 1e-5)
        x = layer_norm(w, f"{layer}.output.LayerNorm", x + network(w, k, x), 1e-5)
    return x


def gpt2_scores(w, tokens):
    x = w["wte.weight"][tokens] + w["wpe.weight"][: len(tokens)]
    seen = np.tri(len(tokens), dtype=bool)

    def conv1d(name, x):
        return x @ w[f"{name}.weight"] + w[f"{name}.bias"]

    for k in range(2):
        qkv = conv1d(f"h.{k}.attn.c_attn", layer_norm(w, f"h.{k}.ln_1", x, 1e-3))
        x = x + conv1d(f"h.{k}.attn.c_proj", heads(qkv[:, :8], qkv[:, 8:16], qkv[:, 16:], 2, seen))
        inner = gelu_new(conv1d(f"h.{k}.mlp.c_fc", layer_norm(w, f"h.{k}.ln_2", x, 1e-3)))
        x = x + conv1d(f"h.{k}.mlp.c_proj", inner)
    return layer_norm(w, "ln_f", x, 1e-3) @ w["wte.weight"].T


def turned(x, size, frequencies):
    """Rows turned by their position: pairs (j, j + size/2) of each head as complex numbers times e^(i t θ)."""
    x = x.reshape(len(x), -1, size)
    z = x[..., : size // 2] + 1j * x[..., size // 2 :]
    z = z * np.exp(1j * np.arange(len(x))[:, None, None] * frequencies)
    return np.concatenate([z.real, z.imag], -1).reshape(len(x), -1)


def llama_scores(w, tokens, frequencies):
    x = w["model.embed_tokens.weight"][tokens]
    seen = np.tri(len(tokens), dtype=bool)
    for k in range(2):
        layer = f"model.layers.{k}"
        h = rms_norm(w, f"{layer}.input_layernorm", x, 1e-3)
        q, key, v = (h @ w[f"{layer}.self_attn.{part}_proj.weight"].T for part in "qkv")
        y = heads(turned(q, 6, frequencies), turned(key, 6, frequencies), v, 4, seen)
        x = x + y @ w[f"{layer}.self_attn.o_proj.weight"].T
        h = rms_norm(w, f"{layer}.post_attention_layernorm", x, 1e-3)
        gate, up, down = (w[f"{layer}.mlp.{part}_proj.weight"].T for part in ("gate", "up", "down"))
        x = x + (h @ gate / (1 + np.exp(-(h @ gate))) * (h @ up)) @ down
    return rms_norm(w, "model.norm", x, 1e-3) @ w["lm_head.weight"].T


def vit_hidden(w, image):
    """Of one picture (2, 6, 6): four patches of 3 x 3, one after the other."""
    kernel = w["embeddings.patch_embeddings.projection.weight"]
    rows = [w["embeddings.cls_token"][0, 0]]
    for i, j in ((0, 0), (0, 3), (3, 0), (3, 3)):
        product = (kernel * image[:, i : i + 3, j : j + 3]).sum((1, 2, 3))
        rows.append(product + w["embeddings.patch_embeddings.projection.bias"])
    x = np.array(rows) + w["embeddings.position_embeddings"][0]
    for k in range(2):
        layer, seen = f"encoder.layer.{k}", np.ones((5, 5), bool)
        x = x + encoded(w, k, layer_norm(w, f"{layer}.layernorm_before", x, 1e-3), "attention", seen)
        x = x + network(w, k, layer_norm(w, f"{layer}.layernorm_after", x, 1e-3))
    return layer_norm(w, "layernorm", x, 1e-3)
