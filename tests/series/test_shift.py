"""The shift report: what validation and test hold that training has not seen."""

from typing import Any

import numpy as np
import pytest

from pipeline.config.data import Data
from pipeline.config.standardization import Standardize
from pipeline.series import categories, fitting, shift
from pipeline.series.features import Block, Features
from pipeline.series.shift import Report

DAYS = 365
TIMES = np.arange("2013-01-01", "2014-01-01", dtype="datetime64[D]").astype("datetime64[ns]")
SPLIT = np.repeat([0, 1, 2], [273, 46, 46])  # nine months of training


def report(x: Any, part: int = DAYS, cycles: Any = ("day_of_year", "day_of_week")) -> Report:
    """The report of one daily series, read in parts of so many rows."""
    data = Data(
        path="unused",
        time="when",
        time_zone="UTC",
        series=None,
        frequency="D",
        targets=("x",),
        past_covariates=("sky",),
        categories={"sky": "other"},
        calendar=cycles,
    )
    sky = np.array(["sun", "rain"], object)[np.arange(DAYS) % 2]
    sky = np.where(np.arange(DAYS) >= 350, "snow", sky)
    split = {"train": 0.6, "validation": 0.2, "test": 0.2}
    scaler = fitting.fit(
        Standardize.model_validate({"split": split}),
        ("A",),
        [slice(0, 273)],
        ["x"],
        {"x": x}.__getitem__,
    )
    features = Features(data, ("x",), scaler, categories.fit(data.categories, [{"sky": sky[:273]}]))
    counts = shift.Shift(features)
    for start in range(0, DAYS, part):
        rows = slice(start, start + part)
        zeros = np.zeros(len(TIMES[rows]), np.int64)
        block = Block({"x": x[rows], "sky": sky[rows]}, zeros, TIMES[rows])
        counts.add(block, features.prepare(block).raw, SPLIT[rows])
    return counts.report()


WAVE = np.arange(DAYS) % 9 - 4.0


def test_nine_months_of_training_leave_the_other_days_of_the_year_unseen() -> None:
    found = report(WAVE)
    assert found["day_of_year"]["A"]["validation"] > 0.9
    assert found["day_of_year"]["A"]["test"] == 1
    assert found["day_of_week"]["A"] == {"validation": 0, "test": 0}
    (line,) = shift.warnings(found)
    assert line.startswith("day_of_year: ")
    assert "100% of the test inputs of series 'A'" in line
    assert "remove day_of_year from data.calendar" in line


def test_a_number_is_outside_beyond_the_least_and_the_greatest_training_value() -> None:
    x = WAVE.copy()
    x[280:290], x[330:353] = 5, -5
    found = report(x, cycles=())
    assert found["x"]["A"] == {"validation": 10 / 46, "test": 23 / 46}
    (line,) = shift.warnings(found)
    assert line.startswith("x: 22% of the validation and 50% of the test inputs of series 'A' lie ")


def test_a_new_extreme_now_and_then_is_reported_but_is_no_warning() -> None:
    x = WAVE.copy()
    x[340] = 5
    found = report(x, cycles=())
    assert found["x"]["A"] == {"validation": 0, "test": 1 / 46}
    assert list(shift.warnings(found)) == []


def test_an_indicator_that_is_never_0_in_training_is_outside_where_it_is() -> None:
    x = WAVE.copy()
    x[330:340] = np.nan
    found = report(x, cycles=())
    assert found["x_observed"]["A"] == {"validation": 0, "test": 10 / 46}
    assert found["sky=sun"]["A"] == {"validation": 0, "test": 0}


@pytest.mark.parametrize("part", [7, 100])
def test_the_report_does_not_depend_on_the_parts_in_which_the_table_is_read(part: int) -> None:
    x = np.where(np.arange(DAYS) > 300, WAVE * 3, WAVE)
    assert report(x, part) == report(x)
