"""How public checkpoints name and arrange the weights of models, beside our names: a table for each family.

PyTorch's maps have their weights as (out, in), ours as (in, out); GPT-2's have them as ours. Where ours make queries,
keys and values by one product, three of theirs stand side by side in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend.errors import DataError
from ..nn.module import Module
from .bert import Bert, BertClassifier, BertForMaskedLM
from .gpt import GPT
from .llama import Llama, llama3_frequencies
from .vit import ViT


class Row(NamedTuple):
    """Our name of a weight; theirs, and the shape of each; whether they are turned. Several stand side by side."""

    ours: str
    theirs: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    turned: bool = False

    def made_of(self, arrays: list[np.ndarray]) -> np.ndarray:
        """Our weight, but for axes of extent 1, made of theirs."""
        parts = [a.reshape(len(a), -1).T if self.turned else a for a in arrays]
        return np.concatenate(parts, -1)


class Family(NamedTuple):
    """What a family's names may begin with, what of its files is no weight, and what makes model and table."""

    prefix: str
    left_out: tuple[str, ...]
    make: Callable[[dict[str, Any], Collection[str], int | None, dict], tuple[Module, list[Row]]]


def _linear(ours: str, theirs: str | tuple[str, ...], n: int, *m: int, bias: str = "bias") -> Iterator[Row]:
    """A map of n features to m, several side by side; `bias` "" if there is none."""
    theirs = (theirs,) if isinstance(theirs, str) else theirs
    name = ours if ours.endswith("_weight") else f"{ours}.weight"
    yield Row(name, tuple(f"{one}.weight" for one in theirs), tuple((k, n) for k in m), True)
    if bias:
        name = ours.replace("_weight", "_bias") if ours.endswith("_weight") else f"{ours}.bias"
        yield Row(name, tuple(f"{one}.bias" for one in theirs), tuple((k,) for k in m))


def _norm(ours: str, theirs: str, n: int) -> Iterator[Row]:
    for part in ("weight", "bias"):
        yield Row(f"{ours}.{part}", (f"{theirs}.{part}",), ((n,),))


def _table(ours: str, theirs: str, *shape: int) -> Row:
    return Row(ours, (theirs,), (shape,))


def _encoder(k: int, n: int, wide: int, attention: str, norms: tuple[str, str]) -> Iterator[Row]:
    """Layer k of BERT or ViT, which is an `nn.TransformerEncoderLayer`."""
    ours, theirs = f"layers.modules.{k}", f"encoder.layer.{k}"
    parts = tuple(f"{theirs}.attention.{attention}.{part}" for part in ("query", "key", "value"))
    yield from _linear(f"{ours}.self_attn.in_proj_weight", parts, n, n, n, n)
    yield from _linear(f"{ours}.self_attn.out_proj", f"{theirs}.attention.output.dense", n, n)
    yield from _linear(f"{ours}.linear1", f"{theirs}.intermediate.dense", n, wide)
    yield from _linear(f"{ours}.linear2", f"{theirs}.output.dense", wide, n)
    for which, name in enumerate(norms, 1):
        yield from _norm(f"{ours}.norm{which}", f"{theirs}.{name}", n)


def bert(config: dict, names: Collection[str], max_len: int | None, place: dict) -> tuple[Module, list[Row]]:
    """BertModel, BertForMaskedLM (of BertForPreTraining too) or BertForSequenceClassification, as the names tell."""
    _only(config, hidden_act=("gelu", "relu"), position_embedding_type=("absolute",), is_decoder=(False,))
    n, layers, wide = _sizes(config, "hidden_size", "num_hidden_layers", "intermediate_size")
    tokens, kinds, positions = _sizes(config, "vocab_size", "type_vocab_size", "max_position_embeddings")
    (heads,) = _sizes(config, "num_attention_heads")
    act, eps = config.get("hidden_act", "gelu"), config.get("layer_norm_eps", 1e-12)
    pooler, dropout = "pooler.dense.weight" in names, config.get("hidden_dropout_prob", 0.1)
    body = Bert(tokens, positions, layers, heads, n, wide, kinds, dropout, eps, pooler, act, **place)
    rows = [
        _table("words.weight", "embeddings.word_embeddings.weight", tokens, n),
        _table("positions.weight", "embeddings.position_embeddings.weight", positions, n),
        _table("kinds.weight", "embeddings.token_type_embeddings.weight", kinds, n),
        *_norm("norm", "embeddings.LayerNorm", n),
    ]
    for k in range(layers):
        rows += _encoder(k, n, wide, "self", ("attention.output.LayerNorm", "output.LayerNorm"))
    if pooler:
        rows += _linear("pooler", "pooler.dense", n, n)
    within = [row._replace(ours=f"bert.{row.ours}") for row in rows]
    if "cls.predictions.bias" in names:
        head = "cls.predictions.transform"
        more = [*_linear("transform", f"{head}.dense", n, n), *_norm("norm", f"{head}.LayerNorm", n)]
        more.append(_table("bias", "cls.predictions.bias", tokens))
        return BertForMaskedLM(body, act), within + more
    if "classifier.weight" in names:
        classes = _classes(config)
        return BertClassifier(body, classes), [*within, *_linear("classifier", "classifier", n, classes)]
    return body, rows


