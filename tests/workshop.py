"""A small project in a folder: the data stages' real results, variants that are no networks, and an empty MLflow."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow import MlflowClient

from pipeline import params, standardize, validate, window
from pipeline.files import write_json
from pipeline.layout import Layout
from pipeline.params import Params

MLFLOW_WARNINGS = ("ignore:The ``noload`` loader strategy", "ignore:.*Any type hint is inferred")  # of its own code, with libraries newer than it
LOOKBACK, HORIZON = 6, 3
PLACES = (("a", 10.0), ("b", 500.0))
CONTENT: dict[str, Any] = {
    "data": {
        "path": "table.csv",
        "time": "hour",
        "series": "place",
        "frequency": "h",
        "targets": ["level"],
        "covariates": ["wind"],
        "calendar": ["hour_of_day", "day_of_week"],
    },
    "validate": {"limits": {"wind": {"max": 100, "outside": "missing"}, "level": {"min": -1000, "outside": "refuse"}}},
    "standardize": {"split": {"train": 0.6, "validation": 0.2, "test": 0.2}},
    "window": {"lookback": LOOKBACK, "horizon": HORIZON},
    "train": {"seeds": 3},
    "evaluate": {"season": 24},
    "track": {"experiment": "study"},
    "promote": {"name": "forecaster"},
    "model": {"conv": {"filters": 2}, "recurrent": {"units": 3}},
    "smoke": False,
    "study": ["*"],
    "variants": {"plain": {"family": "plain"}, "conv_ln": {"family": "conv", "conv": {"normalization": "layer"}}},
}


def raw(count: int = 100) -> pd.DataFrame:
    """Two places on very different levels; times as text, as in a CSV."""
    hours = pd.date_range("2020-01-01", periods=count, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    rng = np.random.default_rng(1)
    parts = [pd.DataFrame({"hour": hours, "place": place, "level": level + rng.normal(size=count), "wind": rng.random(count)}) for place, level in PLACES]
    return pd.concat(parts, ignore_index=True)


def recent(count: int = LOOKBACK) -> pd.DataFrame:
    """The last rows of each place."""
    return raw().groupby("place").tail(count).reset_index(drop=True)


class Workshop:
    """Runs the data stages on `raw()`; `variant` adds the folder of a trained variant."""

    def __init__(self, folder: Path, **data: Any) -> None:
        self.layout = Layout(*(folder / name for name in ("clean", "standardized", "windows", "models", "errors", "verdict", "mlruns/receipt.json")))
        self.folder = folder
        self.prepare({**CONTENT, "data": {**CONTENT["data"], **data}})

    def prepare(self, content: dict[str, Any]) -> None:
        """Run the data stages with these parameters."""
        self.params: Params = params.parse(content)
        table = raw() if self.params.data.series else raw()[lambda t: t["place"] == "a"]
        self.folder.mkdir(exist_ok=True)
        table.to_csv(self.folder / "table.csv", index=False)
        validate.run(self.params, self.folder / "table.csv", self.layout.clean)
        standardize.run(self.params, self.layout.clean, self.layout.standardized)
        window.run(self.params, self.layout.standardized, self.layout.windows)

    def variant(self, name: str, values: str = "standardized", **weights: np.ndarray) -> Path:
        """The folder of a variant whose weights are these arrays."""
        folder = self.layout.models / name
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "fleet.json", {"model": {"input": {"values": values}}})
        np.savez(folder / "weights.npz", **weights)
        return folder


def empty_mlflow(folder: Path) -> Path:
    """A folder with an MLflow store in which nothing is; creating one takes seconds, so it is done once."""
    folder.mkdir()
    (folder / "mlflow.db").write_bytes(_database())
    return folder


@cache
def _database() -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        MlflowClient(f"sqlite:///{scratch}/mlflow.db").search_experiments()
        return Path(scratch, "mlflow.db").read_bytes()
