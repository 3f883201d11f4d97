"""Series that nothing can be learned from: found before anything is trained, each with a reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config import params
from pipeline.config.data import Data
from pipeline.config.sections import Window
from pipeline.config.standardization import Standardize
from pipeline.series.unfit import unfit
from pipeline.tables import outline, rows

COMMITTED = params.read(Path(__file__).parents[2] / "params.yaml")
Columns = Mapping[str, Any]


def find(folder: Path, series: Mapping[str, Columns], scope: str = "series") -> dict[str, str]:
    """The reasons for series of these columns, `x` the target; lookback 6, horizon 2."""
    chosen = COMMITTED.model_copy(
        update={
            "data": Data(
                path="unused",
                time="when",
                time_zone="UTC",
                series="site",
                frequency="h",
                targets=("x",),
                past_covariates=("y",),
            ),
            "standardize": Standardize.model_validate(
                {"scope": scope, "split": {"train": 0.6, "validation": 0.2, "test": 0.2}}
            ),
            "window": Window(lookback=6, horizon=2),
        }
    )
    lengths = [len(columns["x"]) for columns in series.values()]
    codes = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    hours = [np.arange(length).astype("datetime64[h]") for length in lengths]
    index = rows.Rows(
        tuple(series), codes, np.concatenate(hours).astype("datetime64[ns]"), codes.copy()
    )
    values = {
        name: np.concatenate([columns[name] for columns in series.values()]) for name in ("x", "y")
    }
    rows.write(folder / "table.parquet", index, values)
    whole = outline.trace([(index, None)])
    return unfit(chosen, Path("raw.csv"), whole, folder / "table.parquet")


def varied(count: int = 100, **columns: Any) -> Columns:
    random = np.random.default_rng(count)
    return {"x": random.normal(size=count), "y": random.normal(size=count), **columns}


def test_series_that_are_long_and_varied_enough_are_fit(tmp_path: Path) -> None:
    assert find(tmp_path, {"A": varied(), "B": varied(60)}) == {}


def test_every_series_that_is_too_short_is_named(tmp_path: Path) -> None:
    found = find(tmp_path, {"A": varied(), "B": varied(10), "C": varied(1)})
    assert found.keys() == {"B", "C"}
    assert "no window for train: a window takes 8 consecutive rows" in found["B"]
    assert "too few for train and validation" in found["C"]


def test_a_series_whose_target_is_masked_in_a_whole_split_is_named(tmp_path: Path) -> None:
    x = np.where(np.arange(100) < 80, varied()["x"], np.nan)
    found = find(tmp_path, {"A": varied(x=x), "B": varied()})
    assert found.keys() == {"A"}
    assert "no window for test" in found["A"]
    assert "must hold a measured target" in found["A"]


@pytest.mark.parametrize(
    ("training", "says"), [(3.0, "column is 3 in all of them"), (np.nan, "is missing in them")]
)
def test_a_series_that_is_constant_or_missing_in_training_is_named(
    training: float, says: str, tmp_path: Path
) -> None:
    y = np.where(np.arange(100) < 60, training, np.arange(100.0))
    series = {"A": varied(), "B": varied(y=y)}
    found = find(tmp_path, series)
    assert found.keys() == {"B"}
    assert says in found["B"]
    assert find(tmp_path, series, "global") == {}


def test_a_column_that_is_constant_in_every_series_is_no_fault_of_any(tmp_path: Path) -> None:
    assert (
        find(tmp_path, {"A": varied(y=np.full(100, 1.0)), "B": varied(y=np.full(100, 2.0))}) == {}
    )
