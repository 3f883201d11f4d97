"""The `window` stage: start rows, little memory, and an error where a series has no window."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline import window
from pipeline.config import params
from pipeline.config.params import Params
from pipeline.config.sections import Window
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series import windows
from pipeline.series.windows import Windows
from pipeline.tables import rows

PROJECT = Path(__file__).parents[1]
COMMITTED = params.read(PROJECT / "params.yaml")


def settings(**shape: int) -> Params:
    """The committed parameters with another window."""
    return COMMITTED.model_copy(update={"window": Window(**shape)})


def standardized(folder: Path, length: int, segments: int = 1) -> Path:
    """Write a folder as `standardize` does: one series, split 70/15/15, of so many segments."""
    folder.mkdir()
    segment = (np.arange(length) * segments // length).astype(np.int32)
    table = rows.Rows(
        ("all",),
        np.zeros(length, np.int32),
        np.arange(length).astype("datetime64[m]").astype("datetime64[ns]"),
        segment,
    )
    split = np.searchsorted(
        [int(0.7 * length), int(0.85 * length)], np.arange(length), side="right"
    ).astype(np.int8)
    rows.write(folder / "rows.parquet", table, {"split": split})
    np.save(folder / "truth.npy", np.zeros((length, 1), np.float32))
    return folder


def test_starts_and_sizes_are_written(tmp_path: Path) -> None:
    window.run(
        settings(lookback=24, horizon=6), standardized(tmp_path / "in", 1000), tmp_path / "out"
    )
    found = Windows.load(tmp_path / "out")
    assert found.train.tolist() == list(range(700 - 29))
    assert found.validation.tolist() == list(range(700 - 24, 850 - 29))
    assert found.test.tolist() == list(range(850 - 24, 1000 - 29))
    assert files.read_json(tmp_path / "out" / "windows.json") == {
        "lookback": 24,
        "horizon": 6,
        "stride": 1,
        "counts": {"train": 671, "validation": 145, "test": 145},
    }


def test_a_series_without_a_window_is_rejected_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(
        InputError,
        match=r"series 'all': no window for validation and test: a window takes 120 consecutive"
        r" rows.*lower window\.lookback",
    ):
        window.run(
            settings(lookback=20, horizon=100), standardized(tmp_path / "in", 500), tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_a_window_without_truth_in_its_horizon_is_none(tmp_path: Path) -> None:
    folder = standardized(tmp_path / "in", 1000)
    truth = np.zeros((1000, 1), np.float32)
    truth[100:200] = np.nan
    np.save(folder / "truth.npy", truth)
    window.run(settings(lookback=24, horizon=6), folder, tmp_path / "out")
    found = Windows.load(tmp_path / "out")
    assert found.train.tolist() == [*range(100 - 24), *range(200 - 29, 700 - 29)]
    assert files.read_json(tmp_path / "out" / "windows.json")["counts"]["train"] == 576


def test_a_split_without_any_truth_is_rejected(tmp_path: Path) -> None:
    folder = standardized(tmp_path / "in", 1000)
    truth = np.zeros((1000, 1), np.float32)
    truth[850:] = np.nan
    np.save(folder / "truth.npy", truth)
    with pytest.raises(InputError, match=r"no window for test.*must hold a measured target"):
        window.run(settings(lookback=24, horizon=6), folder, tmp_path / "out")


def test_starts_do_not_depend_on_the_pieces_in_which_rows_are_read_and_windows_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, size in (("whole", 1 << 20), ("parts", 13)):
        monkeypatch.setattr(rows, "ROWS_A_GROUP", size)
        monkeypatch.setattr(windows, "PIECE", size)
        window.run(
            settings(lookback=5, horizon=3, stride=2),
            standardized(tmp_path / f"{name} in", 1000, segments=7),
            tmp_path / name,
        )
    for path in (tmp_path / "whole").iterdir():
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()


MEASURE = """
import sys, tracemalloc
from pathlib import Path
import pyarrow
from pipeline import window
from pipeline.config import params
from pipeline.config.sections import Window
chosen = params.read(Path("params.yaml"))
chosen = chosen.model_copy(update={"window": Window(lookback=96, horizon=24)})
tracemalloc.start()
window.run(chosen, Path(sys.argv[1]), Path(sys.argv[2]))
print(tracemalloc.get_traced_memory()[1] + pyarrow.default_memory_pool().max_memory())
"""


def test_a_million_rows_take_less_memory_than_three_times_their_array(tmp_path: Path) -> None:
    source = standardized(tmp_path / "in", 1_000_000, segments=50)
    command = [sys.executable, "-c", MEASURE, str(source), str(tmp_path / "out")]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert int(result.stdout.split()[-1]) < 3 * 1_000_000 * 8 * 4
