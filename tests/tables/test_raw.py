"""Raw rows: those of the context help the others, and are not counted themselves."""

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

START = np.datetime64("2013-01-01", "ns")


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=4), count=st.integers(1, 5))
def test_only_the_newest_rows_of_each_series_are_counted(
    lengths: list[int], count: int, raw_rows: Any
) -> None:
    series = [(START + np.arange(length), np.arange(length)) for length in lengths]
    rows = raw_rows(*series).newest(count)
    problem = rows.problem(np.ones(sum(lengths), bool), "x", "wrong", "correct it")
    expected = [min(count, length) for length in lengths]
    assert list(problem.counts.values()) == list(rows.totals().values()) == expected
    values = rows.columns["x"][~rows.context]
    newest = [np.arange(length)[-count:] for length in lengths]
    assert values.tolist() == np.concatenate(newest).tolist()


def test_problems_of_parts_add_up_to_those_of_the_whole(raw_rows: Any) -> None:
    rows = raw_rows(
        (START + np.arange(4), [1, np.nan, np.nan, 2]), (START + np.arange(1), [np.nan])
    )
    whole, *parts = (
        part.problem(part.missing("x"), "x", "missing", "complete them")
        for part in (rows, rows.part(0, 2), rows.part(2, 5))
    )
    path, totals = Path("raw.parquet"), rows.totals()
    assert (parts[0] + parts[1]).findings(path, totals) == whole.findings(path, totals)
    assert len(whole.findings(path, totals)) == 2
