"""`data:`, the user's table: where it is, how it is written, and what each column is."""

import codecs
from collections.abc import Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_serializer, model_validator

from pipeline.config.calendars import Cycle, Holidays
from pipeline.config.section import Count, Names, Section, value_error
from pipeline.config.times import EPOCHS, Duration, TimeFormat


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise value_error(f"is {name!r}; use an IANA name such as UTC or Europe/Berlin") from None
    return name


def _check_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise value_error(f"is {name!r}; use a codec of Python such as utf-8 or cp1252") from None
    return name


Zone = Annotated[str, AfterValidator(_check_zone)]
Encoding = Annotated[str, AfterValidator(_check_encoding)]
Character = Annotated[str, Field(min_length=1, max_length=1)]


class Csv(Section):
    """How a CSV file is written."""

    separator: Character = ","
    decimal: Literal[".", ","] = "."
    thousands: Character | None = None
    encoding: Encoding = "utf-8"

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> "Csv":
        marks = [self.separator, self.decimal, *([self.thousands] if self.thousands else [])]
        if len(set(marks)) < len(marks):
            raise value_error(
                f"has separator {self.separator!r}, decimal {self.decimal!r} and thousands"
                f" {self.thousands!r}; they must differ"
            )
        return self


class FromFilename(Section):
    """The series of a row is the name of its file, without the ending."""

    source: Literal["filename"] = "filename"

    @model_serializer
    def _as_written(self) -> dict[str, str]:
        return {"from": self.source}


def _read_series(value: object) -> object:
    """Return a column, null, or `FromFilename` for `{from: filename}`."""
    if value is None or isinstance(value, str | FromFilename):
        return value
    if value == {"from": "filename"}:
        return FromFilename()
    raise value_error(
        f"is {value!r}; use the name of a column, null for one series, or {{from: filename}}"
    )


Series = Annotated[str | FromFilename | None, BeforeValidator(_read_series)]


class Data(Section):
    """The user's table.

    `time` names the column of the time, or two, whose texts are joined by a space before they are
    read. `time_format` is a format of `strptime`, `epoch_s`, `epoch_ms`, `excel_days`, or null for
    ISO 8601. Times without a zone are those of `time_zone`, as are days and longer steps and the
    calendar; `ambiguous` says what a local time is that a clock change repeats. Times that lie at
    most `jitter` from the regular grid are moved onto it. `categories` are the columns of text
    among the covariates, with what happens to values that training has not seen. `rows` keeps that
    many rows from the start of each series.
    """

    path: str
    csv: Csv = Csv()
    time: Annotated[Names, Field(min_length=1, max_length=2)]
    time_format: TimeFormat | None = None
    time_zone: Zone
    ambiguous: Literal["refuse", "infer", "first", "last"] = "refuse"
    series: Series
    frequency: str | None
    jitter: Duration | None = None
    targets: Annotated[Names, Field(min_length=1)]
    past_covariates: Names = ()
    future_covariates: Names = ()
    categories: Mapping[str, Literal["refuse", "other"]] = Field(default_factory=dict)
    calendar: tuple[Cycle, ...] = ()
    holidays: Holidays | None = None
    rows: Count | None = None

    @model_validator(mode="after")
    def _categories_are_covariates(self) -> "Data":
        covariates = self.past_covariates + self.future_covariates
        if unknown := [name for name in self.categories if name not in covariates]:
            raise value_error(
                f"categories names {', '.join(map(repr, unknown))}; use columns of past_covariates"
                " or future_covariates"
            )
        return self

    @model_validator(mode="after")
    def _numbers_are_one_column(self) -> "Data":
        if len(self.time) > 1 and self.time_format in EPOCHS:
            raise value_error(
                f"has two time columns and time_format {self.time_format}, which is one number;"
                " name one column, or give a format of strptime for both"
            )
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the clean table: targets, past covariates, future covariates."""
        return self.targets + self.past_covariates + self.future_covariates

    @property
    def time_name(self) -> str:
        """The name of the time in messages and in tables of forecasts."""
        return " ".join(self.time)

    @property
    def series_column(self) -> str | None:
        """The column that identifies a series; null for one series, and where files do."""
        return self.series if isinstance(self.series, str) else None