def gpt2(config: dict, names: Collection[str], max_len: int | None, place: dict) -> tuple[Module, list[Row]]:
    """GPT2Model or GPT2LMHeadModel; both are a GPT, whose scores the tokens' table makes."""
    n, layers, heads, tokens, positions = _sizes(
        config, "n_embd", "n_layer", "n_head", "vocab_size", "n_positions"
    )
    _only(config, activation_function=("gelu_new", "gelu_pytorch_tanh"), n_inner=(None, 4 * n),
         scale_attn_weights=(True,), scale_attn_by_inverse_layer_idx=(False,), tie_word_embeddings=(True,))  # fmt: skip
    eps, dropout = config.get("layer_norm_epsilon", 1e-5), config.get("resid_pdrop", 0.1)
    model = GPT(tokens, positions, layers, heads, n, dropout, norm_eps=eps, **place)
    rows = [_table("wte.weight", "wte.weight", tokens, n), _table("wpe.weight", "wpe.weight", positions, n)]
    maps = ("attn_qkv", "attn.c_attn", n, 3 * n), ("attn_proj", "attn.c_proj", n, n),  \
           ("mlp_fc", "mlp.c_fc", n, 4 * n), ("mlp_proj", "mlp.c_proj", 4 * n, n)  # fmt: skip
    for k in range(layers):
        ours, theirs = f"blocks.modules.{k}", f"h.{k}"
        for name, their_name, inside, outside in maps:
            rows.append(_table(f"{ours}.{name}.weight", f"{theirs}.{their_name}.weight", inside, outside))
            rows.append(_table(f"{ours}.{name}.bias", f"{theirs}.{their_name}.bias", outside))
        for norm in ("ln_1", "ln_2"):
            rows += _norm(f"{ours}.{norm}", f"{theirs}.{norm}", n)
    return model, [*rows, *_norm("ln_f", "ln_f", n)]


def llama(config: dict, names: Collection[str], max_len: int | None, place: dict) -> tuple[Module, list[Row]]:
    """LlamaModel or LlamaForCausalLM; without a head of its own the tokens' table makes the scores."""
    _only(config, hidden_act=("silu",), pretraining_tp=(1,))
    n, layers, wide, heads = _sizes(
        config, "hidden_size", "num_hidden_layers", "intermediate_size", "num_attention_heads"
    )
    tokens, positions = _sizes(config, "vocab_size", "max_position_embeddings")
    kv = config.get("num_key_value_heads") or heads
    size = config.get("head_dim") or n // heads
    base, frequencies = _rotation(config, size)
    tied = bool(config.get("tie_word_embeddings", False)) or config.get("architectures") == ["LlamaModel"]
    has, has_in_mlp = (bool(config.get(key, False)) for key in ("attention_bias", "mlp_bias"))
    model = Llama(
        tokens, min(positions, max_len or positions), layers, heads, n, kv, wide, size, base, frequencies,
        config.get("rms_norm_eps", 1e-6), tied, has, has_in_mlp, **place,
    )  # fmt: skip
    rows = [_table("wte.weight", "embed_tokens.weight", tokens, n), _table("norm.weight", "norm.weight", n)]
    bias, bias_in_mlp = ("bias" if one else "" for one in (has, has_in_mlp))
    for k in range(layers):
        ours, theirs = f"blocks.modules.{k}", f"layers.{k}"
        parts = tuple(f"{theirs}.self_attn.{part}_proj" for part in "qkv")
        rows += _linear(f"{ours}.attn_qkv", parts, n, heads * size, kv * size, kv * size, bias=bias)
        rows += _linear(f"{ours}.attn_proj", f"{theirs}.self_attn.o_proj", heads * size, n, bias=bias)
        for part, inside, outside in (("gate", n, wide), ("up", n, wide), ("down", wide, n)):
            name = f"mlp.{part}_proj"
            rows += _linear(f"{ours}.{name}", f"{theirs}.{name}", inside, outside, bias=bias_in_mlp)
        for name, their_name in (("attn_norm", "input_layernorm"), ("mlp_norm", "post_attention_layernorm")):
            rows.append(_table(f"{ours}.{name}.weight", f"{theirs}.{their_name}.weight", n))
    return model, rows if tied else [*rows, *_linear("head", "lm_head", n, tokens, bias="")]


