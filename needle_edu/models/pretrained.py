"""Weights that somebody else has trained, in our own models: the names mapped, the shapes checked, nothing run.

A public checkpoint is a folder: config.json says of which family a model is and its sizes, model.safetensors has the
numbers. The sizes make a model and a table, our name beside theirs (layouts.py); what has no place in the table, and
what it wants and is not there, is an error that names it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ..backend.arguments import whole
from ..backend.errors import DataError, ShapeError
from ..backend.random import seeded
from ..checkpoints.weights import INDEX, Weights, read_json
from .layouts import FAMILIES, Row

FILE = "model.safetensors"


def load_pretrained(
    path: str | os.PathLike, config: Mapping[str, Any] | None = None, *, max_len: int | None = None,
    device: Any = None, dtype: Any = "float32",
) -> Any:  # fmt: skip
    """Make a model of ours with the weights of a public checkpoint, ready to be used: in evaluation mode.

    Checkpoints are those of BERT, GPT-2, Llama and ViT as the package transformers saves them, in one file or several;
    half-precision numbers become float32. Random numbers are left where they were.

    Parameters
    ----------
    path : path
        A folder with config.json and model.safetensors, or model.safetensors.index.json and the files it names; or a
        .safetensors file.
    config : dict, optional
        In place of the config.json beside it.
    max_len : int, optional
        The longest sequence a Llama is for, at most what its configuration says: a smaller table of positions.
    device, dtype
        Of the parameters.

    Returns
    -------
    Bert, BertForMaskedLM, BertClassifier, GPT, Llama or ViT

    Raises
    ------
    FileNotFoundError
        If a file is not there.
    DataError
        If one is damaged, the model is of no known family, or tensors are missing or unknown.
    ShapeError
        If a tensor has another shape than the configuration says.

    Examples
    --------
    >>> import json, tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "config.json").write_text(json.dumps({"model_type": "t5"}))
    >>> load_pretrained(folder)
    Traceback (most recent call last):
        ...
    needle_edu.backend.errors.DataError: load_pretrained: model_type 't5' is not known; known are bert, gpt2, llama, vit
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"load_pretrained: path is that of a folder or a file, got {path!r:.60}")
    if config is not None and not isinstance(config, Mapping):
        raise TypeError(f"load_pretrained: config is a dict, got {config!r:.60}")
    where = Path(path)
    folder = where if where.is_dir() else where.parent
    if config is None and not (folder / "config.json").exists():
        raise FileNotFoundError(
            f"load_pretrained: there is no {folder / 'config.json'}; path is a folder on this machine with config.json "
            "and model.safetensors, and nothing is fetched"
        )
    settings = dict(read_json(folder / "config.json") if config is None else config)
    kind = settings.get("model_type")
    if not isinstance(kind, str) or kind not in FAMILIES:
        raise DataError(f"load_pretrained: model_type {kind!r} is not known; known are {', '.join(FAMILIES)}")
    if max_len is not None:
        whole("load_pretrained", max_len=max_len)
        if kind != "llama":
            raise ValueError(
                f"load_pretrained: max_len is for Llama, whose positions are computed, not for {kind}"
            )
    family, weights = FAMILIES[kind], Weights(_file_in(where) if where.is_dir() else where)
    names = {_plain(name, family.prefix): name for name in weights}
    with seeded(0):  # whoever loads a model has not asked for random numbers
        model, rows = family.make(settings, names, max_len, {"device": device, "dtype": dtype})
    own = dict(model.named_parameters())
    tied = () if "head.weight" in own else ("lm_head.weight",)  # a copy of the tokens' table, if it is there
    _check(weights, rows, names, family.left_out + tied)
    state = {}
    for row in rows:
        made = row.made_of([weights[names[name]] for name in row.theirs])
        state[row.ours] = made.reshape(own[row.ours].shape).astype(dtype)
    model.load_state_dict(state)
    return model.eval()


def _file_in(folder: Path) -> Path:
    index = folder / (FILE + INDEX)
    file = folder / FILE
    if not file.exists() and not index.exists():
        raise FileNotFoundError(f"load_pretrained: {folder} has neither {FILE} nor {FILE}{INDEX}")
    return file if file.exists() else index


def _plain(name: str, prefix: str) -> str:
    """A name without the model's own in front, and with today's words for a normalisation's weight and bias."""
    name = name.removeprefix(prefix)
    for old, new in (("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")):
        if name.endswith(old):
            name = name.removesuffix(old) + new
    return name


def _check(weights: Weights, rows: list[Row], names: dict[str, str], left_out: tuple[str, ...]) -> None:
    wanted = {name: shape for row in rows for name, shape in zip(row.theirs, row.shapes, strict=True)}
    missing = sorted(name for name in wanted if name not in names)
    unknown = sorted(
        own
        for name, own in names.items()
        if name not in wanted and not any(fnmatchcase(name, one) for one in left_out)
    )
    if missing or unknown:
        raise DataError(
            f"load_pretrained: {weights.path}: the tensors are not those of the configuration: "
            f"missing {_some(missing)}, unknown {_some(unknown)}"
        )
    wrong = [
        f"{names[name]} has shape {weights.shape(names[name])}, the configuration wants {shape}"
        for name, shape in wanted.items()
        if weights.shape(names[name]) != shape
    ]
    if wrong:
        raise ShapeError(f"load_pretrained: {weights.path}: {'; '.join(wrong)}")


def _some(names: list[str]) -> str:
    """Up to six names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return (", ".join(names[:6]) + more) if names else "nothing"
