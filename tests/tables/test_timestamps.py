"""Times: what they mean with and without a zone, and which of them mean nothing."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from pipeline.core.errors import InputError
from pipeline.tables import timestamps

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    "written",
    [
        pa.array(["2013-07-01T06:00:00Z"]),
        pa.array(["2013-07-01 02:00:00"]),
        pa.array(["2013-07-01T02:00"]),
        pa.array(["2013-07-01T08:00:00+02:00"]),
        pa.array(["2013-07-01 01:00-0500"]),
        pa.array([datetime(2013, 7, 1, 2)], pa.timestamp("us")),
        pa.array([datetime(2013, 7, 1, 6, tzinfo=UTC)], pa.timestamp("s", "Asia/Tokyo")),
    ],
)
def test_a_time_with_a_zone_keeps_it_and_one_without_is_local(written: pa.Array) -> None:
    times, faults = timestamps.parse(written, NEW_YORK)
    assert times.dtype == np.dtype("datetime64[ns]")
    assert (str(times[0]), faults[0]) == ("2013-07-01T06:00:00.000000000", timestamps.FINE)


def test_zones_may_be_mixed_in_one_column() -> None:
    times, _ = timestamps.parse(
        pa.array(["2013-07-01T06:00:00Z", "2013-07-01T03:00:00", "2013-07-01T10:00:00+02:00"]),
        NEW_YORK,
    )
    assert np.diff(times).tolist() == [3_600_000_000_000] * 2


def test_a_date_is_the_local_midnight() -> None:
    for written in (pa.array(["2013-07-01"]), pa.array([datetime(2013, 7, 1).date()], pa.date32())):
        assert timestamps.parse(written, NEW_YORK)[0][0] == np.datetime64("2013-07-01T04:00")


def test_a_declared_format_is_followed_to_the_letter() -> None:
    times, faults = timestamps.parse(
        pa.array(["31.01.2013 06:00", "2013-01-31T06:00"]), "UTC", "%d.%m.%Y %H:%M"
    )
    assert times[0] == np.datetime64("2013-01-31T06:00")
    assert faults.tolist() == [timestamps.FINE, timestamps.UNREADABLE]
    times, _ = timestamps.parse(pa.array(["31.01.2013 06:00 +0100"]), NEW_YORK, "%d.%m.%Y %H:%M %z")
    assert times[0] == np.datetime64("2013-01-31T05:00")


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ("2013-11-03 01:30", timestamps.REPEATED),
        ("2013-03-10 02:30", timestamps.SKIPPED),
        ("2013-02-30", timestamps.UNREADABLE),
        ("01/02/2013", timestamps.UNREADABLE),
        ("9999-12-31", timestamps.UNREADABLE),
        ("1357020000", timestamps.UNREADABLE),
        ("soon", timestamps.UNREADABLE),
        ("", timestamps.ABSENT),
        ("NA", timestamps.ABSENT),
        (None, timestamps.ABSENT),
    ],
)
def test_a_time_without_one_meaning_is_a_fault(written: str | None, fault: int) -> None:
    times, faults = timestamps.parse(pa.array([written, "2013-01-01"], pa.string()), NEW_YORK)
    assert np.isnat(times[0])
    assert faults.tolist() == [fault, timestamps.FINE]


def test_a_clock_change_is_no_fault_where_the_offset_is_written() -> None:
    _, faults = timestamps.parse(
        pa.array(["2013-11-03T01:30:00-04:00", "2013-11-03T01:30:00-05:00"]), NEW_YORK
    )
    assert not faults.any()


def test_typed_local_times_have_the_same_faults_as_written_ones() -> None:
    written = pa.array(
        [datetime(2013, 11, 3, 1, 30), datetime(2013, 3, 10, 2, 30), datetime(9999, 1, 1), None],
        pa.timestamp("us"),
    )
    assert timestamps.parse(written, NEW_YORK)[1].tolist() == [
        timestamps.REPEATED,
        timestamps.SKIPPED,
        timestamps.UNREADABLE,
        timestamps.ABSENT,
    ]


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
    assert timestamps.parse(pa.array([timestamps.label(moment)]), NEW_YORK)[0][0] == moment