def _rotation(config: dict, size: int) -> tuple[float, np.ndarray | None]:
    """The base of the angles, and the angles of one step where these are scaled; old and new settings are read."""
    found = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(found, dict):
        raise DataError(f"load_pretrained: how positions are scaled stands in a dict, got {found!r:.60}")
    base = found.get("rope_theta", config.get("rope_theta", 10000.0))
    kind = found.get("rope_type", found.get("type", "default"))
    if kind == "default":
        return base, None
    if kind == "linear":
        return base, base ** (-np.arange(0, size, 2) / size) / _numbers(found, "factor")[0]
    if kind == "llama3":
        keys = "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"
        return base, llama3_frequencies(size, base, *_numbers(found, *keys))
    raise DataError(
        f"load_pretrained: positions are turned by {kind!r}; known are default, linear and llama3"
    )


def vit(config: dict, names: Collection[str], max_len: int | None, place: dict) -> tuple[Module, list[Row]]:
    """ViTModel, with or without its pooler, or ViTForImageClassification."""
    _only(config, hidden_act=("gelu",), qkv_bias=(True,), pooler_act=("tanh",))
    n, layers, heads, wide = _sizes(
        config, "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"
    )
    side, patch, channels = _sizes(config, "image_size", "patch_size", "num_channels")
    pooler, classifier = "pooler.dense.weight" in names, "classifier.weight" in names
    classes = _classes(config) if classifier else None
    eps, dropout = config.get("layer_norm_eps", 1e-12), config.get("hidden_dropout_prob", 0.0)
    model = ViT(side, patch, channels, layers, heads, n, wide, classes, dropout, eps, pooler, **place)
    projection = "embeddings.patch_embeddings.projection"
    rows = [
        _table("first", "embeddings.cls_token", 1, 1, n),
        _table("positions", "embeddings.position_embeddings", 1, 1 + (side // patch) ** 2, n),
        Row("patches.weight", (f"{projection}.weight",), ((n, channels, patch, patch),), True),
        _table("patches.bias", f"{projection}.bias", n),
        *_norm("norm", "layernorm", n),
    ]
    for k in range(layers):
        rows += _encoder(k, n, wide, "attention", ("layernorm_before", "layernorm_after"))
    rows += _linear("pooler", "pooler.dense", n, n) if pooler else []
    return model, rows + (list(_linear("head", "classifier", n, classes)) if classes else [])


FAMILIES = {
    "bert": Family("bert.", ("embeddings.position_ids", "cls.seq_relationship.*", "cls.predictions.decoder.*"), bert),
    "gpt2": Family("transformer.", ("h.*.attn.bias", "h.*.attn.masked_bias"), gpt2),
    "llama": Family("model.", ("layers.*.self_attn.rotary_emb.inv_freq",), llama),
    "vit": Family("vit.", ("embeddings.mask_token",), vit),
}  # fmt: skip


def _classes(config: dict) -> int:
    labels = config.get("id2label") or {}
    if not isinstance(labels, dict):
        raise DataError(f"load_pretrained: the configuration says id2label={labels!r:.60}, wanted a dict")
    return len(labels) or config.get("num_labels", 2)


def _sizes(config: dict, *keys: str) -> list[int]:
    """Sizes that a configuration must have."""
    found = _numbers(config, *keys)
    wrong = [key for key, value in zip(keys, found, strict=True) if type(value) is not int]
    if wrong:
        raise DataError(
            f"load_pretrained: the configuration says {wrong[0]}={config[wrong[0]]!r}, wanted a size"
        )
    return found


def _numbers(config: dict, *keys: str) -> list:
    """Numbers above 0 that a configuration must have."""
    for key in keys:
        if type(config.get(key)) not in (int, float) or config[key] <= 0:
            raise DataError(
                f"load_pretrained: the configuration says {key}={config.get(key)!r}, wanted a number above 0"
            )
    return [config[key] for key in keys]


def _only(config: dict, **known: tuple) -> None:
    """Refuse settings that our models do not have; those that are not given have their usual value, the first one."""
    for key, values in known.items():
        if key in config and config[key] not in values:
            raise DataError(
                f"load_pretrained: the configuration says {key}={config[key]!r}; known is "
                f"{' or '.join(repr(value) for value in values)}"
            )
