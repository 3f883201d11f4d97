"""Cells: numbers, missing values and text."""

from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables import values


@given(st.lists(st.floats(allow_nan=False)))
def test_every_number_that_python_writes_is_read_to_the_last_bit(numbers: list[float]) -> None:
    found, others, _ = values.numbers(pa.array([repr(number) for number in numbers], pa.string()))
    np.testing.assert_array_equal(found, np.array(numbers, float))
    assert not len(others)


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "1.5 m", "0x10", "1_000", "True", "--1", "1e", ".", "1 2", "²"]
)
def test_text_is_no_number_and_is_kept_to_be_reported(text: str) -> None:
    found, others, texts = values.numbers(pa.array(["1", text, None]))
    assert (others.tolist(), texts.to_pylist()) == ([1], [text])
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None], pa.int64()),
        pa.array([True, None]),
        pa.array([Decimal("1.0"), None]),
        pa.array([1.0, float("nan")]),
        pa.array(["1", "n/a"]).dictionary_encode(),
    ],
)
def test_all_types_of_numbers_are_numbers(column: pa.Array) -> None:
    found, others, _ = values.numbers(column)
    np.testing.assert_array_equal(found, [1, np.nan])
    assert not len(others)


@pytest.mark.parametrize("column", [pa.array([datetime(2013, 1, 1)]), pa.array([[1]])])
def test_other_types_are_text(column: pa.Array) -> None:
    assert values.numbers(column)[1].tolist() == [0]


def test_a_column_without_a_type_is_missing() -> None:
    assert np.isnan(values.numbers(pa.nulls(3))[0]).all()
