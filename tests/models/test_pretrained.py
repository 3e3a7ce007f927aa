"""Pretrained weights: checkpoints written here, loaded, and the results beside plain NumPy in float64."""

import json
import math
import re

import numpy as np
import pytest

from needle_edu import Tensor
from needle_edu.aliasing import set_habits
from needle_edu.backend.errors import DataError, ShapeError
from needle_edu.checkpoints.weights import Weights
from needle_edu.models import GPT, Bert, BertClassifier, Llama, ViT, load_pretrained
from tests.models import plain

DOUBLE = {"dtype": "float64"}


def close(ours, wanted):
    np.testing.assert_allclose(ours.numpy(), wanted, rtol=1e-9, atol=1e-10)


def test_bert(tmp_path, rng):
    w = plain.bert(rng)
    tokens, kinds = rng.integers(0, 13, (2, 6)), rng.integers(0, 2, (2, 6))
    counts = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])
    model = load_pretrained(plain.folder(tmp_path, plain.BERT, w), **DOUBLE)
    assert type(model) is Bert and not model.training and model.pooler is None
    wanted = [plain.bert_hidden(w, *row) for row in zip(tokens, counts, kinds, strict=True)]
    close(model(Tensor(tokens), attention_mask=Tensor(counts), kinds=Tensor(kinds)), wanted)
    wanted = [plain.bert_hidden(w, row, np.ones(6), [0] * 6) for row in tokens]
    close(model(Tensor(tokens)), wanted)


def test_heads_of_bert(tmp_path, rng):
    w, tokens = plain.bert(rng), rng.integers(0, 13, (1, 5))
    hidden = plain.bert_hidden(w, tokens[0], np.ones(5), [0] * 5)
    within = {f"bert.{name}": a for name, a in w.items()}
    head = plain.Drawn(rng)
    head.linear("cls.predictions.transform.dense", 8, 8)
    head.norm("cls.predictions.transform.LayerNorm", 8)
    head.put("cls.predictions.bias", 13)
    model = load_pretrained(plain.folder(tmp_path, plain.BERT, {**within, **head}), **DOUBLE)
    inner = plain.gelu(plain.linear(head, "cls.predictions.transform.dense", hidden))
    inner = plain.layer_norm(head, "cls.predictions.transform.LayerNorm", inner, 1e-5)
    table = w["embeddings.word_embeddings.weight"]
    close(model(Tensor(tokens)), [inner @ table.T + head["cls.predictions.bias"]])

    head = plain.Drawn(rng)
    head.linear("bert.pooler.dense", 8, 8)
    head.linear("classifier", 8, 3)
    config = {**plain.BERT, "id2label": {"0": "no", "1": "perhaps", "2": "yes"}}
    model = load_pretrained(plain.folder(tmp_path, config, {**within, **head}), **DOUBLE)
    pooled = np.tanh(plain.linear(head, "bert.pooler.dense", hidden[0]))
    close(model(Tensor(tokens)), [plain.linear(head, "classifier", pooled)])


def test_old_names_of_bert_and_what_is_no_weight(tmp_path, rng):
    w, tokens = plain.bert(rng), rng.integers(0, 13, (1, 5))
    old = {name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): a
           for name, a in w.items()}  # fmt: skip
    old["embeddings.position_ids"] = np.arange(9)[None]
    model = load_pretrained(plain.folder(tmp_path, plain.BERT, old), **DOUBLE)
    close(model(Tensor(tokens)), [plain.bert_hidden(w, tokens[0], np.ones(5), [0] * 5)])


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_gpt2(tmp_path, rng, prefix):
    w, tokens = plain.gpt2(rng), rng.integers(0, 13, (2, 7))
    named = {prefix + name: a for name, a in w.items()}
    named[f"{prefix}h.0.attn.bias"] = np.ones((1, 1, 9, 9))  # the causal mask, in older files
    model = load_pretrained(plain.folder(tmp_path, plain.GPT2, named), **DOUBLE)
    assert type(model) is GPT
    close(model(Tensor(tokens)), [plain.gpt2_scores(w, row) for row in tokens])


FREQUENCIES = 50.0 ** (-np.arange(0, 6, 2) / 6)


def test_llama(tmp_path, rng):
    w, tokens = plain.llama(rng), rng.integers(0, 13, (2, 7))
    model = load_pretrained(plain.folder(tmp_path, plain.LLAMA, w), **DOUBLE)
    assert type(model) is Llama and model.cache_shape() == (2, 2, 6)
    close(model(Tensor(tokens)), [plain.llama_scores(w, row, FREQUENCIES) for row in tokens])


