"""The `standardize` stage: arrays that match their rows, and a scaler of the training rows only."""

from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipeline import standardize
from pipeline.config import params
from pipeline.config.data import Data
from pipeline.config.params import Params
from pipeline.config.scalers import SCALERS
from pipeline.config.standardization import Dates, Shares, Standardize
from pipeline.config.validation import Validate
from pipeline.core import files
from pipeline.core.errors import InputError
from pipeline.series.calendar import Calendar
from pipeline.series.dataset import Dataset
from pipeline.tables import rows

COMMITTED = params.read(Path(__file__).parents[1] / "params.yaml")
DATA = Data(
    path="unused",
    time="when",
    time_zone="UTC",
    series="site",
    frequency="h",
    targets=("x",),
    past_covariates=("y",),
    calendar=("hour_of_day", "day_of_year"),
)
CALENDAR = Calendar.of(DATA)
SPLIT = Shares(train=0.7, validation=0.15, test=0.15)
LENGTHS = (70_000, 3_000)  # the first is longer than a row group


def settings(kind: str = "standard", split: Any = SPLIT) -> Params:
    """The committed parameters about the table below."""
    return COMMITTED.model_copy(
        update={
            "data": DATA,
            "standardize": Standardize.model_validate(
                {"scaler": kind, "scope": "series", "split": split}
            ),
        }
    )


def table(noise_from: float = 1.0) -> tuple[rows.Rows, dict[str, np.ndarray[Any, Any]]]:
    """Two hourly series; from the share `noise_from` of each on, garbage."""
    times = [
        np.datetime64("2001-01-01", "ns") + np.arange(length) * np.timedelta64(1, "h")
        for length in LENGTHS
    ]
    series = np.repeat(np.arange(2, dtype=np.int32), LENGTHS)
    random = np.random.default_rng(0)
    columns = {name: random.normal(20 * series + 10, series + 2) for name in ("x", "y")}
    late = np.concatenate([np.arange(length) >= noise_from * length for length in LENGTHS])
    for values in columns.values():
        values[late] = np.random.default_rng(1).exponential(1e6, late.sum())
    return rows.Rows(("A", "B"), series, np.concatenate(times), series.copy()), columns


def run(tmp_path: Path, chosen: Params | None = None, noise_from: float = 1.0) -> Dataset:
    """The stage's output on the table."""
    clean = tmp_path / "clean"
    clean.mkdir()
    rows.write(clean / "table.parquet", *table(noise_from))
    standardize.run(chosen or settings(), clean, tmp_path / "out")
    return Dataset.load(tmp_path / "out")


def test_the_arrays_hold_targets_past_covariates_and_calendar(tmp_path: Path) -> None:
    data = run(tmp_path)
    index, columns = table()
    assert (data.channels.targets, data.channels.past_covariates) == (("x",), ("y",))
    assert data.channels.future_covariates == CALENDAR.names
    assert data.raw.shape == data.standardized.shape == (sum(LENGTHS), 6)
    assert data.raw.dtype == data.standardized.dtype == np.float32
    np.testing.assert_array_equal(data.raw[:, 0], columns["x"].astype(np.float32))
    np.testing.assert_array_equal(data.raw[:, 1], columns["y"].astype(np.float32))
    for array in (data.raw, data.standardized):
        np.testing.assert_array_equal(array[:, 2:], CALENDAR.channels(index.times))


def test_rows_are_described_in_the_order_of_the_arrays(tmp_path: Path) -> None:
    data = run(tmp_path)
    index, _ = table()
    assert data.names == index.names
    for found, expected in (
        (data.series, index.series),
        (data.times, index.times),
        (data.segment, index.segment),
    ):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    assert data.split.dtype == np.int8
    assert [int((data.split == part).sum()) for part in (-1, 0, 1, 2)] == [
        0,
        51_100,
        10_950,
        10_950,
    ]


def test_a_split_by_durations_ends_with_the_newest_row_of_the_table(tmp_path: Path) -> None:
    days = LENGTHS[0] // 24 - 50  # the test part reaches back to where the shorter series is
    split = {"validation": "1w", "test": f"{days}d"}
    data = run(tmp_path, settings(split=split))
    (longer, shorter) = (data.split[: LENGTHS[0]], data.split[LENGTHS[0] :])
    assert [int((longer == part).sum()) for part in (1, 2)] == [7 * 24, days * 24]
    first = data.times[: LENGTHS[0]][longer == 2][0]
    assert (data.times[LENGTHS[0] :][shorter == 2] >= first).all()
    assert (data.times[LENGTHS[0] :][shorter == 0] < first - np.timedelta64(7, "D")).all()


