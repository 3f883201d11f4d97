"""Remove from the store what no revision needs, and what killed processes left behind.

`python -m pipeline.clean` lists trainings, checkpoints and baselines that neither the workspace nor
any commit, tag or experiment needs, and temporary folders of killed workers; `--force` removes
them. What a revision needs stands in `fingerprints.json` of its outputs, which is read from DVC's
cache: what `dvc gc` has removed from there counts as not needed. What is missed later is trained
again. Other clones that share the store do not count.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import paths, revisions
from pipeline.config.paths import Paths
from pipeline.core import command, files
from pipeline.training.jobs.store import FleetStore
from pipeline.training.jobs.workers import SCRATCH

NAME = "fingerprints.json"


def main() -> None:
    """Parse the arguments, and list or remove what is not needed."""
    parser = command.parser(
        "Remove from the store what no revision needs.", prog="python -m pipeline.clean"
    )
    parser.add_argument("--force", action="store_true", help="remove it; else it is only listed")
    force = parser.parse_args().force
    with command.exit_status():
        run(paths.read(), force)


def run(project: Paths, force: bool) -> None:
    """List what is not needed, and remove it if `force` says so.

    Raises `InputError` outside of a DVC repository, and while a training uses the store.
    """
    needed = set(_needed(project))
    store = FleetStore(project.store)
    with store.lock():
        found = store.unneeded(needed)
        found += files.abandoned(Path(tempfile.gettempdir()), SCRATCH)
        sizes = [_size(path) for path in found]
        for path, size in zip(found, sizes, strict=True):
            print(f"{size:8.1f} MB  {path}")
            if force:
                shutil.rmtree(path)
    what = "removed" if force else "not needed; --force removes them"
    print(f"clean: {len(found)} folders, {sum(sizes):.1f} MB, {what}")


def _needed(project: Paths) -> Iterator[str]:
    """Yield the fingerprints that the workspace or a revision needs."""
    for output in (project.models, project.errors):
        if (output / NAME).exists():
            yield from files.read_json(output / NAME)
        for fingerprints in revisions.contents(output, NAME):
            yield from fingerprints


def _size(folder: Path) -> float:
    """Return the size of the files of a folder in MB."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
