"""Files that are complete or absent: written under a temporary name, then renamed.

A draft is locked while its writer lives, so that the drafts of killed writers can be distinguished
from those in progress, and removed.
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
import numpy.typing as npt

from pipeline.core.errors import InputError

DRAFT = ".draft"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of `path` when the block ends without an error.

    If the block fails, the folder is removed. A finished folder survives a loss of power if its
    files do, as those that `new_file` writes.
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
    """Remove the folder at `path`; it is renamed first, so that nobody finds a part of it there."""
    with _draft(path) as draft:
        os.rename(path, draft / path.name)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the block ends without an error.

    Only the folder differs, not the name of the file. The file survives a loss of power.
    """
    with _draft(path) as draft:
        yield draft / path.name
        _flush(draft / path.name)
        os.replace(draft / path.name, path)
        _flush(path.parent)


def _flush(path: Path) -> None:
    """Wait until a file, or the list of names in a folder, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """Yield a locked folder beside `path` to write in, and remove those of killed writers.

    Raises `InputError` if the disk is full, or the folder is not to be written to.
    """
    with room_for(path), ExitStack() as held:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, path.name)
        draft = path
        # another process may sweep between making and locking a draft: then it is gone
        while draft == path or not draft.exists():
            draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=DRAFT, dir=path.parent))
            held.enter_context(_locked(draft))
        held.callback(shutil.rmtree, draft, ignore_errors=True)
        yield draft


@contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Yield an empty folder in the temporary one; if this process is killed, `sweep` removes it.

    That is done by the next one that makes a folder of the same `name`, too.
    """
    with _draft(Path(tempfile.gettempdir()) / name) as draft:
        yield draft


def sweep(folder: Path, name: str = "*") -> None:
    """Remove the drafts of `name` in `folder` whose writers have ended."""
    for draft in abandoned(folder, name):
        shutil.rmtree(draft, ignore_errors=True)


def abandoned(folder: Path, name: str = "*") -> Iterator[Path]:
    """Yield the drafts of `name` in `folder` whose writers have ended, each locked meanwhile."""
    for draft in folder.glob(f".{name}.????????{DRAFT}"):
        with _locked(draft) as free:
            if free:
                yield draft


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Yield whether the folder could be locked.

    It cannot if another process holds it, it is gone, or its file system has no such locks.
    """
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
    """Raise `InputError` with the folder of `path` in place of the system's error about a disk.

    A disk, or a quota, can be full, and a folder can be read-only or belong to somebody else. An
    error about a file elsewhere names that file.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (*FULL, *FORBIDDEN):
            raise
        folder = next(parent for parent in path.parents if DRAFT not in str(parent))
        reason = os.strerror(error.errno).lower()
        if error.errno in FULL:
            raise InputError(
                f"{folder}: cannot be written to, {reason}; make room there, then run the same"
                " command again: it goes on from here"
            ) from error
        named = Path(error.filename or folder)
        if folder.resolve() in (named.resolve(), *named.resolve().parents):
            raise InputError(
                f"{folder}: cannot be written to, {reason}; change the permissions of the folder,"
                " or run the command as its owner"
            ) from error
        raise InputError(
            f"{named}: cannot be used, {reason}; change the permissions of the file"
        ) from error


def write_json(path: Path, value: object) -> None:
    """Write `value` with sorted keys, so that equal values give equal bytes.

    Raises `ValueError` for NaN and infinity.
    """
    with new_file(path) as draft:
        draft.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False) + "\n")


def write_arrays(path: Path, arrays: Mapping[str, npt.ArrayLike]) -> None:
    """Write named arrays as one `.npz`; equal arrays give equal bytes."""
    with new_file(path) as draft:
        named = {name: np.asarray(array) for name, array in arrays.items()}
        np.savez(draft, allow_pickle=False, **named)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text())
