"""Times, and the one place where zones are handled.

A time with an offset or a zone keeps its meaning; one without is local time of `data.time_zone`.
Everything becomes UTC, `datetime64[ns]`. A local time that a clock change skips or repeats has no
meaning or two, and is rejected.
"""

from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.core.errors import InputError
from pipeline.tables.rows import Array
from pipeline.tables.values import as_text

NANOSECONDS = np.dtype("datetime64[ns]")
# An offset follows a time of day, so that no date is mistaken for one.
OFFSET = r"[T ]\d{2}.*(Z|[+-]\d{2}(:?\d{2})?)$"

FINE, ABSENT, UNREADABLE, REPEATED, SKIPPED = range(5)
FAULTS = {
    ABSENT: ("times that are missing", "give every row its time"),
    UNREADABLE: (
        "times that cannot be read",
        "write them as ISO 8601 (2013-01-31T06:00:00Z) between 1678 and 2261, or say in "
        "data.time_format how to read them",
    ),
    REPEATED: (
        "local times that a clock change repeats",
        "write them with their offset (2013-11-03T01:30:00-05:00), or correct data.time_zone",
    ),
    SKIPPED: (
        "local times that a clock change skips",
        "write them with their offset (2013-03-10T03:30:00-04:00), or correct data.time_zone",
    ),
}


def parse(values: pa.Array, zone: str, time_format: str | None = None) -> tuple[Array, Array]:
    """Return UTC times (row,) as `datetime64[ns]`, NaT where there is a fault, and the faults.

    Faults (row,) are `FINE` or a key of `FAULTS`.
    """
    if pa.types.is_date(values.type):
        values = pc.cast(values, pa.timestamp("ms"))
    if pa.types.is_timestamp(values.type):
        times, faults = _to_utc(pd.DatetimeIndex(values.to_pandas()), zone)
    else:
        values = as_text(values)
        times, faults = _from_text(values, zone, time_format)
    absent = values.is_null().to_numpy(zero_copy_only=False)
    return times, np.where(absent, np.int8(ABSENT), faults)


def moment(when: datetime, zone: str) -> np.datetime64:
    """Return one time of `params.yaml` in UTC.

    Raises `InputError` where a clock change skips or repeats it.
    """
    time, fault = _to_utc(pd.DatetimeIndex([when]), zone)
    if fault[0] != FINE:
        raise InputError(
            f"params.yaml: {when.isoformat()} is skipped or repeated by a clock change in {zone}; "
            "write it with its offset"
        )
    return np.datetime64(time[0])


def label(time: np.datetime64) -> str:
    """Return a time as people read it and reports hold it: `2013-01-31T06:00:00Z`."""
    whole = time == time.astype("datetime64[s]")
    return f"{np.datetime_as_string(time, unit='s' if whole else 'auto')}Z"


def _from_text(text: pa.Array, zone: str, time_format: str | None) -> tuple[Array, Array]:
    strings = pd.Series(text.to_numpy(zero_copy_only=False), dtype="str")
    aware = _carries_offset(text, time_format)
    times, faults = np.full(len(text), "NaT", NANOSECONDS), np.full(len(text), UNREADABLE, np.int8)
    for rows, utc in ((aware, True), (~aware, False)):
        moments = pd.to_datetime(
            strings[rows], format=time_format or "ISO8601", errors="coerce", utc=utc
        )
        times[rows], faults[rows] = _to_utc(pd.DatetimeIndex(moments), zone)
    return times, faults


def _carries_offset(text: pa.Array, time_format: str | None) -> Array:
    if time_format is not None:
        return np.full(len(text), "%z" in time_format)
    carries: Array = (
        pc.match_substring_regex(text, OFFSET).fill_null(False).to_numpy(zero_copy_only=False)
    )
    return carries


def _to_utc(moments: pd.DatetimeIndex, zone: str) -> tuple[Array, Array]:
    faults = np.where(moments.isna(), UNREADABLE, FINE).astype(np.int8)
    if moments.tz is None:
        local = moments
        moments = local.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
        lost = np.logical_and(moments.isna(), faults == FINE)
        if lost.any():
            shifted = local.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward")
            faults[lost] = np.where(shifted[lost].isna(), REPEATED, SKIPPED)
    utc = moments.tz_convert("UTC").tz_localize(None)
    within = np.logical_and(utc > pd.Timestamp.min, utc < pd.Timestamp.max)
    faults[~within & (faults == FINE)] = UNREADABLE
    return pd.DatetimeIndex(utc.where(within)).as_unit("ns").to_numpy(), faults
