"""Times: what they mean with and without a zone, and which of them mean nothing."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core.errors import InputError
from pipeline.tables import notation, timestamps
from pipeline.tables.notation import Notation
from pipeline.tables.repeats import Order

NEW_YORK = "America/New_York"
LOCAL = Notation(NEW_YORK)


def instants(times: list[datetime]) -> np.ndarray[Any, Any]:
    """Aware times as UTC, by the standard library."""
    return np.array([time.astimezone(UTC).replace(tzinfo=None) for time in times], "datetime64[ns]")


@pytest.mark.parametrize(
    "written",
    [
        pa.array(["2013-07-01T06:00:00Z"]),
        pa.array(["2013-07-01 02:00:00"]),
        pa.array(["2013-07-01T02:00"]),
        pa.array(["2013-07-01 2:00"]),
        pa.array(["2013-07-01T08:00:00+02:00"]),
        pa.array(["2013-07-01 8:00+02:00"]),
        pa.array(["2013-07-01 01:00-0500"]),
        pa.array([datetime(2013, 7, 1, 2)], pa.timestamp("us")),
        pa.array([datetime(2013, 7, 1, 6, tzinfo=UTC)], pa.timestamp("s", "Asia/Tokyo")),
    ],
)
def test_a_time_with_a_zone_keeps_it_and_one_without_is_local(written: pa.Array) -> None:
    found = timestamps.parse(written, LOCAL)
    assert found.times.dtype == np.dtype("datetime64[ns]")
    assert str(found.times[0]) == "2013-07-01T06:00:00.000000000"
    assert found.faults[0] == notation.FINE


def test_zones_may_be_mixed_in_one_column() -> None:
    written = ["2013-07-01T06:00:00Z", "2013-07-01T03:00:00", "2013-07-01T10:00:00+02:00"]
    found = timestamps.parse(pa.array(written), LOCAL)
    assert np.diff(found.times).tolist() == [3_600_000_000_000] * 2


def test_single_digit_hours_with_offsets_are_in_utc_all_day() -> None:
    written = [f"2021-10-{day} {hour}:00+02:00" for day in (24, 25) for hour in range(24)]
    found = timestamps.parse(pa.array(written), Notation("UTC"))
    assert found.times[0] == np.datetime64("2021-10-23T22:00")
    assert set(np.diff(found.times).tolist()) == {3_600_000_000_000}


def test_a_date_is_the_local_midnight() -> None:
    for written in (pa.array(["2013-07-01"]), pa.array([datetime(2013, 7, 1).date()], pa.date32())):
        assert timestamps.parse(written, LOCAL).times[0] == np.datetime64("2013-07-01T04:00")


@pytest.mark.parametrize(
    ("day", "zone", "first"),
    [
        ("2022-09-11", "America/Santiago", "2022-09-11T04:00"),  # 00:00 is skipped
        ("2023-04-28", "Africa/Cairo", "2023-04-27T22:00"),
        ("2022-03-13", "America/Havana", "2022-03-13T05:00"),
        ("2022-11-06", "America/Havana", "2022-11-06T04:00"),  # 00:00 is repeated
    ],
)
def test_a_date_whose_midnight_is_skipped_or_repeated_is_the_first_instant_of_its_day(
    day: str, zone: str, first: str
) -> None:
    for written, meaning in (
        (pa.array([day]), Notation(zone)),
        (pa.array([date.fromisoformat(day)]), Notation(zone)),
        (pa.array([day]), Notation(zone, "%Y-%m-%d")),
        (pa.array([f"{day} 00:00:00"]), Notation(zone, days=True)),
        (pa.array([datetime.fromisoformat(day)]), Notation(zone, days=True)),
    ):
        found = timestamps.parse(written, meaning)
        assert (found.times[0], found.faults[0]) == (np.datetime64(first), notation.FINE)
    assert timestamps.moment(datetime.fromisoformat(day), zone) == np.datetime64(first)


def test_a_repeated_midnight_of_hourly_data_is_not_taken_for_a_date() -> None:
    written = pa.array(["2022-11-06 00:00"])
    found = timestamps.parse(written, Notation("America/Havana"))
    assert found.faults.tolist() == [notation.REPEATED]


def test_a_declared_format_is_followed_to_the_letter() -> None:
    written = pa.array(["31.01.2013 06:00", "2013-01-31T06:00"])
    found = timestamps.parse(written, Notation("UTC", "%d.%m.%Y %H:%M"))
    assert found.times[0] == np.datetime64("2013-01-31T06:00")
    assert found.faults.tolist() == [notation.FINE, notation.UNREADABLE]
    with_offset = Notation(NEW_YORK, "%d.%m.%Y %H:%M %z")
    found = timestamps.parse(pa.array(["31.01.2013 06:00 +0100"]), with_offset)
    assert found.times[0] == np.datetime64("2013-01-31T05:00")


@pytest.mark.parametrize(
    ("time_format", "zone", "numbers"),
    [
        ("epoch_s", NEW_YORK, [1372658400, 1372658400.5]),
        ("epoch_ms", NEW_YORK, [1372658400000, 1372658400500]),
        ("excel_days", "UTC", [41456.25, 41456.250005787]),  # half a second rounds to a whole one
    ],
)
def test_numbers_as_times(time_format: str, zone: str, numbers: list[float]) -> None:
    for written in (pa.array(numbers), pa.array([repr(number) for number in numbers])):
        found = timestamps.parse(written, Notation(zone, time_format))
        assert found.times[0] == np.datetime64("2013-07-01T06:00")
        assert abs(found.times[1] - found.times[0]) <= np.timedelta64(1, "s")


@pytest.mark.parametrize("written", ["soon", "2013-07-01", "1e300", "inf", "-99999999999999"])
def test_what_is_no_number_of_seconds_is_no_time(written: str) -> None:
    found = timestamps.parse(pa.array([written, "0"]), Notation("UTC", "epoch_s"))
    assert found.faults.tolist() == [notation.UNREADABLE, notation.FINE]


def test_days_of_excel_are_local_times() -> None:
    found = timestamps.parse(pa.array([41456.0]), Notation(NEW_YORK, "excel_days"))
    assert found.times[0] == np.datetime64("2013-07-01T04:00")


@pytest.mark.parametrize(
    ("dates", "hours", "time_format"),
    [
        (["2013-07-01", None], ["2", "3"], None),
        (["2013-07-01", None], [2, 3], None),
        ([date(2013, 7, 1), None], ["02:00", "1"], None),
        ([datetime(2013, 7, 1), None], [2, 3], None),
        (["01/07/2013", ""], ["2", "3"], "%d/%m/%Y %H:%M"),
        (["01/07/2013", "NA"], ["2:00 AM", "3:00 AM"], "%d/%m/%Y %I:%M %p"),
    ],
)
def test_a_time_may_stand_in_two_columns(
    dates: list[Any], hours: list[Any], time_format: str | None
) -> None:
    written = timestamps.joined(pa.array(dates), pa.array(hours))
    found = timestamps.parse(written, Notation(NEW_YORK, time_format))
    assert found.times[0] == np.datetime64("2013-07-01T06:00")
    assert found.faults.tolist() == [notation.FINE, notation.ABSENT]


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("2013-11-03 01:30", notation.REPEATED),
        ("2013-03-10 02:30", notation.SKIPPED),
        ("2013-02-30", notation.UNREADABLE),
        ("01/02/2013", notation.UNREADABLE),
        ("9999-12-31", notation.UNREADABLE),
        ("1357020000", notation.UNREADABLE),
        ("soon", notation.UNREADABLE),
        ("", notation.ABSENT),
        ("NA", notation.ABSENT),
        (None, notation.ABSENT),
    ],
)
def test_a_time_without_one_meaning_is_a_fault(written: str | None, fault: int) -> None:
    found = timestamps.parse(pa.array([written, "2013-01-01"], pa.string()), LOCAL)
    assert np.isnat(found.times[0])
    assert found.faults.tolist() == [fault, notation.FINE]


def test_a_format_that_fits_nothing_is_named_with_what_it_should_look_like() -> None:
    fault, advice = Notation("UTC", "yyyy-MM-dd").faults()[notation.UNREADABLE]
    assert "'yyyy-MM-dd'" in fault
    assert "strptime" in advice and "%Y-%m-%d" in advice


def test_a_clock_change_is_no_fault_where_the_offset_is_written() -> None:
    written = pa.array(["2013-11-03T01:30:00-04:00", "2013-11-03T01:30:00-05:00"])
    assert not timestamps.parse(written, LOCAL).faults.any()


def test_typed_local_times_have_the_same_faults_as_written_ones() -> None:
    written = pa.array(
        [datetime(2013, 11, 3, 1, 30), datetime(2013, 3, 10, 2, 30), datetime(9999, 1, 1), None],
        pa.timestamp("us"),
    )
    assert timestamps.parse(written, LOCAL).faults.tolist() == [
        notation.REPEATED,
        notation.SKIPPED,
        notation.UNREADABLE,
        notation.ABSENT,
    ]


ZONES = [
    NEW_YORK,
    "America/Santiago",
    "America/Havana",
    "America/St_Johns",
    "Africa/Cairo",
    "Atlantic/Azores",
    "Asia/Beirut",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Europe/Dublin",
    "Pacific/Auckland",
]
YEAR = [
    datetime(2022, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(2 * 24 * 366)
]


def a_year(zone: str) -> tuple[list[datetime], pa.Array]:
    """Every half hour of a year as aware times, and as written on a wall clock."""
    aware = [time.astimezone(ZoneInfo(zone)) for time in YEAR]
    return aware, pa.array([f"{time:%Y-%m-%d %H:%M}" for time in aware])


def resolved(written: pa.Array, zone: str, size: int = 999) -> tuple[np.ndarray[Any, Any], Order]:
    """The times of one series, read in batches of `size` rows, by their order."""
    order, parts = Order(), []
    for start in range(0, len(written), size):
        found = timestamps.parse(written.slice(start, size), Notation(zone, ambiguous="infer"))
        rows = start + np.arange(len(found.times))
        parts.append(order.resolve(found, np.zeros(len(rows), np.int32), rows))
    return np.concatenate(parts), order


@pytest.mark.parametrize("zone", ZONES)
def test_the_order_of_a_local_file_tells_repeated_times_apart(zone: str) -> None:
    aware, written = a_year(zone)
    for size in (len(written), 499):
        times, order = resolved(written, zone, size)
        np.testing.assert_array_equal(times, instants(aware))
        assert not order.unclear


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("ambiguous", "fold"), [("first", 0), ("last", 1)])
def test_repeated_times_are_the_first_or_the_last_where_that_is_declared(
    zone: str, ambiguous: str, fold: int
) -> None:
    aware, written = a_year(zone)
    chosen = [time.replace(fold=fold) for time in aware]
    found = timestamps.parse(written, Notation(zone, ambiguous=ambiguous))
    assert not found.faults.any()
    np.testing.assert_array_equal(found.times, instants(chosen))


@pytest.mark.parametrize("zone", ZONES)
def test_without_a_declaration_exactly_the_repeated_times_are_faults(zone: str) -> None:
    aware, written = a_year(zone)
    offsets = [{time.replace(fold=fold).utcoffset() for fold in (0, 1)} for time in aware]
    faults = timestamps.parse(written, Notation(zone)).faults
    assert (faults == notation.REPEATED).tolist() == [len(two) == 2 for two in offsets]
    assert set(faults.tolist()) <= {notation.FINE, notation.REPEATED}


HOURS = ["00:00", "01:00", "01:00", "02:00"]
UNCLEAR = {
    "one of them alone": ["00:00", "01:00", "02:00"],
    "in descending order": ["03:00", "02:00", "01:00", "01:00", "00:00"],
    "descending from the start": ["01:30", "01:00", "00:30"],
}


@pytest.mark.parametrize("hours", UNCLEAR.values(), ids=UNCLEAR)
def test_repeated_times_whose_order_says_nothing_are_unclear(hours: list[str]) -> None:
    _, order = resolved(pa.array([f"2013-11-03 {hour}" for hour in hours]), NEW_YORK)
    expected = [row for row, hour in enumerate(hours) if hour.startswith("01")]
    assert [row for _, row in order.unclear] == expected


def test_a_file_that_ends_in_the_first_of_two_hours_is_clear() -> None:
    times, order = resolved(pa.array([f"2013-11-03 {hour}" for hour in HOURS[:2]]), NEW_YORK)
    assert not order.unclear
    assert times[1] == np.datetime64("2013-11-03T05:00")


@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_order_goes_on_from_batch_to_batch(size: int) -> None:
    written = [f"2013-11-03 {hour}:{minute}" for hour in ("00", "01", "01") for minute in (10, 40)]
    times, order = resolved(pa.array([*written, "2013-11-03 02:10"]), NEW_YORK, size)
    assert not order.unclear
    assert set(np.diff(times).tolist()) == {1_800_000_000_000}


def test_each_series_has_an_order_of_its_own() -> None:
    order = Order()
    written = pa.array([f"2013-11-03 {hour}" for hour in HOURS for _ in range(3)])
    found = timestamps.parse(written, Notation(NEW_YORK, ambiguous="infer"))
    series = np.tile(np.arange(3, dtype=np.int32), len(HOURS))
    times = order.resolve(found, series, np.arange(len(series))).reshape(-1, 3)
    assert not order.unclear
    for earlier, later in pairwise(times):
        assert (later - earlier == np.timedelta64(1, "h")).all()


def test_a_date_of_the_split_follows_the_same_rule() -> None:
    assert timestamps.moment(datetime(2013, 7, 1), NEW_YORK) == np.datetime64("2013-07-01T04:00")
    assert timestamps.moment(datetime(2013, 7, 1, tzinfo=UTC), NEW_YORK) == np.datetime64(
        "2013-07-01"
    )
    with pytest.raises(InputError, match="clock change"):
        timestamps.moment(datetime(2013, 3, 10, 2, 30), NEW_YORK)


@pytest.mark.parametrize("time", ["2013-07-01T04:00:00", "2013-07-01T04:00:00.250"])
def test_a_label_reads_back_to_the_same_time(time: str) -> None:
    moment = np.datetime64(time, "ns")
    assert timestamps.parse(pa.array([timestamps.label(moment)]), LOCAL).times[0] == moment
