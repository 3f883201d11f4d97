"""The fleet store: finished replicas and checkpoints under a fingerprint of everything that their result hangs on.

It lies outside of DVC's outs, which are deleted before a stage runs: what is in it is not trained again, and a killed run goes on.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.files import new_folder, read_json, write_json
from pipeline.refusal import Refusal
from pipeline.training.fingerprint import digest

MANIFEST = "manifest.json"


class Store:
    """A folder of finished replicas, each with a manifest of its files' hashes, and of checkpoints of fleets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def checkpoint(self, name: str) -> Path:
        """Where the unfinished fleet `name` saves its course."""
        return self.folder / "checkpoints" / f"{name}.npz"

    def finished(self, name: str) -> Path | None:
        """The folder of the finished replica `name`; null where there is none, or where its files are not those that were kept."""
        folder = self.folder / name
        if not (folder / MANIFEST).exists():
            return None
        hashes = read_json(folder / MANIFEST)
        whole = all((folder / file).exists() and digest(folder / file) == known for file, known in hashes.items())
        return folder if whole else None

    @contextmanager
    def keep(self, name: str) -> Iterator[Path]:
        """Yield a folder for the results of `name`; then it counts as finished."""
        with new_folder(self.folder / name) as draft:
            yield draft
            write_json(draft / MANIFEST, {file.name: digest(file) for file in sorted(draft.iterdir())})

    @contextmanager
    def lock(self, patience: float = 10.0) -> Iterator[None]:
        """Hold the store for this process; raises `Refusal` that names the holder where another one does not let go in `patience` seconds."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("a+") as file:
            _acquire(file, time.monotonic() + patience)
            file.truncate(0)
            file.write(f"process {os.getpid()}")
            file.flush()
            yield


def _acquire(file: Any, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.seek(0)
                raise Refusal(f"{file.name}: {file.read() or 'another process'} trains on this store; wait until it ends, or stop it") from None
            time.sleep(0.2)
