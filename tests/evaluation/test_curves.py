from collections.abc import Callable

import pandas as pd

from pipeline.evaluation.curves import curves
from pipeline.evaluation.verdict import Verdict


def test_curves_are_the_means_of_the_seeds_that_trained_so_long_in_the_best_set(
    study: Verdict,
) -> None:
    history = pd.DataFrame(
        {"seed": [0, 0, 1], "epoch": [0.0, 1.0, 0.0], "validation_loss": [0.9, 0.5, 0.7]}
    )
    found = curves(study, {result.name: history for result in study.variants})
    assert list(found["name"].unique()) == ["conv_ln", "plain"]
    plain = found[found["name"] == "plain"]
    assert (plain["epoch"].tolist(), plain["validation_loss"].tolist()) == ([1, 2], [0.8, 0.5])


def test_without_a_best_set_there_are_no_curves(
    variant: Callable[..., object], judged: Callable[..., Verdict]
) -> None:
    assert curves(judged(variant("plain", [float("nan")])), {}).empty
