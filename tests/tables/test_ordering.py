"""The order of rows: what a sort of the whole table gives, piece by piece."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables import ordering
from pipeline.tables.ordering import Watch
from pipeline.tables.spool import Spool

tables = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=1, max_size=80)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "PIECE", 7)


@given(tables)
def test_rows_are_ordered_by_series_and_time_and_otherwise_stay_in_place(
    table: list[tuple[int, int]],
) -> None:
    series, times = np.array(table, np.int32).T
    moments = times.astype("datetime64[h]")
    counts = np.bincount(series)
    order, late = ordering.sort(series, moments, counts)
    assert order.tolist() == np.lexsort((times, series)).tolist()
    assert late == [int((np.diff(times[series == code]) < 0).sum()) for code in range(len(counts))]


@given(tables, st.integers(1, 9))
def test_a_sorted_table_is_recognized_however_it_is_read(
    table: list[tuple[int, int]], size: int
) -> None:
    for rows in (table, sorted(table)):
        series, times = np.array(rows, np.int32).T
        watch = Watch()
        for start in range(0, len(rows), size):
            watch.add(
                list("ABCDE"),
                series[start : start + size],
                times[start : start + size].astype("datetime64[h]"),
            )
        assert watch.sorted == (rows == sorted(rows))


def test_series_in_another_order_than_that_of_their_names_are_not_in_order() -> None:
    watch = Watch()
    watch.add(["B", "A"], np.array([0, 0, 1, 1], np.int32), np.array([0, 1, 0, 1], "datetime64[h]"))
    assert not watch.sorted


@given(st.permutations(range(20)))
def test_a_spool_returns_its_rows_in_the_order_given_to_it(order: list[int]) -> None:
    values = np.random.default_rng(0).normal(size=20)
    with TemporaryDirectory() as folder:
        spool = Spool(Path(folder), [np.int32, np.float64])
        for rows in (slice(0, 3), slice(3, 20)):
            spool.append([np.arange(20)[rows], values[rows]])
        spool.reorder(np.array(order))
        assert spool.read(0, 2, 9).tolist() == order[2:9]
        np.testing.assert_array_equal(spool.read(1, 0, 20), values[order])
