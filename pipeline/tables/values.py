"""The meaning of one cell: missing, a number, or text where a number should be."""

import re
from dataclasses import dataclass

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
WHOLE = r"^[+-]?\d+$"
EXACT = 2.0**53  # whole numbers from here on are rounded


@dataclass(frozen=True)
class Marks:
    """What separates the parts of a number: the decimal mark, and one between thousands or none."""

    decimal: str = "."
    thousands: str | None = None

    @property
    def plain(self) -> bool:
        """Whether numbers are written as computers write them."""
        return (self.decimal, self.thousands) == (".", None)

    def translate(self, text: pa.Array) -> pa.Array:
        """Return numbers in plain notation; other text, and plain numbers too, with `?` before it.

        `1.5` is no number where the decimal mark is a comma: it may mean 15 or 1500 as well.
        """
        decimal = re.escape(self.decimal)
        whole = r"\d+"
        if self.thousands is not None:
            whole = rf"({whole}|\d{{1,3}}({re.escape(self.thousands)}\d{{3}})+)"
        number = rf"^[+-]?({whole}({decimal}\d*)?|{decimal}\d+)(e[+-]?\d+)?$"
        fits = pc.match_substring_regex(text, f"(?i){number}|^[+-]?inf(inity)?$")
        bare = pc.replace_substring(text, self.thousands, "") if self.thousands else text
        plain = pc.replace_substring(bare, self.decimal, ".")
        return pc.if_else(fits, plain, pc.binary_join_element_wise(pa.scalar("?"), text, ""))


PLAIN = Marks()


@dataclass(frozen=True)
class Cells:
    """The cells (row,) of a column as numbers, NaN where missing, and where there is text.

    `positions` and `texts` (text,) are those of cells that are no numbers. `rounded` counts whole
    numbers beyond 2^53, of which a float64 holds only some.
    """

    numbers: Array
    positions: Array
    texts: pa.Array
    rounded: int


def plain_text(values: pa.Array) -> pa.Array:
    """Return each value as text without blanks around it."""
    if pa.types.is_nested(values.type) or not _casts_to_text(values.type):
        return pa.array(
            [None if value is None else str(value) for value in values.to_pylist()], pa.string()
        )
    return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))


def _casts_to_text(kind: pa.DataType) -> bool:
    """Return whether Arrow writes a type as text; bytes need not be UTF-8."""
    types = pa.types
    binary = types.is_binary(kind) or types.is_large_binary(kind)
    other = types.is_fixed_size_binary(kind) or types.is_interval(kind) or types.is_duration(kind)
    return not (binary or other)


def as_text(values: pa.Array) -> pa.Array:
    """Return each value as text without blanks around it, null where it is missing."""
    text = plain_text(values)
    return pc.if_else(
        pc.is_in(pc.utf8_lower(text), value_set=MISSING), pa.scalar(None, pa.string()), text
    )


def numbers(values: pa.Array, marks: Marks = PLAIN) -> Cells:
    """Return float64 numbers (row,), NaN where missing or text.

    Whole, decimal and Boolean types are numbers (true is 1), as are the words true and false; text
    is read with the given marks.
    """
    if _is_numeric(values.type):
        found = _to_numpy(pc.cast(values, pa.float64(), safe=False))
        whole = pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)
        return _fine(found, _beyond(found) if whole else 0)
    plain = _plain(values) if marks.plain else None
    if plain is not None:
        return _fine(plain, _rounded(values, plain))
    written = as_text(values)
    text = written if marks.plain else marks.translate(written)
    text = _without_booleans(text, written)
    fits = pc.match_substring_regex(text, NUMBER)
    other = np.flatnonzero(pc.invert(fits).fill_null(False).to_numpy(zero_copy_only=False))
    parsed = pc.cast(pc.if_else(fits, text, pa.scalar(None, pa.string())), pa.float64())
    found = _to_numpy(parsed)
    return Cells(found, other, written.take(pa.array(other)), _rounded(text, found))


def _fine(found: Array, rounded: int) -> Cells:
    return Cells(found, np.empty(0, np.int64), pa.array([], pa.string()), rounded)


def _beyond(found: Array) -> int:
    return int((np.abs(found) >= EXACT).sum())


def _rounded(text: pa.Array, found: Array) -> int:
    """Return how many of the texts are whole numbers that a float64 may not hold."""
    if not _beyond(found):
        return 0
    whole = pc.match_substring_regex(pc.utf8_trim_whitespace(text), WHOLE).fill_null(False)
    return _beyond(found[whole.to_numpy(zero_copy_only=False)])


def _without_booleans(text: pa.Array, written: pa.Array) -> pa.Array:
    """Return the text with 1 and 0 where true and false are written, in any case."""
    lower = pc.utf8_lower(written)
    text = pc.if_else(pc.equal(lower, "true"), pa.scalar("1"), text)
    return pc.if_else(pc.equal(lower, "false"), pa.scalar("0"), text)


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