def test_the_cache_of_a_llama_changes_nothing(tmp_path, rng):
    tokens = rng.integers(0, 13, (2, 9))
    model = load_pretrained(plain.folder(tmp_path, plain.LLAMA, plain.llama(rng)), **DOUBLE)
    cache, parts = model.new_cache(2), []
    for start, stop in ((0, 4), (4, 5), (5, 8), (8, 9)):
        parts.append(model(Tensor(tokens[:, start:stop]), cache).numpy())
    close(model(Tensor(tokens)), np.concatenate(parts, 1))
    assert cache.length == 9


def test_a_tied_llama_makes_scores_by_its_table(tmp_path, rng):
    w, tokens = plain.llama(rng), rng.integers(0, 13, (1, 7))
    w["lm_head.weight"] = w["model.embed_tokens.weight"]
    wanted = plain.llama_scores(w, tokens[0], FREQUENCIES)
    config = {**plain.LLAMA, "tie_word_embeddings": True}
    for _ in range(2):  # with the copy in the file, and without
        model = load_pretrained(plain.folder(tmp_path, config, w), **DOUBLE)
        assert model.head is None
        close(model(Tensor(tokens)), [wanted])
        w.pop("lm_head.weight", None)


def stretched(factor, low, high, original):
    """Llama 3.1's angles, pair by pair."""
    for theta in FREQUENCIES:
        length = 2 * math.pi / theta
        if length < original / high:
            yield theta
        elif length > original / low:
            yield theta / factor
        else:
            share = (original / length - low) / (high - low)
            yield (1 - share) * theta / factor + share * theta


