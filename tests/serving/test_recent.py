"""Recent rows: where the past ends, days of a local calendar, files and what they lack.

The cases are of tables that people have.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.config.data import Data
from pipeline.config.validation import Validate
from pipeline.core.errors import InputError
from pipeline.serving import recent
from pipeline.serving.form import Form

FILL = {"default": {"policy": "forward_fill", "max_run": 1}}


def form(
    data: Mapping[str, Any] | None = None, missing: Mapping[str, Any] = FILL, frequency: str = "h"
) -> Form:
    declared = {
        "path": "table.csv",
        "time": "time",
        "time_zone": "UTC",
        "series": None,
        "frequency": None,
        "targets": "y",
        **(data or {}),
    }
    rules = Validate.model_validate({"max_gap": 1, "missing": missing})
    known = Data.model_validate(declared)
    series = ("all",) if known.series is None else ("a", "b")
    return Form(known, rules, frequency, 6, 2, series, known.future_covariates)


def write(folder: Path, table: pd.DataFrame, name: str = "recent.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return path


def hours(count: int = 20, start: str = "2021-01-01", **columns: Any) -> pd.DataFrame:
    times = pd.date_range(start, periods=count, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    y = np.arange(count) + 7.5
    return pd.DataFrame({"time": times, "y": y, "x": y / 2, **columns})


def seen(windows: recent.Recent, column: str) -> list[Any]:
    """The values of a column in the window of the first series."""
    start = int(windows.starts[0])
    return list(windows.block.columns[column][start : start + 6])


def blank(table: pd.DataFrame, column: str, *rows: int) -> pd.DataFrame:
    table.loc[[len(table) + row for row in rows], column] = None
    return table


@pytest.mark.parametrize("data", [{}, {"past_covariates": "x"}], ids=["alone", "past covariate"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_rows_that_end_with_a_blank_target_are_future_rows_and_nothing_is_filled_forward(
    tmp_path: Path, data: Mapping[str, Any], count: int
) -> None:
    table = blank(hours(), "y", *range(-count, 0))
    windows = recent.read(form(data), write(tmp_path, table))
    assert seen(windows, "y") == list(table["y"].dropna()[-6:])
    origin = pd.Timestamp("2021-01-01T19:00") - pd.Timedelta(hours=count)
    assert windows.times[0, 0] == np.datetime64(origin + pd.Timedelta(hours=1))
    assert windows.remarks[0] == f"the forecast starts after {origin.isoformat()}Z"
    assert "0 missing values were filled" in windows.remarks
    ignored = any(
        "hold past covariates, which are not looked at" in line for line in windows.remarks
    )
    assert ignored == bool(data)


def test_with_a_masked_target_rows_with_measured_past_covariates_are_past_rows(
    tmp_path: Path,
) -> None:
    masked = form({"past_covariates": "x"}, {"y": {"policy": "mask"}})
    table = blank(hours(), "y", -3, -2, -1)
    windows = recent.read(masked, write(tmp_path, table))
    assert windows.remarks[0] == "the forecast starts after 2021-01-01T19:00:00Z"
    assert "3 missing values were masked (y 3)" in windows.remarks
    assert np.isnan(seen(windows, "y")[-3:]).all()
    ended = recent.read(masked, write(tmp_path, blank(table, "x", -1)))
    assert ended.remarks[0] == "the forecast starts after 2021-01-01T18:00:00Z"


def test_a_blank_target_inside_of_the_past_is_filled_as_in_training(tmp_path: Path) -> None:
    windows = recent.read(form(), write(tmp_path, blank(hours(), "y", -3)))
    assert seen(windows, "y")[-3] == seen(windows, "y")[-4]
    assert "1 missing value was filled (y 1)" in windows.remarks


@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "America/Havana"])
@pytest.mark.parametrize("last", ["2023-04-01", "2023-04-28", "2023-03-11", "2023-09-02"])
@pytest.mark.parametrize("since", [0, 1, 2])
def test_days_are_local_where_midnight_is_skipped_or_repeated_in_window_or_horizon(
    tmp_path: Path, zone: str, last: str, since: int
) -> None:
    days = pd.date_range(end=last, periods=9) + pd.Timedelta(days=since)
    table = pd.DataFrame({"time": days.strftime("%Y-%m-%d"), "y": np.arange(9.0)})
    windows = recent.read(form({"time_zone": zone}, frequency="D"), write(tmp_path, table))
    local = pd.DatetimeIndex(windows.block.times).tz_localize("UTC").tz_convert(zone)
    expected = pd.date_range(days[-1] - pd.Timedelta(days=5), periods=8)
    assert [str(time.date()) for time in local[-8:]] == [str(day.date()) for day in expected]
    assert (local.hour[-8:] <= 1).all()  # the first instant, where midnight is skipped 1 o'clock


def test_a_lacking_column_leads_to_advice_about_the_input_and_not_about_params_yaml(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, hours().drop(columns="x"))
    with pytest.raises(InputError) as rejection:
        recent.read(form({"past_covariates": "x"}), path)
    assert str(rejection.value) == (
        f"{path}: column 'x' was not found (the file has time, y); add it to the rows to forecast "
        "from: they need every column of the training table"
    )


@pytest.mark.parametrize("content", ["", "time,y\n"], ids=["no header", "no rows"])
def test_an_empty_file_leads_to_advice_about_the_input_and_not_about_data_path(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "recent.csv"
    path.write_text(content)
    with pytest.raises(InputError) as rejection:
        recent.read(form(), path)
    assert str(path) in str(rejection.value)
    assert "data.path" not in str(rejection.value)
    assert "params.yaml" not in str(rejection.value)


def test_a_missing_input_is_named_with_the_option(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="correct the path that --input names"):
        recent.read(form(), tmp_path / "nowhere.csv")


def test_a_file_of_future_covariates_without_use_or_without_a_column_is_rejected(
    tmp_path: Path,
) -> None:
    table = write(tmp_path, hours())
    with pytest.raises(InputError, match="needs no future covariates of its users; leave out"):
        recent.read(form(), table, table)
    lacking = write(tmp_path, hours().drop(columns="x"), "future.csv")
    with pytest.raises(InputError, match=r"future\.csv: column 'x' was not found .* to that file"):
        recent.read(form({"future_covariates": "x"}), table, lacking)


def test_rows_after_the_origin_are_not_needed_without_future_covariates(tmp_path: Path) -> None:
    windows = recent.read(form(), write(tmp_path, blank(hours(), "y", -3, -2, -1)))
    assert (
        "3 rows after the origin are not looked at, since no future covariates are needed"
        in windows.remarks
    )


def test_a_cut_in_the_window_is_rejected(tmp_path: Path) -> None:
    cut = form(missing={"default": {"policy": "cut"}})
    with pytest.raises(InputError, match=r"rows that a policy of validate\.missing cuts out"):
        recent.read(cut, write(tmp_path, blank(hours(), "y", -3)))
    windows = recent.read(cut, write(tmp_path, blank(hours(), "y", -8)))
    assert np.isfinite(seen(windows, "y")).all()


def test_rows_all_of_which_are_cut_out_are_too_few(tmp_path: Path) -> None:
    cut = form({"past_covariates": "x"}, {"default": {"policy": "cut"}})
    with pytest.raises(InputError, match="has 0 rows up to its newest measured one"):
        recent.read(cut, write(tmp_path, hours(x=None)))


def test_masked_cells_need_no_rows_from_before_the_window(tmp_path: Path) -> None:
    masked = form(missing={"y": {"policy": "mask"}})
    table = blank(hours(), "y", *range(-12, -3)).astype({"y": object})
    table.loc[0, "y"] = "broken"
    assert recent.read(masked, write(tmp_path, table)).starts.tolist() == [0]


def test_series_may_be_named_by_files(tmp_path: Path) -> None:
    named = form({"series": {"from": "filename"}})
    for name in "ab":
        write(tmp_path, hours(), f"rows/{name}.csv")
    assert recent.read(named, tmp_path / "rows").series == ("a", "b")
    assert recent.read(named, tmp_path / "rows" / "a.csv").series == ("a",)