def test_a_series_that_ends_before_the_durations_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"series 'B' has 3000 rows, .* too few for"):
        run(tmp_path, settings(split={"validation": "4w", "test": "60d"}))


@pytest.mark.parametrize("kind", SCALERS)
def test_the_inverse_of_the_standardized_array_is_the_raw_one(kind: str, tmp_path: Path) -> None:
    data = run(tmp_path, settings(kind))
    np.testing.assert_allclose(
        data.scaler.inverse(data.standardized[:, :2], data.series),
        data.raw[:, :2],
        rtol=1e-5,
        atol=1e-4,
    )


def test_training_rows_are_standardized_in_every_series(tmp_path: Path) -> None:
    data = run(tmp_path)
    for code in range(2):
        values = data.standardized[(data.series == code) & (data.split == 0), :2].astype(np.float64)
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-6)
        np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-6)


RICH = COMMITTED.model_copy(
    update={
        "data": Data(
            path="unused",
            time="when",
            time_zone="America/New_York",
            series="site",
            frequency="h",
            targets=("x",),
            past_covariates=("sky", "y"),
            future_covariates=("price",),
            categories={"sky": "other"},
            calendar=("hour_of_day",),
            holidays="US-NY",
        ),
        "standardize": Standardize.model_validate(
            {"columns": {"x": "power", "y": {"kind": "log", "offset": 1}}, "split": SPLIT}
        ),
        "validate_": Validate.model_validate(
            {"max_gap": 0, "missing": {"x": {"policy": "mask"}, "y": {"policy": "mask"}}}
        ),
    }
)


def rich(tmp_path: Path, noise_from: float = 1.0, chosen: Params = RICH) -> Path:
    """The folder of the stage for a table with a category, a future covariate and masked cells."""
    index, columns = table(noise_from)
    random = np.random.default_rng(4)
    late = np.concatenate([np.arange(length) >= noise_from * length for length in LENGTHS])
    columns["price"] = random.normal(size=len(late))
    columns["x"] = np.where(random.random(len(late)) < 0.2, np.nan, columns["x"])
    sky = random.choice(np.array(["fog", "sun", None], object), len(late))
    columns["sky"] = np.where(
        late, random.choice(np.array(["snow", "sun"], object), len(late)), sky
    )
    tmp_path.mkdir()
    (tmp_path / "clean").mkdir()
    rows.write(tmp_path / "clean" / "table.parquet", index, columns)
    standardize.run(chosen, tmp_path / "clean", tmp_path / "out")
    return tmp_path / "out"


def test_the_truth_is_missing_where_the_target_is_and_the_inputs_never(tmp_path: Path) -> None:
    data = Dataset.load(rich(tmp_path / "a"))
    assert data.channels.past_covariates == ("y", "sky=fog", "sky=sun")
    assert data.channels.indicators == ("x_observed", "y_observed")
    assert data.channels.future_covariates[0::3] == ("price", "holiday")
    assert data.truth.shape == (sum(LENGTHS), 1)
    assert data.truth.dtype == np.float32
    measured = data.standardized[:, data.channels.names.index("x_observed")] == 1
    np.testing.assert_array_equal(np.isfinite(data.truth[:, 0]), measured)
    np.testing.assert_array_equal(data.truth[measured, 0], data.standardized[measured, 0])
    assert np.isfinite(data.standardized).all()
    assert np.isfinite(data.raw).all()


def test_noise_after_the_training_split_changes_no_scaler_no_category_and_nothing_before_it(
    tmp_path: Path,
) -> None:
    clean, noisy = rich(tmp_path / "a"), rich(tmp_path / "b", noise_from=0.7)
    for name in ("scaler.json", "encoder.json", "channels.json", "rows.parquet"):
        assert (clean / name).read_bytes() == (noisy / name).read_bytes()
    before, after = Dataset.load(clean), Dataset.load(noisy)
    training = before.split == 0
    for name in ("standardized", "raw", "truth"):
        old, new = getattr(before, name), getattr(after, name)
        np.testing.assert_array_equal(old[training], new[training])
        assert (old[~training] != new[~training]).any()


