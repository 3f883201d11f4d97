"""`python -m pipeline.drift` on whole tables: what is new, what is unusual, and its exit status."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import drift
from pipeline.config import params, paths
from pipeline.core.errors import InputError
from pipeline.serving.drift import report
from pipeline.tables import cleaning
from tests.workshop import CONTENT, PLACES

OLD, NEW = 1600, 200  # hours
CONTENT_HERE = {**CONTENT, "validate": {"max_gap": 0, "missing": {"wind": {"policy": "mask"}}}}


def table(count: int) -> pd.DataFrame:
    """Places whose level and wind persist from hour to hour."""
    hours = pd.date_range("2020-01-01", periods=count, freq="h").strftime("%Y-%m-%dT%H:%M:%SZ")
    parts = []
    for seed, (place, level) in enumerate(PLACES):
        noise = np.random.default_rng(seed).normal(size=(2, OLD + NEW))
        walk = [np.convolve(each, np.full(8, 0.35), "same")[:count] for each in noise]
        day = np.sin(2 * np.pi * np.arange(count) / 24)
        columns = {"level": level + 5 * day + walk[0], "wind": 20 + 4 * day + walk[1]}
        parts.append(pd.DataFrame({"hour": hours, "place": place, **columns}))
    return pd.concat(parts, ignore_index=True)


class Project:
    """A folder with `params.yaml`, `dvc.yaml`, the raw table, and the clean one of the last run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        places = paths.Paths(**dict.fromkeys(paths.Paths.__dataclass_fields__, folder / "none"))
        self.places = replace(places, clean=folder / "clean")
        self.write(table(OLD))
        self.params = params.parse(
            {**CONTENT_HERE, "data": {**CONTENT["data"], "path": str(folder / "table.csv")}}
        )
        self.places.clean.mkdir()
        cleaning.clean(
            self.params.data, self.params.validate_, folder / "table.csv", self.places.clean
        )

    def write(self, rows: pd.DataFrame) -> None:
        rows.to_csv(self.folder / "table.csv", index=False)

    def compare(self) -> report.Drift:
        return drift.run(self.params, self.places, None, None)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_an_unchanged_table_has_no_new_rows_and_no_drift(project: Project) -> None:
    found = project.compare()
    assert (found.state, found.new_rows, found.has_new_data) == ("none", 0, False)
    assert "No new rows." in report.markdown(found)


def test_new_rows_like_the_old_ones_are_counted_and_are_no_drift(project: Project) -> None:
    project.write(table(OLD + NEW))
    found = project.compare()
    assert (found.state, found.new_rows, found.has_new_data) == ("none", 2 * NEW, True)
    assert "400 new rows in 2 of 2 series, from 2020-03-07T16:00:00Z" in report.markdown(found)


def test_another_unit_is_named_with_its_column_for_all_series_in_one_line(project: Project) -> None:
    rows = table(OLD + NEW)
    new = rows["hour"] >= "2020-03-07T16:00:00Z"
    rows.loc[new, "wind"] *= 10
    project.write(rows)
    found = project.compare()
    assert found.state == "fault"
    assert {(each.series, each.column, each.kind) for each in found.findings} == {
        ("a", "wind", "unit"),
        ("b", "wind", "unit"),
    }
    line = "| unit | `wind` | a and 1 more | looks multiplied by 10: mean "
    assert line in report.markdown(found)


def test_masked_values_are_missing_ones(project: Project) -> None:
    rows = table(OLD + NEW)
    rows.loc[(rows.index % 2 == 0) & (rows["hour"] >= "2020-03-07T16:00:00Z"), "wind"] = np.nan
    project.write(rows)
    kinds = {(each.column, each.kind) for each in project.compare().findings}
    assert ("wind", "missing") in kinds


def test_earlier_rows_that_change_and_series_that_come_and_go_are_reported(
    project: Project,
) -> None:
    rows = table(OLD)
    rows.loc[3, "level"] += 1
    rows["place"] = rows["place"].replace("b", "c")
    project.write(rows)
    found = project.compare()
    assert [delta.changed for delta in found.deltas] == [1]
    assert (found.appeared, found.disappeared) == (("c",), ("b",))
    assert found.has_new_data
    assert "1 earlier rows have changed or are gone." in report.markdown(found)


def test_rows_after_a_given_time_are_new_although_the_last_run_had_them(project: Project) -> None:
    since = np.datetime64("2020-03-01T00:00:00")
    found = report.compare(project.places.clean, project.places.clean, project.params.data, since)
    assert found.new_rows == 2 * (OLD - 60 * 24 - 1)


def test_few_rows_are_not_judged_and_the_report_says_so(project: Project) -> None:
    project.write(table(OLD + 3))
    found = project.compare()
    assert (found.judged, found.unjudged, found.state) == (0, 4, "none")
    assert "4 of 4 columns of a series have too few rows" in report.markdown(found)


def test_a_table_that_is_rejected_or_has_no_history_is_an_error(project: Project) -> None:
    project.write(table(OLD).assign(level="high"))
    with pytest.raises(InputError, match="level"):
        project.compare()
    project.write(table(OLD))
    (project.places.clean / "table.parquet").unlink()
    with pytest.raises(InputError, match="no history to compare with"):
        project.compare()


@pytest.mark.parametrize(("factor", "status"), [(1.0, 0), (10.0, drift.DRIFT)])
def test_the_exit_status_tells_drift_from_none_and_the_json_has_it_all(
    project: Project, monkeypatch: pytest.MonkeyPatch, factor: float, status: int
) -> None:
    rows = table(OLD + NEW)
    rows.loc[rows["hour"] >= "2020-03-07T16:00:00Z", "wind"] *= factor
    rows.to_csv(project.folder / "new.csv", index=False)
    monkeypatch.setattr(params, "read", lambda path: project.params)
    monkeypatch.setattr(paths, "read", lambda: project.places)
    output = project.folder / "drift.json"
    words = ["--data", str(project.folder / "new.csv"), "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["drift", *words])
    with pytest.raises(SystemExit) as stop:
        drift.main()
    assert stop.value.code == status
    written = json.loads(output.read_text())
    assert written["new_rows"] == 2 * NEW
    assert (written["state"] == "none") == (status == 0)
