"""A forecaster forecasts from recent rows in their units, and rejects rows that it cannot use.

The network is fed exactly what it was trained on.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json, write_json
from pipeline.series.dataset import Dataset
from pipeline.series.windows import Windows, gather
from pipeline.serving import recent as newest
from pipeline.serving.forecaster import Forecaster
from pipeline.serving.form import Form
from pipeline.serving.replay import replay
from pipeline.tables import cleaning, rows
from pipeline.training.engine.ensemble import Ensemble
from tests.serving.stand_in import LastValue, Loader, build
from tests.workshop import CONTENT, HORIZON, LOOKBACK, Workshop, raw, recent


def test_forecasts_are_in_real_units_one_row_for_each_series_and_step(
    workshop: Workshop, load: Loader
) -> None:
    forecasts = load(workshop)[0].forecast(recent())
    assert list(forecasts.columns) == ["place", "hour", "level"]
    assert forecasts["place"].tolist() == ["a"] * HORIZON + ["b"] * HORIZON
    assert (
        forecasts["hour"].tolist()
        == [*pd.date_range("2020-01-05T04:00", periods=HORIZON, freq="h", tz="UTC")] * 2
    )
    newest = raw().groupby("place")["level"].last().to_numpy()
    np.testing.assert_allclose(forecasts["level"], np.repeat(newest, HORIZON), rtol=1e-5)


def test_the_forecast_is_the_mean_over_the_members(workshop: Workshop, load: Loader) -> None:
    alone = load(workshop, (0.5,))[0].forecast(recent())
    together = load(workshop, (0.0, float("nan"), 1.0), members=(0, 2))[0].forecast(recent())
    pd.testing.assert_frame_equal(alone, together)


@pytest.mark.parametrize("values", ["standardized", "raw"])
def test_the_network_is_fed_what_it_was_trained_on(
    workshop: Workshop, load: Loader, values: str
) -> None:
    stand_in = load(workshop, values=values)[1]
    clean, starts = (
        workshop.paths.clean / "table.parquet",
        Windows.load(workshop.paths.windows).test,
    )
    np.save(workshop.folder / "starts.npy", starts)
    replay(
        workshop.folder / "forecaster",
        clean,
        workshop.folder / "starts.npy",
        workshop.folder / "answers.npy",
    )
    trained_on = gather(
        getattr(Dataset.load(workshop.paths.standardized), values),
        starts,
        LOOKBACK,
        HORIZON,
        future=4,
    )
    np.testing.assert_array_equal(np.concatenate(stand_in.past), trained_on.past)
    np.testing.assert_array_equal(np.concatenate(stand_in.future), trained_on.future)
    assert np.load(workshop.folder / "answers.npy").shape == (len(starts), HORIZON, 1)


def test_recent_rows_and_the_clean_table_lead_to_the_same_forecasts(
    workshop: Workshop, load: Loader
) -> None:
    loaded, folder = load(workshop)[0], workshop.folder
    table = workshop.paths.clean / "table.parquet"
    starts = [own.stop - HORIZON - LOOKBACK for own in rows.read(table).slices()]
    np.save(folder / "starts.npy", starts)
    replay(folder / "forecaster", table, folder / "starts.npy", folder / "a.npy")
    before = raw().groupby("place").head(100 - HORIZON)
    np.testing.assert_array_equal(
        loaded.forecast(before)["level"], np.load(folder / "a.npy").ravel()
    )


@pytest.mark.parametrize(
    "same",
    [
        lambda table, folder: raw(),
        lambda table, folder: table.iloc[::-1],
        lambda table, folder: table.assign(hour=pd.to_datetime(table["hour"])),
        lambda table, folder: table.assign(
            wind=table["wind"].astype(object), level=table["level"].astype(str), more="text"
        ),
    ],
    ids=[
        "more rows than needed",
        "newest first",
        "times that are times",
        "numbers as text and a further column",
    ],
)
def test_the_same_rows_in_another_form_give_the_same_forecasts(
    workshop: Workshop, load: Loader, same: Callable[[pd.DataFrame, Path], Any]
) -> None:
    loaded = load(workshop)[0]
    pd.testing.assert_frame_equal(
        loaded.forecast(same(recent(), workshop.folder)), loaded.forecast(recent())
    )


def test_a_file_and_a_table_in_memory_give_the_same_forecasts(
    workshop: Workshop, load: Loader
) -> None:
    loaded, path = load(workshop)[0], save(recent(), workshop.folder / "recent.csv")
    pd.testing.assert_frame_equal(loaded.forecast_file(path).table, loaded.forecast(recent()))


def save(table: pd.DataFrame, path: Path) -> Path:
    table.to_csv(path, index=False)
    return path


def test_older_rows_than_a_forecast_looks_at_may_be_imperfect(
    workshop: Workshop, load: Loader
) -> None:
    table = raw()
    table.loc[3, ["level", "wind"]] = None
    table = table.drop(index=[7, 8])
    pd.testing.assert_frame_equal(
        load(workshop)[0].forecast(table), load(workshop)[0].forecast(recent())
    )


def spoil(row: int, column: str, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def spoiled(table: pd.DataFrame) -> pd.DataFrame:
        table = table.astype({column: object})
        table.loc[row, column] = value
        return table

    return spoiled


BAD = {
    "a missing value": (
        spoil(1, "level", None),
        "input: column 'level', series 'a': missing values: 1 of 6, first at 2020-01-04T23:00:00Z",
    ),
    "NaN": (spoil(7, "wind", float("nan")), "column 'wind', series 'b': missing values"),
    "infinity": (spoil(1, "level", float("inf")), "column 'level', series 'a': infinite values"),
    "text": (
        spoil(1, "level", "high"),
        "column 'level', series 'a': text where a number should be: 1 of 6, first 'high'",
    ),
    "a value outside of limits": (
        spoil(1, "level", -2000),
        "column 'level', series 'a': values outside of -1000",
    ),
    "a value whose limits say missing": (
        spoil(1, "wind", 1048),
        "column 'wind', series 'a': missing values",
    ),
    "a missing column": (
        lambda table: table.drop(columns="wind"),
        "input: column 'wind' was not found",
    ),
    "no column of series": (
        lambda table: table.drop(columns="place"),
        "input: column 'place' was not found",
    ),
    "too few rows": (
        lambda table: table.drop(index=0),
        "series 'a': has 5 rows up to its newest measured one; a forecast looks at the last 6",
    ),
    "no rows": (lambda table: table.iloc[:0], "input: holds no rows"),
    "an unknown series": (
        lambda table: table.replace({"place": {"b": "c"}}),
        "series 'c': is not one that the forecaster was trained on (a, b)",
    ),
    "a gap": (
        lambda table: recent(7).drop(index=2),
        "times that are not one step (h) after the row before: 1 of 6, first at",
    ),
    "a repeated time": (
        lambda table: pd.concat([table, table.loc[[5]]]),
        "duplicated timestamps: 1 of 6",
    ),
    "an unreadable time": (spoil(1, "hour", "yesterday"), "times that cannot be read: 1"),
}


@pytest.mark.parametrize("kind", BAD)
def test_rows_that_cannot_be_forecast_from_are_rejected_with_the_place_and_the_remedy(
    workshop: Workshop, load: Loader, kind: str
) -> None:
    change, message = BAD[kind]
    with pytest.raises(InputError) as rejection:
        load(workshop)[0].forecast(change(recent()))
    assert message in str(rejection.value)


def test_all_findings_are_reported_at_once(workshop: Workshop, load: Loader) -> None:
    table = spoil(7, "wind", "calm")(spoil(1, "level", None)(recent())).replace(
        {"place": {"b": "c"}}
    )
    with pytest.raises(InputError) as rejection:
        load(workshop)[0].forecast(table)
    assert len(rejection.value.findings) == 3


FORWARD = {"default": {"policy": "forward_fill", "max_run": 3}}
BETWEEN = {"default": {"policy": "interpolate", "max_run": 3}}


def filling(workshop: Workshop, missing: dict[str, Any], gaps: int = 0) -> Workshop:
    """The workshop with these rules for what is missing."""
    workshop.prepare(
        {**CONTENT, "validate": {**CONTENT["validate"], "missing": missing, "max_gap": gaps}}
    )
    return workshop


def holes(*rows: int, column: str = "wind") -> pd.DataFrame:
    """The rows of place a, counted from the newest, -1, without a value."""
    table = raw()
    table.loc[[100 + row for row in rows], column] = None
    return table


@pytest.mark.parametrize(
    "rows", [(-1,), (-3, -2, -1), (-5, -3, -2), (-8, -7, -6), (-6, -5)], ids=str
)
def test_holes_are_filled_forward_up_to_the_newest_row(
    workshop: Workshop, load: Loader, rows: tuple[int, ...]
) -> None:
    loaded, stand_in = load(filling(workshop, FORWARD))
    given = loaded.forecast(holes(*rows))
    complete = holes(*rows)
    pd.testing.assert_frame_equal(
        given, loaded.forecast(complete.assign(wind=complete["wind"].ffill()))
    )
    np.testing.assert_array_equal(*stand_in.past)


def test_holes_between_values_are_interpolated(workshop: Workshop, load: Loader) -> None:
    loaded, stand_in = load(filling(workshop, BETWEEN))
    loaded.forecast(holes(-7, -6, -3))
    complete = holes(-7, -6, -3)
    loaded.forecast(complete.assign(wind=complete["wind"].interpolate()))
    np.testing.assert_allclose(*stand_in.past, rtol=1e-6)


def test_a_short_gap_is_filled_as_its_rows_are(workshop: Workshop, load: Loader) -> None:
    loaded = load(filling(workshop, FORWARD, gaps=2))[0]
    complete = holes(-3, -2).ffill()
    complete["level"] = complete["level"].where(~complete.index.isin([97, 98])).ffill()
    pd.testing.assert_frame_equal(
        loaded.forecast(raw().drop(index=[97, 98])), loaded.forecast(complete)
    )


def test_a_value_whose_limits_say_missing_is_filled_and_all_that_was_filled_is_counted(
    workshop: Workshop, load: Loader
) -> None:
    loaded = load(filling(workshop, FORWARD))[0]
    table = holes(-1, -2, -40).astype({"level": object})
    table.loc[[97, 197], "wind"] = 1048
    table.loc[98, "level"] = "NA"
    answer = loaded.forecast_file(save(table, workshop.folder / "recent.csv"))
    assert "5 missing values were filled (level 1, wind 4)" in answer.remarks


UNFILLED = {
    "longer than allowed": (FORWARD, holes(-4, -3, -2, -1), "missing values: 4 of 6"),
    "longer with what lies before": (FORWARD, holes(-8, -7, -6, -5), "missing values: 2 of 6"),
    "nothing before it": (FORWARD, holes(-6).groupby("place").tail(6), "missing values: 1 of 6"),
    "text before it": (
        FORWARD,
        holes(-6).astype({"wind": object}).replace({"wind": {raw()["wind"][93]: "calm"}}),
        "missing values: 1 of 6",
    ),
    "interpolation at the newest row": (BETWEEN, holes(-2, -1), "missing values: 2 of 6"),
    "a gap that is too long": (
        FORWARD,
        raw().drop(index=[96, 97, 98]),
        "times that are not one step (h) after the row before or after a gap of up to 2",
    ),
    "a column without a policy": (
        {"level": FORWARD["default"]},
        holes(-2),
        "a forecast is made from nothing but measured values of this column",
    ),
    "a row without values, and no policy for one": (
        {"level": FORWARD["default"]},
        raw().drop(index=98),
        "column 'wind', series 'a': missing values: 1 of 6",
    ),
}


@pytest.mark.parametrize("kind", UNFILLED)
def test_what_the_policy_does_not_fill_is_rejected(
    workshop: Workshop, load: Loader, kind: str
) -> None:
    missing, table, message = UNFILLED[kind]
    with pytest.raises(InputError) as rejection:
        load(filling(workshop, missing, gaps=2))[0].forecast(table)
    assert message in str(rejection.value)
    assert len(rejection.value.findings) == 1


@given(
    st.lists(
        st.sampled_from([(row, column) for row in range(-20, 0) for column in ("level", "wind")]),
        unique=True,
        max_size=30,
    ),
    st.sampled_from([FORWARD, BETWEEN]),
)
@settings(max_examples=25, deadline=None)
def test_rows_are_filled_as_in_the_clean_table_or_rejected_and_nothing_missing_ever_passes(
    tmp_path_factory: pytest.TempPathFactory,
    cells: list[tuple[int, str]],
    missing: dict[str, Any],
) -> None:
    table = raw()
    for row, column in cells:
        table.loc[100 + row, column] = np.nan
    parsed = params.parse({**CONTENT, "validate": {**CONTENT["validate"], "missing": missing}})
    path = save(table, tmp_path_factory.mktemp("holes") / "table.csv")
    form = rows_form(parsed)
    try:
        clean = clean_table(parsed, path)
    except InputError:
        clean = None
    try:
        window = newest.read(form, path)
    except InputError:
        assert clean is None
        return
    values = np.stack([window.block.columns[name] for name in parsed.data.columns], axis=1)
    values = values[window.starts[0] + np.arange(LOOKBACK)]
    assert np.isfinite(values).all()
    if clean is not None and window.times[0, 0] == np.datetime64("2020-01-05T04:00"):
        np.testing.assert_array_equal(values, clean)


def rows_form(settings: Params) -> Form:
    return Form(settings.data, settings.validate_, "h", LOOKBACK, HORIZON, ("a", "b"), ())


def clean_table(settings: Params, path: Path) -> np.ndarray:
    """The newest window of place a, as `validate` cleans it."""
    cleaning.clean(settings.data, settings.validate_, path, path.parent)
    return np.stack(
        [
            rows.column(path.parent / "table.parquet", column)[100 - LOOKBACK : 100]
            for column in settings.data.columns
        ],
        axis=1,
    )


def test_a_table_of_one_series_needs_no_column_of_series(tmp_path: Path, load: Loader) -> None:
    forecasts = load(Workshop(tmp_path / "single", series=None))[0].forecast(
        recent().iloc[:LOOKBACK].drop(columns="place")
    )
    assert list(forecasts.columns) == ["hour", "level"]
    assert len(forecasts) == HORIZON


def test_days_are_days_of_the_time_zone_across_a_clock_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build(Workshop(tmp_path / "zone", time_zone="Europe/Berlin"))
    facts = read_json(path / "params.json")
    write_json(path / "params.json", facts | {"frequency": "D"})
    manifest.write(path)
    monkeypatch.setattr(Ensemble, "load", classmethod(lambda cls, folder: LastValue((0.0,))))
    days = [
        f"2020-03-{day:02}T12:00:00" for day in range(23, 29)
    ]  # local noon; the clock changes in the night to the 29th
    forecasts = Forecaster.load(path).forecast(recent().iloc[:LOOKBACK].assign(hour=days))
    assert forecasts["hour"].dt.tz_convert("Europe/Berlin").dt.hour.tolist() == [12] * HORIZON


@pytest.mark.parametrize(
    "file",
    ["params.json", "weights.npz", "scaler.json", "encoder.json", "fleet.json", "channels.json"],
)
def test_a_file_that_is_not_the_one_that_was_built_is_rejected(
    workshop: Workshop, load: Loader, file: str
) -> None:
    path = build(workshop)
    (path / file).write_bytes((path / file).read_bytes() + b" ")
    with pytest.raises(
        InputError, match=f"{file}: is not the file that was written; promote again"
    ):
        Forecaster.load(path)


def test_equal_results_make_equal_forecasters(workshop: Workshop, load: Loader) -> None:
    assert manifest.digest(build(workshop)) == manifest.digest(build(workshop, name="again"))
    other = build(workshop, members=(0, 1), name="other")
    assert manifest.digest(build(workshop)) != manifest.digest(other)


def test_a_folder_without_a_forecaster_and_one_of_another_release_are_rejected(
    workshop: Workshop, load: Loader
) -> None:
    path = build(workshop)
    write_json(path / "params.json", {"variant": "plain"})
    with pytest.raises(InputError, match="format is None, expected 3: another release"):
        Forecaster.load(path)
    with pytest.raises(InputError, match="is not the folder of a forecaster"):
        Forecaster.load(workshop.paths.clean)


def test_nothing_in_a_forecaster_is_pickled(workshop: Workshop, load: Loader) -> None:
    path = build(workshop)
    assert {file.suffix for file in path.iterdir()} == {".json", ".npz"}
    with np.load(path / "weights.npz", allow_pickle=False) as weights:
        assert weights["one"].tolist() == [1, 1, 1]
