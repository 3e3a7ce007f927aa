"""CoLA, the corpus of linguistic acceptability: 10,657 English sentences from books on syntax, each right or wrong.

The files are not part of needle_edu; `needle_edu.data.download("cola")` fetches them. A line holds its source, 1 or 0,
the author's mark ("*" for wrong), and the sentence, with tabs between.

Reference: A. Warstadt, A. Singh, S. R. Bowman, "Neural network acceptability judgments", 2018.
"""

from __future__ import annotations

import os

from ...backend.arguments import switch
from ...backend.errors import DataError
from ..dataset import Dataset


class CoLADataset(Dataset):
    """Item i is (the sentence, 1 if it is acceptable and 0 if it is not). Words become numbers in a `collate_fn`.

    Parameters
    ----------
    base_folder : path
        The folder `cola_public`, with `raw/in_domain_train.tsv` and `raw/in_domain_dev.tsv`.
    train : bool
        8,551 sentences to learn from, or 527 to test with.

    Raises
    ------
    DataError
        If a line is not as it should be.
    FileNotFoundError
        If a file is missing.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> raw = pathlib.Path(tempfile.mkdtemp()) / "raw"
    >>> raw.mkdir()
    >>> _ = (raw / "in_domain_dev.tsv").write_text("gj04\\t1\\t\\tIt rains.\\ngj04\\t0\\t*\\tIt rain.\\n")
    >>> sentences = CoLADataset(raw.parent, train=False)
    >>> len(sentences), sentences[1]
    (2, ('It rain.', 0))
    """

    def __init__(self, base_folder: str | os.PathLike, train: bool):
        super().__init__()
        switch("CoLADataset", train=train)
        path = os.path.join(base_folder, "raw", f"in_domain_{'train' if train else 'dev'}.tsv")
        self.examples: list[tuple[str, int]] = []
        with open(path, encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                fields = line.rstrip("\n").split("\t")
                if len(fields) != 4 or fields[1] not in ("0", "1"):
                    raise DataError(
                        f"{path}, line {number}: wanted source, 0 or 1, mark and sentence with tabs between, got "
                        f"{line.rstrip()!r:.60}"
                    )
                self.examples.append((fields[3], int(fields[1])))

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[str, int]:
        return self.examples[index]
