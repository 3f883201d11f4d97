"""Files are complete or absent; the drafts of killed writers are removed, others left alone."""

import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import InputError
from pipeline.core.files import new_file, new_folder, read_json, remove_folder, sweep, write_json

WRITER = """
import sys, time
from pathlib import Path
from typing import Any
from pipeline.core import files
with getattr(files, sys.argv[1])(Path(sys.argv[2])) as draft:
    (draft / "part" if draft.is_dir() else draft).write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""
WRITERS = pytest.mark.parametrize("new", [new_file, new_folder])


def writer(new: Callable[..., Any], path: Path) -> "subprocess.Popen[str]":
    """A process that is in the middle of writing `path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, new.__name__, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    process.stdout.close()
    return process


def fill(draft: Path) -> None:
    (draft / "part" if draft.is_dir() else draft).write_text("whole")


def content(path: Path) -> str:
    return (path / "part" if path.is_dir() else path).read_text()


@WRITERS
def test_what_a_killed_writer_left_is_removed_by_the_next(
    new: Callable[..., Any], tmp_path: Path
) -> None:
    killed = writer(new, tmp_path / "result")
    killed.kill()
    killed.wait()
    assert len(list(tmp_path.iterdir())) == 1
    with new(tmp_path / "result") as draft:
        fill(draft)
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert content(tmp_path / "result") == "whole"


@WRITERS
def test_what_another_process_is_writing_is_left_alone(
    new: Callable[..., Any], tmp_path: Path
) -> None:
    other = writer(new, tmp_path / "result")
    with new(tmp_path / "result") as draft:
        fill(draft)
    assert len(list(tmp_path.iterdir())) == 2
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert content(tmp_path / "result") == "whole"


@WRITERS
def test_a_failure_leaves_what_was_there(new: Callable[..., Any], tmp_path: Path) -> None:
    with new(tmp_path / "result") as draft:
        fill(draft)
    with (
        pytest.raises(ValueError, match="no"),
        new(tmp_path / "result") as draft,
    ):
        (draft / "part" if draft.is_dir() else draft).write_text("half")
        raise ValueError("no")
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
    assert content(tmp_path / "result") == "whole"


def test_a_folder_takes_the_place_of_an_older_one_with_other_files(tmp_path: Path) -> None:
    for name in ("old", "new"):
        with new_folder(tmp_path / "result") as draft:
            (draft / name).touch()
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["new"]


@WRITERS
@pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_reported_with_the_folder_and_what_to_do(
    new: Callable[..., Any], reason: int, tmp_path: Path
) -> None:
    with (
        pytest.raises(
            InputError, match=rf"{tmp_path}/a: cannot be written to, .*; make room there"
        ),
        new(tmp_path / "a/result") as draft,
    ):
        write_json(draft / "part.json" if draft.is_dir() else draft, {})
        raise OSError(reason, "full")
    assert list((tmp_path / "a").iterdir()) == []


def test_a_folder_whose_removal_is_interrupted_is_not_found_by_halves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with new_folder(tmp_path / "folder") as folder:
        (folder / "file").write_text("content")
    with monkeypatch.context() as killed:
        killed.setattr("shutil.rmtree", lambda *_, **__: None)
        remove_folder(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
    sweep(tmp_path)
    assert not list(tmp_path.iterdir())


def test_json_comes_back(tmp_path: Path) -> None:
    write_json(tmp_path / "value.json", {"b": [1, None], "a": 0.1})
    assert read_json(tmp_path / "value.json") == {"a": 0.1, "b": [1, None]}


@WRITERS
@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_folder_that_must_not_be_written_to_is_named(
    new: Callable[..., Any], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **options: str) -> str:
        raise OSError(code, os.strerror(code), str(tmp_path / "data" / ".draft"))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with (
        pytest.raises(
            InputError, match=rf"data: cannot be written to, {os.strerror(code).lower()}"
        ),
        new(tmp_path / "data" / "result"),
    ):
        pass


def test_a_file_elsewhere_that_must_not_be_read_is_named(tmp_path: Path) -> None:
    other = str(tmp_path / "other" / "a.csv")
    with (
        pytest.raises(InputError, match=r"a\.csv: cannot be used, permission denied"),
        new_file(tmp_path / "data" / "result"),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", other)
