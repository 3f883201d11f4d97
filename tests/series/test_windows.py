"""Windows: which exist, which do not, and which rows they read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.sections import Window
from pipeline.series import windows
from pipeline.series.split import SPLITS
from pipeline.series.windows import Plan
from pipeline.tables import outline
from pipeline.tables.rows import Rows

Array = np.ndarray[Any, Any]


@dataclass
class Found:
    """The windows of each split."""

    train: Array
    validation: Array
    test: Array


def plan(segment: Array, split: Array, window: Window, measured: Array | None = None) -> Plan:
    """Return the plan of an hourly table with these segments and splits."""
    times = np.arange(len(segment)).astype("datetime64[h]").astype("datetime64[ns]")
    rows = Rows(("A",), np.zeros(len(segment), np.int32), times, segment)
    return windows.plan(outline.trace([(rows, split)]), window, measured)


def find(segment: Array, split: Array, window: Window, measured: Array | None = None) -> Found:
    """Return the windows of such a table."""
    planned = plan(segment, split, window, measured)
    return Found(
        *(np.concatenate([np.empty(0, np.int64), *planned.starts(name)]) for name in range(3))
    )


@st.composite
def tables(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Draw series, segment and split, each (row,), of series of several segments.

    Each series is split somewhere in time; the end of some is unused.
    """
    series, segment, split = [], [], []
    for code in range(draw(st.integers(1, 3))):
        lengths = draw(st.lists(st.integers(1, 25), min_size=1, max_size=4))
        rows = sum(lengths)
        stops = sorted(draw(st.lists(st.integers(0, rows), min_size=2, max_size=3)))
        first = segment[-1] + 1 if segment else 0
        segment += np.repeat(np.arange(len(lengths)) + first, lengths).tolist()
        split += np.searchsorted(stops, np.arange(rows), side="right").tolist()
        series += [code] * rows
    codes = np.array(split, np.int8)
    return (
        np.array(series, np.int32),
        np.array(segment, np.int32),
        np.where(codes == 3, np.int8(-1), codes),
    )


shapes = st.builds(
    Window, lookback=st.integers(1, 6), horizon=st.integers(1, 6), stride=st.integers(1, 4)
)


def rows_of(starts: Array, window: Window) -> tuple[Array, Array]:
    """Return the input rows (window, lookback) and the target rows (window, horizon).

    They are gathered from a table that holds its own row numbers.
    """
    numbers = np.arange(10_000)[:, None]
    past, _ = windows.gather(numbers, starts, window.lookback, window.horizon, 0)
    truth = windows.gather_truth(numbers, starts, window.lookback, window.horizon)
    return past[..., 0], truth[..., 0]


@given(tables(), shapes)
def test_windows_never_cross_a_gap_or_a_series(
    table: tuple[Array, Array, Array], window: Window
) -> None:
    series, segment, split = table
    found = find(segment, split, window)
    for name in SPLITS:
        inputs, targets = rows_of(getattr(found, name), window)
        rows = np.hstack([inputs, targets])
        assert (np.diff(rows) == 1).all()
        assert (segment[rows] == segment[rows[:, :1]]).all()
        assert (series[rows] == series[rows[:, :1]]).all()


@given(tables(), shapes)
def test_no_target_leaves_its_split_and_no_training_input_does(
    table: tuple[Array, Array, Array], window: Window
) -> None:
    _, segment, split = table
    found = find(segment, split, window)
    for number, name in enumerate(SPLITS):
        inputs, targets = rows_of(getattr(found, name), window)
        assert (split[targets] == number).all()
        assert (split[inputs] <= number).all()
        assert (split[inputs] >= 0).all()


@given(tables(), shapes)
def test_at_stride_one_every_possible_window_is_found(
    table: tuple[Array, Array, Array], window: Window
) -> None:
    _, segment, split = table
    found = find(segment, split, window.model_copy(update={"stride": 1}))
    size = window.lookback + window.horizon
    for number, name in enumerate(SPLITS):
        expected = []
        for start in range(len(segment) - size + 1):
            targets = split[start + window.lookback : start + size]
            inputs = split[start : start + window.lookback]
            whole = segment[start] == segment[start + size - 1]
            if whole and (targets == number).all() and (number > 0 or (inputs == 0).all()):
                expected.append(start)
        assert getattr(found, name).tolist() == expected


