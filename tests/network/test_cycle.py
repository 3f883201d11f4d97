"""The learned cycle: its phases are of the calendar, by the time of a step and not its row."""

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from pipeline.config.model import Model, Shape
from pipeline.network.build import build
from pipeline.network.layers.cycle import Cycle
from pipeline.network.layers.dense import Dense
from pipeline.series import calendar
from pipeline.series.calendar import Calendar
from pipeline.series.windows import gather
from pipeline.training.engine.replicas import Replicas
from tests.network import references

PHASES, LOOKBACK, HORIZON = 24, 9, 3
ZONE = "Europe/Berlin"
ROWS = 400  # of hours, in which the clocks go forward
PROFILE = np.random.default_rng(1).normal(size=(PHASES, 2))
SHAPE = Shape(
    LOOKBACK, HORIZON, targets=1, past=1, future=2, calendar=("hour_of_day_sin", "hour_of_day_cos")
)


def hours(count: int = ROWS, start: str = "2021-03-20T05:00") -> Any:
    return pd.date_range(start, periods=count, freq="h").to_numpy()


def table(times: Any) -> Any:
    """Rows of a target, a covariate, and the calendar channels of `times`, (row, channel)."""
    numbers = np.random.default_rng(0).normal(size=(len(times), 2))
    return np.concatenate([numbers, Calendar(("hour_of_day",), ZONE).channels(times)], axis=1)


def clock(times: Any) -> Any:
    """The hour that the clock on the wall shows, by another way than the sine and the cosine."""
    return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(ZONE).hour.to_numpy()


@keras.saving.register_keras_serializable("tests")
class Echo(keras.layers.Layer):
    """Forecasts of one target, each the sum of all that is past; or such sums at every step."""

    def __init__(self, every_step: bool = False, **more: Any) -> None:
        super().__init__(**more)
        self.every_step = every_step

    def call(self, inputs: Any) -> Any:
        past, _ = inputs
        sums = keras.ops.cumsum(keras.ops.sum(past[..., :2], axis=-1), axis=1)[..., None, None]
        sums = keras.ops.repeat(sums, HORIZON, axis=2)  # (batch, time, horizon, target)
        return sums if self.every_step else sums[:, -1]


def cycle(every_step: bool = False, profile: Any = PROFILE, dtype: str = "float64") -> Cycle:
    layer = Cycle(Echo(every_step, dtype=dtype), PHASES, position=-2, channels=2, dtype=dtype)
    layer.build([(None, LOOKBACK, 4), (None, HORIZON, 2)])
    layer.cycle.assign(profile)
    return layer


def windows(rows: Any, starts: Any) -> list[Any]:
    return list(gather(rows, np.asarray(starts), LOOKBACK, HORIZON, 2))


def test_it_computes_what_its_reference_says_of_the_clock_on_the_wall() -> None:
    times, starts = hours(), np.arange(ROWS - LOOKBACK - HORIZON)
    rows, phases = table(times), clock(times)
    residual = references.cycle(rows[:, :2], {"cycle": PROFILE}, phases)
    at = starts[:, None]
    sums = residual[at + np.arange(LOOKBACK)].sum(axis=(1, 2))
    ahead = PROFILE[phases[at + LOOKBACK + np.arange(HORIZON)], :1]
    np.testing.assert_allclose(
        cycle()(windows(rows, starts)), sums[:, None, None] + ahead, rtol=0, atol=1e-10
    )


def test_a_forecast_at_every_step_gets_the_phases_of_the_rows_after_the_step() -> None:
    times, rows = hours(), table(hours())
    past, future = windows(rows, [0, 7])
    known = np.concatenate([past[..., 2:], future], axis=1)
    every_step = cycle(every_step=True)([past, known])
    for step in range(LOOKBACK):
        ahead = clock(times)[np.array([0, 7])[:, None] + step + 1 + np.arange(HORIZON)]
        body = cycle(every_step=True).body(
            [np.concatenate([past[..., :2] - cycle().typical(past), past[..., 2:]], -1), known]
        )
        np.testing.assert_allclose(
            every_step[:, step], body[:, step] + PROFILE[ahead, :1], atol=1e-12
        )


@pytest.mark.parametrize("k", [1, 5, 23])
def test_moving_the_data_by_some_hours_moves_the_phases_by_as_many(k: int) -> None:
    winter = hours(100, "2021-01-05T05:00")
    rows, moved = table(winter), table(winter + np.timedelta64(k, "h"))
    np.testing.assert_array_equal(rows[:, :2], moved[:, :2])
    starts = np.arange(50)
    there = cycle(profile=np.roll(PROFILE, k, axis=0))(windows(moved, starts))
    np.testing.assert_allclose(there, cycle()(windows(rows, starts)), atol=1e-12)
    assert np.abs(there - cycle()(windows(moved, starts))).max() > 0.1


@pytest.mark.parametrize("lost", [1, 7])
def test_rows_that_are_missing_before_a_window_do_not_move_its_phases(lost: int) -> None:
    times = hours()
    kept = np.delete(np.arange(ROWS), np.arange(20, 20 + lost))
    rows, starts = table(times), np.arange(40, 90)
    cut = np.concatenate([rows[kept][:, :2], table(times[kept])[:, 2:]], axis=1)
    np.testing.assert_array_equal(
        cycle()(windows(cut, starts - lost)), cycle()(windows(rows, starts))
    )


