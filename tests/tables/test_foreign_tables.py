"""Tables as users have them, from the file to the clean table or to one sentence about it."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import validate
from pipeline.config import params
from pipeline.config.data import Data
from pipeline.config.params import Params
from pipeline.config.sections import Window
from pipeline.config.standardization import Standardize
from pipeline.config.validation import Validate
from pipeline.core import files
from pipeline.core.errors import InputError

COMMITTED = params.read(Path(__file__).parents[2] / "params.yaml")
HOURS = 90
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
START = datetime(2021, 1, 1)


def settings(rules: Mapping[str, Any] | None = None, **data: Any) -> Params:
    """The committed parameters about a table of one series with the target `y`."""
    about = {"path": "unused", "time": "when", "time_zone": "UTC", "series": None}
    about |= {"frequency": None, "targets": ["y"], **data}
    update = {
        "data": Data.model_validate(about),
        "validate_": Validate.model_validate({"max_gap": 0, **(rules or {})}),
        "standardize": Standardize.model_validate({"split": SHARES}),
        "window": Window(lookback=3, horizon=2),
    }
    return COMMITTED.model_copy(update=update)


def hourly(count: int = HOURS, written: str = "%Y-%m-%d %H:%M", **columns: Any) -> pd.DataFrame:
    """A table with the times of so many hours and the target `y`."""
    times = [(START + timedelta(hours=hour)).strftime(written) for hour in range(count)]
    wave = np.sin(np.arange(count)).round(3) + 10
    return pd.DataFrame({"when": times, "y": wave, **columns})


def clean(raw: Path, chosen: Params) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The clean table of a file or folder, and its report."""
    data = chosen.data.model_copy(update={"path": str(raw)})
    out = raw.parent / "clean"
    validate.run(chosen.model_copy(update={"data": data}), out)
    return pd.read_parquet(out / "table.parquet"), files.read_json(out / "report.json")


def save(folder: Path, frame: pd.DataFrame, name: str = "raw.csv", **options: Any) -> Path:
    frame.to_csv(folder / name, index=False, **options)
    return folder / name


def rejected(raw: Path, chosen: Params) -> tuple[str, ...]:
    """What is wrong with a table."""
    with pytest.raises(InputError) as rejection:
        clean(raw, chosen)
    return rejection.value.findings


def test_a_dialect_is_declared(tmp_path: Path) -> None:
    frame = hourly(x=np.arange(HOURS) * 1000.5, ort="Zürich")
    expected, _ = clean(save(tmp_path, frame), settings(past_covariates=["x"], series="ort"))
    german = frame.assign(
        y=[f"{value}".replace(".", ",") for value in frame.y],
        x=[f"{v:,.1f}".translate(str.maketrans(",.", ".,")) for v in frame.x],
    )
    csv = {"separator": ";", "decimal": ",", "thousands": ".", "encoding": "cp1252"}
    raw = save(tmp_path, german, sep=";", encoding="cp1252")
    found, _ = clean(raw, settings(past_covariates=["x"], series="ort", csv=csv))
    pd.testing.assert_frame_equal(found, expected)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_other_encodings_are_read_and_their_lines_counted(encoding: str, tmp_path: Path) -> None:
    frame = hourly(ort="Zürich").astype({"y": object})
    raw = save(tmp_path, frame, encoding=encoding)
    found, _ = clean(raw, settings(series="ort", csv={"encoding": encoding}))
    assert set(found.series) == {"Zürich"}
    frame.loc[4, "y"] = "oops"
    raw = save(tmp_path, frame, encoding=encoding)
    assert "(line 6)" in rejected(raw, settings(series="ort", csv={"encoding": encoding}))[0]


def test_blank_lines_and_quoted_line_breaks_count_as_lines(tmp_path: Path) -> None:
    lines = [
        "",
        "when,y,note",
        *hourly()
        .assign(note='"two""\nlines"')
        .agg(lambda row: f"{row.when},{row.y},{row.note}", axis=1),
    ]
    lines[3] = f"\n\n{lines[3]}"
    lines[20] = lines[20].replace(",1", ",x1").replace(",9", ",x9")
    raw = tmp_path / "raw.csv"
    raw.write_text("\n".join(lines))
    text = raw.read_text().splitlines()
    line = next(number for number, line in enumerate(text, 1) if ",x" in line)
    (finding,) = rejected(raw, settings())
    assert f"(line {line})" in finding
    raw.write_text("\n\n".join(["when,y", "2021-01-01,1", "2021-01-02,1,2"]))
    assert "first line 5 with 3" in rejected(raw, settings())[0]


