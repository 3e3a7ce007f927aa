"""Sentence vectors: beside NumPy's mean over plain BERT, and MiniLM's beside transformers on the same files."""

from types import SimpleNamespace

import numpy as np
import pytest

from needle_edu import Tensor, data, models
from needle_edu.backend.errors import DataError
from needle_edu.models import Bert, SentenceEncoder, load_pretrained, minilm
from tests.models import plain


class Letters:
    """A token for each letter."""

    def encode_batch(self, texts):
        return [SimpleNamespace(ids=[1, *((ord(c) - 90) % 13 for c in text), 2]) for text in texts]


class Words:
    """A token for each word, and none besides."""

    def encode_batch(self, texts):
        return [SimpleNamespace(ids=[len(word) for word in text.split()]) for text in texts]


TEXTS = ["a sea", "to be", "x", "or not", "a sea"]


def units(w):
    """The vectors of TEXTS by the formula, one sentence after the other."""
    found = []
    for encoding in Letters().encode_batch(TEXTS):
        ids = encoding.ids
        mean = plain.bert_hidden(w, np.array(ids), np.ones(len(ids)), [0] * len(ids)).mean(0)
        found.append(mean / np.linalg.norm(mean))
    return np.array(found)


@pytest.mark.parametrize("batch_size", [1, 2, 32])
def test_each_sentence_is_the_unit_mean_of_its_tokens_alone(tmp_path, rng, batch_size):
    w = plain.bert(rng)
    model = load_pretrained(plain.folder(tmp_path, plain.BERT, w), dtype="float64")
    encoder = SentenceEncoder(model, Letters())
    encoder.train()
    vectors = encoder.encode(TEXTS, batch_size=batch_size)
    assert vectors.dtype == "float64" and encoder.training and model.training
    np.testing.assert_allclose(vectors, units(w), rtol=1e-9, atol=1e-10)
    assert encoder.encode([]).shape == (0, 8)
    model.eval()
    encoder.encode(TEXTS)
    assert encoder.training and not model.training


def test_it_can_be_trained_and_counts_only_what_the_mask_says(rng):
    model = Bert(13, 9, 1, 2, 8, dtype="float64")
    encoder, tokens = SentenceEncoder(model, Letters()), Tensor([[1, 5, 2, 0], [1, 7, 8, 2]])
    short = encoder(Tensor([[1, 5, 2]]))
    masked = encoder(tokens, Tensor([[1, 1, 1, 0], [1, 1, 1, 1]]))
    np.testing.assert_allclose(masked.numpy()[0], short.numpy()[0], rtol=1e-9)
    (masked[0] * masked[1]).sum().backward()
    gradient = model.words.weight.grad.numpy()
    assert np.abs(gradient[[1, 5, 2, 7, 8]]).sum(1).all() and not gradient[[0, 3, 4, 6, 9, 10, 11, 12]].any()


def test_a_text_of_no_tokens_is_zero(rng):
    class Words:
        def encode_batch(self, texts):
            return [SimpleNamespace(ids=[len(word) for word in text.split()]) for text in texts]

    encoder = SentenceEncoder(Bert(13, 9, 1, 2, 8), Words())
    for texts in (["", "to be"], [""]):
        vectors = encoder.encode(texts)
        assert not vectors[0].any() and np.isfinite(vectors).all()


def test_wrong_arguments():
    encoder = SentenceEncoder(Bert(13, 9, 1, 2, 8), Letters())
    with pytest.raises(TypeError, match="SentenceEncoder.encode: texts are several, in a list; got 'one'"):
        encoder.encode("one")
    with pytest.raises(TypeError, match="SentenceEncoder.encode: texts are strings, got 3"):
        encoder.encode(["one", 3])
    with pytest.raises(ValueError, match="batch_size is a whole number of at least 1, got 0"):
        encoder.encode(["one"], batch_size=0)
    with pytest.raises(DataError, match="the tokenizer made 0 rows of 1 texts"):
        SentenceEncoder(Bert(13, 9, 1, 2, 8), SimpleNamespace(encode_batch=lambda texts: [])).encode(["one"])
    with pytest.raises(TypeError, match="SentenceEncoder: model is a Bert, got str"):
        SentenceEncoder("bert", Letters())
    with pytest.raises(TypeError, match=r"a tokenizer has encode_batch\(texts\), got 'words'"):
        SentenceEncoder(Bert(13, 9, 1, 2, 8), "words")
    with pytest.raises(ValueError, match="minilm: max_len is at most 512, got 513"):
        minilm(max_len=513)


def test_folders_that_hold_no_model(tmp_path):
    pytest.importorskip("tokenizers", reason="reads tokenizer.json; pip install tokenizers")
    with pytest.raises(FileNotFoundError, match="tokenizer.json"):
        minilm(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(DataError, match="tokenizer.json is no tokenizer"):
        minilm(tmp_path)


SENTENCES = [
    "Plants turn sunlight into sugar.", "A dog chased the postman down the street.", "Is it going to rain tomorrow?",
    "The bank raised its interest rates again, which nobody who reads the papers had expected so early in the year.",
    "Photosynthesis feeds leaves.", "x", "Zürich, 日本, naïve café — “quotes” & 12.5 %!",
]  # fmt: skip


@pytest.mark.parity
def test_minilm_is_transformers_on_the_same_files():
    if not data.downloads.at_hand("minilm"):
        pytest.skip("MINILM IS NOT HERE: needle-edu data minilm fetches it")
    reason = "compares with transformers; pip install torch==2.13.0 transformers==5.24.0"
    torch = pytest.importorskip("torch", reason=reason)
    transformers = pytest.importorskip("transformers", reason=reason)
    folder = data.download("minilm") / "all-MiniLM-L6-v2"
    theirs = transformers.BertModel(transformers.BertConfig(**models.sentences.MINILM)).eval()
    from safetensors.torch import load_file

    left = theirs.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    assert left.missing_keys == []
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), pad_token="[PAD]"
    )
    given = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    counts = given["attention_mask"]
    with torch.no_grad():
        x = theirs(given["input_ids"], attention_mask=counts).last_hidden_state
    mean = (x * counts[..., None]).sum(1) / counts.sum(1, keepdim=True)
    wanted = torch.nn.functional.normalize(mean).numpy()
    encoder = minilm()
    hidden = encoder.model(Tensor(given["input_ids"].numpy()), Tensor(counts.numpy())).numpy()
    seen = counts.numpy().astype(bool)
    np.testing.assert_allclose(hidden[seen], x.numpy()[seen], atol=1e-5)
    vectors = encoder.encode(SENTENCES)
    np.testing.assert_allclose(vectors, wanted, atol=1e-5)
    best = (vectors @ encoder.encode(["How do leaves get their food?"])[0]).argsort()[::-1]
    assert set(best[:2]) == {0, 4}
