"""The frequency and its clock: even steps, and the calendar's uneven ones."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import frequency, steps

BERLIN = "Europe/Berlin"
CASES = [
    ("h", "UTC"),
    ("15min", "UTC"),
    ("D", BERLIN),
    ("7D", "UTC"),
    ("B", "UTC"),
    ("W-MON", BERLIN),
    ("MS", "UTC"),
    ("ME", BERLIN),
    ("QS", "UTC"),
    ("YS", "UTC"),
]


def times(name: str, zone: str, count: int = 200) -> np.ndarray[Any, Any]:
    """Regular times in UTC, over many clock changes."""
    index = pd.date_range("1990-01-01", periods=count, freq=name, tz=zone)
    return index.tz_convert("UTC").tz_localize(None).as_unit("ns").to_numpy().copy()


def infer(every: np.ndarray[Any, Any], zone: str) -> Any:
    """From all these times."""
    return frequency.infer(Path("raw.parquet"), every, zone)


@pytest.mark.parametrize(("name", "zone"), CASES)
def test_a_clock_counts_steps_and_gives_the_times_back(name: str, zone: str, raw_rows: Any) -> None:
    every = times(name, zone)
    chosen = np.r_[
        0, np.sort(np.random.default_rng(0).choice(np.arange(1, 200), 99, replace=False))
    ]
    table = raw_rows((every[chosen], chosen))
    clocks = frequency.clocks(table, frequency.read(name), zone)
    np.testing.assert_array_equal(frequency.positions(table, clocks), chosen)
    np.testing.assert_array_equal(clocks[0].times(chosen), every[chosen])


@pytest.mark.parametrize(("name", "zone"), CASES)
def test_a_time_between_two_steps_is_off_the_clock(name: str, zone: str, raw_rows: Any) -> None:
    every = times(name, zone)
    every[7] += np.timedelta64(1, "s")
    table = raw_rows((every, every.astype(int)))
    offset = frequency.read(name)
    positions = frequency.positions(table, frequency.clocks(table, offset, zone))
    assert np.flatnonzero(positions == frequency.OFF).tolist() == [7]
    data = Data(
        path="raw.parquet",
        time="when",
        targets=("x",),
        time_zone=zone,
        series="site",
        frequency=None,
    )
    checked = steps.check(
        table, data, Validate(max_gap=0), offset, frequency.clocks(table, offset, zone)
    )
    (finding,) = checked.off.findings(Path("raw.parquet"), table.totals())
    assert "1 of 200" in finding
    assert "(row 8)" in finding
    assert checked.regular is None


@pytest.mark.parametrize(
    ("name", "zone"), [case for case in CASES if case[0] not in ("MS", "ME", "QS", "YS")]
)
def test_the_frequency_is_inferred_despite_gaps(name: str, zone: str, raw_rows: Any) -> None:
    every = np.delete(times(name, zone), [5, 6, 7, 50])
    offset = infer(every, zone)
    table = raw_rows((every, every.astype(int)))
    positions = frequency.positions(table, frequency.clocks(table, offset, zone))
    assert positions[-1] == 199


def test_months_are_not_inferred_but_asked_for() -> None:
    every = times("MS", "UTC")
    with pytest.raises(
        InputError, match=r"raw\.parquet: no frequency can be inferred.*set data\.frequency"
    ):
        infer(every, "UTC")


def test_a_series_of_one_row_has_a_clock(raw_rows: Any) -> None:
    table = raw_rows((times("h", "UTC", 1), [0.0]))
    assert frequency.positions(
        table, frequency.clocks(table, frequency.read("h"), "UTC")
    ).tolist() == [0]


def test_an_early_wrong_year_does_not_make_a_huge_table(raw_rows: Any) -> None:
    table = raw_rows((np.array(["1700-01-01", "2013-01-01"], "datetime64[ns]"), [0.0, 1.0]))
    assert (
        frequency.positions(table, frequency.clocks(table, frequency.read("ms"), "UTC"))[1] > 9e12
    )
