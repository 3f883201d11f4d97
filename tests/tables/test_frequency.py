"""The frequency and its clock: even steps, and the calendar's uneven ones."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.tables import clocks, frequency, steps, timestamps
from pipeline.tables.notation import Notation

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
    found = clocks.clocks(table, frequency.read(name), zone)
    np.testing.assert_array_equal(clocks.positions(table, found), chosen)
    np.testing.assert_array_equal(found[0].times(chosen), every[chosen])


@pytest.mark.parametrize(("name", "zone"), CASES)
def test_a_time_between_two_steps_is_off_the_clock(name: str, zone: str, raw_rows: Any) -> None:
    every = times(name, zone)
    every[7] += np.timedelta64(1, "s")
    table = raw_rows((every, every.astype(int)))
    offset = frequency.read(name)
    positions = clocks.positions(table, clocks.clocks(table, offset, zone))
    assert np.flatnonzero(positions == clocks.OFF).tolist() == [7]
    data = Data(
        path="raw.parquet",
        time="when",
        targets=("x",),
        time_zone=zone,
        series="site",
        frequency=None,
    )
    checked = steps.check(
        table, data, Validate(max_gap=0), offset, clocks.clocks(table, offset, zone)
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
    positions = clocks.positions(table, clocks.clocks(table, offset, zone))
    assert positions[-1] == 199


@pytest.mark.parametrize("zone", ["UTC", "America/Santiago"])
@pytest.mark.parametrize("name", ["MS", "ME", "QS-OCT", "YS-JAN"])
def test_months_quarters_and_years_are_inferred(name: str, zone: str, raw_rows: Any) -> None:
    every = np.delete(times(name, zone, 40), [5, 20])
    offset = infer(every, zone)
    table = raw_rows((every, every.astype(int)))
    positions = clocks.positions(table, clocks.clocks(table, offset, zone))
    assert positions[-1] == 39


def test_uneven_steps_beyond_a_month_are_asked_for() -> None:
    every = np.array(["2013-01-01", "2013-02-11", "2013-04-01"], "datetime64[ns]")
    with pytest.raises(
        InputError, match=r"raw\.parquet: no frequency can be inferred.*set data\.frequency"
    ):
        infer(every, "UTC")


def test_duplicated_times_do_not_count_as_steps() -> None:
    assert infer(np.repeat(times("h", "UTC", 9), 3), "UTC").freqstr == "h"


def test_a_series_of_one_row_has_a_clock(raw_rows: Any) -> None:
    table = raw_rows((times("h", "UTC", 1), [0.0]))
    assert clocks.positions(table, clocks.clocks(table, frequency.read("h"), "UTC")).tolist() == [0]


def test_an_early_wrong_year_does_not_make_a_huge_table(raw_rows: Any) -> None:
    table = raw_rows((np.array(["1700-01-01", "2013-01-01"], "datetime64[ns]"), [0.0, 1.0]))
    assert clocks.positions(table, clocks.clocks(table, frequency.read("ms"), "UTC"))[1] > 9e12


ZONES = [
    "America/Santiago",
    "America/Havana",
    "Africa/Cairo",
    "Asia/Beirut",
    "America/Asuncion",
    "America/New_York",
    "Europe/London",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Atlantic/Azores",
    "Asia/Kolkata",
]


def first_instant(day: date, zone: str) -> datetime:
    """The first instant of a local day: the earliest minute of UTC whose local date it is."""
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=15)
    step = timedelta(hours=1)
    while step >= timedelta(minutes=15):
        while (moment + step).astimezone(ZoneInfo(zone)).date() < day:
            moment += step
        step /= 2
    return moment + timedelta(minutes=15)


@pytest.mark.parametrize("zone", ZONES)
def test_days_of_a_year_begin_at_their_first_instants_in_every_zone(
    zone: str, raw_rows: Any
) -> None:
    days = [date(2022, 1, 1) + timedelta(days=day) for day in range(400)]
    instants = [first_instant(day, zone) for day in days]
    expected = np.array([at.replace(tzinfo=None) for at in instants], "datetime64[ns]")
    daily, text = frequency.read("D"), pa.array([str(day) for day in days])
    written = timestamps.parse(text, Notation(zone))
    assert not written.faults.any()
    np.testing.assert_array_equal(written.times, expected)
    table = raw_rows((expected[[0, -1]], [0, 1]))
    (clock,) = clocks.clocks(table, daily, zone)
    np.testing.assert_array_equal(clock.times(np.arange(400)), expected)
    np.testing.assert_array_equal(clock.positions(expected), np.arange(400))
    for origin in range(0, 390, 7):
        found = clocks.following(expected[origin], 9, daily, zone)
        np.testing.assert_array_equal(found, expected[origin + 1 : origin + 10])


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_table_may_name_either_of_two_repeated_times(zone: str, raw_rows: Any) -> None:
    times = [datetime(2022, 1, 1, 1, 30) + timedelta(days=day) for day in range(400)]
    for fold in (0, 1):
        local = [each.replace(tzinfo=ZoneInfo(zone), fold=fold) for each in times]
        round_trip = [at for at in local if at.astimezone(UTC).astimezone(at.tzinfo) == at]
        instants = [at.astimezone(UTC).replace(tzinfo=None) for at in round_trip]
        every = np.array(instants, "datetime64[ns]")
        table = raw_rows((every, np.zeros(len(every))))
        positions = clocks.positions(table, clocks.clocks(table, frequency.read("D"), zone))
        assert clocks.OFF not in positions
