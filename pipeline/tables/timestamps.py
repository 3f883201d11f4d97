"""Times, and the one place where zones are handled.

A time with an offset or a zone keeps its meaning; one without is local time of `data.time_zone`.
Everything becomes UTC, `datetime64[ns]`. A date is the first instant of its day, also where a clock
change skips or repeats midnight. What another repeated local time means is declared
(`data.ambiguous`); one that is skipped has no meaning, and is rejected.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import InputError
from pipeline.tables.notation import (
    ABSENT,
    FINE,
    REPEATED,
    SKIPPED,
    UNREADABLE,
    Notation,
)
from pipeline.tables.rows import Array
from pipeline.tables.values import as_text

NANOSECONDS = np.dtype("datetime64[ns]")
# An offset follows a time of day, so that no date is mistaken for one.
OFFSET = r"[Tt ]\d{1,2}.*[Zz+-]"
TIME_OF_DAY = r"[Tt ]\d"
HOUR = "%[HIcX]"  # directives of strptime for a time of day


@dataclass(frozen=True)
class Times:
    """Times (row,) in UTC, NaT where there is a fault.

    Faults (row,) are `FINE` or a key of `Notation.faults`. `later` (row,) is NaT except for
    repeated local times whose meaning depends on the order of rows: `times` holds the first of the
    two, and `later` the other one.
    """

    times: Array
    faults: Array
    later: Array

    @classmethod
    def of(cls, times: Array, faults: Array) -> "Times":
        """Return times none of which depends on the order of rows."""
        return cls(times, faults, np.full(len(times), "NaT", NANOSECONDS))


def parse(values: pa.Array, notation: Notation) -> Times:
    """Return the meaning of written times (row,), or of typed ones."""
    absent = np.zeros(len(values), bool)
    if pa.types.is_date(values.type):
        moments = pd.DatetimeIndex(pc.cast(values, pa.timestamp("ms")).to_pandas())
        found = _to_utc(moments, notation, np.ones(len(values), bool))
    elif pa.types.is_timestamp(values.type):
        found = _to_utc(pd.DatetimeIndex(values.to_pandas()), notation, absent)
    else:
        values = as_text(values)
        numeric = NUMERIC.get(notation.time_format or "")
        found = numeric(values, notation) if numeric else _from_text(values, notation)
    absent = values.is_null().to_numpy(zero_copy_only=False)
    return replace(found, faults=np.where(absent, np.int8(ABSENT), found.faults))


def joined(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return the texts of two columns with a blank between them, null where one is missing.

    A whole number of up to two digits in the second column is an hour.
    """
    dates, hours = _date_text(first), as_text(second)
    is_hour = pc.fill_null(pc.match_substring_regex(hours, r"^\d{1,2}$"), False)
    clocked = pc.binary_join_element_wise(hours, pa.scalar("00"), ":")
    return pc.binary_join_element_wise(dates, pc.if_else(is_hour, clocked, hours), " ")


def _date_text(values: pa.Array) -> pa.Array:
    typed = pa.types.is_timestamp(values.type) or pa.types.is_date(values.type)
    return pc.strftime(values, format="%Y-%m-%d") if typed else as_text(values)


def moment(when: datetime, zone: str) -> np.datetime64:
    """Return one time of `params.yaml` in UTC; midnight is the first instant of its day.

    Raises `InputError` where a clock change skips or repeats another time.
    """
    found = _to_utc(pd.DatetimeIndex([when]), Notation(zone, days=True), np.zeros(1, bool))
    if found.faults[0] != FINE:
        raise InputError(
            f"params.yaml: {when.isoformat()} is skipped or repeated by a clock change in {zone}; "
            "write it with its offset"
        )
    return np.datetime64(found.times[0])


def label(time: np.datetime64) -> str:
    """Return a time as people read it and reports hold it: `2013-01-31T06:00:00Z`."""
    whole = time == time.astype("datetime64[s]")
    return f"{np.datetime_as_string(time, unit='s' if whole else 'auto')}Z"


def to_local(times: Array, zone: str) -> pd.DatetimeIndex:
    """Return UTC `times` (row,) as local times without a zone."""
    return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(zone).tz_localize(None)


def to_instants(local: pd.DatetimeIndex, zone: str) -> Array:
    """Return the UTC times (row,) of local ones without a zone.

    A repeated time is its first occurrence, and a skipped one the first instant after the change.
    """
    first = np.ones(len(local), bool)  # that summer time still holds
    aware = local.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return aware.tz_convert("UTC").tz_localize(None).as_unit("ns").to_numpy()


