"""A small project in a folder: real data stages, variants without networks, an empty MLflow."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from pipeline import standardize, validate, window
from pipeline.config import params
from pipeline.config.params import Params
from pipeline.config.paths import Paths
from pipeline.core.files import read_json, write_json
from pipeline.evaluation import entries
from pipeline.evaluation.entries import Summary
from pipeline.evaluation.evaluator import Setup
from pipeline.series.scaler import Scaler
from pipeline.series.windows import Windows, gather_truth
from pipeline.tables import rows

LOOKBACK, HORIZON = 6, 3
NAIVE = 0.5  # standardized error of the best naive baseline
PLACES = (("a", 10.0), ("b", 500.0))
CONTENT: dict[str, Any] = {
    "data": {
        "path": "table.csv",
        "time": "hour",
        "time_zone": "UTC",
        "series": "place",
        "frequency": "h",
        "targets": ["level"],
        "past_covariates": ["wind"],
        "calendar": ["hour_of_day", "day_of_week"],
    },
    "validate": {
        "max_gap": 0,
        "limits": {
            "wind": {"max": 100, "outside": "missing"},
            "level": {"min": -1000, "outside": "refuse"},
        },
    },
    "standardize": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
    "window": {"lookback": LOOKBACK, "horizon": HORIZON},
    "train": {"seeds": 3},
    "evaluate": {"season_length": 24},
    "track": {"experiment": "study"},
    "promote": {"name": "forecaster"},
    "model": {
        "conv": {"filters": 2},
        "recurrent": {"units": 3},
        "head": {"kind": "direct", "hidden": []},
    },
    "smoke": False,
    "study": ["*"],
    "variants": {
        "plain": {"family": "plain"},
        "conv_ln": {"family": "conv", "conv": {"normalization": "layer"}},
    },
}


def raw(count: int = 100) -> pd.DataFrame:
    """Return two places on very different levels, with times as text, as in a CSV."""
    hours = pd.date_range("2020-01-01", periods=count, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    rng = np.random.default_rng(1)
    parts = [
        pd.DataFrame(
            {
                "hour": hours,
                "place": place,
                "level": level + rng.normal(size=count),
                "wind": rng.random(count),
            }
        )
        for place, level in PLACES
    ]
    return pd.concat(parts, ignore_index=True)


def recent(count: int = LOOKBACK) -> pd.DataFrame:
    """Return the last rows of each place."""
    return raw().groupby("place").tail(count).reset_index(drop=True)


class Workshop:
    """A project on a table, which is `raw()` by default, whose data stages have run.

    `variant` adds the folder of a trained variant, `study` variants with their errors. The
    baselines have the standardized errors of `baselines`.
    """

    baselines: ClassVar[dict[str, list[float]]] = {
        "last_value": [NAIVE],
        "seasonal_naive": [0.9],
        "ridge": [0.01],
    }

    def __init__(
        self,
        folder: Path,
        table: pd.DataFrame | None = None,
        content: dict[str, Any] = CONTENT,
        **data: Any,
    ) -> None:
        self.paths = Paths(
            clean=folder / "clean",
            standardized=folder / "standardized",
            windows=folder / "windows",
            models=folder / "models",
            errors=folder / "errors",
            verdict=folder / "verdict",
            receipt=folder / "mlruns" / "receipt.json",
            store=folder / "store",
        )
        self.folder = made(folder)
        self.table = raw() if table is None else table
        empty_mlflow(self.paths.mlflow)
        self.prepare({**content, "data": {**content["data"], **data}})

    def prepare(self, content: dict[str, Any]) -> None:
        """Run the data stages with these parameters."""
        path = str(self.folder / "table.csv")
        self.params: Params = params.parse({**content, "data": {**content["data"], "path": path}})
        table = self.table
        if self.params.data.series is None:
            table = table[table["place"] == "a"]
        table.to_csv(self.folder / "table.csv", index=False)
        validate.run(self.params, self.paths.clean)
        standardize.run(self.params, self.paths.clean, self.paths.standardized)
        window.run(self.params, self.paths.standardized, self.paths.windows)

    def variant(self, name: str, values: str = "standardized", **weights: np.ndarray) -> Path:
        """Write the folder of a variant whose weights are these arrays."""
        folder = self.paths.models / name
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "fleet.json", {"model": {"input": {"values": values}}})
        np.savez(folder / "weights.npz", **weights)
        return folder

    def study(self, **errors: list[float]) -> None:
        """Write the errors of variants, as if they had just been evaluated.

        Each seed of a variant errs by the same standardized amount everywhere; NaN is a diverged
        seed.
        """
        window, targets = self.params.window, self.params.data.targets
        index = rows.read(self.paths.clean / "table.parquet")
        starts = Windows.load(self.paths.windows).test
        setup = Setup(
            targets=targets,
            lookback=window.lookback,
            horizon=window.horizon,
            stride=1,
            season_length=24,
            season="as given",
            ridge_penalty=1.0,
            scalers=("standard",) * len(targets),
            scope="series",
            limits={},
        )
        setup.save(made(self.paths.errors))
        origins = index.times[starts + window.lookback - 1]
        names = np.array(index.names)[index.series[starts]]
        cells = np.isfinite(self._truth(starts)).sum(axis=(1, 2))
        columns = {"series": names, "origin": origins, "start": starts, "cells": cells}
        windows = pd.DataFrame(columns)
        windows.to_parquet(self.paths.errors / "windows.parquet")
        for name, sizes in {**errors, **self.baselines}.items():
            self._write_errors(name, sizes, index.series[starts], self._truth(starts))
            baseline = name in self.baselines
            summary = entries.baseline(name, 0, None) if baseline else self._summary(name, sizes)
            entries.save(self.paths.errors / name, summary)
            self.variant(name, errors=np.array(sizes))
            history = {
                "seed": np.repeat(np.arange(len(sizes)), 3),
                "epoch": np.tile([1, 2, 3], len(sizes)),
                "loss": 0.5,
                "validation_loss": 0.25,
            }
            pd.DataFrame(history).to_parquet(self.paths.models / name / "history.parquet")
        write_json(self.paths.models / "flags.json", [])

    def _truth(self, starts: np.ndarray) -> np.ndarray:
        """Return what windows forecast, (window, horizon, target), NaN where it is masked."""
        truth = np.load(self.paths.standardized / "truth.npy")
        return gather_truth(truth, starts, self.params.window.lookback, self.params.window.horizon)

    def _write_errors(
        self, name: str, sizes: list[float], series: np.ndarray, truth: np.ndarray
    ) -> None:
        """Write the errors of windows of these `series`, (window,), in both scales."""
        scaler = Scaler.from_json(read_json(self.paths.standardized / "scaler.json"))
        shape = (len(sizes), *truth.shape)
        standardized, units = entries.create(self.paths.errors / name, shape)
        error = np.array(sizes)[:, None, None, None]
        standardized[:] = np.where(np.isnan(truth), np.nan, error)
        targets = self.params.data.targets
        measured = scaler.inverse(truth, series, targets)
        units[:] = scaler.inverse(truth + error[0], series, targets) - measured

    def _summary(self, name: str, sizes: list[float]) -> Summary:
        (variant,) = (variant for variant in self.params.variants if variant.name == name)
        seeds = tuple(range(len(sizes)))
        return Summary(
            name=name,
            kind="variant",
            family=variant.family,
            seeds=seeds,
            states=tuple("diverged" if np.isnan(size) else "trained" for size in sizes),
            epochs=seeds,
            best_epochs=seeds,
            parameters=7,
            seconds_per_replica=1.5,
            weights_sha256="ab12",
            model=variant.model.model_dump(mode="json"),
            train=variant.train.model_dump(mode="json"),
        )


def made(folder: Path) -> Path:
    """Create the folder and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def empty_mlflow(folder: Path) -> Path:
    """Create a folder with an empty MLflow store; as it takes seconds, it is made only once."""
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(_database())
    return folder


@cache
def _database() -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        MlflowClient(f"sqlite:///{scratch}/mlflow.db").search_experiments()
        return Path(scratch, "mlflow.db").read_bytes()
