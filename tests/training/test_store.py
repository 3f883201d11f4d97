"""The fleet store: what counts as finished, what a fingerprint hangs on, who may hold the lock."""

import errno
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.core.errors import InputError
from pipeline.training.jobs.store import FleetStore


def keep(store: FleetStore, name: str = "fleet") -> Path:
    with store.keep(name) as folder:
        (folder / "weights").write_text("weights")
    return store.folder / name


def test_what_is_kept_is_finished(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    assert store.finished("fleet") is None
    assert keep(store) == store.finished("fleet")


DAMAGES = {
    "a flipped byte": lambda folder: (folder / "weights").write_text("weightz"),
    "a truncated file": lambda folder: (folder / "weights").write_text("weigh"),
    "a deleted file": lambda folder: (folder / "weights").unlink(),
    "a deleted manifest": lambda folder: (folder / "manifest.json").unlink(),
    "a broken manifest": lambda folder: (folder / "manifest.json").write_text('{"weights"'),
    "a manifest of something else": lambda folder: (folder / "manifest.json").write_text("[]"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entry_is_not_finished_and_that_is_said_once(tmp_path: Path, damage: str) -> None:
    told: list[str] = []
    store = FleetStore(tmp_path, told.append)
    DAMAGES[damage](keep(store))
    assert store.finished("fleet") is None
    assert store.finished("fleet") is None
    assert told == [
        f"train: {tmp_path}/fleet: its files are not those that were kept; it is removed, and trained again"
    ]
    keep(store)
    assert store.finished("fleet") is not None


def course(epoch: int) -> dict[str, Any]:
    return {"epoch": np.array(epoch), "weights": np.arange(5.0)}


def test_the_newest_checkpoint_comes_back_and_no_older_one_is_left(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    assert store.load("fleet/a") is None
    for epoch in range(12):
        store.save("fleet/a", course(epoch))
    loaded = store.load("fleet/a")
    assert loaded is not None
    assert {name: value.tolist() for name, value in loaded.items()} == {
        "epoch": 11,
        "weights": [0, 1, 2, 3, 4],
    }
    assert len(list(tmp_path.glob("checkpoints/fleet/a/*"))) == 1
    store.forget("fleet")
    assert store.load("fleet/a") is None


@pytest.mark.parametrize("size", [0, 100, -1])
def test_a_damaged_checkpoint_is_never_loaded(tmp_path: Path, size: int) -> None:
    told: list[str] = []
    store = FleetStore(tmp_path, told.append)
    store.save("fleet", course(3))
    (file,) = tmp_path.glob("checkpoints/fleet/*/course.npz")
    whole = file.read_bytes()
    file.write_bytes(
        whole[:size] if size >= 0 else whole[:-200] + bytes([whole[-200] ^ 1]) + whole[-199:]
    )
    assert store.load("fleet") is None
    assert len(told) == 1


def test_a_checkpoint_whose_writing_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FleetStore(tmp_path)
    store.save("fleet", course(3))
    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(InputError, match="no space left on device; make room"):
        store.save("fleet", course(4))
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


def test_a_fleet_whose_writing_fails_is_not_kept(tmp_path: Path) -> None:
    store = FleetStore(tmp_path)
    with pytest.raises(OSError, match="disk"), store.keep("fleet"):
        raise OSError("disk full")
    assert store.finished("fleet") is None
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_second_trainer_is_refused_by_name_until_the_first_ends_even_by_a_kill(
    tmp_path: Path,
) -> None:
    code = "import sys, time; from pathlib import Path; from pipeline.training.jobs.store import FleetStore\n"
    code += "with FleetStore(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(InputError, match=f"process {holder.pid} trains on this store"),
        FleetStore(tmp_path).lock(patience=0.1),
    ):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    began = time.monotonic()
    with FleetStore(tmp_path).lock():
        assert time.monotonic() - began < 5
