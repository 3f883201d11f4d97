"""Scalers: the table of kinds against one of references, and the round trip."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.scalers import SCALERS
from pipeline.config.standardization import Shares, Standardize
from pipeline.core.errors import InputError
from pipeline.series import scaler
from pipeline.series.scaler import Scaler

Array = np.ndarray[Any, Any]

# training values (row,) -> center, scale
REFERENCES: Mapping[str, Callable[[Array], tuple[Any, Any]]] = {
    "standard": lambda values: (np.mean(values), np.std(values)),
    "minmax": lambda values: (np.min(values), np.max(values) - np.min(values)),
    "robust": lambda values: (
        np.median(values),
        np.percentile(values, 75) - np.percentile(values, 25),
    ),
    "none": lambda values: (0, 1),
}
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
    return Standardize.model_validate(
        {"scaler": kind, "scope": scope, "split": Shares(train=0.6, validation=0.2, test=0.2)}
    )


def fit(kind: str, scope: str = "series", columns: Mapping[str, Array] = COLUMNS) -> Scaler:
    """Fit on the table above."""
    return scaler.fit(section(kind, scope), ("A", "B"), SLICES, tuple(columns), columns.__getitem__)


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
            np.stack([fitted.center[code], fitted.scale[code]], axis=1), expected
        )


@pytest.mark.parametrize("kind", SCALERS)
def test_a_scaler_ignores_everything_after_the_training_split(kind: str) -> None:
    noise = {
        column: np.where(TRAINING, values, np.random.default_rng(3).normal(0, 1e6, 2 * ROWS))
        for column, values in COLUMNS.items()
    }
    assert fit(kind).to_json() == fit(kind, columns=noise).to_json()


@pytest.mark.parametrize("kind", SCALERS)
def test_a_scaler_ignores_the_other_series(kind: str) -> None:
    noise = {
        column: np.where(SERIES == 0, values, np.random.default_rng(3).normal(0, 1e6, 2 * ROWS))
        for column, values in COLUMNS.items()
    }
    assert fit(kind).to_json()["series"]["A"] == fit(kind, columns=noise).to_json()["series"]["A"]


finite = st.floats(-1e9, 1e9, allow_subnormal=False)


@given(
    kind=st.sampled_from(sorted(SCALERS)),
    values=st.lists(st.tuples(finite, finite), min_size=1, max_size=20),
    data=st.data(),
)
def test_the_inverse_undoes_the_scaling(
    kind: str, values: list[tuple[float, float]], data: st.DataObject
) -> None:
    fitted = fit(kind)
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


def test_a_difference_is_scaled_without_the_center() -> None:
    fitted, series = fit("robust"), np.array([0, 1])
    forecast, truth = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.5, 1.0], [9.0, 2.0]])
    units = fitted.inverse(forecast, series) - fitted.inverse(truth, series)
    np.testing.assert_allclose(fitted.inverse_difference(forecast - truth, series), units)


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
                "scaler: standard",
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
