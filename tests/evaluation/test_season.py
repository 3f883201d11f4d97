import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation import season
from pipeline.evaluation.season import Season, autocorrelation, infer


def cycle(length: float, rows: int, masked: float = 0.0) -> np.ndarray:
    """A noisy cycle of so many steps, (row, 1), of which a share is not measured."""
    rng = np.random.default_rng(0)
    values = np.sin(2 * np.pi * np.arange(rows) / length) + 0.3 * rng.normal(size=rows)
    return np.where(rng.random(rows) < masked, np.nan, values)[:, None]


def found(values: np.ndarray, frequency: str, **changed: np.ndarray) -> Season:
    rows = len(values)
    facts = {
        "times": pd.date_range("2020-01-01", periods=rows, freq=frequency).to_numpy(),
        "series": np.zeros(rows, np.int32),
        "segment": np.zeros(rows, np.int32),
        "training": np.ones(rows, bool),
    }
    return infer(values, **{**facts, **changed})


@pytest.mark.parametrize(
    ("frequency", "length", "name"),
    [
        ("min", 60, "hour"),
        ("15min", 96, "day"),
        ("h", 24, "day"),
        ("h", 168, "week"),
        ("D", 7, "week"),
        ("B", 5, "week"),
        ("W", 52, "year"),
        ("MS", 12, "year"),
        ("QS", 4, "year"),
    ],
)
@pytest.mark.parametrize("masked", [0.0, 0.5])
def test_the_season_is_the_cycle_of_the_calendar_that_the_data_follow(
    frequency: str, length: int, name: str, masked: float
) -> None:
    season = found(cycle(length, 12 * length, masked), frequency)
    assert (season.length, season.cycle) == (length, name)
    assert f"a {name}, inferred" in str(season)


@pytest.mark.parametrize("values", ["noise", "trend", "another cycle"])
def test_without_a_cycle_of_the_calendar_there_is_no_season(values: str) -> None:
    table = {
        "noise": np.random.default_rng(1).normal(size=(2000, 1)),
        "trend": np.arange(2000.0)[:, None],
        "another cycle": cycle(37, 2000),
    }
    season = found(table[values], "h")
    assert season.length == 1
    assert "no season was found" in str(season)


def test_only_training_rows_choose_the_season() -> None:
    day, week = cycle(24, 1000), cycle(168, 1000)
    training = np.arange(2000) < 1000
    values = np.concatenate([day, 100 * week])
    assert found(values, "h", training=training).cycle == "day"


def test_series_on_different_levels_do_not_make_a_season() -> None:
    series = np.repeat([0, 1], 1000).astype(np.int32)
    noise = np.random.default_rng(1).normal(size=(2000, 1)) + 1000 * series[:, None]
    assert found(noise, "h", series=series, segment=series).length == 1


def test_no_pair_of_the_autocorrelation_crosses_a_gap() -> None:
    values = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])[:, None]
    apart = autocorrelation(values, np.repeat([0, 1], 3), 2)
    assert apart == 1.0
    assert autocorrelation(values, np.zeros(6, np.int32), 2) < 0.5
    assert autocorrelation(values, np.zeros(6, np.int32), 10) == 0.0


def test_the_first_rows_of_a_long_table_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(season, "ROWS", 500)
    assert found(np.concatenate([cycle(24, 500), 50 * cycle(168, 2000)]), "h").cycle == "day"
