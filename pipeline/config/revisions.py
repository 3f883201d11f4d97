"""What other revisions of the repository say in a file of an output, read from DVC's cache.

`dvc.lock` of every commit names the content of each output. Commits of every branch and tag count,
and those of DVC's experiments, which are references too.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.config.yaml import loads
from pipeline.core.errors import InputError

LOCK = "dvc.lock"


def contents(output: Path, name: str) -> list[Any]:
    """Return the distinct contents of the JSON file `name` of an output, of all revisions.

    Revisions are left out whose output has no such file, or is not in the cache. Raises
    `InputError` where DVC or git has no repository.
    """
    cache = _cache()
    folders = (_entries(_read(cache, content)) for content in _hashes(output))
    found = {_read(cache, folder[name]) for folder in folders if name in folder}
    return [json.loads(text) for text in sorted(filter(None, found))]


def _hashes(output: Path) -> set[str]:
    """Return the distinct hashes of the folder of an output, of all revisions."""
    hashes = set()
    for lock in _locks():
        for stage in (loads(lock) or {}).get("stages", {}).values():
            outs = (out for out in stage.get("outs", ()) if "md5" in out)
            hashes |= {out["md5"] for out in outs if out["path"] == str(output)}
    return hashes


def _locks() -> Iterator[str]:
    """Yield `dvc.lock` of every commit that changed it, and that of the workspace."""
    if Path(LOCK).exists():
        yield Path(LOCK).read_text("utf-8")
    for commit in _git("rev-list", "--all", "--", LOCK).split():
        if _git("ls-tree", commit, LOCK):  # a commit may have removed it
            yield _git("show", f"{commit}:./{LOCK}")


def _git(*words: str) -> str:
    """Return what a command of git prints; raises `InputError` where it fails."""
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"git {' '.join(words)}: {done.stderr.strip()}; nothing was changed")
    return done.stdout


def _entries(listing: str | None) -> dict[str, str]:
    """Return the hashes of the files of a folder in the cache, by relative path."""
    return {entry["relpath"]: entry["md5"] for entry in json.loads(listing or "[]")}


def _read(cache: Any, content: str) -> str | None:
    """Return the text of a file in the cache, by its hash; None if it is not there."""
    path = Path(cache.oid_to_path(content))
    return path.read_text("utf-8") if path.exists() else None


def _cache() -> Any:
    """Return where DVC keeps outputs; importing it takes a second."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        return Repo().cache.local
    except DvcException as error:  # no repository of DVC, or none of git
        raise InputError(f"{error}; run this from the project's folder") from None
