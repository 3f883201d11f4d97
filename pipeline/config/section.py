"""The base class of every section of `params.yaml`, and the types that several sections share."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Section(BaseModel):
    """A section of `params.yaml`: immutable, without unknown keys, without coercion of values."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_tuple(value: object) -> tuple[object, ...]:
    """Return a list as a tuple, one value as a tuple of one, and null as the empty tuple."""
    if value is None:
        return ()
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    return (value,)


Count = Annotated[int, Field(ge=1, strict=True)]
Counts = Annotated[tuple[Count, ...], BeforeValidator(_as_tuple)]
NonNegative = Annotated[int, Field(ge=0, strict=True)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Names = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