@given(tables(), shapes)
def test_at_stride_one_every_test_row_with_room_around_it_is_forecast(
    table: tuple[Array, Array, Array], window: Window
) -> None:
    _, segment, split = table
    found = find(segment, split, window.model_copy(update={"stride": 1}))
    forecast = set(rows_of(found.test, window)[1].ravel().tolist())
    for stretch in np.unique(segment):
        rows = np.flatnonzero((segment == stretch) & (split == 2))
        rows = rows[rows >= np.flatnonzero(segment == stretch)[0] + window.lookback]
        assert (
            (set(rows.tolist()) <= forecast)
            if len(rows) >= window.horizon
            else not forecast & set(rows.tolist())
        )


@given(tables(), shapes)
def test_a_stride_takes_the_first_window_of_a_stretch_and_then_every_so_many_steps(
    table: tuple[Array, Array, Array], window: Window
) -> None:
    _, segment, split = table
    every, some = (
        find(segment, split, window.model_copy(update={"stride": stride}))
        for stride in (1, window.stride)
    )
    for name in SPLITS:
        starts = getattr(every, name)
        expected = [
            start
            for stretch in np.unique(segment)
            for start in starts[segment[starts] == stretch][:: window.stride]
        ]
        assert getattr(some, name).tolist() == expected


def test_a_window_reads_all_channels_of_its_lookback_and_the_future_ones_of_its_horizon() -> None:
    table = np.arange(100)[:, None] * [1, 10, 100, 1000]  # the last two are future covariates
    past, future = windows.gather(table, np.array([3, 50]), lookback=4, horizon=2, future=2)
    assert past.shape == (2, 4, 4)
    assert past[1].tolist() == [[row, 10 * row, 100 * row, 1000 * row] for row in (50, 51, 52, 53)]
    assert future.tolist() == [
        [[700, 7000], [800, 8000]],
        [[5400, 54000], [5500, 55000]],
    ]
    truth = windows.gather_truth(table[:, :1], np.array([3, 50]), lookback=4, horizon=2)
    assert truth.tolist() == [[[7], [8]], [[54], [55]]]


def test_without_future_covariates_the_future_has_no_channel() -> None:
    past, future = windows.gather(np.zeros((9, 2)), np.array([0, 1]), 4, 3, 0)
    assert (past.shape, future.shape) == ((2, 4, 2), (2, 3, 0))


def test_gathering_leaves_the_table_as_it_was() -> None:
    table = np.arange(60.0).reshape(20, 3)
    for gathered in windows.gather(table, np.array([2]), 4, 2, 1):
        gathered[:] = 0
    windows.gather_truth(table, np.array([2]), 4, 2)[:] = 0
    assert table.tolist() == np.arange(60.0).reshape(20, 3).tolist()


@given(tables(), shapes, st.data())
def test_windows_without_any_truth_in_their_horizon_are_no_windows(
    table: tuple[Array, Array, Array], window: Window, data: st.DataObject
) -> None:
    _, segment, split = table
    cells = data.draw(st.lists(st.booleans(), min_size=len(split), max_size=len(split)))
    truth = np.where(np.stack([cells, np.roll(cells, 3)], axis=1), 1.0, np.nan)
    every, found = (
        find(segment, split, window),
        find(segment, split, window, np.isfinite(truth).any(axis=1)),
    )
    for name in SPLITS:
        starts = getattr(every, name)
        horizon = windows.gather_truth(truth, starts, window.lookback, window.horizon)
        expected = starts[np.isfinite(horizon).any(axis=(1, 2))]
        assert getattr(found, name).tolist() == expected.tolist()


def test_windows_are_kept_and_read_again(tmp_path: Path) -> None:
    table = (
        np.zeros(50, np.int32),
        np.repeat([0, 1, 2], [30, 10, 10]).astype(np.int8),
        Window(lookback=4, horizon=2, stride=3),
    )
    found = find(*table)
    plan(*table).save(tmp_path)
    again = windows.Windows.load(tmp_path)
    assert (again.lookback, again.horizon, again.stride) == (4, 2, 3)
    for name in SPLITS:
        assert getattr(again, name).dtype == np.int64
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))


@pytest.mark.parametrize(
    ("rows", "lacking"),
    [
        ([30, 10, 10], None),
        ([5, 10, 10], "train"),
        ([30, 1, 10], "validation"),
        ([5, 2, 1], "train and test"),
    ],
)
def test_a_series_without_a_window_in_some_split_is_reported(
    rows: list[int], lacking: str | None
) -> None:
    planned = plan(
        np.zeros(sum(rows), np.int32),
        np.repeat([0, 1, 2], rows).astype(np.int8),
        Window(lookback=4, horizon=2),
    )
    findings = windows.shortage(Path("table"), planned)
    assert [f"no window for {lacking}:" in finding for finding in findings] == [True] * (
        lacking is not None
    )
