"""The split: in the order of time, in every series, and complete."""

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.standardization import Dates, Durations, RowCounts, Shares
from pipeline.core.errors import InputError
from pipeline.series import split
from pipeline.tables import outline
from pipeline.tables.rows import Rows

SHARES = Shares(train=0.7, validation=0.15, test=0.15)


def index(*lengths: int) -> Rows:
    """Return hourly series of these lengths from the start of 2013, each of one segment."""
    series = np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
    times = [
        np.datetime64("2013-01-01", "ns") + np.arange(length) * np.timedelta64(1, "h")
        for length in lengths
    ]
    return Rows(tuple("ABCDEFGH"[: len(lengths)]), series, np.concatenate(times), series)


def assign(table: Rows, kind: Any, zone: str = "UTC") -> np.ndarray[Any, Any]:
    """Return the split of every row, by the outline of the table."""
    whole = outline.trace([(table, None)], split.moments(kind, zone))
    return split.divide(whole, kind).splits(0, len(table.times))


def counts(parts: np.ndarray[Any, Any]) -> list[int]:
    """Return the number of rows in train, validation and test."""
    return [int((parts == part).sum()) for part in range(3)]


@given(
    st.lists(st.integers(20, 200), min_size=1, max_size=4),
    st.sampled_from([SHARES, RowCounts(train=7, validation=3, test=5)]),
)
def test_every_series_is_first_training_then_validation_then_test(
    lengths: list[int], kind: Any
) -> None:
    table = index(*lengths)
    parts = assign(table, kind)
    for rows in table.slices():
        used = parts[rows][parts[rows] != split.UNUSED]
        assert (np.diff(used) >= 0).all()
        assert set(used) == {0, 1, 2}
        assert (parts[rows][: len(used)] == used).all()


def test_shares_are_shares_of_each_series() -> None:
    assert counts(assign(index(100, 20), SHARES)) == [84, 18, 18]


def test_rows_are_counted_and_the_rest_is_not_used() -> None:
    assert counts(assign(index(20), RowCounts(train=7, validation=3, test=5))) == [7, 3, 5]


def test_rows_that_no_split_uses_are_counted_and_reported() -> None:
    table, kind = index(20, 2000), RowCounts(train=7, validation=3, test=5)
    divided = split.divide(outline.trace([(table, None)]), kind)
    assert split.counts(divided).tolist() == [[7, 3, 5, 5], [7, 3, 5, 1985]]
    (line,) = split.unused(divided)
    assert line.startswith("1,990 of 2,020 rows are in no split and are not used")
    assert "series 'B': 1,985 of 2,000" in line
    assert split.unused(split.divide(outline.trace([(table, None)]), SHARES)) == []


def test_dates_are_first_moments_in_the_zone_of_the_data() -> None:
    dates = Dates(validation=datetime(2013, 1, 2), test=datetime(2013, 1, 3))
    assert counts(assign(index(60), dates)) == [24, 24, 12]
    assert counts(assign(index(60), dates, "America/New_York")) == [29, 24, 7]


@pytest.mark.parametrize("newest", [100, 101, 150])
def test_durations_count_back_from_the_newest_row_and_move_with_it(newest: int) -> None:
    table = index(newest, 90)
    rule = split.dated(
        Durations(validation="20h", test="2d"), outline.trace([(table, None)]), "UTC"
    )
    parts = assign(table, rule) if newest < 150 else assign(index(newest), rule)
    assert counts(parts[:newest]) == [newest - 68, 20, 48]
    if newest == 100:  # the other series ends ten hours earlier: its test part is shorter
        assert counts(parts[newest:]) == [32, 20, 38]


def test_days_are_those_of_the_clocks_across_a_change() -> None:
    days = pd.date_range("2013-01-01", "2013-03-31", tz="America/New_York")
    code = np.zeros(len(days), np.int32)
    table = Rows(("A",), code, days.tz_convert("UTC").tz_localize(None).to_numpy("M8[ns]"), code)
    durations = Durations(validation="2w", test="30d")
    zone = "America/New_York"
    rule = split.dated(durations, outline.trace([(table, None)]), zone)
    assert counts(assign(table, rule, zone)) == [46, 14, 30]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            SHARES,
            "series 'B' has 2 rows, from 2013-01-01T00:00:00Z to 2013-01-01T01:00:00Z, "
            "too few for validation",
        ),
        (
            RowCounts(train=20, validation=3, test=5),
            "too few for train and validation and test",
        ),
        (Dates(validation=datetime(2013, 1, 1, 1), test=datetime(2013, 1, 9)), "too few for test"),
        (Dates(validation=datetime(2012, 1, 1), test=datetime(2013, 1, 1, 1)), "too few for train"),
    ],
)
def test_an_empty_split_is_rejected(kind: Any, says: str) -> None:
    with pytest.raises(InputError) as rejection:
        assign(index(30, 2), kind)
    assert says in rejection.value.findings[-1]
    assert "standardize.split" in rejection.value.findings[-1]
