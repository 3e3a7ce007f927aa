"""What every lecture promises its reader; that it runs is tested by `make notebooks`."""

import re
from pathlib import Path

import nbformat
import pytest

REPO = Path(__file__).parents[2]
LECTURES = sorted((REPO / "notebooks" / "lectures").glob("*.ipynb"))
pytestmark = pytest.mark.parametrize("file", LECTURES, ids=lambda file: file.stem)


def test_it_begins_with_what_it_is_for(file):
    first = nbformat.read(file, as_version=4).cells[0].source
    number = int(file.name[:2])
    assert first.startswith(f"# Lecture {number} · ")
    assert "**You will be able to**\n- " in first and "**You need** " in first
    assert re.search(r"\*\*Time\*\* \d+ minutes", first)


def test_it_is_found_from_the_start_page_and_the_readme(file):
    """In the order of the lectures."""
    start = "\n".join(cell.source for cell in nbformat.read(REPO / "notebooks" / "start.ipynb", 4).cells)
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    for page, row in (
        (start, r"^\| (\d+) \| \[.+\]\(lectures/(.+?)\)"),
        (readme, r"^(\d+)\. \[.+\]\(notebooks/lectures/(.+?)\)"),
    ):
        found = re.findall(row, page, re.MULTILINE)
        assert (str(int(file.name[:2])), file.name) in found
        numbers = [int(number) for number, _ in found]
        assert numbers == sorted(numbers)


def test_its_outputs_are_those_of_one_whole_run(file):
    """Or there are none. A widget's view is nothing without its kernel: what is stored must be readable without."""
    cells = [cell for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in cells]
    outputs = [output for cell in cells for output in cell.outputs]
    assert counts in ([None] * len(cells), [*range(1, len(cells) + 1)])
    assert bool(outputs) == (counts[0] is not None)
    for output in outputs:
        assert output.output_type != "error" and output.get("name") != "stderr"
        assert not any("widget" in kind for kind in output.get("data", {}))
        assert str(Path.home()) not in str(output) and str(REPO) not in str(output)


def test_its_questions_have_answers_to_unfold(file):
    cells = [cell.source for cell in nbformat.read(file, as_version=4).cells if cell.cell_type == "markdown"]
    asking = [text for text in cells if "Before you go on" in text]
    assert asking, "a reader stops to think at least once"
    for text in (
        asking if int(file.name[:2]) > 1 else []
    ):  # the first one's questions are answered by its cells
        assert text.count("Before you go on") == text.count("<details>") == text.count("</details>")
        assert re.search(r"</summary>\n\n\S", text), "Markdown inside HTML needs an empty line before it"
