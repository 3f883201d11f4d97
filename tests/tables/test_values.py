"""Cells: numbers, missing values and text."""

from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tables import values
from pipeline.tables.values import Marks


@given(st.lists(st.floats(allow_nan=False)))
def test_every_number_that_python_writes_is_read_to_the_last_bit(numbers: list[float]) -> None:
    found = values.numbers(pa.array([repr(number) for number in numbers], pa.string()))
    np.testing.assert_array_equal(found.numbers, np.array(numbers, float))
    assert not len(found.positions)


@pytest.mark.parametrize(
    "text", ["abc", "1,5", "1.5 m", "0x10", "1_000", "yes", "--1", "1e", ".", "1 2", "²"]
)
def test_text_is_no_number_and_is_kept_to_be_reported(text: str) -> None:
    found = values.numbers(pa.array(["1", text, None]))
    assert (found.positions.tolist(), found.texts.to_pylist()) == ([1], [text])
    assert np.isnan(found.numbers[1:]).all()


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
    found = values.numbers(column)
    np.testing.assert_array_equal(found.numbers, [1, np.nan])
    assert not len(found.positions)


@pytest.mark.parametrize("column", [pa.array([datetime(2013, 1, 1)]), pa.array([[1]])])
def test_other_types_are_text(column: pa.Array) -> None:
    assert values.numbers(column).positions.tolist() == [0]


def test_a_column_without_a_type_is_missing() -> None:
    assert np.isnan(values.numbers(pa.nulls(3)).numbers).all()


@pytest.mark.parametrize("words", [["True", "False"], ["true", "FALSE"]])
def test_true_and_false_are_one_and_zero_as_those_of_parquet_are(words: list[str]) -> None:
    assert values.numbers(pa.array(words)).numbers.tolist() == [1, 0]
    assert values.numbers(pa.array([True, False])).numbers.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [("1,5", 1.5), ("1.234,5", 1234.5), ("-1.234.567", -1234567), (",5", 0.5), ("1e3", 1000)],
)
def test_a_declared_notation_is_followed(text: str, number: float) -> None:
    assert values.numbers(pa.array([text]), Marks(",", ".")).numbers.tolist() == [number]


@pytest.mark.parametrize("text", ["1.5", "12.34", "1,5,0", "1.2345,0", "1,234.5"])
def test_another_notation_than_the_declared_one_is_text(text: str) -> None:
    for marks in (Marks(",", "."), Marks(",", None)):
        assert values.numbers(pa.array([text]), marks).texts.to_pylist() == [text]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**53 + 1, 3], pa.uint64()),
        pa.array([-(2**60), None]),
        pa.array(["9007199254740993", "1"]),
        pa.array(["9007199254740993", "true"]),
    ],
)
def test_whole_numbers_that_are_rounded_are_counted(column: pa.Array) -> None:
    assert values.numbers(column).rounded == 1


def test_large_numbers_with_a_fraction_are_not_rounded_by_us() -> None:
    assert values.numbers(pa.array(["1e300", "2.5"])).rounded == 0
    assert values.numbers(pa.array([1e300])).rounded == 0
