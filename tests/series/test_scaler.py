"""Scalers: the table of kinds against one of references, and the round trip."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.scalers import SCALERS
from pipeline.config.standardization import Shares, Standardize
from pipeline.core.errors import InputError
from pipeline.series import fitting
from pipeline.series.scaler import Scaler

Array = np.ndarray[Any, Any]

OFFSET = 1.5  # of the logarithm
# training values (row,) -> center, scale
REFERENCES: Mapping[str, Callable[[Array], tuple[Any, Any]]] = {
    "standard": lambda values: (np.mean(values), np.std(values)),
    "minmax": lambda values: (np.min(values), np.max(values) - np.min(values)),
    "robust": lambda values: (
        np.median(values),
        np.percentile(values, 75) - np.percentile(values, 25),
    ),
    "none": lambda values: (0, 1),
    "power": lambda values: (
        np.mean(scipy.stats.yeojohnson(values)[0]),
        np.std(scipy.stats.yeojohnson(values)[0]),
    ),
    "log": lambda values: (np.mean(np.log(values + OFFSET)), np.std(np.log(values + OFFSET))),
}
CURVED = ("power", "log")
ROWS = 40  # of each of two series
SERIES = np.repeat([0, 1], ROWS)
SLICES = (slice(0, 30), slice(ROWS, ROWS + 30))  # the training rows of each
TRAINING = np.tile(np.arange(ROWS) < 30, 2)
COLUMNS = {
    "x": np.random.default_rng(1).normal(50, 9, 2 * ROWS),
    "y": np.random.default_rng(2).exponential(3, 2 * ROWS),
}


def section(kind: str, scope: str = "series") -> Standardize:
    """The section of `params.yaml`."""
    declared = {"kind": "log", "offset": OFFSET} if kind == "log" else kind
    return Standardize.model_validate(
        {"scaler": declared, "scope": scope, "split": Shares(train=0.6, validation=0.2, test=0.2)}
    )


def fit(kind: str, scope: str = "series", columns: Mapping[str, Array] = COLUMNS) -> Scaler:
    """Fit on the table above."""
    return fitting.fit(
        section(kind, scope), ("A", "B"), SLICES, tuple(columns), columns.__getitem__
    )


@cache
def fitted_once(kind: str) -> Scaler:
    """Return `fit(kind)`; a power takes too long to fit it for every example."""
    return fit(kind)


def test_every_scaler_has_a_reference() -> None:
    assert REFERENCES.keys() == SCALERS.keys()


@pytest.mark.parametrize("kind", SCALERS)
@pytest.mark.parametrize("scope", ["series", "global"])
def test_center_and_scale_are_those_of_the_training_rows(kind: str, scope: str) -> None:
    fitted = fit(kind, scope)
    for code in range(2):
        rows = TRAINING & ((code == SERIES) | (scope == "global"))
        expected = [REFERENCES[kind](COLUMNS[column][rows]) for column in COLUMNS]
        np.testing.assert_allclose(
            np.stack([fitted.center[code], fitted.scale[code]], axis=1), expected, rtol=1e-4
        )


@pytest.mark.parametrize("kind", SCALERS)
def test_a_scaler_ignores_everything_after_the_training_split(kind: str) -> None:
    noise = {
        column: np.where(TRAINING, values, np.random.default_rng(3).exponential(1e6, 2 * ROWS))
        for column, values in COLUMNS.items()
    }
    assert fit(kind).to_json() == fit(kind, columns=noise).to_json()


@pytest.mark.parametrize("kind", SCALERS)
def test_a_scaler_ignores_the_other_series(kind: str) -> None:
    noise = {
        column: np.where(SERIES == 0, values, np.random.default_rng(3).exponential(1e6, 2 * ROWS))
        for column, values in COLUMNS.items()
    }
    assert fit(kind).to_json()["series"]["A"] == fit(kind, columns=noise).to_json()["series"]["A"]


finite = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(
    kind=st.sampled_from(sorted(SCALERS.keys() - CURVED)),
    values=st.lists(st.tuples(finite, finite), min_size=1, max_size=20),
    data=st.data(),
)
def test_the_inverse_undoes_the_scaling(
    kind: str, values: list[tuple[float, float]], data: st.DataObject
) -> None:
    fitted = fitted_once(kind)
    series = np.array(
        data.draw(st.lists(st.integers(0, 1), min_size=len(values), max_size=len(values)))
    )
    there = fitted.transform(np.array(values), series)
    np.testing.assert_allclose(fitted.inverse(there, series), values, rtol=1e-12, atol=1e-9)


def test_values_of_any_shape_are_scaled_by_series_and_column() -> None:
    fitted = fit("standard")
    windows = np.random.default_rng(0).normal(size=(5, 7, 3, 1))  # (seed, window, horizon, column)
    series = np.array([0, 1, 0, 1, 1, 0, 0])
    units = fitted.inverse(windows, series[None], ["y"])
    for window, code in enumerate(series):
        np.testing.assert_array_equal(
            units[:, window], windows[:, window] * fitted.scale[code, 1] + fitted.center[code, 1]
        )
    np.testing.assert_allclose(fitted.transform(units, series[None], ["y"]), windows)


@given(
    kind=st.sampled_from(CURVED),
    places=st.lists(st.floats(-10, 11), min_size=1, max_size=20),
    column=st.integers(0, 1),
    series=st.integers(0, 1),
)
def test_the_inverse_undoes_a_curve_up_to_ten_widths_of_the_training_range_beyond_it(
    kind: str, places: list[float], column: int, series: int
) -> None:
    fitted = fitted_once(kind)
    low, high = fitted.low[series, column], fitted.high[series, column]
    values = low + np.array(places)[:, None] * (high - low)
    if kind == "log":
        values = np.maximum(values, 1e-3 - OFFSET)
    code, name = np.full(len(places), series), [fitted.columns[column]]
    there = fitted.transform(values, code, name)
    back = fitted.inverse(there, code, name)
    assert (np.diff(there[np.argsort(values, axis=0), 0], axis=0) >= 0).all()
    np.testing.assert_allclose(back, values, rtol=1e-6, atol=1e-6 * (high - low))


@given(
    kind=st.sampled_from(CURVED),
    values=st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20),
)
def test_the_inverse_of_anything_is_finite_and_no_farther_than_ten_widths_of_the_training_range(
    kind: str, values: list[float]
) -> None:
    fitted = fitted_once(kind)
    for series in (0, 1):
        code = np.full(len(values), series)
        units = fitted.inverse(np.tile(np.array(values)[:, None], 2), code)
        reach = 10.001 * (fitted.high - fitted.low)[series]
        assert (units >= fitted.low[series] - reach).all()
        assert (units <= fitted.high[series] + reach).all()


def test_missing_values_are_left_out_of_the_fit_and_stay_missing() -> None:
    for kind in SCALERS:
        holes = {
            name: np.where(np.arange(80) % 3, values, np.nan) for name, values in COLUMNS.items()
        }
        kept = {name: values[np.arange(80) % 3 > 0] for name, values in COLUMNS.items()}
        fitted = fit(kind, columns=holes)
        expected = fitting.fit(
            section(kind), ("A", "B"), (slice(0, 20), slice(26, 46)), ("x", "y"), kept.__getitem__
        )
        np.testing.assert_allclose(fitted.center, expected.center)
        np.testing.assert_allclose(fitted.scale, expected.scale)
        values = np.stack([holes["x"], holes["y"]], axis=1)
        there = fitted.transform(values, SERIES)
        np.testing.assert_array_equal(np.isnan(there), np.isnan(values))
        np.testing.assert_array_equal(np.isnan(fitted.inverse(there, SERIES)), np.isnan(values))


@pytest.mark.parametrize("kind", SCALERS)
def test_what_a_missing_value_is_filled_with_has_the_mean_of_the_standardized_training_rows(
    kind: str,
) -> None:
    fitted = fit(kind)
    values = np.stack(list(COLUMNS.values()), axis=1)
    mean = fitted.transform(values, SERIES)[:30].mean(axis=0)
    filled = fitted.fill(np.array([0]))
    np.testing.assert_allclose(fitted.transform(filled, np.array([0]))[0], mean, atol=1e-9)
    if kind not in CURVED:
        np.testing.assert_allclose(filled[0], values[:30].mean(axis=0))


def test_every_column_may_have_a_scaler_of_its_own() -> None:
    chosen = Standardize.model_validate(
        {
            "scaler": "minmax",
            "columns": {"y": {"kind": "log", "offset": OFFSET}},
            "split": Shares(train=0.6, validation=0.2, test=0.2),
        }
    )
    mixed = fitting.fit(chosen, ("A", "B"), SLICES, ("x", "y"), COLUMNS.__getitem__)
    assert mixed.kinds == ("minmax", "log")
    values = np.stack(list(COLUMNS.values()), axis=1)
    for column, kind in enumerate(mixed.kinds):
        np.testing.assert_array_equal(
            mixed.transform(values, SERIES)[:, column],
            fit(kind).transform(values, SERIES)[:, column],
        )


def test_a_value_without_a_logarithm_is_rejected_by_name_in_training_and_after_it() -> None:
    with pytest.raises(InputError, match=r"'y' goes down to -1\.5 in series 'A'.*raise the offset"):
        fit("log", columns={**COLUMNS, "y": np.where(np.arange(80) == 3, -1.5, COLUMNS["y"])})
    with pytest.raises(InputError, match=r"'y' goes down to -7 in series 'B'.*scaler power"):
        fit("log").transform(np.array([[1.0, 1.0], [1.0, -7.0]]), np.array([0, 1]))


@pytest.mark.parametrize("kind", SCALERS)
def test_a_scaler_written_and_read_is_the_same_to_the_last_bit(kind: str) -> None:
    content = fit(kind).to_json()
    again = Scaler.from_json(json.loads(json.dumps(content, sort_keys=True)))
    assert again.to_json() == content
    assert again.center.tobytes() == fit(kind).center.tobytes()


CONSTANT = np.full(2 * ROWS, 0.1)
MOSTLY_ZERO = np.where(np.arange(2 * ROWS) % 10 == 3, 5.0, 0.0)


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (
            "standard",
            CONSTANT,
            [
                "column 'y' has no spread in series 'A'",
                "all 30 training rows are 0.1",
                "scope: global",
                "remove 'y' from `data`",
            ],
        ),
        ("minmax", CONSTANT, ["'y' has no spread in series 'A'", "all 30 training rows"]),
        ("robust", CONSTANT, ["'y' has no spread in series 'A'", "all 30 training rows"]),
        (
            "robust",
            MOSTLY_ZERO,
            [
                "'y' has no spread in series 'A'",
                "interquartile range of its 30 training rows is 0",
                "the scaler standard",
            ],
        ),
    ],
)
def test_a_column_without_spread_in_the_training_rows_is_rejected(
    kind: str, values: Array, says: list[str]
) -> None:
    with pytest.raises(InputError) as rejection:
        fit(kind, columns={**COLUMNS, "y": values})
    assert len(rejection.value.findings) == 2  # one for each series
    assert [part for part in says if part not in rejection.value.findings[0]] == []


def test_a_column_that_is_constant_in_each_series_suits_a_global_scaler() -> None:
    fitted = fit("standard", "global", {"height": np.repeat([3.0, 5.0], ROWS)})
    assert fitted.center.tolist() == [[4.0], [4.0]]
    assert fitted.static == ("height",)


def test_a_column_that_is_constant_in_each_series_is_static_and_scaled_over_all_series() -> None:
    columns = {**COLUMNS, "height": np.repeat([3.0, 5.0], ROWS)}
    fitted = fit("standard", columns=columns)
    assert fitted.static == ("height",)
    assert fitted.center[:, 2].tolist() == [4.0, 4.0]
    np.testing.assert_array_equal(fitted.center[:, :2], fit("standard").center)


def test_a_column_without_a_measured_training_value_is_rejected() -> None:
    with pytest.raises(InputError, match="'y' is missing in all 30 training rows of series 'B'"):
        fit("standard", columns={**COLUMNS, "y": np.where(SERIES == 1, np.nan, COLUMNS["y"])})


def test_a_single_series_is_not_advised_to_share_a_scaler() -> None:
    with pytest.raises(InputError) as rejection:
        fitting.fit(section("standard"), ("A",), SLICES[:1], ("x",), {"x": CONSTANT}.__getitem__)
    assert "scope: global" not in str(rejection.value)
    assert "longer training split" in str(rejection.value)
