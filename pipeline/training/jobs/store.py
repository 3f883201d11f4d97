"""The fleet store: finished replicas and checkpoints, by fingerprint.

It is not an output of DVC, which deletes outputs before a stage runs: what the store holds is not
trained again, and an interrupted training resumes.
"""

import fcntl
import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from pipeline.core import manifest
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

KEPT = ("checkpoints", "baselines", "latency")  # folders beside those of trainings
FINGERPRINT = re.compile("[0-9a-f]{32}")
FLEETS, CHECKPOINT, USED = "fleets.json", "train_state.npz", "used.json"


class FleetStore:
    """A folder of finished replicas and checkpoints, each a folder with a manifest.

    Damaged ones are removed and reported to `warn`.
    """

    def __init__(self, folder: Path, warn: Callable[[str], None] = print) -> None:
        self.folder, self.warn = folder, warn
        self.used: set[str] = set()  # fingerprints that were asked for

    def replica(self, fingerprint: str, seed: int) -> Path:
        """Return the folder of a replica, whether it exists or not."""
        return self.folder / fingerprint / str(seed)

    def finished(self, fingerprint: str, seeds: Sequence[int]) -> list[int]:
        """Return the seeds whose replicas are complete; removes those that are damaged."""
        self.used.add(fingerprint)
        return [seed for seed in seeds if self._intact(self.replica(fingerprint, seed))]

    def keep(self, fingerprint: str, seed: int) -> AbstractContextManager[Path]:
        """Yield a folder for the files of a replica, which counts as finished afterwards."""
        return _new_entry(self.replica(fingerprint, seed))

    def read_fleets(self, fingerprint: str) -> list[tuple[int, ...]]:
        """Return the seeds of every fleet that was begun; none if that cannot be read."""
        try:
            fleets = read_json(self.folder / fingerprint / FLEETS)
            return [tuple(map(int, seeds)) for seeds in fleets]
        except (OSError, ValueError, TypeError):
            return []

    def write_fleets(self, fingerprint: str, fleets: Sequence[tuple[int, ...]]) -> None:
        """Record which seeds train together.

        A fleet that is interrupted, or has a damaged replica, is trained again with the same seeds,
        and so to the same bits.
        """
        write_json(self.folder / fingerprint / FLEETS, fleets)

    def write_used(self) -> None:
        """Record which trainings this run needs, before it is finished."""
        write_json(self.folder / USED, sorted(self.used))

    def unneeded(self, needed: Collection[str]) -> list[Path]:
        """Return the folders of trainings and of what is kept beside them that nothing needs.

        `needed` are fingerprints; those of the newest run, which may be unfinished, are needed too.
        """
        path = self.folder / USED
        kept = {*needed, *(read_json(path) if path.exists() else ())}
        places = (self.folder, *(self.folder / name for name in KEPT))
        folders = (folder for place in places for folder in sorted(place.glob("[0-9a-f]*")))
        named = (folder for folder in folders if FINGERPRINT.fullmatch(folder.name))
        return [folder for folder in named if folder.name not in kept]

    def save(self, fleet: str, checkpoint: Mapping[str, np.ndarray]) -> None:
        """Keep a checkpoint of the unfinished `fleet`, then remove the previous one.

        At every moment one of them is complete.
        """
        earlier = self._checkpoints(fleet)
        number = int(earlier[0].name) + 1 if earlier else 0
        with _new_entry(self._checkpoint_folder(fleet) / str(number)) as folder:
            write_arrays(folder / CHECKPOINT, checkpoint)
        for folder in earlier:
            remove_folder(folder)

    def load(self, fleet: str) -> dict[str, np.ndarray] | None:
        """Return the newest complete checkpoint of the unfinished `fleet`, if there is one."""
        for folder in self._checkpoints(fleet):
            if self._intact(folder):
                with np.load(folder / CHECKPOINT, allow_pickle=False) as arrays:
                    return dict(arrays)
        return None

    def drop_checkpoints(self, fleet: str) -> None:
        """Remove the checkpoints of a fleet, or of all fleets of a fingerprint."""
        shutil.rmtree(self._checkpoint_folder(fleet), ignore_errors=True)

    def _checkpoint_folder(self, fleet: str) -> Path:
        return self.folder / "checkpoints" / fleet

    def _checkpoints(self, fleet: str) -> list[Path]:
        """Return the folders of a fleet's checkpoints, the newest first."""
        folders = self._checkpoint_folder(fleet).glob("[0-9]*")
        return sorted(folders, key=lambda folder: int(folder.name), reverse=True)

    def _intact(self, folder: Path) -> bool:
        """Return whether an entry is complete; remove and report it if it is damaged."""
        if not folder.exists():
            return False
        if not manifest.changed(folder):
            return True
        self.warn(
            f"train: {folder}: its files are not those that were written; "
            "it is removed and trained again"
        )
        remove_folder(folder)
        return False

    @contextmanager
    def lock(self, patience: float = 10.0) -> Iterator[None]:
        """Hold the store for this process, and remove the drafts of killed trainers.

        Raises `InputError` that names the holder if another process does not release the store
        within `patience` seconds.
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


@contextmanager
def _new_entry(path: Path) -> Iterator[Path]:
    """Yield a folder that appears at `path` with a manifest if the block succeeds."""
    with new_folder(path) as draft:
        yield draft
        manifest.write(draft)


def _acquire(file: IO[str], deadline: float) -> None:
    """Lock `file`; raises `InputError` after the `deadline`."""
    while True:
        try:
            return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                file.seek(0)
                holder = file.read() or "another process"
                raise InputError(
                    f"{file.name}: {holder} is training with this store; "
                    "wait until it ends, or stop it"
                ) from None
            time.sleep(0.2)
