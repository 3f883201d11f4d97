"""`standardize:`, `forecast:` and `promote:`: scalers of columns, splits, limits and names."""

from typing import Any

import pytest

from pipeline.config.scalers import SCALERS
from pipeline.config.standardization import Durations, RowCounts, Shares, Standardize

SPLIT = {"train": 0.7, "validation": 0.15, "test": 0.15}


def test_a_column_has_its_own_scaler_or_that_of_all() -> None:
    section = Standardize.model_validate(
        {
            "scaler": "robust",
            "columns": {"delay": "power", "rain": {"kind": "log", "offset": 1}},
            "split": SPLIT,
        }
    )
    assert section.scaler_of("temp").flat() == {"kind": "robust"}
    assert section.scaler_of("delay").flat() == {"kind": "power"}
    assert section.scaler_of("rain").flat() == {"kind": "log", "offset": 1}
    assert Standardize.model_validate(section.model_dump(mode="json")) == section


MISTAKES = {
    "scaler": (
        {"standardize/scaler": "standart"},
        f"standardize.scaler is 'standart'; choose one of {', '.join(sorted(SCALERS))}",
    ),
    "scaler of a column": (
        {"standardize/columns": {"temp": "sqrt"}},
        "standardize.columns.temp is 'sqrt'; choose one of log,",
    ),
    "offset of a text": (
        {"standardize/columns": {"temp": {"kind": "log", "offset": "one"}}},
        "standardize.columns.temp offset is 'one'; it must be a number",
    ),
    "option of another scaler": (
        {"standardize/columns": {"temp": {"kind": "power", "offset": 1}}},
        "standardize.columns.temp has no option 'offset' for kind 'power'; its options are none",
    ),
    "column that is none": (
        {"standardize/columns": {"tmp": "log"}},
        "standardize.columns.tmp: no such column; use one of temp,",
    ),
    "percent": (
        {"standardize/split": {"train": 70, "validation": 15, "test": 15}},
        "standardize.split is 70/15/15, which looks like percent but would be numbers of rows;"
        " write fractions: 0.7/0.15/0.15",
    ),
    "percent with fractions": (
        {"standardize/split": {"train": 75.0, "validation": 12.5, "test": 12.5}},
        "standardize.split is 75/12.5/12.5, which looks like percent",
    ),
    "limits of no target": (
        {"forecast": {"limits": {"humid": {"min": 0}}}},
        "forecast.limits.humid: no such column; use one of temp",
    ),
    "a bound called as a column": (
        {"data/targets": ["temp", "temp-lo-80"], "forecast": {"levels": [0.8]}},
        "forecast.levels: 0.8 names a bound of temp 'temp-lo-80', as a column",
    ),
    "limits in the wrong order": (
        {"forecast": {"limits": {"temp": {"min": 1, "max": 0}}}},
        "forecast.limits.temp has min 1.0 and max 0.0; min must be below max",
    ),
    "name with a quote": (
        {"promote/name": "it's mine"},
        'promote.name is "it\'s mine"; use a name without',
    ),
    "name with a slash": ({"promote/name": "A/B"}, "promote.name is 'A/B'; use a name without '/'"),
    "name with a colon": ({"promote/name": "a:b"}, "promote.name is 'a:b'; use a name without"),
    "no name": ({"promote/name": ""}, "promote.name is ''; use a name"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_reported_with_what_is_allowed(rejected: Any, mistake: str) -> None:
    edits, message = MISTAKES[mistake]
    table = {"data/targets": ["temp"], "data/past_covariates": ["humid"], "validate/limits": {}}
    none = {"validate/missing": {}, "standardize/columns": {}, "forecast": {}}
    (finding,) = rejected({**table, **none, **edits})
    assert finding.startswith(f"params.yaml: {message}")


def test_a_split_is_by_fractions_or_by_numbers_of_rows() -> None:
    rows = {"train": 700, "validation": 150, "test": 150}
    assert isinstance(Standardize.model_validate({"split": rows}).split, RowCounts)
    assert isinstance(Standardize.model_validate({"split": SPLIT}).split, Shares)


def test_a_split_by_durations_names_both_of_them(rejected: Any) -> None:
    split = {"validation": "8w", "test": "60d"}
    assert isinstance(Standardize.model_validate({"split": split}).split, Durations)
    (finding,) = rejected({"standardize/split": {"validation": "2013-09-12", "test": "60d"}})
    assert finding.startswith("params.yaml: standardize.split.validation is '2013-09-12'")
    (finding,) = rejected({"standardize/split": {"train": "1d", **split}})
    assert finding.startswith("params.yaml: standardize.split.train")
