"""The zone of the times: by their offsets, or by the hours that clock changes skip and repeat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.tables.rows import Array

ZONES = [  # the first that fits is proposed
    *("Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver"),
    *("America/Los_Angeles", "Europe/Helsinki", "Australia/Sydney", "Australia/Adelaide"),
    *("Pacific/Auckland", "America/Halifax", "America/St_Johns", "America/Anchorage"),
    *("America/Santiago", "America/Sao_Paulo", "America/Asuncion", "America/Havana"),
    *("America/Mexico_City", "Asia/Jerusalem", "Asia/Beirut", "Asia/Tehran", "Africa/Cairo"),
    *("Europe/Chisinau", "Europe/Istanbul", "Europe/Moscow", "Asia/Kolkata", "Asia/Kathmandu"),
    *("Asia/Tokyo", "Asia/Shanghai", "Asia/Singapore", "Asia/Karachi", "Asia/Dubai"),
    *("Australia/Brisbane", "America/Bogota", "America/Phoenix", "Africa/Johannesburg"),
]
HOUR = np.timedelta64(1, "h")


@dataclass(frozen=True)
class Zone:
    """A zone, what becomes of the local times that it repeats, and why."""

    name: str
    ambiguous: str
    reason: str


@dataclass(frozen=True)
class Change:
    """A change of clock: local times from `start` to before `stop` are skipped, or repeated."""

    start: np.datetime64
    stop: np.datetime64
    skips: bool


def by_offsets(times: Array, offsets: Array) -> Zone:
    """Return the zone of UTC `times` (row,) that were written with `offsets` (row,)."""
    seen = np.unique(offsets[~np.isnat(offsets)])
    if len(seen) == 1 and seen[0] == np.timedelta64(0):
        return Zone(
            "UTC",
            "refuse",
            "times are in UTC; the calendar and days are in this zone: name that of the place",
        )
    moments = pd.DatetimeIndex(times).tz_localize("UTC")
    for name in ZONES:
        if (_offsets(moments, name) == offsets)[~np.isnat(offsets)].all():
            return Zone(name, "refuse", "the offsets of the times are those of this zone")
    text = ", ".join(str(offset.astype(int) / 3600) for offset in seen)
    return Zone(
        "UTC",
        "refuse",
        f"times carry offsets of {text} hours, those of no zone known here; the calendar and days"
        " are in this zone: name that of the place",
    )


def by_clock_changes(times: Array) -> Zone:
    """Return the zone whose clock changes explain the gaps and repetitions of local `times`.

    `times` (row,) are those of one series, in steps of an hour or less if a zone is to be found.
    """
    seen, counts = np.unique(times[~np.isnat(times)], return_counts=True)
    sparse = len(seen) < 2 or np.median(np.diff(seen)) > HOUR
    if sparse:
        return Zone("UTC", "refuse", "times carry no offset, and their steps show no clock change")
    scores = {name: _score(changes(name, seen[0], seen[-1]), seen, counts) for name in ZONES}
    best = max(scores, key=lambda name: sum(scores[name]))
    skipped, repeated = scores[best]
    if skipped + repeated < 1:
        return Zone(
            "UTC",
            "refuse",
            "times carry no offset, and none are skipped or repeated by a clock change: they are"
            " UTC, or local times without daylight saving",
        )
    ambiguous = "infer" if repeated else "first"
    reason = (
        f"local times: {skipped} changes to summer time are skipped and {repeated} to winter time"
        " repeated as in this zone (others may have the same changes: name that of the place)"
    )
    return Zone(best, ambiguous, reason)


def changes(zone: str, first: np.datetime64, last: np.datetime64) -> list[Change]:
    """Return the clock changes of a zone between two times."""
    hours = pd.date_range(first, last, freq="h").floor("h").tz_localize("UTC")
    offsets = _offsets(hours, zone)
    found = []
    for row in np.flatnonzero(np.diff(offsets)).tolist():
        moment = hours[row + 1].tz_localize(None).to_datetime64()
        before, after = moment + offsets[row], moment + offsets[row + 1]
        found.append(Change(min(before, after), max(before, after), bool(after > before)))
    return found


def _offsets(moments: pd.DatetimeIndex, zone: str) -> Array:
    """Return the offset of a zone at each of the moments, (row,) timedelta64[s]."""
    local = moments.tz_convert(zone).tz_localize(None)
    return (local - moments.tz_localize(None)).to_numpy().astype("timedelta64[s]")


def _score(found: list[Change], seen: Array, counts: Array) -> tuple[int, int]:
    """Return how many changes are seen to skip and to repeat; (0, 0) where one contradicts."""
    skipped = repeated = 0
    for change in found:
        inside = slice(*np.searchsorted(seen, [change.start, change.stop]))
        rows = inside.stop - inside.start
        beside = change.stop in seen[inside.stop : inside.stop + 1]
        if change.skips and rows:
            return 0, 0
        skipped += change.skips and beside
        repeated += not change.skips and rows > 0 and bool((counts[inside] > 1).all())
    return skipped, repeated


def to_utc(times: Array, zone: Zone) -> Array:
    """Return local times (row,) of one series in UTC, NaT for those that do not exist."""
    first = ~pd.Series(times).duplicated().to_numpy()
    if zone.ambiguous == "first":
        first[:] = True
    local = pd.DatetimeIndex(times).tz_localize(zone.name, ambiguous=first, nonexistent="NaT")
    return np.asarray(local.tz_convert(None).to_numpy().astype("datetime64[ns]"))
