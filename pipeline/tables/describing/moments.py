"""Which column holds the time, and how it is written."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import InputError
from pipeline.tables import values
from pipeline.tables.describing.sample import Sample
from pipeline.tables.rows import Array

NAMES = re.compile(r"time|date|stamp|epoch|datum|zeit|fecha|^ts$|^ds$|^t$", re.IGNORECASE)
HOURS = re.compile(r"hour|time|uhr|stunde|hora|heure|^hr$|^h$", re.IGNORECASE)
OFFSET = re.compile(r"(?:[T ]\d{1,2}(?::?\d{2})*(?:[.,]\d+)?) ?(Z|[+-]\d{2}(?::?\d{2})?)$")
ISO = re.compile(r"\d{4}-\d{2}(-\d{2})?([T ]\d{2}(:?\d{2}){0,2}([.,]\d+)?)? ?(Z|[+-][\d:]+)?")
DATES = [
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y-%m-%d", "%d-%m-%Y", "%m-%d-%Y"),
    *("%d.%m.%y", "%d/%m/%y", "%m/%d/%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%b %d, %Y"),
    *("%b %d %Y", "%Y.%m.%d", "%m/%Y", "%Y/%m", "%b %Y", "%B %Y", "%b-%Y"),
]
CLOCKS = ["", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", " %H", " - %H:%M"]
CLOCKS += [" %I:%M %p", " %I:%M:%S %p", ", %H:%M"]
FORMATS = [f"%Y%m%d{clock}" for clock in ("", "%H", "%H%M", "%H%M%S", *CLOCKS[1:])]
FORMATS += [
    f"{date}{clock}{zone}" for zone in ("", "%z", " %z") for date in DATES for clock in CLOCKS
]
EPOCHS = {"epoch_s": (3e8, 1.95e9), "epoch_ms": (3e11, 4.1e12), "excel_days": (2e4, 8e4)}
MILLISECONDS = {"epoch_s": 1000, "epoch_ms": 1, "excel_days": 86_400_000}
ORIGINS = {"excel_days": np.datetime64("1899-12-30", "ms")}
READABLE = 0.99  # the least share of cells that a format must read
GUESSES = 60  # distinct texts that a format is tried on first


@dataclass(frozen=True)
class Moments:
    """Times as they are written: local ones, or UTC where they carry an offset."""

    columns: tuple[str, ...]
    format: str | None
    times: Array  # (row,) datetime64[ns], NaT where unreadable
    offsets: Array  # (row,) datetime64 offsets as timedelta64[s], NaT for times without one
    rivals: tuple[str, ...] = ()  # other columns that hold times
    doubtful: bool = False  # day and month could be exchanged

    @property
    def aware(self) -> bool:
        """Whether the times carry a zone or an offset of their own."""
        return bool((~np.isnat(self.offsets)).any())

    @property
    def distinct(self) -> int:
        """The number of different times."""
        return len(np.unique(self.times[~np.isnat(self.times)]))


def find(sample: Sample) -> Moments:
    """Return the times of a table: those of the column with the most different ones.

    Raises `InputError` where no column holds times.
    """
    read = (_read(name, column) for name, column in sample.columns.items())
    found = [moments for moments in read if moments is not None]
    if not found:
        raise InputError(
            f"{sample.path}: no column could be read as a time; the columns are"
            f" {', '.join(sample.columns)}; write the time as ISO 8601 (2013-01-31T06:00:00Z), or"
            " fill in data.time and data.time_format by hand"
        )
    best = max(found, key=lambda each: each.distinct)
    best = _with_hour(best, sample.columns) or best
    rivals = [each.columns[0] for each in found if each.columns[0] not in best.columns]
    return Moments(
        best.columns, best.format, best.times, best.offsets, tuple(rivals), best.doubtful
    )


def _read(name: str, column: pa.Array) -> Moments | None:
    """Return the times of a column, or null if it holds none."""
    if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
        times = pd.DatetimeIndex(
            column.cast(
                pa.timestamp("us", column.type.tz)
                if pa.types.is_timestamp(column.type)
                else pa.timestamp("us")
            ).to_pandas()
        )
        zone = times.tz
        offsets = _lacking(times)
        if zone is not None:
            offsets = (times.tz_localize(None) - times.tz_convert(None)).to_numpy()
            times = times.tz_convert(None)
        return Moments((name,), None, _nanoseconds(times), offsets.astype("timedelta64[s]"))
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return _read_number(name, column) or _read_text((name,), values.as_text(column))
    return _read_number(name, column)


def _read_text(
    columns: tuple[str, ...], text: pa.Array, formats: Sequence[str] = FORMATS
) -> Moments | None:
    """Return the times of texts by the first format that reads them, ISO 8601 before others."""
    encoded = text.dictionary_encode()
    words = pd.Series(encoded.dictionary.to_pylist(), dtype="str")
    if len(words) < 3:
        return None
    few = words.iloc[np.linspace(0, len(words) - 1, min(len(words), GUESSES)).astype(int)]
    iso = all(ISO.fullmatch(word) for word in few)
    trying = [] if iso else [form for form in formats if _may_read(few.iloc[0], form)]
    fitting = [form for form in trying if not _parse(few, form).isna().any()]
    for form in [None] if iso else _by_order(words, fitting):
        parsed = _parse(words, form)
        if np.mean(parsed.notna()) >= READABLE:
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(int)
            times = np.append(_nanoseconds(parsed), np.datetime64("NaT", "ns"))[codes]
            offsets = np.append(_offsets(words), np.timedelta64("NaT", "s"))[codes]
            return Moments(columns, form, times, offsets, doubtful=len(fitting) > 1)
    return None


def _may_read(word: str, form: str) -> bool:
    """Return whether a text has the marks of a format; each attempt to parse costs much more."""
    if not any(letter.isdigit() for letter in word):
        return False
    if form.endswith("%z"):
        word = re.sub(r"(Z|[+-]\d{2}:?\d{2})$", "", word)
    return re.sub(r"\w", "", word) == re.sub(r"%[a-zA-Z]|\w", "", form)


def _by_order(words: pd.Series, formats: Sequence[str]) -> list[str]:
    """Return formats that all read the texts, those first whose times ascend most often."""

    def ascending(form: str) -> float:
        steps = np.diff(_nanoseconds(_parse(words.iloc[:5000], form)))
        return -float((steps > np.timedelta64(0)).mean()) if len(steps) else 0.0

    return sorted(formats, key=ascending) if len(formats) > 1 else list(formats)


def _parse(words: pd.Series, form: str | None) -> pd.DatetimeIndex:
    """Return times, in UTC if they carry an offset; NaT for what the format does not read."""
    try:
        parsed = pd.to_datetime(words, format=form or "ISO8601", errors="coerce", utc=True)
    except ValueError:
        return pd.DatetimeIndex(np.full(len(words), "NaT", "datetime64[ns]"))
    return pd.DatetimeIndex(parsed).tz_localize(None)


def _offsets(words: pd.Series) -> Array:
    """Return the offset that each text ends with, NaT without one."""
    found = words.str.extract(OFFSET.pattern, expand=False).str.replace("Z", "+0000")
    digits = found.str.replace(":", "").str.ljust(5, "0")
    sign = np.where(digits.str[0] == "-", -60, 60)
    minutes = digits.str[1:3].astype(float) * 60 + digits.str[3:5].astype(float)
    return pd.to_timedelta(sign * minutes, unit="s").to_numpy().astype("timedelta64[s]")


def _read_number(name: str, column: pa.Array) -> Moments | None:
    """Return times of epoch seconds, milliseconds or Excel days, in a column named as a time."""
    if not NAMES.search(name):
        return None
    read = values.numbers(column)
    numbers = read.numbers
    known = numbers[np.isfinite(numbers)]
    if len(read.positions) or len(known) < 3:
        return None
    for form, (low, high) in EPOCHS.items():
        if low <= known.min() and known.max() <= high:
            times = _since(numbers, form)
            local = form == "excel_days"
            offsets = np.full(len(times), "NaT" if local else 0, "timedelta64[s]")
            return Moments((name,), form, times, offsets)
    return None


def _since(numbers: Array, form: str) -> Array:
    """Return numbers (row,) as times, to the millisecond, and Excel's days to the second."""
    whole = np.round(np.nan_to_num(numbers) * MILLISECONDS[form])
    if form == "excel_days":
        whole = np.round(whole / 1000) * 1000
    times = ORIGINS.get(form, np.datetime64(0, "ms")) + whole.astype("timedelta64[ms]")
    return np.where(np.isfinite(numbers), times, np.datetime64("NaT")).astype("datetime64[ns]")


