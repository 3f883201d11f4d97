"""`data:`: how the table is written, what its times mean, and what its columns are."""

import sys
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.config.data import Data, FromFilename
from pipeline.config.times import DIRECTIVES

FORMATS = ["%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%d/%b/%y %I%p", "%G-W%V-%u", "%Y%%%j"]
LEAST = {
    "path": "table.csv",
    "time": "when",
    "time_zone": "UTC",
    "series": None,
    "frequency": None,
    "targets": ["y"],
}


@pytest.mark.parametrize("text", [*FORMATS, "epoch_s", "epoch_ms", "excel_days", None])
def test_a_time_format_of_strptime_or_a_named_one_is_accepted(text: str | None) -> None:
    assert Data.model_validate({**LEAST, "time_format": text}).time_format == text


TIME_FORMATS = {
    "%Y-%m-%d %Q:%M": "where %Q is no directive; use %a %A %b",
    "%Y-%m-%d %": "where % is no directive",
    "yyyy-MM-dd HH:mm": "is no format of strptime; write '%Y-%m-%d %H:%M', null for ISO 8601, or",
    "DD.MM.YY": "write '%d.%m.%y'",
    "dd/MM/yyyy hh:mm:ss a": "write '%d/%m/%Y %I:%M:%S %p'",
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX": "write '%Y-%m-%dT%H:%M:%S.%f%z'",
    "iso": "is 'iso'; use a format of strptime such as '%d.%m.%Y %H:%M', null for ISO 8601, or one",
    "epoch": "or one of epoch_s, epoch_ms, excel_days",
    "%H:%M": "holds no year; add %Y",
    "%Y-%m-%d %Y": "cannot be read: ",
    "%G-%j": "cannot be read: ",
    "": "is ''; use a format of strptime",
}


@pytest.mark.parametrize("text", TIME_FORMATS)
def test_a_time_format_that_cannot_be_one_is_rejected_with_what_is_allowed(
    rejected: Any, text: str
) -> None:
    (finding,) = rejected({"data/time_format": text})
    assert finding.startswith("params.yaml: data.time_format is ")
    assert TIME_FORMATS[text] in finding


@given(parts=st.lists(st.sampled_from([*(f"%{d}" for d in DIRECTIVES), "-", " ", "T", "("])))
def test_no_time_format_that_is_accepted_fails_in_strptime(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        Data.model_validate({**LEAST, "time_format": text})
    except ValidationError:
        return
    written = datetime(2020, 12, 31, 23, 59).astimezone().strftime(text)
    assert isinstance(datetime.strptime(written, text), datetime)


MISTAKES = {
    "separator is the decimal": (
        {"data/csv": {"separator": ",", "decimal": ","}},
        "data.csv has separator ',', decimal ',' and thousands None; they must differ",
    ),
    "thousands are the decimal": (
        {"data/csv": {"separator": ";", "decimal": ",", "thousands": ","}},
        "data.csv has separator ';', decimal ',' and thousands ','; they must differ",
    ),
    "encoding": (
        {"data/csv": {"encoding": "utf8-with-bom"}},
        "data.csv.encoding is 'utf8-with-bom'; use a codec of Python such as utf-8 or cp1252",
    ),
    "decimal": (
        {"data/csv": {"decimal": ";"}},
        "data.csv.decimal is ';'; choose one of '.' or ','",
    ),
    "series from elsewhere": (
        {"data/series": {"from": "folder"}},
        "data.series is {'from': 'folder'}; use the name of a column, null for one series, or",
    ),
    "three time columns": ({"data/time": ["a", "b", "c"]}, "data.time is ['a', 'b', 'c'];"),
    "two columns of one number": (
        {"data/time": ["a", "b"], "data/time_format": "epoch_s"},
        "data has two time columns and time_format epoch_s, which is one number; name one column,",
    ),
    "ambiguous": (
        {"data/ambiguous": "guess"},
        "data.ambiguous is 'guess'; choose one of 'refuse', 'infer', 'first' or 'last'",
    ),
    "jitter without a unit": ({"data/jitter": "90"}, "data.jitter is '90'; use a duration above 0"),
    "jitter of nothing": ({"data/jitter": "0s"}, "data.jitter is '0s'; use a duration above 0"),
    "category of no covariate": (
        {"data/categories": {"carrier": "other"}},
        "data categories names 'carrier'; use columns of past_covariates or future_covariates",
    ),
    "what a new category is": (
        {"data/past_covariates": ["carrier"], "data/categories": {"carrier": "drop"}},
        "data.categories.carrier is 'drop'; choose one of 'refuse' or 'other'",
    ),
    "holidays of no country": (
        {"data/holidays": "Narnia"},
        "data.holidays is 'Narnia'; use the code of a country, such as DE, or of a part of it,",
    ),
    "holidays of no part": (
        {"data/holidays": "US-XX"},
        "data.holidays is 'US-XX', but US has no part 'XX' with holidays of its own; use one of AK",
    ),
    "zone": (
        {"data/time_zone": "New York"},
        "data.time_zone is 'New York'; use an IANA name such as UTC or Europe/Berlin",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_about_the_table_is_reported_with_what_is_allowed(
    rejected: Any, mistake: str
) -> None:
    edits, message = MISTAKES[mistake]
    findings = rejected({"standardize/columns": {}, **edits})
    assert any(finding.startswith(f"params.yaml: {message}") for finding in findings)


@pytest.mark.parametrize("name", ["US-NY", "DE", "GB-SCT", "JP"])
def test_holidays_of_a_country_or_of_a_part_of_it_are_accepted(name: str) -> None:
    assert Data.model_validate({**LEAST, "holidays": name}).holidays == name


def test_holidays_need_their_library_only_where_they_are_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "holidays", None)
    assert Data.model_validate(LEAST).holidays is None
    with pytest.raises(ValidationError, match="needs the package holidays; install it"):
        Data.model_validate({**LEAST, "holidays": "DE"})


def test_the_columns_are_targets_then_past_then_future_covariates() -> None:
    roles = {"past_covariates": ["b"], "future_covariates": ["c", "d"]}
    data = Data.model_validate({**LEAST, "targets": ["z"], **roles})
    assert data.columns == ("z", "b", "c", "d")


def test_time_is_one_column_or_two() -> None:
    assert Data.model_validate(LEAST).time_name == "when"
    assert Data.model_validate({**LEAST, "time": ["date", "hour"]}).time_name == "date hour"


def test_a_series_is_a_column_or_the_name_of_a_file() -> None:
    assert Data.model_validate({**LEAST, "series": "shop"}).series_column == "shop"
    data = Data.model_validate({**LEAST, "series": {"from": "filename"}})
    assert isinstance(data.series, FromFilename)
    assert data.series_column is None
    assert Data.model_validate(data.model_dump(mode="json")) == data
