"""Calendar channels: local cycles without a seam, and local holidays."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pipeline.series import calendar
from pipeline.series.calendar import CYCLES, Calendar

# Zones north and south, of half and quarter hours, without changes of clock, with changes at
# midnight (Santiago, Havana, Beirut, Asuncion), and of half an hour (Lord Howe).
ZONES = [
    *("UTC", "America/New_York", "Europe/London", "Europe/Berlin", "America/Santiago"),
    *("America/Havana", "Asia/Beirut", "America/Asuncion", "Asia/Kathmandu", "Asia/Tokyo"),
    *("Australia/Lord_Howe", "Pacific/Auckland"),
]
YEAR = 2021
HOURS = np.datetime64(f"{YEAR}-01-01", "ns") + np.arange(365 * 24) * np.timedelta64(1, "h")


def passed(cycle: str, moment: datetime) -> float:
    """The fraction of a cycle that has passed at a local time, from its fields alone."""
    hour = moment.hour + moment.minute / 60
    year = date(moment.year + 1, 1, 1) - date(moment.year, 1, 1)
    return {
        "hour_of_day": hour / 24,
        "day_of_week": moment.weekday() / 7,
        "hour_of_week": (moment.weekday() * 24 + hour) / 168,
        "day_of_year": (moment.timetuple().tm_yday - 1) / year.days,
    }[cycle]


def expected(cycle: str, moments: list[datetime]) -> Any:
    angle = 2 * np.pi * np.array([passed(cycle, moment) for moment in moments])
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def changes(zone: str) -> list[datetime]:
    """The instants of a year, in UTC, after which the offset of the zone is another."""
    start = datetime(YEAR, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=number) for number in range(365 * 24)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [
        hour for hour, old, new in zip(hours[1:], offsets, offsets[1:], strict=False) if old != new
    ]


@pytest.mark.parametrize("zone", ZONES)
def test_every_hour_of_a_year_has_the_local_calendar(zone: str) -> None:
    start = datetime(YEAR, 1, 1, tzinfo=UTC)
    moments = [(start + timedelta(hours=n)).astimezone(ZoneInfo(zone)) for n in range(365 * 24)]
    for cycle in CYCLES:
        np.testing.assert_allclose(
            Calendar((cycle,), zone).channels(HOURS), expected(cycle, moments), atol=1e-6
        )


@pytest.mark.parametrize("zone", ZONES)
def test_both_changes_of_clock_are_on_the_clock_on_the_wall(zone: str) -> None:
    found = changes(zone)
    assert len(found) == (0 if zone in ("UTC", "Asia/Kathmandu", "Asia/Tokyo") else 2)
    for change in found:
        near = [change + timedelta(minutes=15 * step) for step in range(-12, 13)]
        times = np.array([moment.replace(tzinfo=None) for moment in near], "datetime64[ns]")
        moments = [moment.astimezone(ZoneInfo(zone)) for moment in near]
        for cycle in CYCLES:
            np.testing.assert_allclose(
                Calendar((cycle,), zone).channels(times), expected(cycle, moments), atol=1e-6
            )


@pytest.mark.parametrize("zone", ZONES)
def test_a_local_day_has_its_own_weekday_all_year(zone: str) -> None:
    days = [date(YEAR, 1, 1) + timedelta(days=number) for number in range(365)]
    # the first instant of each local day, also where its midnight is skipped
    firsts = []
    for day in days:
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        instant = midnight.astimezone(UTC)
        while instant.astimezone(ZoneInfo(zone)).date() < day:
            instant += timedelta(minutes=30)
        firsts.append(instant.replace(tzinfo=None))
    found = Calendar(("day_of_week",), zone).channels(np.array(firsts, "datetime64[ns]"))
    angles = 2 * np.pi * np.array([day.weekday() for day in days]) / 7
    np.testing.assert_allclose(found[:, 0], np.sin(angles), atol=1e-6)
    np.testing.assert_allclose(found[:, 1], np.cos(angles), atol=1e-6)


def test_a_monday_in_london_is_a_monday_in_summer() -> None:
    midnight = np.array(["2021-03-28T23:00"], "datetime64[ns]")  # 29 March, 00:00 in London
    assert Calendar(("day_of_week",), "Europe/London").channels(midnight).tolist() == [[0, 1]]


def test_every_day_of_a_leap_year_has_its_place() -> None:
    days = np.arange("2020-01-01", "2021-01-02", dtype="datetime64[D]").astype("datetime64[ns]")
    found = Calendar(("day_of_year",)).passed(days)[:, 0]
    np.testing.assert_allclose(found, [*np.arange(366) / 366, 0])


def test_channels_stand_in_the_order_of_their_names() -> None:
    both = Calendar(("day_of_year", "hour_of_day"), holidays="DE")
    names = ("day_of_year_sin", "day_of_year_cos", "hour_of_day_sin", "hour_of_day_cos", "holiday")
    assert both.names == names
    channels = both.channels(HOURS)
    assert channels.dtype == np.float32
    np.testing.assert_array_equal(channels[:, :2], Calendar(("day_of_year",)).channels(HOURS))
    np.testing.assert_array_equal(channels[:, 2:4], Calendar(("hour_of_day",)).channels(HOURS))
    np.testing.assert_array_equal(channels[:, 4:], Calendar((), holidays="DE").channels(HOURS))


def test_times_before_1970_have_the_same_calendar() -> None:
    times = np.array(["1969-12-30T01:00", "2013-12-31T01:00"], "datetime64[ns]")  # two Tuesdays
    early, late = Calendar(("hour_of_week",)).channels(times)
    np.testing.assert_allclose(early, late, atol=1e-6)


def test_without_cycles_there_are_no_channels() -> None:
    assert Calendar().channels(HOURS).shape == (len(HOURS), 0)


def test_holidays_are_local_days_of_the_country_and_of_its_part() -> None:
    # 4 July 2013 in New York lasts from 04:00 to 04:00 UTC
    times = np.datetime64("2013-07-04T00:00", "ns") + np.arange(36) * np.timedelta64(1, "h")
    found = Calendar((), "America/New_York", "US-NY").channels(times)[:, 0]
    np.testing.assert_array_equal(found, (np.arange(36) >= 4) & (np.arange(36) < 28))
    lincoln = np.array(["2013-02-12T17:00"], "datetime64[ns]")  # in New York, not in New Jersey
    assert Calendar((), "America/New_York", "US-NY").channels(lincoln).tolist() == [[1]]
    assert Calendar((), "America/New_York", "US-TX").channels(lincoln).tolist() == [[0]]


def test_holidays_of_several_years_are_found() -> None:
    times = np.array(["2019-12-25", "2020-12-25", "2020-12-24", "2031-12-25"], "datetime64[ns]")
    assert calendar.is_holiday(times, "US").tolist() == [True, True, False, True]