def _from_text(text: pa.Array, notation: Notation) -> Times:
    strings = pd.Series(text.to_numpy(zero_copy_only=False), dtype="str")
    aware, dates = _matches(text, OFFSET), ~_matches(text, TIME_OF_DAY)
    if notation.time_format is not None:
        aware[:] = "%z" in notation.time_format.lower()
        dates[:] = not pd.Series([notation.time_format]).str.contains(HOUR)[0]
    times = Times.of(
        np.full(len(text), "NaT", NANOSECONDS), np.full(len(text), UNREADABLE, np.int8)
    )
    for rows, utc in ((aware, True), (~aware, False)):
        written = notation.time_format or "ISO8601"
        moments = pd.to_datetime(strings[rows], format=written, errors="coerce", utc=utc)
        found = _to_utc(pd.DatetimeIndex(moments), notation, dates[rows])
        times.times[rows], times.faults[rows] = found.times, found.faults
        times.later[rows] = found.later
    return times


def _matches(text: pa.Array, pattern: str) -> Array:
    found = pc.match_substring_regex(text, pattern).fill_null(False)
    return np.array(found.to_numpy(zero_copy_only=False))


def _numbers(text: pa.Array) -> Array:
    numbers = pd.to_numeric(pd.Series(text.to_numpy(zero_copy_only=False)), errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def _epoch(milliseconds: int) -> Callable[[pa.Array, Notation], Times]:
    def read(text: pa.Array, notation: Notation) -> Times:
        moments = _since("1970-01-01", _numbers(text) * milliseconds)
        return _to_utc(moments.tz_localize("UTC"), notation, np.zeros(len(text), bool))

    return read


def _excel(text: pa.Array, notation: Notation) -> Times:
    """Read days since 1899-12-30 of local time; a fraction of a day is known to the second."""
    seconds = np.round(_numbers(text) * 86_400)
    return _to_utc(_since("1899-12-30", seconds * 1000), notation, np.zeros(len(text), bool))


def _since(epoch: str, milliseconds: Array) -> pd.DatetimeIndex:
    """Return the epoch plus so many milliseconds (row,), NaT for what is no time."""
    start = np.datetime64(epoch, "ms")
    possible = np.abs(milliseconds) < 2**53  # false for NaN
    whole = np.round(np.where(possible, milliseconds, 0)).astype("timedelta64[ms]")
    return pd.DatetimeIndex(np.where(possible, start + whole, np.datetime64("NaT", "ms")))


NUMERIC: Mapping[str, Callable[[pa.Array, Notation], Times]] = {
    "epoch_s": _epoch(1000),
    "epoch_ms": _epoch(1),
    "excel_days": _excel,
}


def _to_utc(moments: pd.DatetimeIndex, notation: Notation, dates: Array) -> Times:
    """Return the UTC times of moments with or without a zone; `dates` (row,) have no time of day.

    Nothing outside of 1678 to 2261 is readable.
    """
    absent = moments.isna()
    faults = np.where(absent, UNREADABLE, FINE).astype(np.int8)
    later = np.full(len(moments), "NaT", NANOSECONDS)
    within = np.logical_and(moments.year >= 1678, moments.year <= 2261)  # false for NaT
    faults[~within] = UNREADABLE
    moments = pd.DatetimeIndex(moments.where(within)).as_unit("ns")
    if moments.tz is not None:
        return Times(moments.tz_convert("UTC").tz_localize(None).to_numpy().copy(), faults, later)
    local = moments
    aware = local.tz_localize(notation.zone, ambiguous="NaT", nonexistent="NaT")
    times = aware.tz_convert("UTC").tz_localize(None).to_numpy().copy()
    odd = np.flatnonzero(np.isnat(times) & (faults == FINE))
    if len(odd):
        changed = _at_clock_changes(local[odd], notation, dates[odd])
        times[odd], faults[odd], later[odd] = changed.times, changed.faults, changed.later
    return Times(times, faults, later)


def _at_clock_changes(local: pd.DatetimeIndex, notation: Notation, dates: Array) -> Times:
    """Return what local times mean that a clock change skips or repeats."""
    midnight = local == local.normalize()
    day = dates | (midnight & notation.days)
    first = to_instants(local, notation.zone)
    aware = local.tz_localize(
        notation.zone, ambiguous=np.zeros(len(local), bool), nonexistent="shift_forward"
    )
    last = aware.tz_convert("UTC").tz_localize(None).to_numpy()
    skipped = first == last
    faults = np.where(skipped, SKIPPED, REPEATED).astype(np.int8)
    times, later = first.copy(), np.full(len(local), "NaT", NANOSECONDS)
    faults[day | (skipped & midnight)] = FINE
    open_ = faults == REPEATED
    if notation.ambiguous != "refuse":
        faults[open_] = FINE
    if notation.ambiguous == "last":
        times[open_] = last[open_]
    if notation.ambiguous == "infer":
        later[open_] = last[open_]
    times[faults != FINE] = np.datetime64("NaT")
    return Times(times, faults, later)
