"""Manifests: the SHA-256 of every file of a folder, kept beside the files as `manifest.json`.

A file that was truncated, edited or exchanged no longer has the hash that the manifest names.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.core.files import read_json, write_json

MANIFEST = "manifest.json"
COMPILED = "__pycache__"


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file's content, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file below `folder` except its manifest, by relative path.

    What Python compiles (`__pycache__`) is left out: it comes with the first import.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in files
        if path.parent.name != COMPILED
    }
    named.pop(MANIFEST, None)
    return named


def write(folder: Path) -> None:
    """Write the manifest of a folder whose files are complete."""
    write_json(folder / MANIFEST, hashes(folder))


def read(folder: Path) -> dict[str, str]:
    """Return what the manifest of `folder` names; raises `OSError` or `ValueError` without one."""
    named = read_json(folder / MANIFEST)
    if not isinstance(named, Mapping):
        raise ValueError(f"{folder / MANIFEST}: is not a JSON object")
    return {str(name): str(known) for name, known in named.items()}


def changed(folder: Path) -> list[str]:
    """Return the files that are missing or differ from the manifest; the manifest if unreadable."""
    try:
        named = read(folder)
    except (OSError, ValueError):
        return [MANIFEST]
    files = {name: folder / name for name in named}
    return [
        name for name, path in files.items() if not path.is_file() or sha256(path) != named[name]
    ]


def verify(folder: Path, remedy: str) -> None:
    """Raise `InputError` that names each file that is not the one that was written, and `remedy`.

    Files that the manifest does not name are not looked at.
    """
    findings = [
        f"{folder / name}: is not the file that was written; {remedy}" for name in changed(folder)
    ]
    if findings:
        raise InputError(*findings)


def digest(folder: Path) -> str:
    """Return one SHA-256 of the names and contents of a folder's files, its manifest left out."""
    return digest_of(hashes(folder))


def digest_of(named: Mapping[str, str]) -> str:
    """Return one SHA-256 of the names of files and the SHA-256 of each, in the order of names."""
    return hashlib.sha256(json.dumps(sorted(named.items())).encode()).hexdigest()
