"""The fleet store: what counts as finished, which checkpoint is loaded, who may hold the lock."""

import errno
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.training.jobs.store import FleetStore


def keep(store: FleetStore, seed: int = 0) -> Path:
    with store.keep("variant", seed) as folder:
        (folder / "weights").write_text("weights")
    return store.replica("variant", seed)


HOLDER = """
import signal, sys
from pathlib import Path
from pipeline.training.jobs.store import FleetStore
with FleetStore(Path(sys.argv[1])).lock():
    print("held", flush=True)
    signal.pause()
"""


def test_what_is_kept_is_finished(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    assert store.finished("variant", [0, 1]) == []
    keep(store, 1)
    assert store.finished("variant", [0, 1]) == [1]


DAMAGES = {
    "a flipped byte": lambda folder: (folder / "weights").write_text("weightz"),
    "a truncated file": lambda folder: (folder / "weights").write_text("weigh"),
    "a deleted file": lambda folder: (folder / "weights").unlink(),
    "a deleted manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a broken manifest": lambda folder: (folder / "manifest.json").write_text('{"weights"'),
    "a manifest of something else": lambda folder: (folder / "manifest.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_replica_is_not_finished_and_is_reported_once(
    tmp_path: Path, damage: str
) -> None:
    warnings: list[str] = []
    store = FleetStore(tmp_path, warnings.append)
    DAMAGES[damage](keep(store))
    assert store.finished("variant", [0]) == []
    assert store.finished("variant", [0]) == []
    assert warnings == [
        f"train: {tmp_path}/variant/0: its files are not those that were written; "
        "it is removed and trained again"
    ]
    keep(store)
    assert store.finished("variant", [0]) == [0]


@pytest.mark.parametrize("content", [None, "", "7", "[7]", '[["a"]]'])
def test_fleets_that_cannot_be_read_are_none(tmp_path: Path, content: str | None) -> None:
    store = FleetStore(tmp_path)
    store.write_fleets("variant", [(0, 2), (1,)])
    assert store.read_fleets("variant") == [(0, 2), (1,)]
    file = tmp_path / "variant/fleets.json"
    file.write_text(content) if content is not None else file.unlink()
    assert store.read_fleets("variant") == []


def checkpoint(epoch: int) -> dict[str, Any]:
    return {"epoch": np.array(epoch), "weights": np.arange(5.0)}


def test_the_newest_checkpoint_comes_back_and_no_older_one_is_left(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    assert store.load("fleet/a") is None
    for epoch in range(12):
        store.save("fleet/a", checkpoint(epoch))
    loaded = store.load("fleet/a")
    assert loaded is not None
    assert {name: value.tolist() for name, value in loaded.items()} == {
        "epoch": 11,
        "weights": [0, 1, 2, 3, 4],
    }
    assert len(list(tmp_path.glob("checkpoints/fleet/a/*"))) == 1
    store.drop_checkpoints("fleet")
    assert store.load("fleet/a") is None


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_damaged_checkpoint_is_never_loaded(tmp_path: Path, size: int) -> None:
    warnings: list[str] = []
    store = FleetStore(tmp_path, warnings.append)
    store.save("fleet", checkpoint(3))
    (file,) = tmp_path.glob("checkpoints/fleet/*/train_state.npz")
    content = file.read_bytes()
    flipped = content[:-200] + bytes([content[-200] ^ 1]) + content[-199:]
    file.write_bytes(content[:size] if size >= 0 else flipped)
    assert store.load("fleet") is None
    assert len(warnings) == 1


def test_a_checkpoint_whose_writing_fails_leaves_the_previous_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FleetStore(tmp_path)
    store.save("fleet", checkpoint(3))
    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(InputError, match="no space left on device; make room"):
        store.save("fleet", checkpoint(4))
    loaded = store.load("fleet")
    assert loaded is not None
    assert loaded["epoch"] == 3
    assert not list(tmp_path.rglob("*.draft"))


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, "full")


def test_what_killed_trainers_left_goes_when_the_next_one_takes_the_lock(tmp_path: Path) -> None:
    draft = tmp_path / "checkpoints/fleet/.3.abcdefgh.draft"
    draft.mkdir(parents=True)
    with FleetStore(tmp_path).lock():
        assert not draft.exists()


def test_a_replica_whose_writing_fails_is_not_kept(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    with pytest.raises(OSError, match="disk"), store.keep("variant", 0):
        raise OSError("disk failure")
    assert store.finished("variant", [0]) == []
    assert not list(tmp_path.glob("variant/*"))


def test_a_second_trainer_is_rejected_and_the_first_named_until_it_ends_even_by_a_kill(
    tmp_path: Path,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(InputError, match=f"process {holder.pid} is training with this store"),
        FleetStore(tmp_path).lock(patience=0.1),
    ):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    with FleetStore(tmp_path).lock(patience=5):
        pass
