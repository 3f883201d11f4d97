"""The stage on two small series, with a stand-in for the ensemble that errs by known amounts."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import evaluate
from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import files, manifest
from pipeline.core.errors import InputError
from pipeline.evaluation import entries, intervals
from pipeline.evaluation.baselines import BASELINES
from pipeline.evaluation.evaluator import Setup
from pipeline.series.scaler import Scaler

ROWS, LOOKBACK, HORIZON = 80, 6, 4  # rows of each series
MASKED = [68, 150]
CHANNELS = 5  # target, past covariate, indicator of the target, sine, cosine
SCALES = {"JFK": [10.0, 2.0], "LGA": [5.0, 3.0]}
Run = Callable[..., Path]


def settings(variants: dict[str, Any], **sections: Any) -> Params:
    return params.parse(
        {
            "smoke": False,
            "data": {
                "path": "table.csv",
                "time": "time",
                "time_zone": "UTC",
                "series": "place",
                "frequency": "h",
                "targets": ["temp"],
                "past_covariates": ["wind"],
                "calendar": ["hour_of_day"],
            },
            "validate": {"max_gap": 0},
            "standardize": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
            "window": {"lookback": LOOKBACK, "horizon": HORIZON},
            "train": {},
            "model": {},
            "evaluate": {"season_length": 24},
            "track": {"experiment": "x"},
            "promote": {"name": "x"},
            "study": ["*"],
            "variants": variants,
            **sections,
        }
    )


def write_arrays(folder: Path) -> np.ndarray:
    """Two series, one after the other; `raw` is `standardized` times the scale of the series.

    Two cells of the test rows are masked.
    """
    folder.mkdir()
    standardized = (
        np.random.default_rng(3).normal(size=(2 * ROWS, CHANNELS)).cumsum(axis=0).astype(np.float32)
    )
    raw = standardized.copy()
    for i, scale in enumerate(SCALES.values()):
        raw[i * ROWS : (i + 1) * ROWS, :2] *= np.float32(scale)
    truth = standardized[:, :1].copy()
    truth[MASKED] = np.nan
    for array in (standardized, raw):
        array[MASKED, 0] = array[np.array(MASKED) - 1, 0]  # filled from the row before
    standardized[:, 2] = raw[:, 2] = np.isfinite(truth[:, 0])
    np.save(folder / "standardized.npy", standardized)
    np.save(folder / "raw.npy", raw)
    np.save(folder / "truth.npy", truth)
    hours = pd.date_range("2013-01-01", periods=ROWS, freq="h", tz="UTC", unit="ns")
    split = np.repeat(np.array([0, 1, 2], np.int8), [48, 16, 16])
    rows = {
        "series": np.repeat(list(SCALES), ROWS),
        "time": hours.append(hours),
        "segment": np.repeat(np.arange(2, dtype=np.int32), ROWS),
        "split": np.tile(split, 2),
    }
    pd.DataFrame(rows).to_parquet(folder / "rows.parquet")
    columns = ("temp", "wind")
    zeros, size = np.zeros((2, 2)), (2, 2)
    scaler = Scaler(
        scope="series",
        columns=columns,
        kinds=("standard",) * 2,
        static=(),
        names=tuple(SCALES),
        center=zeros,
        scale=np.array(list(SCALES.values())),
        parameter=np.full(size, np.nan),
        low=np.full(size, -1e3),
        high=np.full(size, 1e3),
        mean=zeros,
    )
    files.write_json(folder / "scaler.json", scaler.to_json())
    (folder / "channels.json").write_text(
        json.dumps(
            {
                "targets": ["temp"],
                "past_covariates": ["wind"],
                "indicators": ["temp_observed"],
                "static": [],
                "future_covariates": ["hour_of_day_sin", "hour_of_day_cos"],
            }
        )
    )
    return standardized


def write_windows(folder: Path) -> np.ndarray:
    folder.mkdir()
    first = {
        "train": np.arange(48 - LOOKBACK - HORIZON + 1),
        "validation": np.arange(48 - LOOKBACK, 64 - LOOKBACK - HORIZON + 1),
    }
    first["test"] = np.arange(64 - LOOKBACK, 80 - LOOKBACK - HORIZON + 1)
    starts = {part: np.concatenate([rows, rows + ROWS]) for part, rows in first.items()}
    for part, rows in starts.items():
        np.save(folder / f"{part}.npy", rows)
    (folder / "windows.json").write_text(
        json.dumps(
            {
                "lookback": LOOKBACK,
                "horizon": HORIZON,
                "stride": 1,
                "counts": {k: len(v) for k, v in starts.items()},
            }
        )
    )
    return starts["test"]


def write_model(folder: Path, states: list[str], values: str = "standardized") -> None:
    facts = {
        "name": folder.name,
        "family": "plain",
        "model": {"input": {"values": values}},
        "train": {"epochs": 20},
        "seeds": list(range(len(states))),
        "states": states,
        "epochs": [7] * len(states),
        "best_epochs": [3] * len(states),
        "parameters": 99,
        "warnings": ["R6"],
        "cudnn": True,
    }
    files.write_json(folder / "fleet.json", facts)
    files.write_json(folder / "cost.json", {"seconds_per_replica": 1.5, "device": "CPU"})
    losses = pd.DataFrame({"seed": facts["seeds"] * 2, "validation_loss": 0.5})
    losses.loc[: len(states) - 1, "validation_loss"] = 0.25
    losses[losses["seed"] > 0].to_parquet(folder / "history.parquet")
    (folder / "weights.npz").write_text("weights")
    manifest.write(folder)


class Newest:
    """Forecasts the newest value of the first channel plus the seed; keeps what it was given."""

    fed: list[tuple[np.ndarray, np.ndarray]]

    @classmethod
    def load(cls, folder: Path) -> "Newest":
        made = cls()
        made.seeds = len(files.read_json(folder / "fleet.json")["seeds"])
        return made

    def forecast(self, past: np.ndarray, future: np.ndarray) -> np.ndarray:
        self.fed.append((past, future))
        newest = np.repeat(past[:, -1:, :1], HORIZON, axis=1)
        return np.stack([newest + np.float32(seed) for seed in range(self.seeds)])


class Inside:
    """Takes a batch and measures nothing in it; keeps what it was given."""

    seen: list["Inside"]

    def __init__(self, past: np.ndarray, future: np.ndarray, truth: np.ndarray) -> None:
        self.past, self.future, self.truth = past, future, truth

    def diagnose(self: "Newest", batch: "Inside", loss: Any) -> tuple[Any, Any]:
        Inside.seen.append(batch)
        nothing: Any = {key: {} for key in ("layers", "gates", "weights")}
        facts = {**nothing, "batch_gap": None, "dropout_noise": None, "error": 1.0}
        arrays = {"recurrent_1.forward.h": np.array([[0.5, 2.0]])}
        return {**facts, "windows": len(batch.past), "seeds": 1}, arrays


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    stand_in = ModuleType("pipeline.training.engine.ensemble")
    stand_in.Ensemble = Newest
    inside = ModuleType("pipeline.training.diagnosis.measure")
    inside.Batch, inside.diagnose = Inside, Inside.diagnose
    monkeypatch.setattr(Newest, "fed", [], raising=False)
    monkeypatch.setattr(Inside, "seen", [], raising=False)
    monkeypatch.setitem(sys.modules, "pipeline.training.diagnosis.measure", inside)
    monkeypatch.setitem(sys.modules, "pipeline.training.engine.ensemble", stand_in)
    write_arrays(tmp_path / "standardized")
    write_windows(tmp_path / "windows")

    def execute(
        out: str = "errors",
        study: dict[str, Any] | None = None,
        sections: dict[str, Any] | None = None,
        **models: Any,
    ) -> Path:
        for name, (states, values) in models.items():
            write_model(tmp_path / "models" / name, states, values)
        selected = settings(
            study or {name: {"family": "plain"} for name in models}, **(sections or {})
        )
        evaluate.run(
            selected,
            tmp_path / "standardized",
            tmp_path / "windows",
            tmp_path / "models",
            tmp_path / "store",
            tmp_path / out,
        )
        return tmp_path / out

    return execute


TRAINED = (["trained", "trained"], "standardized")


def test_every_variant_and_baseline_is_tested_on_every_test_window(run: Run) -> None:
    errors = run(plain=TRAINED, other=TRAINED)
    found = {made.summary.name: made.standardized.shape for made in entries.load_all(errors)}
    windows = len(np.load(errors.parent / "windows" / "test.npy"))
    assert found == {
        "plain": (2, windows, HORIZON, 1),
        "other": (2, windows, HORIZON, 1),
        **dict.fromkeys(BASELINES, (1, windows, HORIZON, 1)),
    }


def test_a_variant_that_forecasts_the_newest_value_errs_like_the_last_value_baseline(
    run: Run,
) -> None:
    errors = run(plain=TRAINED)
    plain, last = entries.load(errors / "plain"), entries.load(errors / "last_value")
    np.testing.assert_array_equal(plain.standardized[0], last.standardized[0])
    assert np.isnan(plain.standardized[0]).sum() == np.isnan(plain.standardized[1]).sum() > 0
    np.testing.assert_allclose(plain.standardized[1], last.standardized[0] + 1, atol=1e-5)
    np.testing.assert_array_equal(plain.units[0], last.units[0])


def test_unit_errors_are_those_of_the_unscaled_table(run: Run) -> None:
    errors = run(plain=TRAINED)
    raw, starts = (
        np.load(errors.parent / "standardized" / "raw.npy"),
        np.load(errors.parent / "windows" / "test.npy"),
    )
    origin = starts[:, None] + LOOKBACK - 1
    raw[MASKED, 0] = np.nan
    before = np.where(np.isnan(raw[origin, 0]), raw[origin - 1, 0], raw[origin, 0])
    expected = before - raw[origin + 1 + np.arange(HORIZON), 0]
    np.testing.assert_allclose(
        entries.load(errors / "last_value").units[0, :, :, 0], expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("values", ["standardized", "raw"])
def test_a_variant_is_fed_the_array_that_it_was_trained_on(values: str, run: Run) -> None:
    errors = run(plain=(["trained"], values))
    array, start = (
        np.load(errors.parent / "standardized" / f"{values}.npy"),
        np.load(errors.parent / "windows" / "test.npy")[0],
    )
    origin = start + LOOKBACK
    past, future = Newest.fed[0]
    np.testing.assert_array_equal(past[0], array[start:origin])
    np.testing.assert_array_equal(future[0], array[origin : origin + HORIZON, 3:])


def test_a_diverged_replica_is_nan_and_keeps_its_state(run: Run) -> None:
    found = entries.load(run(plain=(["diverged", "trained"], "standardized")) / "plain")
    assert np.isnan(found.standardized[0]).all()
    assert np.isnan(found.units[0]).all()
    assert np.isfinite(found.standardized[1]).mean() > 0.8
    assert found.summary.state == "1 of 2 diverged at epoch 7"


def test_a_trained_replica_whose_forecast_is_not_finite_is_recorded_as_such(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        Newest,
        "forecast",
        lambda self, past, future: np.full((2, len(past), HORIZON, 1), np.inf, np.float32),
    )
    assert (
        entries.load(run(plain=TRAINED) / "plain").summary.state
        == "2 of 2 not finite on the test split"
    )


def test_a_summary_carries_over_what_training_recorded(run: Run) -> None:
    summary = entries.load(run(plain=TRAINED) / "plain").summary
    assert summary.validation_losses == (None, 0.25)
    assert (summary.kind, summary.family, summary.seeds, summary.best_epochs) == (
        "variant",
        "plain",
        (0, 1),
        (3, 3),
    )
    assert (summary.parameters, summary.seconds_per_replica, summary.train) == (
        99,
        1.5,
        {"epochs": 20},
    )


def test_the_cost_of_a_forecast_is_measured_once(run: Run) -> None:
    first, again = (entries.load(run(out, plain=TRAINED) / "plain").summary for out in "ab")
    assert first.latency is not None
    assert first.latency > 0
    assert first.latency == again.latency
    assert first.seconds_to_trace is None  # trained by an earlier version


def test_the_windows_table_names_series_and_time_of_the_newest_input(run: Run) -> None:
    errors = run(plain=TRAINED)
    windows = pd.read_parquet(errors / "windows.parquet")
    starts = np.load(errors.parent / "windows" / "test.npy")
    assert windows["start"].tolist() == starts.tolist()
    assert windows["series"].tolist() == ["JFK"] * (len(starts) // 2) + ["LGA"] * (len(starts) // 2)
    truth = np.load(errors.parent / "standardized" / "truth.npy")[:, 0]
    cells = np.isfinite(truth[starts[:, None] + LOOKBACK + np.arange(HORIZON)]).sum(axis=1)
    assert windows["cells"].tolist() == cells.tolist()
    assert cells.min() < HORIZON
    assert windows["origin"].iloc[0] == pd.Timestamp("2013-01-01", tz="UTC") + pd.Timedelta(
        hours=63
    )


def test_a_diagnosis_is_made_on_measured_validation_windows(run: Run) -> None:
    errors = run(plain=TRAINED, lost=(["diverged"], "standardized"))
    found = {made.summary.name: made.diagnosis for made in entries.load_all(errors)}
    assert [name for name, made in found.items() if made] == ["plain"]
    assert found["plain"].gradient_ratio == 0.25
    (batch,) = Inside.seen
    starts = np.load(errors.parent / "windows" / "validation.npy")
    array = np.load(errors.parent / "standardized" / "standardized.npy")
    truth = np.load(errors.parent / "standardized" / "truth.npy")
    np.testing.assert_array_equal(batch.past[0], array[starts[0] : starts[0] + LOOKBACK])
    np.testing.assert_array_equal(
        batch.truth[-1], truth[starts[-1] + LOOKBACK : starts[-1] + LOOKBACK + HORIZON]
    )
    assert found["plain"].windows == len(starts) == len(batch.truth)


def test_two_runs_write_the_same_bytes(run: Run) -> None:
    one, two = run("one", plain=TRAINED), run("two", plain=TRAINED)
    names = [path.relative_to(one) for path in one.rglob("*") if path.is_file()]
    assert len(names) == 3 * (len(BASELINES) + 1) + 4 + 2
    for name in names:
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_only_variants_of_this_run_are_tested(run: Run) -> None:
    errors = run(study={"plain": {"family": "plain"}}, plain=TRAINED, leftover=TRAINED)
    assert not (errors / "leftover").exists()


def test_variants_that_were_not_trained_are_rejected_together(run: Run) -> None:
    family = {"family": "plain"}
    with pytest.raises(InputError) as rejection:
        run(study={"plain": family, "missing": family, "lost": family}, plain=TRAINED)
    assert len(rejection.value.findings) == 2
    assert "missing" in str(rejection.value)
    assert "lost" in str(rejection.value)
    assert "dvc repro train" in str(rejection.value)


def test_the_season_length_is_inferred_where_none_is_given_and_said(run: Run) -> None:
    given = Setup.load(run(plain=TRAINED))
    assert (given.season_length, given.season) == (24, "as given")
    inferred = Setup.load(run("again", None, {"evaluate": {"season_length": None}}, plain=TRAINED))
    assert "training split" in inferred.season


def test_forecasts_of_variants_and_baselines_are_clipped_to_the_limits(run: Run) -> None:
    limits = {"forecast": {"limits": {"temp": {"min": -0.5, "max": 0.5}}}}
    errors = run("errors", None, limits, plain=TRAINED)
    raw = np.load(errors.parent / "standardized" / "raw.npy")[:, :1]
    starts = np.load(errors.parent / "windows" / "test.npy")
    truth = raw[starts[:, None] + LOOKBACK + np.arange(HORIZON)]
    for entry in entries.load_all(errors):
        forecasts = entry.units + truth
        assert np.nanmin(forecasts) >= -0.5001
        assert np.nanmax(forecasts) <= 0.5001
        assert sum(entry.summary.clipped) > 0
    assert Setup.load(errors).limits == {"temp": {"min": -0.5, "max": 0.5}}


def test_gradient_boosting_is_kept_in_the_store(run: Run) -> None:
    errors = run(plain=TRAINED)
    kept = list((errors.parent / "store").rglob("forecasts.npy"))
    assert len(kept) == 1
    run("again", plain=TRAINED)
    assert list((errors.parent / "store").rglob("forecasts.npy")) == kept


def test_the_intervals_of_the_ensemble_come_from_the_validation_windows(run: Run) -> None:
    errors = run("errors", None, {"forecast": {"levels": [0.5, 0.8]}}, plain=TRAINED)
    folder = errors.parent
    truth = np.load(folder / "standardized" / "truth.npy")[:, 0]
    starts = np.load(folder / "windows" / "validation.npy")
    steps = starts[:, None] + LOOKBACK + np.arange(HORIZON)
    sizes = np.abs(truth[starts + LOOKBACK - 1][:, None] + 0.5 - truth[steps])  # the mean of seeds
    found = intervals.load(errors / "plain")
    assert found is not None
    half = len(starts) // 2
    for code, own in enumerate([slice(half), slice(half, None)]):
        ordered = np.sort(sizes[own], axis=0)
        ranks = [int(np.ceil((half + 1) * level)) - 1 for level in (0.5, 0.8)]
        np.testing.assert_allclose(found.half_widths[:, code, :, 0], ordered[ranks], rtol=1e-5)
    rows = entries.load(errors / "plain").summary.intervals
    assert [row["level"] for row in rows] == [0.5, 0.8]
    assert 0 < rows[0]["coverage"] <= rows[1]["coverage"] <= 1
    assert 0 < rows[0]["width"] < rows[1]["width"]


def test_a_level_without_enough_validation_windows_is_rejected_before_anything_is_written(
    run: Run, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"0\.95 needs at least 19 .* series 'JFK' has 13"):
        run("errors", None, {"forecast": {"levels": [0.95]}}, plain=TRAINED)
    assert not (tmp_path / "errors").exists()
