"""What is known ahead reaches the network, and a forecast starts where the past ends.

The table has everything that a table may have: masks, categories, a static column, future
covariates, a curve, a local calendar and holidays.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline import evaluate
from pipeline.config.data import Data
from pipeline.config.model import Shape
from pipeline.config.params import Params
from pipeline.core import manifest
from pipeline.core.errors import InputError
from pipeline.core.files import read_json, write_json
from pipeline.evaluation import verdict
from pipeline.evaluation.questions import Questions
from pipeline.series.dataset import Dataset
from pipeline.series.windows import Windows, gather
from pipeline.serving import bundle
from pipeline.serving.forecaster import Forecaster
from pipeline.serving.process import CODE
from pipeline.serving.replay import ReplayWindows, replay
from tests.serving.stand_in import LastValue, Loader
from tests.workshop import CONTENT, HORIZON, LOOKBACK, Workshop

COUNT = 300
ORIGIN = 250  # the newest measured row, which follows four masked ones
RICH = {
    **CONTENT,
    "data": {
        **CONTENT["data"],
        "time_zone": "Europe/Berlin",
        "past_covariates": ["wind", "sky", "height"],
        "future_covariates": ["planned", "event"],
        "categories": {"sky": "other", "event": "refuse"},
        "calendar": ["hour_of_day"],
        "holidays": "DE",
    },
    "validate": {
        "max_gap": 1,
        "missing": {
            "default": {"policy": "forward_fill", "max_run": 1},
            "level": {"policy": "mask"},
            "wind": {"policy": "forward_fill", "max_run": 1, "beyond": "mask"},
        },
    },
    "standardize": {
        "split": {"train": 0.6, "validation": 0.2, "test": 0.2},
        "columns": {"level": {"kind": "log", "offset": 1}},
    },
    "forecast": {"limits": {"level": {"min": 0}}},
}


def trains() -> pd.DataFrame:
    """Two stations: no train leaves in the night, when the delay has no value."""
    rng = np.random.default_rng(2)
    times = pd.date_range("2020-12-20", periods=COUNT, freq="h", tz="UTC")
    parts = []
    for place, scale in (("a", 1.0), ("b", 30.0)):
        level = scale * rng.gamma(1.5, size=COUNT)
        level[(times.hour < 5) & (np.arange(COUNT) > 5)] = np.nan
        wind = rng.random(COUNT)
        wind[rng.integers(20, COUNT, 30)] = np.nan
        parts.append(
            pd.DataFrame(
                {
                    "hour": times.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "place": place,
                    "level": level,
                    "wind": wind,
                    "sky": rng.choice(["clear", "grey", "rain"], COUNT),
                    "height": 2 * scale,
                    "planned": rng.integers(0, 9, COUNT),
                    "event": rng.choice(["usual", "fair"], COUNT),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    return table.drop(index=[40, 41, 42, COUNT + 77])


def recent(origin: int = ORIGIN, steps: int = HORIZON) -> pd.DataFrame:
    """The rows up to an origin, counted from 0, and of so many steps what is known ahead."""
    table = trains()
    number = table.index % COUNT
    table.loc[number > origin, ["level", "wind", "sky", "height"]] = None
    return table[number <= origin + steps].reset_index(drop=True)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    return Workshop(tmp_path_factory.mktemp("station") / "workshop", trains(), RICH)


@pytest.fixture
def loaded(station: Workshop, load: Loader) -> tuple[Forecaster, LastValue]:
    return load(station)


def start_of(station: Workshop, origin: int) -> np.ndarray:
    """The rows of the clean table at which the window of each series before an origin starts."""
    times = Dataset.load(station.paths.standardized).times
    at = np.datetime64("2020-12-20T00") + origin
    return np.flatnonzero(times == at) - LOOKBACK + 1


def trained_on(station: Workshop, starts: np.ndarray, values: str = "standardized") -> Any:
    data = Dataset.load(station.paths.standardized)
    future = len(data.channels.future_covariates)
    return gather(getattr(data, values), starts, LOOKBACK, HORIZON, future)


@pytest.mark.parametrize("values", ["standardized", "raw"])
def test_a_replay_feeds_the_network_what_it_was_trained_on(
    station: Workshop, load: Loader, values: str
) -> None:
    _, stand_in = load(station, values=values)
    starts = Windows.load(station.paths.windows).test
    np.save(station.folder / "starts.npy", starts)
    table, folder = station.paths.clean / "table.parquet", station.folder
    replay(folder / "forecaster", table, folder / "starts.npy", folder / "answers.npy")
    expected = trained_on(station, starts, values)
    np.testing.assert_array_equal(np.concatenate(stand_in.past), expected.past)
    np.testing.assert_array_equal(np.concatenate(stand_in.future), expected.future)
    assert np.load(folder / "answers.npy").shape == (len(starts), HORIZON, 1)


@pytest.mark.parametrize("origin", [ORIGIN, 247, 244, 239])
def test_recent_rows_feed_the_network_what_it_would_be_trained_on(
    station: Workshop, loaded: tuple[Forecaster, LastValue], origin: int
) -> None:
    loaded[0].forecast(recent(origin))
    expected = trained_on(station, start_of(station, origin))
    np.testing.assert_array_equal(loaded[1].past[0], expected.past)
    np.testing.assert_array_equal(loaded[1].future[0], expected.future)


def test_the_future_covariate_of_a_step_reaches_the_network_at_that_step_alone(
    loaded: tuple[Forecaster, LastValue],
) -> None:
    forecaster, stand_in = loaded
    table = recent()
    forecaster.forecast(table)
    row = table.index[table["place"] == "b"][-2]
    forecaster.forecast(table.assign(planned=table["planned"].where(table.index != row, 20)))
    np.testing.assert_array_equal(*stand_in.past)
    changed = np.argwhere(stand_in.future[0] != stand_in.future[1])
    planned = forecaster.features.channels.future_covariates.index("planned")
    assert changed.tolist() == [[1, HORIZON - 2, planned]]


def files(station: Workshop, table: pd.DataFrame, future: pd.DataFrame) -> tuple[Path, Path]:
    paths = station.folder / "recent.csv", station.folder / "future.csv"
    table.to_csv(paths[0], index=False)
    future.to_csv(paths[1], index=False)
    return paths


def test_future_covariates_may_come_in_a_file_of_their_own(
    station: Workshop, loaded: tuple[Forecaster, LastValue]
) -> None:
    forecaster, table = loaded[0], recent(steps=HORIZON + 4)
    measured = table[(table.index < ORIGIN - 2) | table["height"].notna()]
    future = table[["planned", "hour", "event", "place"]]
    answer = forecaster.forecast_file(*files(station, measured, future))
    pd.testing.assert_frame_equal(answer.table, forecaster.forecast(recent()))
    assert "8 rows after the origin are not looked at, since the horizon ends before them" in (
        answer.remarks
    )


def test_the_remarks_name_the_origin_and_what_was_filled_and_masked(
    station: Workshop, loaded: tuple[Forecaster, LastValue]
) -> None:
    table = recent()
    table.loc[table.index[table["place"] == "a"][-HORIZON - 2], "planned"] = None
    path = files(station, table, table)[0]
    remarks = loaded[0].forecast_file(path).remarks
    assert remarks[0] == "series 'a', 'b': the forecast starts after 2020-12-30T10:00:00Z"
    assert any("missing value was filled (planned 1)" in remark for remark in remarks)


def test_series_that_end_at_different_times_start_at_different_times(
    station: Workshop, loaded: tuple[Forecaster, LastValue]
) -> None:
    later = recent(ORIGIN + 1)
    table = pd.concat([recent()[lambda t: t["place"] == "a"], later[later["place"] == "b"]])
    remarks = loaded[0].forecast_file(files(station, table, table)[0]).remarks
    assert remarks[:2] == [
        "series 'a': the forecast starts after 2020-12-30T10:00:00Z",
        "series 'b': the forecast starts after 2020-12-30T11:00:00Z",
    ]


def test_a_masked_target_is_no_end_where_past_covariates_go_on(
    station: Workshop, loaded: tuple[Forecaster, LastValue]
) -> None:
    forecasts = loaded[0].forecast(recent(243))  # in the night
    assert forecasts["hour"].min() == pd.Timestamp("2020-12-30T04:00Z")


def without(step: int, column: str, place: str = "a") -> pd.DataFrame:
    table = recent()
    row = table.index[table["place"] == place][step - HORIZON - 1]
    table.loc[row, column] = None
    return table


BAD: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "a step without a value": (
        lambda: without(2, "planned"),
        "input: column 'planned', series 'a': no value for 1 of 3 steps of the horizon, first step "
        "2 (2020-12-30T12:00:00Z); every step needs all future covariates",
    ),
    "a step without a category": (
        lambda: without(3, "event", "b"),
        "column 'event', series 'b': no value for 1 of 3 steps of the horizon, first step 3",
    ),
    "no future rows": (
        lambda: recent(steps=0),
        "column 'planned', series 'b': no value for 3 of 3 steps of the horizon, first step 1",
    ),
    "text": (
        lambda: recent().astype({"planned": object}).replace({"planned": {4: "four"}}),
        "column 'planned', series 'a': text where a number should be",
    ),
    "a time between the steps": (
        lambda: recent().replace({"hour": {"2020-12-30T12:00:00Z": "2020-12-30T12:30:00Z"}}),
        "times that are no whole steps (h) after the origin: 1 of 3, first at 2020-12-30T12:30",
    ),
    "a repeated time": (
        lambda: recent().replace({"hour": {"2020-12-30T12:00:00Z": "2020-12-30T13:00:00Z"}}),
        "column 'hour', series 'a': duplicated timestamps: 1 of 3",
    ),
    "a category that training has not seen": (
        lambda: recent().assign(event="concert"),
        "column 'event' is 'concert' in series 'a' at",
    ),
    "blank targets and past covariates everywhere": (
        lambda: recent(origin=-1),
        "series 'a': has 0 rows up to its newest measured one",
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_horizon_that_is_not_known_is_rejected_by_name_series_and_step(
    loaded: tuple[Forecaster, LastValue], kind: str
) -> None:
    make, message = BAD[kind]
    with pytest.raises(InputError) as rejection:
        loaded[0].forecast(make())
    assert message in str(rejection.value)


def test_a_category_that_is_declared_to_have_others_may_have_others(
    loaded: tuple[Forecaster, LastValue],
) -> None:
    forecaster, stand_in = loaded
    forecaster.forecast(recent().replace({"sky": {"rain": "hail"}}))
    names = forecaster.features.channels.names
    assert not stand_in.past[0][..., names.index("sky=rain")].any()
    assert stand_in.past[0][..., names.index("sky=grey")].any()


def test_values_that_contradict_each_other_are_rejected(
    station: Workshop, loaded: tuple[Forecaster, LastValue]
) -> None:
    table = recent()
    changed = table.assign(planned=table["planned"] + 1)
    with pytest.raises(InputError, match=r"step 1 of the horizon .* has another value here"):
        loaded[0].forecast_file(*files(station, table, changed))


def test_a_forecast_is_clipped_to_its_limits_and_that_is_said(
    station: Workshop, load: Loader
) -> None:
    forecaster, _ = load(station, (-9.0, -9.0), members=(0, 1))
    answer = forecaster.forecast_file(files(station, recent(), recent())[0])
    assert (answer.table["level"] == 0).all()
    assert "6 of 6 forecasts of level were clipped to forecast.limits" in answer.remarks


def test_each_seed_is_clipped_before_the_mean_as_in_the_evaluation(
    station: Workshop, load: Loader
) -> None:
    clipped = load(station, (-9.0, 0.0), members=(0, 1))[0].forecast(recent())["level"]
    alone = load(station, (0.0,))[0].forecast(recent())["level"]
    assert np.allclose(np.log(clipped + 1), np.log(alone + 1) / 2, rtol=1e-5)


def test_a_constant_is_what_a_blank_cell_of_a_future_row_means(
    station: Workshop, load: Loader, tmp_path: Path
) -> None:
    constant = {**RICH["validate"]["missing"], "planned": {"policy": "constant", "value": 0}}
    content = {**RICH, "validate": {**RICH["validate"], "missing": constant}}
    forecaster, stand_in = load(Workshop(tmp_path / "workshop", trains(), content))
    answer = forecaster.forecast_file(files(station, without(2, "planned"), recent())[0])
    assert "1 missing value was filled (planned 1)" in answer.remarks
    zero = without(2, "planned").fillna({"planned": 0})
    forecaster.forecast(zero)
    np.testing.assert_array_equal(*stand_in.future)


def test_a_table_in_memory_has_a_column_of_series_where_files_named_them(
    loaded: tuple[Forecaster, LastValue],
) -> None:
    forecaster = loaded[0]
    data = forecaster.form.data.model_dump(by_alias=True) | {"series": {"from": "filename"}}
    form = replace(forecaster.form, data=Data.model_validate(data))
    forecasts = replace(forecaster, form=form).forecast(
        recent().rename(columns={"place": "series"})
    )
    expected = forecaster.forecast(recent()).rename(columns={"place": "series"})
    pd.testing.assert_frame_equal(forecasts, expected)


@pytest.mark.parametrize("name", ["conv_ln", "cycle"])
def test_a_real_network_errs_in_use_exactly_as_it_was_evaluated(tmp_path: Path, name: str) -> None:
    """The forecasts of both seeds are clipped, and no cell without truth counts."""
    cycle = {"cycle": {"family": "input", "input": {"season": "cycle"}}}
    more = {
        "forecast": {"limits": {"level": {"min": 1}}},
        "variants": {**CONTENT["variants"], **cycle},
    }
    workshop = Workshop(tmp_path / "workshop", trains(), {**RICH, **more})
    places, settings = workshop.paths, workshop.params.model_copy(update={"study": (name,)})
    channels = Dataset.load(places.standardized).channels
    future = channels.future_covariates
    shape = Shape(
        LOOKBACK,
        HORIZON,
        1,
        len(channels.names) - 1 - len(future),
        len(future),
        calendar=future[-3:],
    )
    variant = untrained(settings, shape, places.models / name)
    evaluate.run(
        settings,
        places.standardized,
        places.windows,
        places.models,
        places.store,
        places.errors,
    )
    bundle.build(settings, "h", variant, (0, 1), places.standardized, tmp_path / "forecaster")
    windows = ReplayWindows.read(places, verdict.read(places.errors, Questions()))
    errors = windows.errors(CODE, tmp_path / "forecaster", np.ones(len(windows.starts), bool))
    evaluated = np.load(places.errors / name / "standardized.npy")
    np.testing.assert_allclose(errors, evaluated.mean(axis=0), atol=1e-4)
    assert np.isnan(errors).any()
    assert all(read_json(places.errors / name / "summary.json")["clipped"])


def untrained(settings: Params, shape: Shape, folder: Path) -> Path:
    """The folder of a variant as `train` writes it, with weights off those of the start."""
    from pipeline.training.engine.replicas import Replicas

    (variant,) = settings.selected
    replicas = Replicas(variant.model, shape)
    weights, statistics = replicas.initial((0, 1))
    weights = weights + np.random.default_rng(0).normal(0, 0.1, weights.shape)
    folder.mkdir(parents=True)
    np.savez(
        folder / "weights.npz",
        **replicas.named(np.asarray(weights), [np.asarray(values) for values in statistics]),
    )
    whole = {
        "model": variant.model.model_dump(mode="json"),
        "train": variant.train.model_dump(mode="json"),
        "shape": vars(shape),
    }
    facts = {
        "name": variant.name,
        "family": variant.family,
        "parameters": replicas.parameters,
    }
    write_json(
        folder / "fleet.json",
        {
            **whole,
            **facts,
            "seeds": [0, 1],
            "states": ["trained"] * 2,
            "epochs": [1, 1],
            "best_epochs": [1, 1],
            "warnings": [],
            "cudnn": True,
        },
    )
    write_json(folder / "cost.json", {"seconds_per_replica": 0.1, "device": "CPU"})
    history = pd.DataFrame({"seed": [0, 1], "validation_loss": [0.5, 0.5]})
    history.to_parquet(folder / "history.parquet")
    manifest.write(folder)
    return folder
