"""The report: every change, in stretches that do not depend on the parts in which they come."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core import files
from pipeline.tables.report import Cells, Changes

START = np.datetime64("2013-01-01", "ns")
HOUR = np.timedelta64(3600, "s")
rows = st.lists(st.sampled_from(["fine", "changed"]), min_size=1, max_size=60)


def cells(changed: Sequence[int], values: Sequence[float] | None = None) -> Cells:
    positions = np.array(changed, int)
    series = ["A" if position < 30 else "B" for position in changed]
    shifted = positions + (positions >= 30)  # no stretch goes from one series into the next
    numbers = None if values is None else np.array(values)[positions]
    return Cells("x", shifted, series, START + positions * HOUR, "forward_fill", numbers)


@given(marks=rows, size=st.integers(1, 60), measured=st.booleans())
def test_stretches_do_not_depend_on_the_parts_in_which_cells_come(
    marks: list[str], size: int, measured: bool, tmp_path_factory
) -> None:
    folder: Path = tmp_path_factory.mktemp("report")
    changed = [row for row, mark in enumerate(marks) if mark == "changed"]
    values = np.linspace(-1, 1, len(marks)).tolist() if measured else None
    written = []
    for name, step in (("whole", len(marks)), ("parts", size)):
        (folder / name).mkdir()
        changes = Changes(folder / name, {"filled": ["x", "y"]})
        for start in range(0, len(marks), step):
            changes.add("filled", cells([r for r in changed if start <= r < start + step], values))
        assert changes.count("filled") == len(changed)
        changes.write(folder / name / "report.json", {"rows": 3})
        written.append((folder / name / "report.json").read_bytes())
    assert written[0] == written[1]
    report = files.read_json(folder / "whole" / "report.json")
    files.write_json(folder / "again.json", report)
    assert (folder / "again.json").read_bytes() == written[0]
    assert sum(stretch["rows"] for stretch in report["filled"]) == len(changed)
    assert report["totals"] == {"filled": {"x": len(changed)} if changed else {}}
    starts = [row for row in changed if row == 30 or row - 1 not in changed]
    firsts = [np.datetime64(stretch["first"][:-1]) for stretch in report["filled"]]
    assert firsts == [START + row * HOUR for row in starts]


def test_what_concerns_a_series_that_is_left_out_is_not_reported(tmp_path: Path) -> None:
    changes = Changes(tmp_path, {"filled": ["x"]})
    changes.add("filled", cells([3, 4, 30]))
    changes.add_cuts([{"series": "A", "missing_rows": 2}, {"series": "B", "missing_rows": 1}])
    changes.write(tmp_path / "report.json", {}, ["A"])
    report = files.read_json(tmp_path / "report.json")
    assert [stretch["series"] for stretch in report["filled"]] == ["B"]
    assert [cut["series"] for cut in report["cuts"]] == ["B"]
    assert report["totals"] == {"filled": {"x": 1}}
