"""The fleet store: finished replicas and checkpoints under a fingerprint of everything that their result hangs on.

It lies outside of DVC's outs, which are deleted before a stage runs: what is in it is not trained again, and a killed run goes on.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.core.errors import InputError
from pipeline.core.files import (
    new_folder,
    read_json,
    remove_folder,
    room_for,
    sweep,
    write_arrays,
    write_json,
)
from pipeline.training.jobs.fingerprint import digest

MANIFEST, FLEETS = "manifest.json", "fleets.json"


class FleetStore:
    """A folder of entries, each with a manifest of its files' hashes: finished replicas, and checkpoints of fleets. `tell` hears of broken ones."""

    def __init__(self, folder: Path, tell: Callable[[str], None] = print) -> None:
        self.folder, self.tell = folder, tell

    def finished(self, name: str) -> Path | None:
        """The folder of the entry `name`; null where there is none. One whose files are not those that were kept is removed, and told."""
        folder = self.folder / name
        if not folder.exists():
            return None
        if _whole(folder):
            return folder
        self.tell(
            f"train: {folder}: its files are not those that were kept; it is removed, and trained again"
        )
        remove_folder(folder)
        return None

    @contextmanager
    def keep(self, name: str) -> Iterator[Path]:
        """Yield a folder for the files of `name`; then it counts as finished."""
        with new_folder(self.folder / name) as draft:
            yield draft
            write_json(
                draft / MANIFEST, {file.name: digest(file) for file in sorted(draft.iterdir())}
            )

    def planned(self, fingerprint: str) -> list[tuple[int, ...]]:
        """The seeds of every fleet that was begun, as `plan` was told; none where that cannot be read."""
        try:
            return [
                tuple(map(int, seeds)) for seeds in read_json(self.folder / fingerprint / FLEETS)
            ]
        except (OSError, ValueError, TypeError):
            return []

    def plan(self, fingerprint: str, fleets: Sequence[tuple[int, ...]]) -> None:
        """Keep which seeds train together: a fleet that is interrupted, or has a broken replica, is trained again as it was, to the same bits."""
        write_json(self.folder / fingerprint / FLEETS, fleets)

    def save(self, fleet: str, arrays: Mapping[str, Any]) -> None:
        """Keep a checkpoint of the unfinished `fleet`, then drop the one before: at every moment one of them is whole."""
        earlier = self._checkpoints(fleet)
        number = int(earlier[0].name) + 1 if earlier else 0
        with self.keep(f"checkpoints/{fleet}/{number}") as folder:
            write_arrays(folder / "course.npz", arrays)
        for folder in earlier:
            remove_folder(folder)

    def load(self, fleet: str) -> dict[str, np.ndarray] | None:
        """The newest whole checkpoint of the unfinished `fleet`; null where there is none."""
        for folder in self._checkpoints(fleet):
            if self.finished(str(folder.relative_to(self.folder))):
                with np.load(folder / "course.npz", allow_pickle=False) as arrays:
                    return dict(arrays)
        return None

    def forget(self, fleet: str) -> None:
        """Drop the checkpoints of `fleet`, or of all fleets of a fingerprint."""
        shutil.rmtree(self.folder / "checkpoints" / fleet, ignore_errors=True)

    def _checkpoints(self, fleet: str) -> list[Path]:
        """Newest first."""
        folder = self.folder / "checkpoints" / fleet
        return sorted((path for path in folder.glob("[0-9]*")), key=lambda path: -int(path.name))

    @contextmanager
    def lock(self, patience: float = 10.0) -> Iterator[None]:
        """Hold the store for this process; raises `InputError` that names the holder where another one does not let go in `patience` seconds.

        Drafts of killed trainers are removed.
        """
        with room_for(self.folder / "lock"):
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "lock").open("a+") as file:
                _acquire(file, time.monotonic() + patience)
                file.truncate(0)
                file.write(f"process {os.getpid()}")
                file.flush()
                for folder in {draft.parent for draft in self.folder.rglob(".*.draft")}:
                    sweep(folder)
                yield


def _whole(folder: Path) -> bool:
    """Are the files those that the manifest names?"""
    try:
        return all(
            digest(folder / file) == known for file, known in read_json(folder / MANIFEST).items()
        )
    except (OSError, ValueError, AttributeError):
        return False


def _acquire(file: Any, deadline: float) -> None:
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.seek(0)
                raise InputError(
                    f"{file.name}: {file.read() or 'another process'} trains on this store; wait until it ends, or stop it"
                ) from None
            time.sleep(0.2)
