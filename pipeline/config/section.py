"""The base class of every section of `params.yaml`, and what several sections share."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError


class Section(BaseModel):
    """A section of `params.yaml`: immutable, without unknown keys, without coercion of values."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def value_error(words: str) -> PydanticCustomError:
    """Return an error whose sentence begins with the dotted path and goes on with `words`."""
    return PydanticCustomError("value", "{words}", {"words": words})


def as_tuple(value: object) -> tuple[object, ...]:
    """Return a list as a tuple, one value as a tuple of one, and null as the empty tuple."""
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    return (value,)


Count = Annotated[int, Field(ge=1, strict=True)]
Counts = Annotated[tuple[Count, ...], BeforeValidator(as_tuple)]
NonNegative = Annotated[int, Field(ge=0, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]


class Bounds(Section):
    """The least and the greatest value, ends included; null for no limit."""

    min: float | None = None
    max: float | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Bounds":
        if self.min is not None and self.max is not None and self.min >= self.max:
            raise value_error(f"has min {self.min} and max {self.max}; min must be below max")
        return self
