"""Reasons not to trust a study, from made-up errors."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pipeline.evaluation import flags, report
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.page import summary
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

Variant, Judged, Paged = Callable[..., Entry], Callable[..., Verdict], Callable[..., Study]
TRAINING = ("11 of 15 replicas were still improving at their last epoch: raise train.epochs",)
SHIFT = {"day_of_year": {"JFK": {"validation": 0.8, "test": 1.0}}}


def noisy(entry: Entry, seed: int = 0) -> Entry:
    """The entry with errors that differ from window to window, so that effects have intervals."""
    rng = np.random.default_rng(seed)
    factor = rng.lognormal(0, 0.5, (1, *entry.standardized.shape[1:])).astype(np.float32)
    return replace(entry, standardized=entry.standardized * factor, units=entry.units * factor)


def test_networks_that_beat_every_baseline_with_close_seeds_are_not_flagged(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(variant("plain", [0.20, 0.201]), variant("conv_ln", [0.10, 0.101]))
    assert flags.flags(found, untouched) == []


def test_a_baseline_that_beats_every_network_is_flagged_with_what_to_try(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(variant("plain", [0.4, 0.4]), variant("conv_ln", [0.5, 0.5]), ridge=0.3)
    (line,) = flags.flags(found, untouched)
    assert line.startswith("ridge wins: 0 of 2 variants have a lower test error")
    assert "more units, `last_value`" in line


def test_an_undecided_effect_below_the_spread_of_the_seeds_asks_for_more_seeds(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(
        variant("plain", [0.20, 0.20, 0.20]),
        variant("conv_ln", [0.16, 0.20, 0.25]),
        variant("input_raw", [1.9, 2.0, 2.1]),
    )
    assert found.conclusion.effects["conv_ln"].answer == "undecided"
    (line,) = flags.flags(found, untouched)
    assert line.startswith("1 of 2 effects are undecided because the seeds disagree by more than")
    assert "raise `train.seeds` (`conv_ln` +1.7%, seeds ± 22.2%)" in line


def test_an_undecided_effect_above_the_spread_of_the_seeds_does_not_ask_for_seeds(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    found = judged(
        noisy(variant("plain", [0.200, 0.201, 0.202])),
        noisy(variant("conv_ln", [0.210, 0.211, 0.212]), seed=1),
    )
    assert found.conclusion.effects["conv_ln"].answer == "undecided"
    assert flags.flags(found, untouched) == []


def test_one_seed_or_only_failed_ones_have_no_spread(
    variant: Variant, judged: Judged, untouched: Source
) -> None:
    assert flags.flags(judged(variant("plain", [0.2]), variant("a", [0.2])), untouched) == []
    assert flags.flags(judged(variant("plain", [float("nan")])), untouched) == []


def test_report_and_page_show_the_flags_of_training_and_of_inputs_near_their_top(
    study: Verdict, untouched: Source, paged: Paged
) -> None:
    source = replace(untouched, training=TRAINING, shift=SHIFT)
    text = report.text(study, source)
    above, below = text.split("## Leaderboard", 1)
    for line in (f"- Training: {TRAINING[0]}.", "- Input out of range: day_of_year: 80% of the"):
        assert line in above
        assert line not in below
    shown = summary.warnings(paged(study, source=source))
    assert f"Training: {TRAINING[0]}." in shown
    assert any(line.startswith("Input out of range: day_of_year: 80%") for line in shown)
