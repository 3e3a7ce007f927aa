"""The thumbnails and the made-up sentences that come with needle_edu."""

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from needle_edu import data
from needle_edu.backend.errors import DataError
from needle_edu.data.datasets import fashion_thumbnails as module, sentences as grammar

DIGEST = "cc6504b0d98ac66d10680c6f9f1b17554821171f52871e3a9095384f345dd3bc"
FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts it


@pytest.mark.parametrize(("split", "each"), [("train", 400), ("test", 100)])
def test_thumbnails_are_whole(split, each):
    images, labels = data.thumbnails(split)
    assert images.shape == (10 * each, 196) and images.dtype == np.float32
    assert np.bincount(labels).tolist() == [each] * 10 and labels.dtype == np.int64
    assert images.min() == 0 and images.max() > 0.99
    np.testing.assert_array_equal(np.rint(images * 255) / np.float32(255), images)
    assert len(np.unique(labels[:100])) == 10, "they come in random order"


def test_thumbnails_look_like_clothes():
    """So that no one has swapped an axis, or the labels."""
    images, labels = data.thumbnails("train")
    mean = [images[labels == label].mean(axis=0).reshape(14, 14) for label in range(10)]
    trousers = mean[module.CLASSES.index("trousers")]
    assert trousers[12, 5] > 2 * trousers[12, 0] and trousers[:, :3].max() < 0.1  # upright, narrow
    boot = mean[module.CLASSES.index("ankle boot")]
    assert boot[2, 9:].mean() > 2 * boot[2, :4].mean()  # the shaft is on the right, the toe on the left
    assert boot[9].min() > 0.15


def test_no_test_thumbnail_is_one_to_learn_from():
    train, test = (set(map(bytes, data.thumbnails(split)[0])) for split in ("train", "test"))
    assert len(train) == 4000 and len(test) == 1000 and not train & test


@pytest.mark.skipif(not FASHION.exists(), reason="needs Debian's package dataset-fashion-mnist")
def test_thumbnails_are_made_anew_bit_for_bit(tmp_path):
    module.make(FASHION, tmp_path)
    made = sorted(tmp_path.iterdir())
    assert len(made) == 4
    for file in made:
        np.testing.assert_array_equal(data.read_idx(file), data.read_idx(module.FILES / file.name))


@pytest.mark.skipif(not FASHION.exists(), reason="needs Debian's package dataset-fashion-mnist")
def test_a_thumbnail_is_the_picture_made_smaller():
    """By slices, for one class: independent of how the thumbnails are made."""
    images = data.read_idx(FASHION / "t10k-images-idx3-ubyte.gz")
    labels = data.read_idx(FASHION / "t10k-labels-idx1-ubyte.gz")
    bags = images[labels == 8][:100].astype(float)
    means = (bags[:, ::2, ::2] + bags[:, 1::2, ::2] + bags[:, ::2, 1::2] + bags[:, 1::2, 1::2]) / 4
    small, kinds = data.thumbnails("test")
    assert np.abs(small[kinds == 8].reshape(-1, 14, 14) * 255 - means).max() <= 0.5 + 1e-4


def test_changing_thumbnails_does_not_change_the_data_set():
    data.thumbnails("test")[0][:] = 7
    assert data.thumbnails("test")[0].max() <= 1.0


def test_thumbnails_dataset_and_transforms():
    images, labels = data.thumbnails("test")
    ds = data.ThumbnailsDataset("test")
    x, y = ds[7]
    np.testing.assert_array_equal(x, images[7])
    assert y == labels[7] and len(ds) == 1000
    mirrored = data.ThumbnailsDataset("test", transforms=[data.RandomFlipHorizontal(p=1.0)])
    np.testing.assert_array_equal(mirrored[7][0].reshape(14, 14), images[7].reshape(14, 14)[:, ::-1])


@pytest.mark.parametrize("what", [data.thumbnails, data.ThumbnailsDataset])
def test_a_wrong_split_is_said(what):
    with pytest.raises(DataError, match="split is 'train' or 'test', got 'valid'"):
        what("valid")


def test_embedded_data_is_loaded_by_name():
    for name, kind, sizes in (
        ("digits", data.DigitsDataset, (1438, 359)),
        ("thumbnails", data.ThumbnailsDataset, (4000, 1000)),
        ("sentences", data.SentencesDataset, (6000, 1200)),
    ):
        both = [data.load(name, train=train) for train in (True, False)]
        assert [type(ds) for ds in both] == [kind, kind] and tuple(map(len, both)) == sizes
    mirror = data.load("thumbnails", False, [data.RandomFlipHorizontal(p=1.0)])
    np.testing.assert_array_equal(
        mirror[0][0].reshape(14, 14)[:, ::-1].ravel(), data.thumbnails("test")[0][0]
    )


