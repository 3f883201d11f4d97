"""Calendar channels: cycles without a seam, the same for any unit of time."""

import numpy as np
import pandas as pd
import pytest

from pipeline.series import calendar
from pipeline.series.calendar import Calendar

HOURS = np.datetime64("2012-01-01", "ns") + np.arange(3 * 366 * 24) * np.timedelta64(1, "h")
STAMPS = pd.DatetimeIndex(HOURS)
REFERENCES = {
    "hour_of_day": STAMPS.hour / 24,
    "day_of_week": STAMPS.day_of_week / 7,
    "hour_of_week": (STAMPS.day_of_week * 24 + STAMPS.hour) / 168,
    "day_of_year": (STAMPS.day_of_year - 1) / np.where(STAMPS.is_leap_year, 366, 365),
}


def test_every_cycle_has_a_reference() -> None:
    assert REFERENCES.keys() == calendar.CYCLES.keys()


@pytest.mark.parametrize("cycle", calendar.CYCLES)
def test_a_cycle_is_the_sine_and_cosine_of_what_has_passed_of_it(cycle: str) -> None:
    angle = 2 * np.pi * REFERENCES[cycle].to_numpy()
    np.testing.assert_allclose(
        Calendar(tuple([cycle])).channels(HOURS),
        np.stack([np.sin(angle), np.cos(angle)], axis=1),
        atol=1e-6,
    )


def test_channels_stand_in_the_order_of_their_names() -> None:
    cycles = ["day_of_year", "hour_of_day"]
    both = Calendar(tuple(cycles)).channels(HOURS)
    assert Calendar(tuple(cycles)).names == (
        "day_of_year_sin",
        "day_of_year_cos",
        "hour_of_day_sin",
        "hour_of_day_cos",
    )
    assert both.dtype == np.float32
    np.testing.assert_array_equal(both[:, :2], Calendar(tuple(cycles[:1])).channels(HOURS))
    np.testing.assert_array_equal(both[:, 2:], Calendar(tuple(cycles[1:])).channels(HOURS))


def test_minutes_count_in_the_hour_of_day() -> None:
    np.testing.assert_allclose(
        Calendar(tuple(["hour_of_day"])).channels(np.array(["2013-01-01T05:30"], "datetime64[m]"))[
            0, 0
        ],
        np.sin(2 * np.pi * 5.5 / 24),
        rtol=1e-6,
    )


def test_times_before_1970_have_the_same_calendar() -> None:
    times = np.array(["1969-12-30T01:00", "2013-12-31T01:00"], "datetime64[ns]")  # two Tuesdays
    early, late = Calendar(tuple(["hour_of_week"])).channels(times)
    np.testing.assert_allclose(early, late, atol=1e-6)


def test_without_cycles_there_are_no_channels() -> None:
    assert Calendar(tuple([])).channels(HOURS).shape == (len(HOURS), 0)
