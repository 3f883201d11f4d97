"""The sections of `params.yaml` about the table, its split, its windows and what is done with results, typed and checked each by itself."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.model import Section
from pipeline.config.scalers import SCALERS

Count = Annotated[int, Field(ge=1, strict=True)]
Steps = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value or ()),
]
Date = Annotated[datetime, BeforeValidator(lambda value: datetime.fromisoformat(str(value)))]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise PydanticCustomError(
            "value",
            "is {name}; use an IANA name such as UTC or Europe/Berlin",
            {"name": repr(name)},
        ) from None
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]


class Data(Section):
    """The user's table. `time_format` is that of `strptime`, null for ISO 8601; `rows` takes only so many first rows of each series."""

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
        """Targets, then covariates: the measured columns in the order that every array has them."""
        return self.targets + self.covariates


class Missing(Section):
    """What happens to missing values: `up_to` rows in a row are filled, a longer run is refused."""

    policy: Literal["refuse", "interpolate", "forward_fill"] = "refuse"
    up_to: Count = 1


class Limits(Section):
    """The plausible values of a column, ends included; a value `outside` is refused or treated as missing."""

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
    """How much imperfection of the table is accepted."""

    gaps: Steps = 0
    mostly_missing: Annotated[float, Field(gt=0, le=1)] = 0.5
    missing: Mapping[str, Missing] = Field(default_factory=dict)
    limits: Mapping[str, Limits] = Field(default_factory=dict)


class Shares(Section):
    """Fractions of each series' rows, in time order."""

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
    """Numbers of rows of each series, in time order; what follows them is not used."""

    train: Count
    validation: Count
    test: Count


class Dates(Section):
    """First moment of the validation and of the test part, in `data.time_zone` unless it says otherwise."""

    validation: Date
    test: Date

    @model_validator(mode="after")
    def _ordered(self) -> "Dates":
        if self.validation.replace(tzinfo=None) >= self.test.replace(tzinfo=None):
            raise PydanticCustomError(
                "split",
                "starts validation at {validation} and test at {test}; validation comes first",
                self.model_dump(mode="json"),
            )
        return self


def _read_split(value: Any) -> Any:
    """A mapping with `train` splits by share or by row, one without by date."""
    if isinstance(value, Section):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError(
            "split",
            "is {value}; give train, validation and test, or the first dates of validation and test",
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
    """The baselines: period of the seasonal naive one in steps, penalty of the ridge regression."""

    season: Count
    ridge: Positive = 1.0


class Track(Section):
    """The MLflow experiment."""

    experiment: Annotated[str, Field(min_length=1)]


class Promote(Section):
    """The registered model's name in MLflow."""

    name: Annotated[str, Field(min_length=1)]
