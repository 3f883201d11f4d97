"""Files that are whole or not there: written under a temporary name, then renamed."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield an empty folder beside `path` that takes its place when the block ends well, and is removed when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    try:
        yield draft
        draft.chmod(0o755)
        _replace_folder(draft, path)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _replace_folder(draft: Path, path: Path) -> None:
    if path.exists():
        outgoing = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        os.rename(path, outgoing / path.name)
        os.rename(draft, path)
        shutil.rmtree(outgoing)
    else:
        os.rename(draft, path)


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`, with the same suffix, that becomes `path` when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


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