def test_a_quote_inside_a_value_starts_no_quoted_value(tmp_path: Path) -> None:
    frame = hourly().astype({"y": object})
    lines = [f'{row.when},{row.y},5" pipe' for row in frame.itertuples()]
    lines[10] = lines[10].replace(",1", ",x1").replace(",9", ",x9")
    (tmp_path / "raw.csv").write_text("\n".join(["when,y,note", *lines]))
    assert "(line 12)" in rejected(tmp_path / "raw.csv", settings())[0]


def test_a_folder_may_hold_one_file_for_each_series(tmp_path: Path) -> None:
    (tmp_path / "shops").mkdir()
    for name in ("north", "south"):
        save(tmp_path / "shops", hourly(), f"{name}.csv")
    found, report = clean(tmp_path / "shops", settings(series={"from": "filename"}))
    assert list(report["series"]) == ["north", "south"]
    assert len(found) == 2 * HOURS
    (finding, *others) = rejected(tmp_path / "shops", settings())
    assert "duplicated timestamps" in finding
    assert not others


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_folders_named_after_values_add_a_column(suffix: str, tmp_path: Path) -> None:
    for number, shop in enumerate(["A%2FB", "C"]):
        for year in (2021, 2022):
            folder = tmp_path / "shops" / f"year={year}" / f"shop={shop}"
            folder.mkdir(parents=True)
            half = hourly().iloc[: HOURS // 2] if year == 2021 else hourly().iloc[HOURS // 2 :]
            half = half.assign(y=half.y + number)
            if suffix == "csv":
                save(folder, half, "part.csv")
            else:
                half.to_parquet(folder / "part.parquet")
    found, report = clean(tmp_path / "shops", settings(series="shop"))
    assert list(report["series"]) == ["A/B", "C"]
    assert f"year=2021/shop=C/part.{suffix}" in report["files"]
    assert found.groupby("series").y.size().tolist() == [HOURS, HOURS]


CLOCKS: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Any]]] = {
    "seconds": (
        lambda: hourly().assign(when=1609459200 + 3600 * np.arange(HOURS)),
        {"time_format": "epoch_s"},
    ),
    "milliseconds": (
        lambda: hourly().assign(when=1609459200000 + 3600000 * np.arange(HOURS)),
        {"time_format": "epoch_ms"},
    ),
    "days of Excel": (
        lambda: hourly().assign(when=(44197 + np.arange(HOURS) / 24).round(6)),
        {"time_format": "excel_days"},
    ),
    "a date and an hour": (
        lambda: hourly().assign(
            day=[f"{START + timedelta(hours=hour):%d/%m/%Y}" for hour in range(HOURS)],
            hour=np.arange(HOURS) % 24,
        ),
        {"time": ["day", "hour"], "time_format": "%d/%m/%Y %H:%M"},
    ),
    "jitter": (
        lambda: hourly().assign(
            when=[str(START + timedelta(hours=hour, seconds=hour % 7 - 3)) for hour in range(HOURS)]
        ),
        {"jitter": "5s", "frequency": "h"},
    ),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_other_ways_to_write_times(case: str, tmp_path: Path) -> None:
    frame, data = CLOCKS[case]
    expected, _ = clean(save(tmp_path, hourly()), settings(frequency="h"))
    found, report = clean(save(tmp_path, frame()), settings(**{"frequency": "h", **data}))
    pd.testing.assert_frame_equal(found, expected)
    assert bool(report["notes"]) == (case == "jitter")


def test_the_hour_of_a_second_column_may_be_missing_from_the_format(tmp_path: Path) -> None:
    raw = save(tmp_path, hourly().assign(day="01/01/2021", hour=np.arange(HOURS)))
    (finding,) = rejected(raw, settings(time=["day", "hour"], time_format="%d/%m/%Y"))
    assert "'01/01/2021 0:00'" in finding
    assert "data.time_format '%d/%m/%Y'" in finding


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({"jitter": "5s"}, "data.frequency is null"),
        ({"jitter": "30min", "frequency": "h"}, "half a step"),
    ],
)
def test_jitter_needs_a_frequency_and_less_than_half_a_step(
    data: dict[str, Any], says: str, tmp_path: Path
) -> None:
    (finding,) = rejected(save(tmp_path, hourly()), settings(**data))
    assert says in finding


