"""The meaning of one cell: missing, a number, or text where a number should be."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.tables.rows import Array

# The spellings of a missing value that pandas recognizes, in any case.
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
    """Return each value as text without blanks around it."""
    if pa.types.is_nested(values.type):
        return pa.array(
            [None if value is None else str(value) for value in values.to_pylist()], pa.string()
        )
    return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))


def as_text(values: pa.Array) -> pa.Array:
    """Return each value as text without blanks around it, null where it is missing."""
    text = plain_text(values)
    return pc.if_else(
        pc.is_in(pc.utf8_lower(text), value_set=MISSING), pa.scalar(None, pa.string()), text
    )


def numbers(values: pa.Array) -> tuple[Array, Array, pa.Array]:
    """Return float64 numbers (row,), NaN where missing; and what is no number: positions, texts.

    What is no number is NaN, too. Whole, decimal and Boolean types are numbers (true is 1); text is
    read as a number with a decimal point.
    """
    numeric = _is_numeric(values.type)
    plain = _to_numpy(pc.cast(values, pa.float64(), safe=False)) if numeric else _plain(values)
    if plain is not None:
        return plain, np.empty(0, np.int64), pa.array([], pa.string())
    text = as_text(values)
    fits = pc.match_substring_regex(text, NUMBER)
    other = np.flatnonzero(pc.invert(fits).fill_null(False).to_numpy(zero_copy_only=False))
    parsed = pc.cast(pc.if_else(fits, text, pa.scalar(None, pa.string())), pa.float64())
    return _to_numpy(parsed), other, text.take(pa.array(other))


def _plain(values: pa.Array) -> Array | None:
    """Return text whose cells all are plainly numbers or missing as numbers, else None.

    Most columns are like that, and this takes a third of the time.
    """
    if not pa.types.is_string(values.type):
        return None
    present = pc.if_else(pc.is_in(values, value_set=OFTEN), pa.scalar(None, pa.string()), values)
    try:
        numbers = pc.cast(present, pa.float64())
    except pa.ArrowInvalid:
        return None
    return None if pc.any(pc.is_nan(numbers)).as_py() else _to_numpy(numbers)


def _is_numeric(kind: pa.DataType) -> bool:
    types = pa.types
    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(numeric or types.is_boolean(kind) or types.is_null(kind))


def _to_numpy(values: pa.Array) -> Array:
    return np.asarray(pc.fill_null(values, float("nan")).to_numpy(zero_copy_only=False))
