"""`data.holidays`: a country, perhaps with a subdivision, of the library `holidays`."""

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

from pydantic import AfterValidator

from pipeline.config.section import value_error


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
