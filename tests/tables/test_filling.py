"""Gaps and missing values: what is filled lies on the line, and nothing crosses a cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.data import Data
from pipeline.config.validation import Missing, Validate
from pipeline.tables import filling, frequency, grid, problems
from pipeline.tables.grid import Regular

DATA = Data(
    path="raw.parquet",
    time="when",
    time_zone="UTC",
    series="site",
    frequency="h",
    targets=("x",),
)
HOUR = np.timedelta64(3600, "s")
START = np.datetime64("2013-01-01", "ns")


def regular(raw_rows: Any, gaps: int, *series: tuple[Any, Any]) -> Regular:
    """Series of (hours, values), made regular."""
    table = raw_rows(*((START + np.asarray(hours) * HOUR, values) for hours, values in series))
    clocks = frequency.clocks(table, frequency.read("h"), "UTC")
    return grid.regular(table, clocks, frequency.positions(table, clocks), gaps)


def rules(policy: str, max_run: int = 99) -> Validate:
    """One policy for every column."""
    return Validate(
        max_gap=0,
        missing={"default": Missing.model_validate({"policy": policy, "max_run": max_run})},
    )


def rejected(table: Regular, chosen: Validate) -> list[str]:
    """The findings about missing values."""
    found = filling.problems(table, DATA, chosen)
    return problems.findings(found, Path("raw.parquet"), table.rows.totals())


hours = st.lists(st.integers(1, 6), min_size=1, max_size=30).map(np.cumsum)


@given(series=st.lists(hours, min_size=1, max_size=3), gaps=st.integers(0, 5))
def test_a_segment_has_every_hour_and_between_segments_lies_a_long_gap(
    series: list[Any], gaps: int, raw_rows: Any
) -> None:
    table = regular(raw_rows, gaps, *((each, each * 10) for each in series))
    same = np.diff(table.segment) == 0
    steps = np.diff(table.rows.times) // HOUR
    assert (steps[same] == 1).all()
    other = ~same & (np.diff(table.rows.series) == 0)
    assert (steps[other] > gaps + 1).all()
    assert len(table.cuts) == other.sum()
    assert set(np.diff(table.segment)) <= {0, 1}


@given(series=st.lists(hours, min_size=1, max_size=3), gaps=st.integers(0, 5))
def test_measured_rows_stay_as_they_were(series: list[Any], gaps: int, raw_rows: Any) -> None:
    table = regular(raw_rows, gaps, *((each, each * 10) for each in series))
    there = ~table.inserted
    np.testing.assert_array_equal(table.rows.columns["x"][there], np.concatenate(series) * 10)
    np.testing.assert_array_equal((table.rows.times[there] - START) // HOUR, np.concatenate(series))
    np.testing.assert_array_equal(table.rows.numbers[there], np.arange(there.sum()))
    assert np.isnan(table.rows.columns["x"][~there]).all()


@given(series=st.lists(hours, min_size=1, max_size=3), gaps=st.integers(0, 5), data=st.data())
def test_interpolation_restores_every_missing_point_of_a_line(
    series: list[Any], gaps: int, data: st.DataObject, raw_rows: Any
) -> None:
    table = regular(
        raw_rows, gaps, *((each, each * (number + 1.0) - 7) for number, each in enumerate(series))
    )
    values = table.rows.columns["x"]
    drop = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    ends = np.append(True, np.diff(table.segment) != 0) | np.append(
        np.diff(table.segment) != 0, True
    )
    values[drop & ~ends] = np.nan
    missing = np.isnan(values).sum()
    assert rejected(table, rules("interpolate")) == []
    filled, cells = filling.fill(table, rules("interpolate"))
    expected = (table.rows.series + 1.0) * ((table.rows.times - START) / HOUR) - 7
    np.testing.assert_allclose(filled.rows.columns["x"], expected)
    assert len(cells) == missing


def test_interpolation_is_linear_in_time_where_steps_are_uneven(raw_rows: Any) -> None:
    months = np.array(["2013-01-01", "2013-02-01", "2013-03-01"], "datetime64[ns]")
    table = Regular(raw_rows((months, [0.0, np.nan, 59.0])), np.zeros(3, np.int32), [])
    assert filling.fill(table, rules("interpolate"))[0].rows.columns["x"][1] == pytest.approx(31)


def test_forward_fill_repeats_the_last_value(raw_rows: Any) -> None:
    table = regular(raw_rows, 2, ([0, 1, 2, 5, 6], [1, np.nan, 3, np.nan, 5]))
    assert rejected(table, rules("forward_fill")) == []
    assert filling.fill(table, rules("forward_fill"))[0].rows.columns["x"].tolist() == [
        1,
        1,
        3,
        3,
        3,
        3,
        5,
    ]


@pytest.mark.parametrize(("policy", "count"), [("interpolate", 3), ("forward_fill", 2)])
def test_nothing_is_filled_across_a_cut(policy: str, count: int, raw_rows: Any) -> None:
    table = regular(raw_rows, 0, ([0, 1, 2, 9, 10, 11], [1, 2, np.nan, np.nan, np.nan, 6]))
    (finding,) = rejected(table, rules(policy))
    assert f"{count} of 6" in finding
    assert "raise validate.max_gap" in finding


@given(length=st.integers(1, 6), max_run=st.integers(1, 6))
def test_a_run_is_filled_up_to_its_allowed_length(length: int, max_run: int, raw_rows: Any) -> None:
    table = regular(raw_rows, 0, (range(length + 2), [1, *[np.nan] * length, 2]))
    findings = rejected(table, rules("interpolate", max_run))
    assert bool(findings) == (length > max_run)