@pytest.mark.parametrize(
    "settings, frequencies",
    [
        ({"rope_type": "linear", "factor": 4.0}, FREQUENCIES / 4),
        ({"type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 40}, list(stretched(8, 1, 4, 40))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_scaled_positions(tmp_path, rng, settings, frequencies, key):
    w, tokens = plain.llama(rng), rng.integers(0, 13, (1, 9))
    config = {**plain.LLAMA, key: settings}
    if key == "rope_parameters":
        config[key] = {**settings, "rope_theta": config.pop("rope_theta")}
    model = load_pretrained(plain.folder(tmp_path, config, w), **DOUBLE)
    close(model(Tensor(tokens)), [plain.llama_scores(w, tokens[0], np.array(frequencies))])


def test_the_three_kinds_of_pairs_are_all_tried():
    found = list(stretched(8, 1, 4, 40)) / FREQUENCIES
    assert found[0] == 1 and 1 / 8 < found[1] < 1 and found[2] == 1 / 8


def test_vit(tmp_path, rng):
    w, images = plain.vit(rng), rng.standard_normal((3, 2, 6, 6))
    hidden = np.array([plain.vit_hidden(w, image) for image in images])
    model = load_pretrained(plain.folder(tmp_path, plain.VIT, w), **DOUBLE)
    close(model(Tensor(images, dtype="float64")), hidden)
    head = plain.Drawn(rng)
    head.linear("classifier", 8, 3)
    both = {**{f"vit.{name}": a for name, a in w.items()}, **head}
    model = load_pretrained(plain.folder(tmp_path, plain.VIT, both), **DOUBLE)
    close(model(Tensor(images, dtype="float64")), plain.linear(head, "classifier", hidden[:, 0]))


def test_greedy_generation_is_that_of_the_formula(tmp_path, rng):
    for name, scores in (
        ("gpt2", plain.gpt2_scores),
        ("llama", lambda w, row: plain.llama_scores(w, row, FREQUENCIES)),
    ):
        w = getattr(plain, name)(rng)
        model = load_pretrained(plain.folder(tmp_path / name, getattr(plain, name.upper()), w), **DOUBLE)
        row = [3, 1]
        for _ in range(6):
            row.append(int(scores(w, np.array(row))[-1].argmax()))
        assert model.generate([3, 1], 6, temperature=0).tolist() == row
        assert model.generate([3, 1], 6, temperature=0, use_cache=False).tolist() == row


def test_the_habits_of_the_name_needle_change_nothing():
    """There an integer index keeps its axis."""

    def results():
        tokens, image = Tensor([[1, 5, 6, 2]]), Tensor(np.arange(72.0).reshape(1, 2, 6, 6) / 72)
        bert = Bert(13, 9, 1, 2, 8)
        yield BertClassifier(bert, 3)(tokens).numpy()
        yield ViT(6, 3, 2, 1, 2, 8, classes=3)(image).numpy()
        yield GPT(13, 9, 1, 2, 8).generate([1, 2], 9, temperature=0)  # beyond its longest sequence
        yield Llama(13, 9, 1, 2, 8).generate([1, 2], 3, temperature=0)

    np.random.seed(1)
    usual = list(results())
    np.random.seed(1)
    set_habits(True)
    try:
        found = list(results())
    finally:
        set_habits(False)
    for one, other in zip(found, usual, strict=True):
        np.testing.assert_array_equal(one, other)


def test_several_files_and_other_dtypes(tmp_path, rng):
    w = {name: a.astype(np.float32) for name, a in plain.gpt2(rng).items()}
    whole = load_pretrained(plain.folder(tmp_path, plain.GPT2, w))
    names = list(w)
    parts = {"model-00001-of-00002.safetensors": names[:9], "model-00002-of-00002.safetensors": names[9:]}
    for file, some in parts.items():
        plain.write(tmp_path / file, {name: w[name] for name in some})
    (tmp_path / "model.safetensors").unlink()
    index = {"weight_map": {name: file for file, some in parts.items() for name in some}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    split = load_pretrained(tmp_path)
    for name, parameter in whole.named_parameters():
        np.testing.assert_array_equal(parameter.numpy(), dict(split.named_parameters())[name].numpy())

    halves = {name: a.astype(np.float16) for name, a in w.items()}
    model = load_pretrained(plain.folder(tmp_path / "half", plain.GPT2, halves))
    np.testing.assert_array_equal(model.wte.weight.numpy(), halves["wte.weight"].astype(np.float32))
    upper = {name: (a.view(np.uint32) >> 16).astype(np.uint16) for name, a in w.items()}
    model = load_pretrained(plain.folder(tmp_path / "bf16", plain.GPT2, upper))
    np.testing.assert_allclose(model.wte.weight.numpy(), w["wte.weight"], rtol=2**-7)
    assert model.wte.weight.dtype == "float32"


def test_random_numbers_stay_where_they_were(tmp_path, rng):
    plain.folder(tmp_path, plain.GPT2, plain.gpt2(rng))
    np.random.seed(5)
    load_pretrained(tmp_path)
    after = np.random.rand()
    np.random.seed(5)
    assert after == np.random.rand()


def test_a_shorter_llama(tmp_path, rng):
    w, tokens = plain.llama(rng), rng.integers(0, 13, (1, 5))
    model = load_pretrained(plain.folder(tmp_path, plain.LLAMA, w), max_len=5, **DOUBLE)
    assert model.max_len == 5
    close(model(Tensor(tokens)), [plain.llama_scores(w, tokens[0], FREQUENCIES)])
    with pytest.raises(ValueError, match="max_len is for Llama, .* not for gpt2"):
        load_pretrained(plain.folder(tmp_path, plain.GPT2, plain.gpt2(rng)), max_len=5)


# ---- what is wrong with a checkpoint ------------------------------------------------------------------------------


def refused(path, config, arrays, error, message):
    with pytest.raises(error, match=message):
        load_pretrained(plain.folder(path, config, arrays))


def test_tensors_that_are_missing_unknown_or_of_another_shape(tmp_path, rng):
    w = plain.llama(rng)
    left = {name: a for name, a in w.items() if name != "model.layers.1.mlp.up_proj.weight"}
    missing = r"missing layers.1.mlp.up_proj.weight, unknown nothing"
    refused(tmp_path, plain.LLAMA, left, DataError, missing)
    more = {**w, "model.layers.0.self_attn.q_norm.weight": np.ones(6)}
    refused(
        tmp_path, plain.LLAMA, more, DataError, "missing nothing, unknown model.layers.0.self_attn.q_norm"
    )
    headless = {name: a for name, a in w.items() if name != "lm_head.weight"}
    refused(tmp_path, plain.LLAMA, headless, DataError, "missing lm_head.weight")
    wide = {**plain.LLAMA, "num_key_value_heads": 4}
    shapes = r"model.layers.0.self_attn.k_proj.weight has shape \(12, 8\), the configuration wants \(24, 8\)"
    refused(tmp_path, wide, w, ShapeError, shapes)


@pytest.mark.parametrize(
    "config, changed, message",
    [
        (plain.BERT, {"model_type": "t5"}, "model_type 't5' is not known; known are bert, gpt2, llama, vit"),
        (plain.BERT, {"hidden_size": "8"}, "hidden_size='8', wanted a number above 0"),
        (plain.BERT, {"hidden_size": 8.5}, "hidden_size=8.5, wanted a size"),
        (plain.BERT, {"position_embedding_type": "relative_key"}, "position_embedding_type='relative_key'; known is"),
        (plain.BERT, {"hidden_act": "swish"}, "hidden_act='swish'; known is 'gelu' or 'relu'"),
        (plain.GPT2, {"n_inner": 7}, "n_inner=7; known is None or 32"),
        (plain.LLAMA, {"hidden_act": "gelu"}, "hidden_act='gelu'; known is 'silu'"),
        (plain.LLAMA, {"rope_scaling": {"rope_type": "yarn"}}, "turned by 'yarn'; known are default, linear"),
        (plain.LLAMA, {"rope_scaling": {"rope_type": "linear"}}, "factor=None, wanted a number"),
        (plain.LLAMA, {"rope_scaling": [2.0]}, "how positions are scaled stands in a dict, got [2.0]"),
        (plain.VIT, {"qkv_bias": False}, "qkv_bias=False; known is True"),
    ],
)  # fmt: skip
def test_configurations(tmp_path, rng, config, changed, message):
    w = getattr(plain, config["model_type"])(rng)
    refused(tmp_path, {**config, **changed}, w, DataError, re.escape(message))


def test_files(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="load_pretrained: there is no .*config.json; .* nothing is fetched"
    ):
        load_pretrained(tmp_path)
    with pytest.raises(DataError, match=r"model_type \['gpt2'\] is not known"):
        load_pretrained(tmp_path, {"model_type": ["gpt2"]})
    (tmp_path / "config.json").write_text(json.dumps(plain.GPT2))
    with pytest.raises(
        FileNotFoundError, match="has neither model.safetensors nor model.safetensors.index.json"
    ):
        load_pretrained(tmp_path)
    for config in ("{", "[]"):
        (tmp_path / "config.json").write_text(config)
        with pytest.raises(DataError, match="config.json: is damaged"):
            load_pretrained(tmp_path)
    with pytest.raises(TypeError, match="load_pretrained: path is"):
        load_pretrained(3)
    with pytest.raises(TypeError, match="load_pretrained: config is a dict"):
        load_pretrained(tmp_path, config="gpt2")


def test_damaged_weights(tmp_path, rng):
    file = tmp_path / "w.safetensors"
    plain.write(file, {"a": rng.standard_normal(5), "b": rng.standard_normal((2, 3))})
    np.testing.assert_array_equal(Weights(file)["b"].shape, (2, 3))
    good = file.read_bytes()
    for cut in (0, 5, 30, len(good) - 1):
        file.write_bytes(good[:cut])
        with pytest.raises(DataError, match="cut short"):
            Weights(file)
    for old, new, message in (
        (b'"F64"', b'"F99"', "'F99', known are F64"),
        (b"[5]", b"[6]", "does not lie in the bytes 0 to 40"),
        (b"[0, 40]", b"[-8,32]", "does not lie"),
        (b'"shape"', b'"shope"', "entry in the header is damaged"),
        (b'"F64"', b"[64] ", "its numbers are [64], known are F64"),
        (b'{"__', b'["__', "no JSON"),
    ):
        file.write_bytes(good.replace(old, new, 1))
        with pytest.raises(DataError, match=re.escape(message)):
            Weights(file)


@pytest.mark.parametrize("name", ["../w.safetensors", "/etc/passwd", "..", "sub/w.safetensors", "w\0"])
def test_an_index_names_only_files_beside_it(tmp_path, rng, name):
    inside = tmp_path / "inside"
    inside.mkdir()
    plain.write(tmp_path / "w.safetensors", {"a": rng.standard_normal(5)})
    index = inside / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(DataError, match="all files lie beside the index"):
        Weights(index)


def test_an_index_that_is_wrong(tmp_path, rng):
    plain.write(tmp_path / "w.safetensors", {"a": rng.standard_normal(5)})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"b": "w.safetensors"}}))
    with pytest.raises(DataError, match="w.safetensors has no 'b'"):
        Weights(index)
    index.write_text(json.dumps({"weight_map": {"a": "w.safetensors", "b": "gone.safetensors"}}))
    with pytest.raises(FileNotFoundError, match="names the file 'gone.safetensors', which is not beside it"):
        Weights(index)
    index.write_text(json.dumps({"weight_map": ["b"]}))
    with pytest.raises(DataError, match="a weight_map from names to files"):
        Weights(index)
