"""`data.calendar` and `data.holidays`: the channels of the calendar.

Holidays are those of a country, perhaps with a subdivision, of the library `holidays`.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Annotated, Literal

from pydantic import AfterValidator

from pipeline.config.section import value_error

Cycle = Literal["hour_of_day", "day_of_week", "hour_of_week", "day_of_year"]
PHASES: Mapping[str, int] = {
    "hour_of_day": 24,
    "day_of_week": 7,
    "hour_of_week": 168,
    "day_of_year": 52,
}
"""The number of parts of each cycle that are told apart: hours, days and weeks."""
HOLIDAY = "holiday"  # the name of the channel


def channels(cycles: Sequence[str], holidays: str | None) -> tuple[str, ...]:
    """Return the names of the channels: for each cycle its sine and its cosine; then the holiday.

    They are the last of the future covariates.
    """
    names = [f"{cycle}_{wave}" for cycle in cycles for wave in ("sin", "cos")]
    return (*names, *([HOLIDAY] if holidays else []))


def _check_holidays(name: str) -> str:
    """Return the name, such as DE or US-NY; the library is imported only here."""
    country, _, subdivision = name.partition("-")
    try:
        library = import_module("holidays")
    except ImportError:
        raise value_error(f"is {name!r}, which needs the package holidays; install it") from None
    try:
        parts: Sequence[str] = library.country_holidays(country).subdivisions
    except NotImplementedError:
        raise value_error(
            f"is {name!r}; use the code of a country, such as DE, or of a part of it, such as US-NY"
        ) from None
    if "-" in name and subdivision not in parts:
        allowed = f"use one of {', '.join(parts)}" if parts else f"use {country}"
        raise value_error(
            f"is {name!r}, but {country} has no part {subdivision!r} with holidays of its own;"
            f" {allowed}"
        )
    return name


Holidays = Annotated[str, AfterValidator(_check_holidays)]
