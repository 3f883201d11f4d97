"""Filling: from the past of the same segment only, in whatever parts the table passes by."""

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.series.filling import ForwardFill

Array = np.ndarray[Any, Any]
cells = st.sampled_from([np.nan, 1.0, 2.0, 3.0])


@st.composite
def tables(draw: st.DrawFn) -> tuple[Array, Array]:
    """Values (row, 2) with holes, and segments (row,)."""
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=4))
    count = sum(lengths)
    rows = draw(st.lists(st.tuples(cells, cells), min_size=count, max_size=count))
    return np.array(rows), np.repeat(np.arange(len(lengths)), lengths)


@given(tables())
def test_a_hole_takes_the_last_value_before_it_in_its_segment(table: tuple[Array, Array]) -> None:
    values, segment = table
    filled = ForwardFill().fill(values, np.isfinite(values), segment)
    expected = pd.DataFrame(values).groupby(segment).ffill().to_numpy()
    np.testing.assert_array_equal(filled, expected)


@given(tables(), st.integers(1, 7))
def test_parts_are_filled_as_the_whole(table: tuple[Array, Array], size: int) -> None:
    values, segment = table
    whole = ForwardFill().fill(values, np.isfinite(values), segment)
    fill = ForwardFill()
    parts = [
        fill.fill(part, np.isfinite(part), segment[start : start + size])
        for start in range(0, len(values), size)
        for part in [values[start : start + size]]
    ]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@given(tables(), st.data())
def test_nothing_is_filled_from_a_later_row(
    table: tuple[Array, Array], data: st.DataObject
) -> None:
    values, segment = table
    row = data.draw(st.integers(0, len(values) - 1))
    changed = values.copy()
    changed[row:] = 9
    before, after = (
        ForwardFill().fill(given_, np.isfinite(given_), segment) for given_ in (values, changed)
    )
    np.testing.assert_array_equal(before[:row], after[:row])


def test_texts_are_filled_like_numbers() -> None:
    texts = np.array([[None], ["a"], [None], [None]], object)
    filled = ForwardFill().fill(texts, ~pd.isna(texts), np.array([0, 0, 0, 1]))
    assert filled[:, 0].tolist() == [None, "a", "a", None]
