import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.evaluation import metrics
from pipeline.evaluation.metrics import score, skill, spread


def signed_errors(seeds: int, windows: int, horizon: int, targets: int) -> np.ndarray:
    return (
        np.random.default_rng(0).normal(size=(seeds, windows, horizon, targets)).astype(np.float32)
    )


@given(
    st.integers(1, 4), st.integers(1, 30), st.integers(1, 5), st.integers(1, 3), st.integers(1, 100)
)
def test_scores_are_the_means_over_all_windows_whatever_the_chunks(
    seeds: int, windows: int, horizon: int, targets: int, chunk: int
) -> None:
    errors = signed_errors(seeds, windows, horizon, targets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "CHUNK", chunk)
        scores = score(errors, np.zeros(seeds, bool))
    exact = errors.astype(np.float64)
    squared, absolute = scores.squared.by_step_and_target, scores.absolute.by_step_and_target
    np.testing.assert_allclose(squared, (exact**2).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(absolute, np.abs(exact).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(scores.mse, (exact**2).mean(axis=(1, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(scores.mae, np.abs(exact).mean(axis=(1, 2, 3)), rtol=1e-12)


def test_scores_sum_in_double_precision() -> None:
    errors = np.full((1, 300_000, 1, 1), 0.1, np.float32)
    assert score(errors, np.zeros(1, bool)).mse[0] == pytest.approx(
        float(np.float32(0.1)) ** 2, rel=1e-12
    )


@pytest.mark.parametrize("left", [np.nan, 0.0])
def test_a_lost_seed_has_no_score_whatever_its_errors_and_leaves_the_others_alone(
    left: float,
) -> None:
    errors = signed_errors(3, 20, 2, 1)
    alone = score(errors[[0, 2]], np.zeros(2, bool))
    errors[1] = left
    together = score(errors, np.array([False, True, False]))
    assert np.isnan(together.mse[1])
    np.testing.assert_array_equal(together.mse[[0, 2]], alone.mse)
    np.testing.assert_array_equal(together.cells, alone.cells)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 200))
def test_every_mean_is_over_the_measured_cells_alone_as_pandas_computes_it(
    seed: int, chunk: int
) -> None:
    rng = np.random.default_rng(seed)
    errors = signed_errors(3, 40, 4, 2)
    hidden = rng.random((40, 4, 2)) < np.array([0.2, 0.8])
    hidden[:, 1] = True  # nothing is measured at this step
    errors[:, hidden] = np.nan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "CHUNK", chunk)
        scores = score(errors, np.zeros(3, bool))
    axes = ["seed", "window", "step", "target"]
    index = pd.MultiIndex.from_product([range(size) for size in errors.shape], names=axes)
    table = pd.Series(errors.ravel().astype(np.float64), index).dropna()
    means = {"squared": table**2, "absolute": table.abs(), "signed": table}
    for name, values in means.items():
        found = getattr(scores, name)
        for by, computed in (
            (["seed"], found.overall),
            (["seed", "step"], found.by_step),
            (["seed", "target"], found.by_target),
            (["seed", "step", "target"], found.by_step_and_target),
        ):
            expected = values.groupby(by).mean()
            full = pd.MultiIndex.from_product(
                [range(errors.shape[axes.index(axis)]) for axis in by], names=by
            )
            expected = expected.reindex(full if len(by) > 1 else range(3))
            np.testing.assert_allclose(computed.ravel(), expected, rtol=1e-12)
    assert np.isnan(scores.squared.by_step[:, 1]).all()
    np.testing.assert_array_equal(scores.cells, (~hidden).sum(axis=0))


def test_spread_is_mean_and_sample_deviation_of_the_seeds_that_have_a_number() -> None:
    both = spread(np.array([1.0, np.nan, 3.0]))
    assert (both.mean, both.sd) == (2.0, pytest.approx(np.sqrt(2.0)))


def test_one_seed_has_a_mean_but_no_deviation() -> None:
    one = spread(np.array([4.0]))
    assert one.mean == 4.0
    assert np.isnan(one.sd)


def test_no_seed_has_neither() -> None:
    none = spread(np.array([np.nan]))
    assert np.isnan(none.mean)
    assert np.isnan(none.sd)


@pytest.mark.parametrize(("mse", "expected"), [(0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (3.0, -2.0)])
def test_skill_is_one_for_perfection_zero_for_the_reference_and_negative_below_it(
    mse: float, expected: float
) -> None:
    assert skill(mse, 1.0) == expected


def test_skill_against_a_perfect_reference_does_not_exist() -> None:
    assert np.isnan(skill(1.0, 0.0))
