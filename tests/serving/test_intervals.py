"""Forecasts with intervals, from the forecaster in use."""

import numpy as np

from pipeline.evaluation.intervals import Intervals
from pipeline.serving import bundle
from tests.serving.stand_in import Loader
from tests.workshop import HORIZON, Workshop, recent

WIDTHS = np.arange(1.0, 1 + 2 * 2 * HORIZON).reshape(2, 2, HORIZON, 1) / 10


def test_a_forecast_has_the_bounds_of_each_level_series_and_step_in_units(
    workshop: Workshop, load: Loader
) -> None:
    made = Intervals((0.8, 0.975), WIDTHS)
    forecaster, _ = load(workshop, intervals=made)
    table = forecaster.forecast(recent())
    names = ["place", "hour", "level", "level-lo-80", "level-hi-80", "level-lo-97.5"]
    assert table.columns.to_list() == [*names, "level-hi-97.5"]
    scale = np.repeat(forecaster.features.scaler.scale[:, 0], HORIZON)
    for level, name in enumerate(["80", "97.5"]):
        half = WIDTHS[level].reshape(-1) * scale
        np.testing.assert_allclose(table[f"level-lo-{name}"], table["level"] - half)
        np.testing.assert_allclose(table[f"level-hi-{name}"], table["level"] + half)


def test_intervals_change_no_forecast_and_a_forecaster_may_have_none(
    workshop: Workshop, load: Loader
) -> None:
    without = load(workshop)[0].forecast(recent())
    assert without.columns.to_list() == ["place", "hour", "level"]
    made = load(workshop, name="other", intervals=Intervals((0.8,), WIDTHS[:1]))[0]
    assert made.forecast(recent())["level"].to_list() == without["level"].to_list()


def test_a_forecaster_from_before_intervals_still_forecasts(
    workshop: Workshop, load: Loader
) -> None:
    load.monkeypatch.setattr(bundle, "FORMAT", 2)
    forecaster, _ = load(workshop)
    load.monkeypatch.undo()
    assert len(forecaster.forecast(recent())) == 2 * HORIZON
