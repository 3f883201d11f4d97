"""`standardize:`, the split and the scalers."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from pipeline.config.scalers import SCALERS
from pipeline.config.section import Count, Section
from pipeline.config.slots import Slot, fills


def _read_date(value: object) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError(
            "value",
            "is {value}; give a date such as '2013-11-06', a duration such as 60d, or all three of"
            " train, validation and test as fractions or numbers of rows",
            {"value": repr(value)},
        ) from None


Date = Annotated[datetime, BeforeValidator(_read_date)]
DURATION = re.compile(r"([1-9]\d*)([hdw])")
Duration = Annotated[
    str, Field(pattern=f"^{DURATION.pattern}$")
]  # hours, days or weeks: 12h, 60d, 8w
_SCALER = fills(SCALERS, "column")
Scaler = Annotated[Slot, _SCALER]


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


class Durations(Section):
    """The split by how long the last two parts are: it moves when newer rows come.

    The test part ends with the newest row of the table, the validation part before the test part;
    training has all rows before that, so that it grows.
    """

    validation: Duration
    test: Duration


def _read_split(value: object) -> Section:
    """Read a split: with `train` by fractions or by numbers of rows, else by dates or durations."""
    if isinstance(value, Section):
        return value
    if not isinstance(value, Mapping):
        raise PydanticCustomError(
            "split",
            "is {value}; give the sizes of train, validation and test, or the first dates or the"
            " durations of validation and test",
            {"value": repr(value)},
        )
    if any(DURATION.fullmatch(str(part)) and isinstance(part, str) for part in value.values()):
        return Durations.model_validate(value)
    if "train" not in value:
        return Dates.model_validate(value)
    _reject_percent(value)
    whole = all(isinstance(part, int) for part in value.values())
    return RowCounts.model_validate(value) if whole else Shares.model_validate(value)


def _reject_percent(value: Mapping[str, object]) -> None:
    """Raise a split error for numbers that add up to 100."""
    sizes = [size for size in value.values() if isinstance(size, int | float)]
    if len(sizes) == len(value) and abs(sum(sizes) - 100) < 1e-9:
        raise PydanticCustomError(
            "split",
            "is {percent}, which looks like percent but would be numbers of rows; write fractions:"
            " {shares}",
            {
                "percent": "/".join(f"{size:g}" for size in sizes),
                "shares": "/".join(f"{size / 100:g}" for size in sizes),
            },
        )


class Standardize(Section):
    """Split and scalers: `columns` names those of some columns, `scaler` is that of the others."""

    scaler: Scaler = _SCALER.read("standard")
    columns: Mapping[str, Scaler] = Field(default_factory=dict)
    scope: Literal["series", "global"] = "series"
    split: Annotated[Shares | RowCounts | Dates | Durations, BeforeValidator(_read_split)]

    def scaler_of(self, column: str) -> Slot:
        """Return the scaler of a column."""
        return self.columns.get(column, self.scaler)
