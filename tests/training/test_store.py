"""The fleet store: what counts as finished, what a fingerprint hangs on, who may hold the lock."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.refusal import Refusal
from pipeline.training.store import Store


def keep(store: Store, name: str = "fleet") -> Path:
    with store.keep(name) as folder:
        (folder / "weights").write_text("weights")
    return store.folder / name


def test_what_is_kept_is_finished(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.finished("fleet") is None
    assert keep(store) == store.finished("fleet")


@pytest.mark.parametrize("damage", [lambda file: file.write_text("weightz"), lambda file: file.unlink()])
def test_a_damaged_fleet_is_not_finished(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    store = Store(tmp_path)
    damage(keep(store) / "weights")
    assert store.finished("fleet") is None
    keep(store)
    assert store.finished("fleet") is not None


def test_a_fleet_whose_writing_fails_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(OSError, match="disk"), store.keep("fleet"):
        raise OSError("disk full")
    assert store.finished("fleet") is None
    assert [path.name for path in tmp_path.iterdir()] == []


def test_a_second_trainer_is_refused_by_name_until_the_first_ends_even_by_a_kill(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from pipeline.training.store import Store\n"
    code += "with Store(Path(sys.argv[1])).lock(): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(Refusal, match=f"process {holder.pid} trains on this store"), Store(tmp_path).lock(patience=0.1):
        pass
    holder.kill()
    holder.wait()
    holder.stdout.close()
    began = time.monotonic()
    with Store(tmp_path).lock():
        assert time.monotonic() - began < 5
