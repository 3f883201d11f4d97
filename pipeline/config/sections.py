"""The sections of `params.yaml` about the data and the results, each checked by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.scalers import SCALERS
from pipeline.config.section import Count, Names, NonNegative, Positive, Section

Date = Annotated[datetime, BeforeValidator(lambda value: datetime.fromisoformat(str(value)))]


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError(
            "value",
            "is {name}; use an IANA name such as UTC or Europe/Berlin",
            {"name": repr(name)},
        ) from None
    return name


Zone = Annotated[str, AfterValidator(_check_zone)]


class Data(Section):
    """The user's table.

    `time_format` is a format of `strptime`, or null for ISO 8601. `rows` keeps that many rows from
    the start of each series.
    """

    path: str
    time: str
    time_format: str | None = None
    time_zone: Zone = "UTC"
    series: str | None = None
    frequency: str | None = None
    targets: Annotated[Names, Field(min_length=1)]
    covariates: Names = ()
    calendar: tuple[Literal["hour_of_day", "day_of_week", "hour_of_week", "day_of_year"], ...] = ()
    rows: Count | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The measured columns in the order of every array: targets, then past covariates."""
        return self.targets + self.covariates


class Missing(Section):
    """What happens to missing values: runs of at most `up_to` rows are filled, others rejected."""

    policy: Literal["refuse", "interpolate", "forward_fill"] = "refuse"
    up_to: Count = 1


class Limits(Section):
    """The plausible values of a column, ends included.

    A value `outside` is rejected, or treated as missing.
    """

    min: float | None = None
    max: float | None = None
    outside: Literal["refuse", "missing"] = "refuse"

    @model_validator(mode="after")
    def _ordered(self) -> "Limits":
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise PydanticCustomError(
                "value",
                "has min {min} and max {max}; min must be below max",
                {"min": self.min, "max": self.max},
            )
        return self


class Validate(Section):
    """How many gaps, missing values and implausible values of the table are accepted."""

    gaps: NonNegative = 0
    mostly_missing: Annotated[float, Field(gt=0, le=1)] = 0.5
    missing: Mapping[str, Missing] = Field(default_factory=dict)
    limits: Mapping[str, Limits] = Field(default_factory=dict)


class Shares(Section):
    """The split by fractions of each series' rows, in time order."""

    train: Annotated[float, Field(gt=0, lt=1)]
    validation: Annotated[float, Field(gt=0, lt=1)]
    test: Annotated[float, Field(gt=0, lt=1)]

    @model_validator(mode="after")
    def _whole(self) -> "Shares":
        if abs(self.train + self.validation + self.test - 1) > 1e-9:
            raise PydanticCustomError(
                "split",
                "adds up to {sum}; the three shares must add up to 1",
                {"sum": self.train + self.validation + self.test},
            )
        return self


class RowCounts(Section):
    """The split by numbers of rows of each series, in time order; later rows are not used."""

    train: Count
    validation: Count
    test: Count


class Dates(Section):
    """The split by the first time of the validation and of the test part.

    A time without a zone is in `data.time_zone`.
    """

    validation: Date
    test: Date

    @model_validator(mode="after")
    def _ordered(self) -> "Dates":
        if self.validation.replace(tzinfo=None) >= self.test.replace(tzinfo=None):
            raise PydanticCustomError(
                "split",
                "starts validation at {validation} and test at {test}; validation must start first",
                self.model_dump(mode="json"),
            )
        return self


def _read_split(value: object) -> Section:
    """Read a split: with `train` by fractions or by numbers of rows, without it by dates."""
    if isinstance(value, Section):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError(
            "split",
            "is {value}; give the sizes of train, validation and test, or the first dates of"
            " validation and test",
            {"value": repr(value)},
        )
    if "train" not in value:
        return Dates.model_validate(value)
    whole = all(isinstance(part, int) for part in value.values())
    return RowCounts.model_validate(value) if whole else Shares.model_validate(value)


def _check_scaler(kind: object) -> object:
    if not isinstance(kind, str) or kind not in SCALERS:
        raise PydanticCustomError(
            "value",
            "is {kind}; choose one of {kinds}",
            {"kind": repr(kind), "kinds": ", ".join(sorted(SCALERS))},
        )
    return kind


Scaler = Annotated[str, BeforeValidator(_check_scaler)]


class Standardize(Section):
    """Split and scaler."""

    scaler: Scaler = "standard"
    scope: Literal["series", "global"] = "series"
    split: Annotated[Shares | RowCounts | Dates, BeforeValidator(_read_split)]


class Window(Section):
    """Lookback, horizon and stride, in steps of the table's frequency."""

    lookback: Count
    horizon: Count
    stride: Count = 1


class Evaluate(Section):
    """The baselines: season length in steps of the seasonal naive one, penalty of the ridge one."""

    season: Count
    ridge: Positive = 1.0


class Track(Section):
    """The MLflow experiment."""

    experiment: Annotated[str, Field(min_length=1)]


class Promote(Section):
    """The name of the registered model in MLflow."""

    name: Annotated[str, Field(min_length=1)]
