"""The table of docs/applications.md: every application trained, beside its PyTorch twin if that is asked for.

    python -m tests.applications                                  every row, on the data that is at hand
    python -m tests.applications resnet9 --beside                 one application, each step also made by PyTorch
    python -m tests.applications resnet9 --beside --threads 2

The twin has the same weights at the start and sees the same batches. Seconds per epoch are the fastest step
times the number of steps: so what else the machine does counts little. One loader serves both, and is left out; both
compute with the same number of threads.
"""

from __future__ import annotations

import argparse
from typing import Any

from needle_edu import backend, training

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("mlp", {"data": "fashion-mnist"}),
    ("lenet", {"data": "fashion-mnist"}),
    ("resmlp", {"data": "fashion-mnist"}),
    ("mlp", {"data": "digits", "epochs": 20, "batch_size": 32}),
    ("lenet", {"data": "digits", "epochs": 20, "batch_size": 32}),
    ("regularisation", {"data": "digits"}),
    ("resnet9", {"data": "cifar10"}),
    ("distillation", {"data": "thumbnails"}),
    ("kimcnn", {"data": "sentences"}),
    ("cola", {"data": "sentences"}),
    ("cola", {"data": "cola"}),
    ("rows", {"data": "digits"}),
    ("rows", {"data": "fashion-mnist"}),
    ("rnn-lm", {"data": "sentences"}),
    ("lstm-lm", {"data": "sentences"}),
    ("rnn-lm", {"data": "ptb"}),
    ("lstm-lm", {"data": "ptb"}),
    ("word2vec", {"data": "sentences"}),
    ("word2vec", {"data": "tinyshakespeare"}),
]
CLASSIFIERS = ("mlp", "lenet", "resmlp", "resnet9")
READERS = ("cola", "rows", "rnn-lm", "lstm-lm", "word2vec")
SHOWN = ("accuracy", "matthews", "perplexity")
HEAD = ["command", "epochs", "accuracy, Matthews correlation or perplexity", "s per epoch"]


def command(name: str, options: dict[str, Any]) -> str:
    words = [f"--{key.replace('_', '-')} {value}" for key, value in options.items()]
    return " ".join(["needle-edu train", name, *words])


def row(name: str, options: dict[str, Any], with_twin: bool) -> list[str]:
    """One line of the table."""
    from tests.training.beside import beside, beside_twin

    kind = (beside if name in CLASSIFIERS else beside_twin)(name) if with_twin else name
    result = training.run(kind, **options)
    print(result)
    epochs = len(result.history.ends)
    shown = [
        f"{100 * value:.2f} %" if key.endswith("accuracy") else f"{value:.4g}"
        for key, value in result.metrics.items()
        if key.endswith(SHOWN)
    ]
    per_epoch = len(result.history) / epochs
    times = [f"{min(steps) * per_epoch:.2f}" for steps in getattr(result.application, "seconds", {}).values()]
    return [f"`{command(name, options)}`", str(epochs), " / ".join(shown), " / ".join(times)]


def main() -> None:
    """Train, and print the table as Markdown."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="which applications; all if none is named")
    parser.add_argument("--beside", action="store_true", help="needle_edu / PyTorch, where there is a twin")
    parser.add_argument("--threads", type=int, default=1, help="of both (default 1)")
    args = parser.parse_args()
    backend.set_num_threads(args.threads)
    if args.beside:
        import torch

        torch.set_num_threads(args.threads)
    lines = [HEAD, ["---"] * len(HEAD)]
    for name, options in ROWS:
        if not args.names or name in args.names:
            try:
                lines.append(row(name, options, args.beside and name in CLASSIFIERS + READERS))
            except backend.DataError as error:
                print(error)
    print("\n".join("| " + " | ".join(line) + " |" for line in lines))


if __name__ == "__main__":
    main()