def test_a_time_further_from_the_grid_than_the_jitter_is_reported(tmp_path: Path) -> None:
    frame = hourly()
    frame.loc[7, "when"] = "2021-01-01 07:00:09"
    (finding,) = rejected(save(tmp_path, frame), settings(jitter="5s", frequency="h"))
    assert "2021-01-01T07:00:09Z" in finding


def test_a_year_of_local_hours_is_read_by_the_order_of_its_rows(tmp_path: Path) -> None:
    index = pd.date_range("2021-01-01", "2022-01-01", freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"when": index.strftime("%Y-%m-%d %H:%M"), "y": np.arange(len(index))})
    raw = save(tmp_path, frame)
    (finding,) = rejected(raw, settings(time_zone="Europe/Berlin"))
    assert "repeats" in finding
    assert "data.ambiguous" in finding
    found, report = clean(raw, settings(time_zone="Europe/Berlin", ambiguous="infer"))
    assert (report["rows"], report["cuts"]) == (len(index), [])
    assert (found.time.dt.tz_convert("Europe/Berlin").array == index).all()


@pytest.mark.parametrize("frequency", ["D", None])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
@pytest.mark.parametrize("zone", ["America/Santiago", "Africa/Cairo", "America/Havana"])
def test_days_pass_where_midnight_is_skipped_or_repeated(
    zone: str, suffix: str, frequency: str | None, tmp_path: Path
) -> None:
    days = [date(2022, 6, 1) + timedelta(days=day) for day in range(400)]
    frame = pd.DataFrame({"when": days, "y": np.arange(400.0)})
    raw = tmp_path / f"raw.{suffix}"
    frame.to_csv(raw, index=False) if suffix == "csv" else frame.to_parquet(raw)
    found, report = clean(raw, settings(time_zone=zone, frequency=frequency))
    assert (report["frequency"], report["cuts"], report["rows"]) == ("D", [], 400)
    local = found.time.dt.tz_convert(zone)
    assert local.dt.date.tolist() == days
    assert set(local.dt.hour) <= {0, 1}


def test_days_with_offsets_in_another_zone_than_declared_name_the_zone(tmp_path: Path) -> None:
    index = pd.date_range("2021-02-01", periods=120, freq="D", tz="Europe/Berlin")
    frame = pd.DataFrame({"when": index.map(lambda time: time.isoformat()), "y": np.arange(120)})
    raw = save(tmp_path, frame)
    (finding,) = rejected(raw, settings())
    assert "data.time_zone (now UTC)" in finding
    assert clean(raw, settings(time_zone="Europe/Berlin"))[1]["cuts"] == []


def test_months_need_no_declared_frequency(tmp_path: Path) -> None:
    times = pd.date_range("2011-01-01", periods=120, freq="MS").strftime("%Y-%m-%d")
    raw = save(tmp_path, pd.DataFrame({"when": times, "y": np.arange(120)}))
    assert clean(raw, settings())[1]["frequency"] == "MS"


def test_a_format_that_fits_no_time_is_named(tmp_path: Path) -> None:
    raw = save(tmp_path, hourly())
    (finding,) = rejected(raw, settings(time_format="%d.%m.%Y"))
    assert "do not fit data.time_format '%d.%m.%Y': 90 of 90" in finding
    assert "strptime" in finding


def test_true_and_false_are_numbers(tmp_path: Path) -> None:
    frame = hourly(x=np.arange(HOURS) % 3 == 0)
    found, _ = clean(save(tmp_path, frame), settings(past_covariates=["x"]))
    assert found.x.tolist() == (np.arange(HOURS) % 3 == 0).tolist()


def test_whole_numbers_that_float64_cannot_hold_are_named(tmp_path: Path) -> None:
    for start in (2**63, 2**63 - 200):
        x = pa.array([start + row for row in range(HOURS)], pa.uint64())
        table = pa.Table.from_pandas(hourly(), preserve_index=False).append_column("x", x)
        pq.write_table(table, tmp_path / "raw.parquet")
        (finding,) = rejected(tmp_path / "raw.parquet", settings(past_covariates=["x"]))
        assert "whole numbers beyond 2^53 are rounded" in finding
    _, report = clean(
        save(tmp_path, hourly(x=2**53 + np.arange(HOURS))), settings(past_covariates=["x"])
    )
    assert "2^53" in report["notes"][0]


