"""Features: which channels there are, in which order, and what stands in them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.config.data import Data
from pipeline.config.standardization import Standardize
from pipeline.core.errors import InputError
from pipeline.series import categories, fitting
from pipeline.series.calendar import Calendar
from pipeline.series.channels import Roles
from pipeline.series.features import Block, Features

Array = np.ndarray[Any, Any]
ROWS = 60  # of each of two series
SERIES = np.repeat([0, 1], ROWS)
TIMES = np.tile(np.datetime64("2013-07-01", "ns") + np.arange(ROWS) * np.timedelta64(6, "h"), 2)
HOLES = np.isin(np.arange(2 * ROWS), [0, 1, 7, 8, 29, 30, 31, 75])


def data(**changes: Any) -> Data:
    content = {
        "path": "unused",
        "time": "when",
        "time_zone": "America/New_York",
        "series": "site",
        "frequency": "6h",
        "targets": ["x"],
        "past_covariates": ["wind", "sky", "height"],
        "future_covariates": ["price", "promo"],
        "categories": {"sky": "other", "promo": "refuse"},
        "calendar": ["hour_of_day"],
        "holidays": "US-NY",
    }
    return Data.model_validate(content | changes)


def columns(seed: int = 0) -> dict[str, Array]:
    random = np.random.default_rng(seed)
    sky = random.choice(np.array(["sun", "rain"], object), 2 * ROWS)
    return {
        "x": np.where(HOLES, np.nan, random.exponential(20, 2 * ROWS)),
        "wind": random.normal(9, 2, 2 * ROWS),
        "sky": np.where(np.arange(2 * ROWS) == 50, None, sky),
        "height": np.repeat([10.0, 30.0], ROWS),
        "price": random.normal(1, 0.1, 2 * ROWS),
        "promo": random.choice(np.array(["no", "yes"], object), 2 * ROWS),
    }


def block(table: dict[str, Array], rows: slice = slice(None)) -> Block:
    return Block(
        {name: values[rows] for name, values in table.items()},
        SERIES[rows],
        TIMES[rows],
    )


def fit(kind: str = "power", section: Data | None = None) -> Features:
    """Fit on the first 40 rows of each series; the target is on a scale of its own."""
    section = section or data()
    split = {"train": 0.6, "validation": 0.2, "test": 0.2}
    scalers = Standardize.model_validate({"columns": {"x": kind}, "split": split})
    training = (slice(0, 40), slice(ROWS, ROWS + 40))
    table = columns()
    numbers = [name for name in section.columns if name not in section.categories]
    return Features(
        section,
        ("x", "sky"),
        fitting.fit(scalers, ("A", "B"), training, numbers, table.__getitem__),
        categories.fit(
            section.categories, [{k: v[rows] for k, v in table.items()} for rows in training]
        ),
    )


def test_channels_are_named_in_the_order_of_their_roles() -> None:
    channels = fit().channels
    assert channels.targets == ("x",)
    assert channels.past_covariates == ("wind", "sky=rain", "sky=sun")
    assert channels.indicators == ("x_observed", "sky_observed")
    assert channels.static == ("height",)
    assert channels.future_covariates == (
        *("price", "promo=no", "promo=yes", "hour_of_day_sin", "hour_of_day_cos", "holiday"),
    )


def test_every_channel_holds_what_its_name_says() -> None:
    features, table = fit(), columns()
    prepared = features.prepare(block(table))
    raw = dict(zip(features.channels.names, prepared.raw.T, strict=True))
    for name in ("wind", "height", "price"):
        np.testing.assert_array_equal(raw[name], table[name].astype(np.float32))
    np.testing.assert_array_equal(raw["x"][~HOLES], table["x"][~HOLES].astype(np.float32))
    np.testing.assert_array_equal(raw["x_observed"], ~HOLES)
    np.testing.assert_array_equal(raw["sky_observed"], np.arange(2 * ROWS) != 50)
    np.testing.assert_array_equal(raw["sky=sun"], table["sky"] == "sun")
    np.testing.assert_array_equal(raw["promo=yes"], table["promo"] == "yes")
    assert raw["holiday"].sum() == 2 * 4  # four rows of 4 July in each series
    for array in (prepared.raw, prepared.standardized):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


def test_masked_cells_have_the_training_mean_and_no_truth() -> None:
    features, table = fit(), columns()
    prepared = features.prepare(block(table))
    x = prepared.standardized[:, 0]
    np.testing.assert_array_equal(np.isnan(prepared.truth[:, 0]), HOLES)
    np.testing.assert_array_equal(x[~HOLES], prepared.truth[~HOLES, 0])
    np.testing.assert_allclose(x[HOLES], 0, atol=1e-6)


def test_blocks_of_any_size_are_prepared_as_the_whole() -> None:
    features, table = fit(), columns()
    whole = features.prepare(block(table))
    parts = [
        features.prepare(block(table, slice(start, start + 7))) for start in range(0, 2 * ROWS, 7)
    ]
    for name in ("raw", "standardized", "truth"):
        pieces = np.concatenate([getattr(part, name) for part in parts])
        np.testing.assert_array_equal(pieces, getattr(whole, name))


@pytest.mark.parametrize("kind", ["standard", "power", "minmax"])
def test_features_written_and_read_prepare_to_the_same_bits(kind: str, tmp_path: Path) -> None:
    features, table = fit(kind), columns(5)
    features.save(tmp_path)
    again = Features.load(tmp_path, data())
    assert again.channels == features.channels
    for name in ("raw", "standardized", "truth"):
        before, after = (getattr(one.prepare(block(table)), name) for one in (features, again))
        assert before.tobytes() == after.tobytes()


def test_two_channels_of_one_name_are_rejected() -> None:
    section = data(future_covariates=["price", "holiday"], categories={"sky": "other"})
    roles = fit().roles
    twice = Roles.of(section, (), roles.static)
    with pytest.raises(InputError, match="'holiday' would name two channels"):
        twice.channels(fit().encoder, Calendar.of(section))


def test_a_value_too_large_for_its_scale_is_rejected_with_its_place() -> None:
    table = columns()
    table["wind"][70] = 1e300
    with pytest.raises(
        InputError, match=r"'wind' is 1e\+300 in series 'B' at 2013-07-03T12:00:00Z"
    ):
        fit().prepare(block(table))


def test_a_value_that_is_to_be_refused_is_rejected_with_its_place() -> None:
    table = columns()
    table["promo"][61] = "maybe"
    with pytest.raises(
        InputError, match="column 'promo' is 'maybe' in series 'B' at 2013-07-01T06"
    ):
        fit().prepare(block(table))
