"""Curves: what scikit-learn computes, and inverses that undo it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import PowerTransformer

from pipeline.config.scalers import SCALERS
from pipeline.series import curves
from pipeline.series.curves import CURVES

Array = np.ndarray[Any, Any]
values = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20).map(np.array)


def transformer(exponent: float) -> PowerTransformer:
    """scikit-learn's transformer with this exponent."""
    fitted = PowerTransformer(standardize=False).fit(np.arange(9.0)[:, None])
    fitted.lambdas_ = np.array([exponent])
    return fitted


def test_every_curve_is_a_scaler() -> None:
    assert CURVES.keys() <= SCALERS.keys()


@pytest.mark.parametrize("exponent", [-2.0, -0.3, 0.0, 0.5, 1.0, 2.0, 3.0])
def test_the_transform_of_yeo_and_johnson_is_that_of_scikit_learn(exponent: float) -> None:
    x = np.random.default_rng(0).normal(0, 100, 1000)
    expected = transformer(exponent).transform(x[:, None])[:, 0]
    np.testing.assert_allclose(curves.yeo_johnson(x, exponent), expected, rtol=1e-9, atol=1e-12)


@given(values, st.integers(0, 200).map(lambda number: number / 100))
def test_the_inverse_undoes_the_transform_of_yeo_and_johnson(x: Array, exponent: float) -> None:
    bent = curves.yeo_johnson(x, exponent)
    again = curves.inverse_yeo_johnson(bent, exponent)
    np.testing.assert_allclose(again, x, rtol=1e-6, atol=1e-9)


def test_the_inverse_is_missing_outside_of_what_the_transform_returns() -> None:
    assert np.isnan(curves.inverse_yeo_johnson(np.array([3.0]), -0.5))  # at most 2
    assert np.isnan(curves.inverse_yeo_johnson(np.array([-3.0]), 2.5))  # at least -2


@given(st.lists(st.floats(0, 1e9), min_size=1).map(np.array), st.floats(0.5, 100))
def test_the_exponential_undoes_the_logarithm(x: Array, offset: float) -> None:
    again = curves.exponential(curves.logarithm(x, offset), offset)
    np.testing.assert_allclose(again, x, rtol=1e-9, atol=1e-9 * offset)


@pytest.mark.parametrize("kind", CURVES)
def test_a_missing_value_stays_missing(kind: str) -> None:
    curve = CURVES[kind]
    assert np.isnan(curve.bend(np.array([np.nan]), 0.5)).all()
    assert np.isnan(curve.straighten(np.array([np.nan]), 0.5)).all()