def test_embedded_data_is_always_at_hand(monkeypatch, tmp_path):
    from needle_edu.data.downloads import EMBEDDED, at_hand

    monkeypatch.setenv("NEEDLE_EDU_DATA", str(tmp_path))
    assert EMBEDDED == ("digits", "thumbnails", "sentences")
    assert all(map(at_hand, EMBEDDED)) and not at_hand("mnist")
    with pytest.raises(
        DataError, match="at_hand: there is no data set 'digit'; the names are digits, thumbnails"
    ):
        at_hand("digit")


def test_load_says_what_is_wrong():
    with pytest.raises(
        ValueError, match="transforms are for pictures; give the loader of 'sentences' a collate"
    ):
        data.load("sentences", True, [print])
    with pytest.raises(
        DataError, match="no data set 'digit'; the names are digits, thumbnails, sentences, mnist"
    ):
        data.load("digit")
    with pytest.raises(ValueError, match="train is True or False"):
        data.load("digits", train=2)


def test_sentences_are_the_same_everywhere():
    text = "\n".join(
        f"{label} {text}" for part in (True, False) for text, label in data.SentencesDataset(part)
    )
    assert hashlib.sha256(text.encode()).hexdigest() == DIGEST


def test_sentences_are_balanced_and_no_two_alike():
    parts = [data.SentencesDataset(train) for train in (True, False)]
    texts = [text for part in parts for text, _ in part]
    assert len(set(texts)) == len(texts) == 7200
    for part, each in zip(parts, (500, 100), strict=True):
        counted = Counter((rule, label) for rule, (_, label) in zip(part.rules, part, strict=True))
        assert counted == {(rule, label): each for rule in grammar.RULES for label in (0, 1)}
        assert {label for _, label in [part[i] for i in range(20)]} == {0, 1}  # in random order


@pytest.mark.parametrize("rule", grammar.RULES)
def test_a_wrong_sentence_is_wrong_in_one_place(rule):
    changed = Counter()
    for seed in range(200):
        right, wrong = (
            grammar.sentence(rule, broken, np.random.RandomState(seed)).split() for broken in (False, True)
        )
        assert len(right) == len(wrong)
        places = [i for i, pair in enumerate(zip(right, wrong, strict=True)) if pair[0] != pair[1]]
        if rule == "order":
            assert places[1] == places[0] + 1 and len(places) == 2
            assert wrong[places[0]] == right[places[1]] and wrong[places[1]] == right[places[0]]
        else:
            assert len(places) == 1
        changed[frozenset((right[places[0]], wrong[places[0]]))] += 1
    assert len(changed) > 2, "always the same words"


PLURAL = {word for pair in grammar.PEOPLE for word in pair[1:2]}
SINGULAR = {pair[0] for pair in grammar.PEOPLE}
WITH_S = {verb[1] for verb in (*grammar.TRANSITIVE, *grammar.INTRANSITIVE)} | {"has"}
BASE = {verb[0] for verb in (*grammar.TRANSITIVE, *grammar.INTRANSITIVE)} | {"have"}


def judged(text):
    """A judge of the same grammar, written from the sentence's side."""
    words = text.split()
    person = next(i for i, word in enumerate(words) if word in PLURAL | SINGULAR)
    plural = words[person] in PLURAL
    after = words[person + 1 :]
    if words[0] in {True: grammar.DETERMINERS[0], False: grammar.DETERMINERS[1]}[plural]:
        return 0
    if after[0] in grammar.ADJECTIVES:
        return 0
    i = next(i for i, word in enumerate(after) if word in WITH_S | BASE | {"will"})
    verb, following = after[i], after[i + 1]
    participles = {v[2] for v in (*grammar.TRANSITIVE, *grammar.INTRANSITIVE)}
    if verb in ("has", "have") and following not in participles:
        return 0
    if verb == "will" and following not in BASE:
        return 0
    if verb != "will" and (verb in WITH_S) == plural:
        return 0
    myself = next((word for word in after if word.endswith(("self", "selves"))), None)
    own = "themselves" if plural else next(p[2] for p in grammar.PEOPLE if p[0] == words[person])
    return int(myself in (None, own))


def test_every_sentence_is_judged_alike():
    for part in (True, False):
        assert [text for text, label in data.SentencesDataset(part) if judged(text) != label] == []


def test_the_examples_of_the_rules_break_them():
    assert [judged(text) for text in grammar.RULES.values()] == [0] * 6


def test_sentences_leave_the_global_generator_alone():
    grammar._all.cache_clear()
    np.random.seed(5)
    data.SentencesDataset(True)
    assert np.random.rand() == np.random.RandomState(5).rand()


def test_wrong_arguments_of_sentences():
    with pytest.raises(DataError, match="no rule 'spelling'; the rules are determiner, order"):
        grammar.sentence("spelling", True, np.random.RandomState(0))
    with pytest.raises(ValueError, match="train is True or False"):
        data.SentencesDataset("yes")
