"""Gaps and missing values: what is filled lies on the line, and nothing crosses a cut."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.data import Data
from pipeline.config.validation import Missing, Validate
from pipeline.tables import clocks, cutting, filling, frequency, grid, problems
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
    hourly = clocks.clocks(table, frequency.read("h"), "UTC")
    return grid.regular(table, hourly, clocks.positions(table, hourly), gaps)


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
    filled = filling.fill(table, rules("interpolate"))
    expected = (table.rows.series + 1.0) * ((table.rows.times - START) / HOUR) - 7
    np.testing.assert_allclose(filled.regular.rows.columns["x"], expected)
    assert filled.filled["x"].sum() == missing


def test_interpolation_is_linear_in_time_where_steps_are_uneven(raw_rows: Any) -> None:
    months = np.array(["2013-01-01", "2013-02-01", "2013-03-01"], "datetime64[ns]")
    table = Regular(raw_rows((months, [0.0, np.nan, 59.0])), np.zeros(3, np.int32), [])
    assert filling.fill(table, rules("interpolate")).regular.rows.columns["x"][1] == pytest.approx(
        31
    )


def test_forward_fill_repeats_the_last_value(raw_rows: Any) -> None:
    table = regular(raw_rows, 2, ([0, 1, 2, 5, 6], [1, np.nan, 3, np.nan, 5]))
    assert rejected(table, rules("forward_fill")) == []
    assert filling.fill(table, rules("forward_fill")).regular.rows.columns["x"].tolist() == [
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


POLICIES = {
    "constant": {"policy": "constant", "value": -1.0},
    "cut": {"policy": "cut"},
    "mask": {"policy": "mask"},
    "fill or cut": {"policy": "forward_fill", "max_run": 2, "beyond": "cut"},
    "fill or mask": {"policy": "forward_fill", "max_run": 2, "beyond": "mask"},
    "interpolate or cut": {"policy": "interpolate", "max_run": 2, "beyond": "cut"},
}
holes = st.lists(st.one_of(st.just(np.nan), st.floats(0, 9)), min_size=1, max_size=40)


def declared(policy: str) -> Validate:
    return Validate(max_gap=3, missing={"default": Missing.model_validate(POLICIES[policy])})


@pytest.mark.parametrize("policy", POLICIES)
@given(values=holes)
def test_what_a_policy_does_not_fill_is_masked_or_cut_and_nothing_else_is_changed(
    policy: str, values: list[float], raw_rows: Any
) -> None:
    table = regular(raw_rows, 3, (range(len(values)), values))
    cut = cutting.cut(table, declared(policy))
    assert rejected(cut, declared(policy)) == []
    complete = filling.fill(cut, declared(policy))
    places = (cut.rows.times - START) // HOUR
    was = np.array(values)[places]
    now = complete.regular.rows.columns.get("x", np.empty(0))
    np.testing.assert_array_equal(now[~np.isnan(was)], was[~np.isnan(was)])
    if len(was):
        masked, filled = complete.masked["x"], complete.filled["x"]
        assert (np.isnan(now) == masked).all()
        assert (np.isnan(was) == (masked | filled)).all()
        assert not masked.any() or "mask" in policy
        same = np.diff(cut.segment) == 0
        assert (np.diff(places)[same] == 1).all()
        assert (np.diff(places)[~same] > 1).all()
    lost = set(range(len(values))) - set(places.tolist())
    assert not lost or "cut" in policy
    assert np.isnan(np.array(values)[sorted(lost)]).all()
    assert sum(entry["missing_rows"] for entry in cut.cuts) == len(lost)


def test_a_cut_of_one_column_leaves_nothing_to_fill_another_from(raw_rows: Any) -> None:
    table = raw_rows((START + np.arange(6) * HOUR, [1, np.nan, 3, 4, 5, 6]))
    columns = {"x": table.columns["x"], "y": np.array([1, 2, np.nan, np.nan, 5, 6.0])}
    rows = replace(table, columns=columns, texts={**table.texts, "y": table.texts["x"]})
    chosen = Validate(
        max_gap=0,
        missing={
            "x": Missing(policy="cut"),
            "y": Missing(policy="forward_fill", max_run=9, beyond="cut"),
        },
    )
    cut = cutting.cut(Regular(rows, np.zeros(6, np.int32), []), chosen)
    assert ((cut.rows.times - START) // HOUR).tolist() == [0, 4, 5]
    assert cut.segment.tolist() == [0, 1, 1]
    assert [(entry["missing_rows"], entry["columns"]) for entry in cut.cuts] == [(3, ["x", "y"])]


@pytest.mark.parametrize("policy", ["refuse", "forward_fill", "interpolate"])
def test_advice_on_long_runs_never_leads_to_invented_values(policy: str, raw_rows: Any) -> None:
    table = regular(raw_rows, 0, (range(40), [1, *[np.nan] * 38, 2]))
    rule = {"policy": policy} | ({} if policy == "refuse" else {"max_run": 2})
    chosen = Validate(max_gap=0, missing={"default": Missing.model_validate(rule)})
    (finding,) = rejected(table, chosen)
    assert "mask" in finding and "cut" in finding
    assert "raise" not in finding