WEATHER = np.array(["rain", "sun", "rain", "snow", "sun"] * (HOURS // 5), object)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_categories_pass_as_text(suffix: str, tmp_path: Path) -> None:
    frame = hourly(sky=WEATHER)
    frame.loc[7, "sky"] = None
    raw = tmp_path / f"raw.{suffix}"
    frame.to_csv(raw, index=False) if suffix == "csv" else frame.to_parquet(raw)
    data = {"past_covariates": ["sky"], "categories": {"sky": "other"}}
    fill = {"missing": {"sky": {"policy": "forward_fill", "max_run": 2}}}
    found, report = clean(raw, settings(fill, **data))
    assert found.sky.tolist() == frame.sky.ffill().tolist()
    assert report["totals"]["filled"] == {"sky": 1}
    (finding,) = rejected(raw, settings(**data))
    assert "'sky'" in finding and "missing values: 1 of 90" in finding
    finding = rejected(raw, settings(past_covariates=["sky"]))[0]
    assert "text where a number should be" in finding and "data.categories" in finding


@pytest.mark.parametrize(
    "rule",
    [
        {"policy": "interpolate", "max_run": 2},
        {"policy": "constant", "value": 0},
        {"policy": "mask"},
        {"policy": "forward_fill", "max_run": 1, "beyond": "mask"},
    ],
)
def test_a_category_is_not_filled_as_a_number_is(rule: dict[str, Any], tmp_path: Path) -> None:
    data = {"past_covariates": ["sky"], "categories": {"sky": "other"}}
    chosen = settings({"missing": {"default": rule}}, **data)
    (finding,) = rejected(save(tmp_path, hourly(sky=WEATHER)), chosen)
    assert "column 'sky' does not suit a category" in finding


def test_a_future_covariate_is_not_masked(tmp_path: Path) -> None:
    chosen = settings({"missing": {"x": {"policy": "mask"}}}, future_covariates=["x"])
    (finding,) = rejected(save(tmp_path, hourly(x=np.arange(HOURS))), chosen)
    assert "future covariate" in finding


def test_a_category_of_a_single_value_teaches_nothing(tmp_path: Path) -> None:
    data = {"past_covariates": ["sky"], "categories": {"sky": "other"}}
    (finding,) = rejected(save(tmp_path, hourly(sky="rain")), settings(**data))
    assert "the same value 'rain' everywhere" in finding


def test_a_column_constant_within_each_series_is_a_static_feature(tmp_path: Path) -> None:
    frame = pd.concat([hourly(shop="A", size=3), hourly(shop="B", size=7)])
    found, _ = clean(save(tmp_path, frame), settings(series="shop", past_covariates=["size"]))
    assert found.groupby("series")["size"].unique().map(list).to_dict() == {"A": [3], "B": [7]}


@pytest.mark.parametrize("limits", [{}, {"min": -100}, {"max": 100}])
def test_infinities_are_missing_whatever_the_limits_are(
    limits: dict[str, float], tmp_path: Path
) -> None:
    frame = hourly(x=np.arange(HOURS, dtype=float))
    frame.loc[[5, 6], "x"] = np.inf
    frame.loc[30, "x"] = 1e39
    rules = {
        "limits": {"x": {"outside": "missing", **limits}},
        "missing": {"x": {"policy": "forward_fill", "max_run": 2}},
    }
    found, report = clean(save(tmp_path, frame), settings(rules, past_covariates=["x"]))
    assert found.x[[5, 6, 30]].tolist() == [4, 4, 29]
    assert report["totals"]["outside"] == {"x": 3}


@pytest.mark.parametrize("outside", ["refuse", "missing"])
def test_limits_for_another_unit_are_named(outside: str, tmp_path: Path) -> None:
    rules = {"limits": {"y": {"min": 270, "max": 330, "outside": outside}}}
    (finding,) = rejected(save(tmp_path, hourly()), settings(rules))
    assert finding.startswith("params.yaml: validate.limits.y: 90 of 90 values")
    assert "unit" in finding


def outage(rule: dict[str, Any]) -> tuple[pd.DataFrame, Params]:
    """A table with two rows missing and a sensor that fails for twenty hours."""
    frame = hourly(x=np.arange(HOURS, dtype=float)).drop([80, 81])
    frame.loc[20:39, "x"] = np.nan
    frame.loc[50, "x"] = np.nan
    rules = {
        "max_gap": 3,
        "missing": {"x": rule, "default": {"policy": "forward_fill", "max_run": 3}},
    }
    return frame, settings(rules, past_covariates=["x"])


def test_an_outage_may_end_the_segment(tmp_path: Path) -> None:
    frame, chosen = outage({"policy": "forward_fill", "max_run": 3, "beyond": "cut"})
    found, report = clean(save(tmp_path, frame), chosen)
    assert report["rows"] == HOURS - 20
    assert found.segment.unique().tolist() == [0, 1]
    assert report["cuts"] == [
        {
            "series": "all",
            "last": "2021-01-01T19:00:00Z",
            "time": "2021-01-02T16:00:00Z",
            "missing_rows": 20,
            "columns": ["x"],
        }
    ]
    assert report["totals"] == {"filled": {"x": 3, "y": 2}, "masked": {}, "outside": {}}


def test_an_outage_may_be_masked(tmp_path: Path) -> None:
    frame, chosen = outage({"policy": "mask"})
    found, report = clean(save(tmp_path, frame), chosen)
    missing = [*range(20, 40), 50, 80, 81]
    assert np.flatnonzero(found.x.isna()).tolist() == missing
    assert pq.read_table(tmp_path / "clean" / "table.parquet")["x"].null_count == len(missing)
    assert [stretch["rows"] for stretch in report["masked"]] == [20, 1, 2]
    assert report["totals"]["masked"] == {"x": 23}
    assert found.segment.unique().tolist() == [0]


def test_nothing_may_be_left_of_a_series(tmp_path: Path) -> None:
    frame = pd.concat([hourly(shop="A"), hourly(shop="B")], ignore_index=True)
    frame["x"] = np.where(frame.shop == "A", np.arange(len(frame)), np.nan)
    rules = {"missing": {"x": {"policy": "cut"}}, "max_missing_fraction": 1}
    raw, data = save(tmp_path, frame), {"series": "shop", "past_covariates": ["x"]}
    (finding,) = rejected(raw, settings(rules, **data))
    assert "series 'B': no row is left" in finding
    found, report = clean(raw, settings({**rules, "series_policy": "leave_out"}, **data))
    assert set(found.series) == {"A"}
    assert list(report["left_out"]) == ["B"]


COUNTS = {"a": 90, "b": 80, "c": 9, "d": 1, "e": 90}


def shops() -> pd.DataFrame:
    """Two shops to learn from, and three that are too short or do not vary in training."""
    parts = [hourly(count, shop=shop) for shop, count in COUNTS.items()]
    frame = pd.concat(parts, ignore_index=True)
    frame["x"] = np.where(frame.shop == "e", 5, np.arange(len(frame)) % 7)
    frame.loc[frame.index[-3:], "x"] = 6
    return frame


def test_series_of_no_use_are_rejected_all_at_once(tmp_path: Path) -> None:
    chosen = settings(series="shop", past_covariates=["x"])
    findings = rejected(save(tmp_path, shops()), chosen)
    assert [finding.split("series '")[1][0] for finding in findings] == ["c", "d", "e"]
    assert "'x'" in findings[2] and "is 5 in all of them" in findings[2]


def test_series_of_no_use_may_be_left_out(tmp_path: Path) -> None:
    raw = save(tmp_path, shops())
    chosen = settings({"series_policy": "leave_out"}, series="shop", past_covariates=["x"])
    found, report = clean(raw, chosen)
    assert list(report["left_out"]) == ["c", "d", "e"]
    assert report["series"].keys() == {"a", "b"}
    table = (tmp_path / "clean" / "table.parquet").read_bytes()
    save(tmp_path, shops().query("shop in ['a', 'b']"))
    expected, _ = clean(raw, chosen)
    pd.testing.assert_frame_equal(found, expected)
    assert (tmp_path / "clean" / "table.parquet").read_bytes() == table


def test_a_table_of_which_no_series_is_of_use_is_rejected(tmp_path: Path) -> None:
    chosen = settings({"series_policy": "leave_out"}, series="shop", past_covariates=["x"])
    findings = rejected(save(tmp_path, shops().query("shop in ['c', 'd']")), chosen)
    assert len(findings) == 2