def test_the_shift_report_names_what_the_noise_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rich(tmp_path / "a")
    assert "lie outside" not in capsys.readouterr().out
    report = files.read_json(rich(tmp_path / "b", noise_from=0.7) / "shift.json")
    assert report["x"]["A"]["test"] > 0.75
    assert report["price"]["B"]["test"] < 0.05
    lines = [line for line in capsys.readouterr().out.splitlines() if "lie outside" in line]
    assert [line.split(": ")[1] for line in lines] == ["x", "y"]


def test_an_unseen_value_of_a_category_is_refused_where_that_is_declared(tmp_path: Path) -> None:
    strict = RICH.data.model_copy(update={"categories": {"sky": "refuse"}})
    with pytest.raises(InputError, match="column 'sky' is 'snow' in series 'A' at 2006-") as found:
        rich(tmp_path / "a", noise_from=0.7, chosen=RICH.model_copy(update={"data": strict}))
    assert len(found.value.findings) == 1
    assert not (tmp_path / "a" / "out").exists()


def test_rows_that_no_split_uses_are_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, settings(split={"train": 700, "validation": 150, "test": 150}))
    assert "71,000 of 73,000 rows are in no split" in capsys.readouterr().out


def test_equal_input_gives_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        run(tmp_path / name)
    for path in (tmp_path / "a" / "out").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / "out" / path.name).read_bytes()


def test_a_split_by_date_is_the_same_for_all_series(tmp_path: Path) -> None:
    dates = Dates(validation=datetime(2001, 3, 1), test=datetime(2001, 4, 1))
    data = run(tmp_path, settings(split=dates))
    assert data.times[data.split == 0].max() == np.datetime64("2001-02-28T23:00")
    assert data.times[data.split == 2].min() == np.datetime64("2001-04-01T00:00")


def test_a_column_that_is_constant_in_training_is_rejected_and_nothing_is_written(
    tmp_path: Path,
) -> None:
    index, columns = table()
    columns["y"][:51_000] = 3
    (tmp_path / "clean").mkdir()
    rows.write(tmp_path / "clean" / "table.parquet", index, columns)
    with pytest.raises(
        InputError, match="column 'y' has no spread in series 'A': all 49000 training rows are 3"
    ):
        standardize.run(settings(), tmp_path / "clean", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_rows_are_readable_by_pandas_with_the_promised_types(tmp_path: Path) -> None:
    run(tmp_path)
    frame = pd.read_parquet(tmp_path / "out" / "rows.parquet")
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "series": "str",
        "time": "datetime64[ns, UTC]",
        "segment": "int32",
        "split": "int8",
    }
    assert pq.read_metadata(tmp_path / "out" / "rows.parquet").num_row_groups == 2


@pytest.mark.parametrize("kind", SCALERS)
@pytest.mark.parametrize("scope", ["series", "global"])
def test_results_do_not_depend_on_the_row_groups_in_which_the_table_is_stored(
    kind: str, scope: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings(kind)
    chosen = chosen.model_copy(
        update={"standardize": chosen.standardize.model_copy(update={"scope": scope})}
    )
    for name, group in (("whole", 1 << 20), ("parts", 999)):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(rows, "ROWS_A_GROUP", group)
        run(tmp_path / name, chosen)
    for name in ("scaler.json", "raw.npy", "standardized.npy"):
        assert (tmp_path / "whole" / "out" / name).read_bytes() == (
            tmp_path / "parts" / "out" / name
        ).read_bytes()
    indices = [
        pd.read_parquet(tmp_path / part / "out" / "rows.parquet") for part in ("whole", "parts")
    ]
    pd.testing.assert_frame_equal(*indices)


def test_holes_and_categories_do_not_depend_on_the_row_groups_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = {}
    for name, group in (("whole", 1 << 20), ("parts", 997)):
        monkeypatch.setattr(rows, "ROWS_A_GROUP", group)
        folders[name] = rich(tmp_path / name, noise_from=0.9)
    files_of = {path.name for path in folders["whole"].iterdir()} - {"rows.parquet"}
    assert {"raw.npy", "standardized.npy", "truth.npy", "shift.json", "encoder.json"} <= files_of
    for name in files_of:
        assert (folders["whole"] / name).read_bytes() == (folders["parts"] / name).read_bytes()