@pytest.mark.parametrize(
    ("name", "phases", "frequency"),
    [
        ("hour_of_day", 24, "h"),
        ("hour_of_day", 48, "30min"),
        ("hour_of_day", 24, "15min"),
        ("day_of_week", 7, "h"),
        ("hour_of_week", 168, "h"),
        ("hour_of_week", 336, "30min"),
        ("day_of_year", 365, "D"),
    ],
)
def test_phases_are_equal_parts_of_every_cycle(name: str, phases: int, frequency: str) -> None:
    times = pd.date_range("2021-01-01", "2022-01-01", freq=frequency).to_numpy()
    channels = Calendar((name,), "UTC").channels(times)
    layer = Cycle(Echo(), phases, position=-2, channels=1)
    layer.build([(None, len(times), 2), (None, HORIZON, 2)])
    layer.cycle.assign(np.arange(phases, dtype=np.float32)[:, None])
    passed = calendar.CYCLES[name].passed(times)
    np.testing.assert_array_equal(
        np.ravel(layer.typical(channels)), np.floor(np.round(passed * phases, 6))
    )


def test_what_repeats_every_day_is_learned_by_the_cycle_alone() -> None:
    """A body that forecasts zero leaves the profile to the cycle; the mean of each hour is best."""
    times = hours(240, "2021-01-05T05:00")
    truth = PROFILE[clock(times), :1].astype("float32")
    zero = keras.Sequential(
        [keras.layers.Flatten(), Dense(HORIZON, kernel_initializer="zeros", trainable=False)]
    )
    past, known = keras.layers.Input((LOOKBACK, 4)), keras.layers.Input((HORIZON, 2))
    body = keras.Model([past, known], keras.layers.Reshape((HORIZON, 1))(zero(past)))
    layer = Cycle(body, PHASES, position=-2, channels=1)
    starts = np.arange(200)
    inputs = [part.astype("float32") for part in windows(table(times), starts)]
    answers = truth[starts[:, None] + LOOKBACK + np.arange(HORIZON)]
    layer(inputs)
    for _ in range(40):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(inputs) - answers) ** 2)
        (gradient,) = tape.gradient(loss, layer.trainable_variables)
        layer.cycle.assign_sub(8.0 * gradient)
    np.testing.assert_allclose(layer.cycle[:, 0], PROFILE[:, 0], atol=1e-3)


def test_half_precision_tells_all_phases_of_a_week_apart() -> None:
    shape = Shape(LOOKBACK, HORIZON, 1, 1, 2, calendar=("hour_of_week_sin", "hour_of_week_cos"))
    season = {"kind": "cycle", "calendar": "hour_of_week"}
    section = {"season": season, "normalization": "last_value"}
    replicas = Replicas(
        Model.model_validate({"input": section, "conv": {"filters": 2}, "recurrent": {"units": 3}}),
        shape,
    )
    replicas.compute_in("bfloat16")
    layer = replicas.network.get_layer("input_season")
    layer.cycle.assign(np.repeat(1000.0 * np.arange(168)[:, None], 2, axis=1))
    channels = Calendar(("hour_of_week",), "UTC").channels(hours(168 + 12, "2021-01-04"))
    rows = np.concatenate([np.zeros((len(channels), 2)), channels], axis=1).astype("float32")
    rows[:, :2] = layer.typical(channels)  # on its cycle, so that there is no residual
    forecast = replicas.network(windows(rows, np.arange(168)))
    ahead = (np.arange(168)[:, None] + LOOKBACK + np.arange(HORIZON)) % 168
    np.testing.assert_allclose(forecast[..., 0], 1000.0 * ahead, rtol=0, atol=100)


@pytest.mark.parametrize(
    "more",
    [{"columns": "shared"}, {"head": {"sequence": True}}, {"head": {"kind": "per_step"}}],
    ids=str,
)
def test_the_cycle_is_outside_of_the_whole_network_and_starts_as_nothing(more: Any) -> None:
    plain = {"conv": {"filters": 2}, "recurrent": {"units": 3}, **more}
    revin, cycle = {"normalization": "revin"}, {"normalization": "revin", "season": "cycle"}
    with_it, without = (
        build(Model.model_validate({**plain, "input": section}), SHAPE, seed=0)
        for section in (cycle, revin)
    )
    inputs = [part.astype("float32") for part in windows(table(hours()), np.arange(30))]
    for training in (False, True):
        forecast = with_it(inputs, training=training)
        np.testing.assert_allclose(forecast, without(inputs, training=training), atol=1e-6)
    assert [layer.name for layer in with_it.layers if layer.weights] == ["input_season"]
    assert not with_it.get_layer("input_season").cycle.numpy().any()


def test_an_adapted_normalization_inside_of_a_cycle_is_adapted() -> None:
    model = Model.model_validate(
        {"input": {"season": "cycle", "normalization": "keras"}, "conv": {"filters": 2}}
    )
    rows = table(hours()) * [3.0, 5.0, 1.0, 1.0]
    network = build(model, SHAPE, 0, rows)
    (mean,) = [v for v in network.variables if v.path.endswith("input_normalization/mean")]
    np.testing.assert_allclose(mean, rows.mean(axis=0), atol=1e-4)
