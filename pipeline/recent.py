"""Recent rows to forecast from: read and refused as in `validate`, but nothing is filled, and only the rows that a forecast looks at count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.params import Data, Limits
from pipeline.refusal import Refusal
from pipeline.series import checks, frequency, reading
from pipeline.series.readings import Readings
from pipeline.series.rows import Array


@dataclass(frozen=True)
class Form:
    """What recent rows must look like: columns, times and limits as in `params.yaml`, how many rows are needed, which series are known."""

    data: Data
    limits: Mapping[str, Limits]
    frequency: str
    lookback: int
    series: Sequence[str]


@dataclass(frozen=True)
class Recent:
    """One window per series: its name, times (window, lookback) datetime64[ns] in UTC, measured values (window, lookback, column) in real units."""

    series: Sequence[str]
    times: Array
    values: Array


def read(form: Form, path: Path) -> Recent:
    """The last `lookback` rows of each series in the file or folder; raises `Refusal` with every finding about them."""
    found = reading.read(form.data, path)
    readings, outside, _ = checks.limits(_newest(found.readings, form.lookback), form.limits)
    findings = [
        *found.findings,
        *_unknown(form, readings),
        *_few(form, readings),
        *checks.text(readings),
        *outside,
        *checks.infinite(readings),
        *_missing(readings),
        *_irregular(form, readings),
    ]
    if findings:
        raise Refusal(*findings)
    shape = (len(readings.names), form.lookback)
    values = np.stack([readings.columns[column].reshape(shape) for column in form.data.columns], axis=-1)
    return Recent(readings.names, readings.times.reshape(shape), values)


def _newest(readings: Readings, lookback: int) -> Readings:
    rows = [np.arange(max(part.start, part.stop - lookback), part.stop) for part in readings.slices()]
    return readings.take(np.concatenate(rows))


def _place(form: Form, readings: Readings, code: int) -> str:
    column = f"column {form.data.series!r}, " if form.data.series else ""
    return f"{readings.origins.path}: {column}series {readings.names[code]!r}"


def _unknown(form: Form, readings: Readings) -> list[str]:
    known = ", ".join(form.series)
    strangers = [code for code, name in enumerate(readings.names) if name not in form.series]
    return [f"{_place(form, readings, code)}: is not one that the forecaster was trained on ({known}); leave it out, or train with it" for code in strangers]


def _few(form: Form, readings: Readings) -> list[str]:
    short = [(code, count) for code, count in enumerate(readings.counts()) if count < form.lookback]
    return [
        f"{_place(form, readings, code)}: has {count} rows; a forecast looks at the last {form.lookback}, so give at least as many" for code, count in short
    ]


def _missing(readings: Readings) -> list[str]:
    return [
        finding
        for column in readings.columns
        for finding in readings.tell(readings.missing(column), column, "missing values", "complete them: a forecast is made from nothing but measured values")
    ]


def _irregular(form: Form, readings: Readings) -> list[str]:
    """Times that are there twice, or do not follow the one before by one step."""
    repeated = checks.repeated(readings, form.data)
    offset = frequency.read(form.frequency)
    steps = frequency.positions(readings, frequency.clocks(readings, offset, form.data.time_zone))
    jump = np.zeros(len(steps), bool)
    jump[1:] = (readings.series[1:] == readings.series[:-1]) & (np.diff(steps) != 1)
    advice = f"a forecast needs the last {form.lookback} rows without a gap; complete the table, or wait until it has so many again"
    fault = f"times that are not one step ({form.frequency}) behind the row before"
    return repeated or readings.tell(jump | (steps == frequency.OFF), form.data.time, fault, advice)
