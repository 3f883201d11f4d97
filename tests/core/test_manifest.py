"""A manifest notices every file that is no longer the one that was written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.core import manifest
from pipeline.core.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two files, one of them in a folder of its own, and their manifest."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "weights").write_text("weights")
    (tmp_path / "inner/facts").write_text("facts")
    manifest.write(tmp_path)
    return tmp_path


DAMAGES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "nothing": (lambda folder: None, []),
    "another file": (lambda folder: (folder / "more").touch(), []),
    "a changed byte": (lambda folder: (folder / "weights").write_text("weightz"), ["weights"]),
    "an empty file": (lambda folder: (folder / "inner/facts").write_text(""), ["inner/facts"]),
    "a missing file": (lambda folder: (folder / "weights").unlink(), ["weights"]),
    "a missing manifest": (
        lambda folder: (folder / manifest.MANIFEST).unlink(),
        [manifest.MANIFEST],
    ),
    "half a manifest": (
        lambda folder: (folder / manifest.MANIFEST).write_text('{"weights"'),
        [manifest.MANIFEST],
    ),
    "a manifest of something else": (
        lambda folder: (folder / manifest.MANIFEST).write_text("[]"),
        [manifest.MANIFEST],
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_files_that_are_missing_or_differ_from_the_manifest_are_named(
    folder: Path, damage: str
) -> None:
    harm, expected = DAMAGES[damage]
    harm(folder)
    assert manifest.changed(folder) == expected


def test_a_manifest_names_sha256_by_relative_path(folder: Path) -> None:
    assert manifest.read(folder) == {
        "inner/facts": "0694aacb66d62e742a92e8d5f1e82bd9d2a8ca1be88744201fbe63d0f5007502",
        "weights": "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c",
    }


def test_verification_reports_every_changed_file_and_what_to_do(folder: Path) -> None:
    manifest.verify(folder, "train again")
    (folder / "weights").unlink()
    (folder / "inner/facts").write_text("fact")
    with pytest.raises(InputError) as rejected:
        manifest.verify(folder, "train again")
    assert rejected.value.findings == (
        f"{folder}/inner/facts: is not the file that was written; train again",
        f"{folder}/weights: is not the file that was written; train again",
    )


def test_a_digest_depends_on_names_and_contents_but_not_on_the_manifest(folder: Path) -> None:
    before = manifest.digest(folder)
    (folder / manifest.MANIFEST).unlink()
    assert manifest.digest(folder) == before
    (folder / "weights").rename(folder / "heights")
    renamed = manifest.digest(folder)
    (folder / "heights").write_text("heights")
    assert len({before, renamed, manifest.digest(folder)}) == 3
