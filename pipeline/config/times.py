"""`data.time_format` and `data.jitter`: formats of times and durations, checked when read."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator

from pipeline.config.section import value_error

EPOCHS = ("epoch_s", "epoch_ms", "excel_days")
"""Names of numbers as times: seconds and milliseconds since 1970, days since 1899-12-30."""

DIRECTIVES = "aAbBdfGHIjmMpSuUVwWyYzZ%"
_PATTERNS = {  # of Java, moment.js and Excel -> of strptime
    "yyyy": "%Y",
    "YYYY": "%Y",
    "yy": "%y",
    "YY": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "M": "%m",
    "dd": "%d",
    "DD": "%d",
    "d": "%d",
    "HH": "%H",
    "H": "%H",
    "hh": "%I",
    "h": "%I",
    "mm": "%M",
    "ss": "%S",
    "SSSSSS": "%f",
    "SSS": "%f",
    "a": "%p",
    "XXX": "%z",
    "Z": "%z",
    "'T'": "T",
}
_LETTERS = re.compile("|".join(_PATTERNS))


def _check_format(text: str) -> str:
    """Return the format; raises a value error that says what is wrong and what is allowed."""
    if text in EPOCHS:
        return text
    if "%" not in text:
        raise value_error(_not_strptime(text))
    found = re.findall(r"%(.?)", text)
    if unknown := [letter for letter in found if not letter or letter not in DIRECTIVES]:
        allowed = " ".join(f"%{letter}" for letter in DIRECTIVES)
        raise value_error(f"is {text!r}, where %{unknown[0]} is no directive; use {allowed}")
    if not set(found) & set("yYG"):
        raise value_error(f"is {text!r}, which holds no year; add %Y, or %y for two digits")
    _try(text)
    return text


def _try(text: str) -> None:
    """Write a time in the format and read it again; raises a value error where that fails."""
    try:
        datetime.strptime(datetime(2001, 2, 3, 4, 5, tzinfo=UTC).strftime(text), text)
    except (ValueError, re.error) as error:
        raise value_error(f"is {text!r}, which cannot be read: {error}") from None


def _not_strptime(text: str) -> str:
    """Return the message for a text without directives, with what it would be in strptime."""
    others = ", ".join(EPOCHS)
    translated = _LETTERS.sub(lambda match: _PATTERNS[match[0]], text)
    if re.search("%[yY]", translated):
        return (
            f"is {text!r}, which is no format of strptime; write {translated!r}, null for ISO 8601,"
            f" or one of {others}"
        )
    return (
        f"is {text!r}; use a format of strptime such as '%d.%m.%Y %H:%M', null for ISO 8601, or one"
        f" of {others}"
    )


def _check_duration(text: str) -> str:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|min|h)", text)
    if match is None or float(match[1]) == 0:
        raise value_error(f"is {text!r}; use a duration above 0 such as 500ms, 90s, 5min or 1h")
    return text


TimeFormat = Annotated[str, AfterValidator(_check_format)]
Duration = Annotated[str, AfterValidator(_check_duration)]
