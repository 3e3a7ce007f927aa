"""Small checkpoints that the package transformers saves, of random numbers: the same results, token for token."""

import numpy as np
import pytest

from needle_edu import Tensor
from needle_edu.models import load_pretrained

pytestmark = pytest.mark.parity


@pytest.fixture
def hub():
    """transformers and torch, a seed set; skips where they are not."""
    reason = "compares with transformers; pip install torch==2.13.0 transformers==5.24.0"
    torch = pytest.importorskip("torch", reason=reason)
    transformers = pytest.importorskip("transformers", reason=reason)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    return transformers, torch


BERT = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40,
        "max_position_embeddings": 20, "initializer_range": 0.3}  # fmt: skip
LLAMA = {"vocab_size": 50, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "intermediate_size": 40, "max_position_embeddings": 64,
         "initializer_range": 0.3}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 20, "rope_theta": 500.0}  # fmt: skip
GPT2 = {"vocab_size": 50, "n_embd": 24, "n_layer": 2, "n_head": 3, "n_positions": 64, "initializer_range": 0.3,
        "bos_token_id": None, "eos_token_id": None}  # fmt: skip
VIT = {"hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 3, "intermediate_size": 40, "image_size": 12,
       "patch_size": 4, "initializer_range": 0.3}  # fmt: skip


def both(hub, tmp_path, kind, config, **more):
    """Theirs, saved to a folder, and ours, loaded from it."""
    transformers, torch = hub
    theirs = getattr(transformers, kind)(getattr(transformers, config)(**more)).eval()
    for parameter in theirs.parameters():
        if parameter.ndim == 1:  # biases start at 0 and norms at 1: let a mistake there show
            parameter.data += 0.2 * torch.randn_like(parameter)
    theirs.save_pretrained(tmp_path, max_shard_size="40KB" if kind.startswith("Llama") else "5GB")
    return theirs, load_pretrained(tmp_path)


def close(ours, theirs):
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "kind", ["BertModel", "BertForMaskedLM", "BertForPreTraining", "BertForSequenceClassification"]
)
def test_bert(hub, tmp_path, rng, kind):
    torch = hub[1]
    theirs, ours = both(hub, tmp_path, kind, "BertConfig", **BERT)
    tokens, kinds = rng.integers(0, 50, (3, 11)), rng.integers(0, 2, (3, 11))
    counts = (np.arange(11) < np.array([[11], [4], [8]])).astype(np.int64)
    out = theirs(
        torch.tensor(tokens), attention_mask=torch.tensor(counts), token_type_ids=torch.tensor(kinds)
    )
    given = ours(Tensor(tokens), attention_mask=Tensor(counts), kinds=Tensor(kinds))
    close(given, out[0])
    if kind == "BertModel":
        close(ours.pooled(given), out.pooler_output)


@pytest.mark.parametrize("kind", ["GPT2Model", "GPT2LMHeadModel"])
def test_gpt2(hub, tmp_path, rng, kind):
    torch = hub[1]
    theirs, ours = both(hub, tmp_path, kind, "GPT2Config", **GPT2)
    tokens = rng.integers(0, 50, (2, 13))
    found = ours.hidden(Tensor(tokens)) if kind == "GPT2Model" else ours(Tensor(tokens))
    close(found, theirs(torch.tensor(tokens))[0])
    if kind == "GPT2LMHeadModel":
        written_alike(torch, theirs, ours, tokens)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"tie_word_embeddings": True, "attention_bias": True, "mlp_bias": True, "head_dim": 10},
        {"rope_parameters": LLAMA3},
        {
            "rope_parameters": {"rope_type": "linear", "factor": 4.0, "rope_theta": 500.0},
            "num_key_value_heads": 4,
        },
    ],
    ids=["plain", "tied, biases, wide heads", "llama3 positions", "linear positions"],
)
def test_llama(hub, tmp_path, rng, more):
    torch = hub[1]
    theirs, ours = both(hub, tmp_path, "LlamaForCausalLM", "LlamaConfig", **{**LLAMA, **more})
    assert (tmp_path / "model.safetensors.index.json").exists()
    tokens = rng.integers(3, 50, (2, 13))
    close(ours(Tensor(tokens)), theirs(torch.tensor(tokens)).logits)
    if "rope_parameters" not in more:
        written_alike(torch, theirs, ours, tokens)


def written_alike(torch, theirs, ours, tokens):
    theirs.generation_config.eos_token_id = None
    mask = torch.ones(tokens.shape, dtype=torch.long)
    wanted = theirs.generate(
        torch.tensor(tokens), attention_mask=mask, max_new_tokens=20, do_sample=False, pad_token_id=0
    )
    for use_cache in (True, False):
        made = ours.generate(tokens, 20, temperature=0, use_cache=use_cache)
        np.testing.assert_array_equal(made, wanted.numpy())
    assert len(np.unique(made[:, 13:])) > 2  # not one token over and over


@pytest.mark.parametrize("kind, channels", [("ViTModel", 3), ("ViTForImageClassification", 1)])
def test_vit(hub, tmp_path, rng, kind, channels):
    torch = hub[1]
    labels = {"id2label": {k: str(k) for k in range(5)}} if kind != "ViTModel" else {}
    theirs, ours = both(hub, tmp_path, kind, "ViTConfig", num_channels=channels, **VIT, **labels)
    images = rng.standard_normal((2, channels, 12, 12), dtype=np.float32)
    out, given = theirs(torch.tensor(images)), ours(Tensor(images))
    close(given, out[0])
    if kind == "ViTModel":
        close(ours.pooled(given), out.pooler_output)
