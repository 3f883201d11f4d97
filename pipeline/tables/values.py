"""One cell's meaning: what counts as missing, what is a number, what is text where a number should be."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Array = np.ndarray[Any, Any]

# The spellings of a missing value that pandas knows, whatever their case.
MISSING = pa.array(
    [
        "",
        "#n/a",
        "#n/a n/a",
        "#na",
        "-1.#ind",
        "-1.#qnan",
        "-nan",
        "1.#ind",
        "1.#qnan",
        "<na>",
        "n/a",
        "na",
        "nan",
        "none",
        "null",
    ]
)
OFTEN = pa.array(["", "NA", "NaN", "nan", "NULL", "null", "N/A", "None"])
NUMBER = r"(?i)^[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)$"


def plain_text(values: pa.Array) -> pa.Array:
    """Each value as text without blanks around it."""
    if pa.types.is_nested(values.type):
        return pa.array(
            [None if value is None else str(value) for value in values.to_pylist()], pa.string()
        )
    return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))


def as_text(values: pa.Array) -> pa.Array:
    """Each value as text without blanks around it, null where it is missing."""
    text = plain_text(values)
    return pc.if_else(
        pc.is_in(pc.utf8_lower(text), value_set=MISSING), pa.scalar(None, pa.string()), text
    )


def numbers(values: pa.Array) -> tuple[Array, Array, pa.Array]:
    """Float64 numbers (row,) with NaN where missing; the positions of what is no number (NaN, too), and their texts.

    Whole, decimal and Boolean types are numbers (true is 1); text is read as a number with a decimal point.
    """
    if _is_numeric(values.type):
        return (
            _to_numpy(pc.cast(values, pa.float64(), safe=False)),
            np.empty(0, np.int64),
            pa.array([], pa.string()),
        )
    if (plain := _plain(values)) is not None:
        return plain, np.empty(0, np.int64), pa.array([], pa.string())
    text = as_text(values)
    fits = pc.match_substring_regex(text, NUMBER)
    strange = np.flatnonzero(pc.invert(fits).fill_null(False).to_numpy(zero_copy_only=False))
    known = pc.cast(pc.if_else(fits, text, pa.scalar(None, pa.string())), pa.float64())
    return _to_numpy(known), strange, text.take(pa.array(strange))


def _plain(values: pa.Array) -> Array | None:
    """Text of which every cell is plainly a number or missing, as numbers; a table has little else, and this takes a third of the time."""
    if not pa.types.is_string(values.type):
        return None
    known = pc.if_else(pc.is_in(values, value_set=OFTEN), pa.scalar(None, pa.string()), values)
    try:
        numbers = pc.cast(known, pa.float64())
    except pa.ArrowInvalid:
        return None
    return None if pc.any(pc.is_nan(numbers)).as_py() else _to_numpy(numbers)


def _is_numeric(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (
            types.is_integer,
            types.is_floating,
            types.is_decimal,
            types.is_boolean,
            types.is_null,
        )
    )


def _to_numpy(values: pa.Array) -> Array:
    result: Array = pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False)
    return result
