"""The stage on made-up errors."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import compare
from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.evaluation import entries
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.evaluator import Setup
from pipeline.evaluation.figures import FIGURES
from pipeline.tables import rows

WINDOWS, HORIZON = 30, 4
Before = tuple[Path, Path, Path]


@pytest.fixture
def settings() -> Params:
    return params.parse(
        {
            "smoke": False,
            "data": {
                "path": "data/0_raw/table.csv",
                "time": "time",
                "time_zone": "UTC",
                "series": "place",
                "frequency": "h",
                "targets": ["temp"],
            },
            "validate": {"max_gap": 0},
            "standardize": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
            "window": {"lookback": 6, "horizon": HORIZON},
            "train": {},
            "model": {},
            "evaluate": {"season_length": 24},
            "track": {"experiment": "x"},
            "promote": {"name": "x"},
            "study": ["*"],
            "variants": {"plain": {"family": "plain"}},
        }
    )


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    folder = tmp_path / "errors"
    folder.mkdir()
    Setup(("temp",), 6, HORIZON, 1, 24, "as given", 1.0, ("standard",), "series", {}).save(folder)
    origins = pd.date_range("2013-11-06", periods=WINDOWS, freq="h", tz="UTC")
    pd.DataFrame(
        {"series": "JFK", "origin": origins, "start": range(WINDOWS), "cells": HORIZON}
    ).to_parquet(folder / "windows.parquet")
    known = {"cells": WINDOWS * HORIZON, "mean": 1.0, "variance": 4.0, "seasonal_mae": 2.0}
    pd.DataFrame({"series": ["JFK"], "target": "temp", **known}).to_parquet(
        folder / "yardsticks.parquet"
    )
    for name, states, size in (
        ("plain", ["trained", "trained", "diverged"], 0.3),
        ("conv_ln", ["trained"] * 3, 0.4),
    ):
        summary = Summary(
            name=name,
            kind="variant",
            family=name,
            seeds=(0, 1, 2),
            states=tuple(states),
            epochs=(9, 9, 2),
            best_epochs=(5, 5, 1),
            parameters=99,
            seconds_per_replica=1.5,
        )
        write(folder / name, summary, size)
    for name, size in (
        ("last_value", 0.8),
        ("seasonal_naive", 0.9),
        ("ridge", 0.5),
        ("drift", 1.0),
    ):
        write(folder / name, entries.baseline(name, 0, None), size)
    return folder


@pytest.fixture
def before(tmp_path: Path) -> Before:
    """The folders of the clean and of the standardized table, and of the trained variants."""
    clean, standardized, models = (tmp_path / name for name in ("clean", "standardized", "models"))
    changes = {"totals": {"masked": {"temp": 12}}, "left_out": {}, "cuts": []}
    files.write_json(clean / "report.json", changes)
    files.write_json(standardized / "shift.json", {})
    write_rows(standardized)
    files.write_json(models / "flags.json", [])
    for name in ("plain", "conv_ln"):
        (models / name).mkdir(parents=True)
        history = {"seed": [0, 0, 1], "epoch": [0, 1, 0], "validation_loss": [0.9, 0.8, np.nan]}
        pd.DataFrame(history).to_parquet(models / name / "history.parquet")
    return clean, standardized, models


def write_rows(folder: Path) -> None:
    """Write the targets and the times of as many rows as the windows need."""
    count = WINDOWS + 6 + HORIZON
    np.save(folder / "raw.npy", np.ones((count, 2), np.float32))
    np.save(folder / "truth.npy", np.zeros((count, 1), np.float32))
    times = pd.date_range("2013-11-05 18:00", periods=count, freq="h").to_numpy("datetime64[ns]")
    codes = np.zeros(count, np.int32)
    with rows.Writer(folder / "rows.parquet") as writer:
        writer.add(rows.Rows(("JFK",), codes, times, codes), {})


def write(folder: Path, summary: Summary, size: float) -> None:
    values = (
        np.random.default_rng(0)
        .normal(0, size, (len(summary.seeds), WINDOWS, HORIZON, 1))
        .astype(np.float32)
    )
    values[np.array(summary.states) == "diverged"] = np.nan
    standardized, units = entries.create(folder, values.shape)
    standardized[:], units[:] = values, 18 * values
    entries.save(folder, summary)


def test_the_verdict_is_a_leaderboard_metrics_a_table_by_step_a_report_and_figures(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    compare.run(settings, *before, errors, tmp_path / "verdict")
    found = {
        str(path.relative_to(tmp_path / "verdict"))
        for path in (tmp_path / "verdict").rglob("*")
        if path.is_file()
    }
    assert found == {
        "leaderboard.csv",
        "effects.csv",
        "verdict.json",
        "metrics.json",
        "horizon.csv",
        "series.csv",
        "curves.csv",
        "report.md",
        "summary.md",
        "report.html",
        *(f"figures/{name}.png" for name in FIGURES),
    }


def test_every_entry_has_a_row_with_its_state(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    compare.run(settings, *before, errors, tmp_path / "verdict")
    with (tmp_path / "verdict" / "leaderboard.csv").open() as file:
        states = {row["name"]: row["state"] for row in csv.DictReader(file)}
    assert states["plain"] == "1 of 3 diverged at epoch 2"
    assert set(states) == {"plain", "conv_ln", "last_value", "seasonal_naive", "ridge", "drift"}
    found = json.loads((tmp_path / "verdict" / "verdict.json").read_text())
    assert (found["reference"], found["champion"], found["windows"]) == ("plain", "plain", WINDOWS)


def test_comparing_twice_writes_the_same_bytes(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    for place in ("one", "two", "two"):
        compare.run(settings, *before, errors, tmp_path / place)
    for path in (tmp_path / "one").rglob("*"):
        if path.is_file():
            assert (
                path.read_bytes()
                == (tmp_path / "two" / path.relative_to(tmp_path / "one")).read_bytes()
            )


def test_the_leaderboard_and_the_path_of_the_report_are_printed(
    settings: Params,
    before: Before,
    errors: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    compare.run(settings, *before, errors, tmp_path / "verdict")
    printed = capsys.readouterr().out
    for word in (
        "plain",
        "conv_ln",
        "last_value",
        "seasonal_naive",
        "ridge",
        "Which variant forecasts best.",
        "Compared with plain, no variant is found to have a lower error",
        f"report: {tmp_path / 'verdict' / 'report.html'}",
    ):
        assert word in printed


def test_a_failed_comparison_leaves_an_earlier_verdict_as_it_was(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    compare.run(settings, *before, errors, tmp_path / "verdict")
    (errors / "setup.json").unlink()
    with pytest.raises(InputError):
        compare.run(settings, *before, errors, tmp_path / "verdict")
    assert (tmp_path / "verdict" / "report.md").exists()


def test_the_report_says_what_became_of_the_data(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    compare.run(settings, *before, errors, tmp_path / "verdict")
    assert (
        "Cells that were masked and are in no number of this report: 12"
        in (tmp_path / "verdict" / "report.md").read_text()
    )


def test_what_training_flagged_is_printed_and_in_the_verdict(
    settings: Params,
    before: Before,
    errors: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    files.write_json(before[2] / "flags.json", [{"line": "1 of 6 replicas diverged"}])
    compare.run(settings, *before, errors, tmp_path / "verdict")
    assert "warning: Training: 1 of 6 replicas diverged." in capsys.readouterr().out
    found = json.loads((tmp_path / "verdict" / "verdict.json").read_text())
    assert "Training: 1 of 6 replicas diverged." in found["warnings"]


def test_without_the_flags_of_training_the_stage_says_what_to_run(
    settings: Params, before: Before, errors: Path, tmp_path: Path
) -> None:
    (before[2] / "flags.json").unlink()
    with pytest.raises(InputError, match="run 'dvc repro train'"):
        compare.run(settings, *before, errors, tmp_path / "verdict")
