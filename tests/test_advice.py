"""The command that writes the page of advice, on made-up errors."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline import advice
from pipeline.core.errors import InputError
from pipeline.evaluation.advice import MARKER


def test_a_page_is_written_and_its_upper_part_is_kept(tmp_path: Path) -> None:
    page = tmp_path / "advice.md"
    advice.write(page, "one\n")
    page.write_text(f"# By hand\n\n{page.read_text()}")
    advice.write(page, "two\n")
    assert page.read_text() == f"# By hand\n\n{MARKER}\n\ntwo\n"


def test_a_page_without_the_line_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "notes.md"
    page.write_text("mine\n")
    with pytest.raises(InputError, match="add it below what is to be kept, or name a new file"):
        advice.write(page, "two\n")
    assert page.read_text() == "mine\n"


def test_without_errors_the_command_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Callable[[Path], None]
) -> None:
    made(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["advice", "advice.md"])
    with pytest.raises(SystemExit, match="run 'dvc repro evaluate'"):
        advice.main()
    assert not (tmp_path / "advice.md").exists()


@pytest.fixture
def made() -> Callable[[Path], None]:
    """Write a project that has parameters and no results."""

    def write(folder: Path) -> None:
        root = Path(__file__).parents[1]
        (folder / "catalogue").mkdir()
        for name in ("params.yaml", "dvc.yaml", *map(str, root.glob("catalogue/*.yaml"))):
            path = (root / name).relative_to(root)
            (folder / path).write_text((root / path).read_text())

    return write
