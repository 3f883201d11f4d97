"""Files that are whole or not there: written under a temporary name, then renamed.

A draft is locked by its writer for as long as that lives, so that what a killed writer left is told from what is being written, and removed.
"""

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError

DRAFT = ".draft"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place when the block ends well, and is removed when it does not.

    It is safe from a loss of power if its files are, as those of `new_file`.
    """
    with _draft(path) as draft:
        new = draft / path.name
        new.mkdir()
        yield new
        _flush(new)
        if path.exists():
            os.rename(path, draft / f"{path.name}.old")
        os.rename(new, path)
        _flush(path.parent)


def remove_folder(path: Path) -> None:
    """Remove the folder at `path` at once: it loses its name first, so that no half of it is ever found there."""
    with _draft(path) as draft:
        os.rename(path, draft / path.name)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path of the same name that becomes `path` when the block ends well, safe from a loss of power."""
    with _draft(path) as draft:
        yield draft / path.name
        _flush(draft / path.name)
        os.replace(draft / path.name, path)
        _flush(path.parent)


def _flush(path: Path) -> None:
    """Wait until the disk holds a file, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A folder beside `path` to write in, locked; those that killed writers of `path` left are removed. Raises `InputError` where the disk is full."""
    with room_for(path), ExitStack() as held:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, path.name)
        draft = path  # sweeping by another process may come between making and locking a draft: then there is none
        while draft == path or not draft.exists():
            draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=DRAFT, dir=path.parent))
            held.enter_context(_locked(draft))
        held.callback(shutil.rmtree, draft, ignore_errors=True)
        yield draft


def sweep(folder: Path, name: str = "*") -> None:
    """Remove the drafts of `name` in `folder` that nobody is writing any more."""
    for draft in folder.glob(f".{name}.????????{DRAFT}"):
        with _locked(draft) as free:
            if free:
                shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the folder; false where another process holds it, it is gone, or its file system knows no such locks."""
    with ExitStack() as held:
        try:
            descriptor = os.open(folder, os.O_RDONLY)
            held.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            free = True
        except OSError:
            free = False
        yield free


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Raises `InputError` that names the folder of `path` instead of the system's error where a disk or a quota is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        folder = next(parent for parent in path.parents if DRAFT not in str(parent))
        reason = os.strerror(error.errno).lower()
        raise InputError(
            f"{folder}: cannot be written to, {reason}; make room there, then run the same command again: it goes on from here"
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` with sorted keys, so that equal values are equal bytes; NaN and infinity are refused (`ValueError`)."""
    with new_file(path) as draft:
        draft.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write named arrays as one `.npz`; equal arrays are equal bytes."""
    with new_file(path) as draft:
        np.savez(draft, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]


def read_json(path: Path) -> Any:
    """The inverse of `write_json`."""
    return json.loads(path.read_text())