def _with_hour(date: Moments, columns: Mapping[str, pa.Array]) -> Moments | None:
    """Return the times of a date and another column with the hour, if there is such a column."""
    days = date.times.astype("datetime64[D]")
    if (days != date.times).any() or date.distinct == len(date.times):
        return None
    hours = (name for name in columns if HOURS.search(name) and name not in date.columns)
    return max(_joined(date, hours, columns), key=lambda each: each.distinct, default=None)


def _joined(
    date: Moments, hours: Iterable[str], columns: Mapping[str, pa.Array]
) -> Iterable[Moments]:
    """Yield the times of the date joined with each column that makes many more times of them."""
    first = date.columns[0]
    form = date.format or "%Y-%m-%d"
    for name in hours:
        parts = [values.as_text(columns[first]), values.as_text(columns[name])]
        joined = pc.binary_join_element_wise(*parts, " ")
        formats = [f"{form}{clock}" for clock in CLOCKS if clock.startswith(" ")]
        found = _read_text((first, name), joined, formats)
        if found is not None and found.distinct >= 2 * date.distinct:
            yield found


def _lacking(times: pd.DatetimeIndex) -> Array:
    return np.full(len(times), "NaT", "timedelta64[s]")


def _nanoseconds(times: pd.DatetimeIndex | pd.Series) -> Array:
    return np.asarray(pd.DatetimeIndex(times).to_numpy().astype("datetime64[ns]"))
