"""What learning curves say about a result that is not to be trusted; the curves are made up."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.core.files import write_json
from pipeline.training.jobs import flags
from pipeline.training.jobs.flags import Curve

LIMIT = 6
SETTLED = [1.0, 0.8, 0.7, 0.65, 0.645, 0.644]
FALLING = [1.0, 0.8, 0.7, 0.65, 0.62, 0.60]
AT_ONCE = [0.6, 0.65, 0.7, 0.75, 0.8]
NAN = float("nan")


def curve(
    validation: Sequence[float], ratio: float = 1.3, limit: int = LIMIT, diverged: bool = False
) -> Curve:
    values = np.array(validation)
    return Curve(values / ratio, values, limit, diverged)


def lines(**curves: Sequence[Curve]) -> dict[str, str]:
    return {flag["flag"]: flag["line"] for flag in flags.flags(curves)}


def test_curves_that_settle_before_the_last_epoch_are_not_flagged() -> None:
    assert lines(plain=[curve(SETTLED)] * 3, stopped=[curve([*SETTLED[:5], 0.66])] * 3) == {}


def test_replicas_that_ran_out_of_epochs_are_counted_with_what_to_do() -> None:
    found = lines(
        plain=[*[curve(FALLING)] * 4, curve(SETTLED)],
        other=[curve(FALLING)] * 5,
        calm=[curve(SETTLED)] * 5,
    )
    assert found == {
        "still improving": "9 of 15 replicas were still improving at their last epoch: raise "
        "train.epochs (other 5 of 5, plain 4 of 5)"
    }


@pytest.mark.parametrize(("last", "flagged"), [(0.989, True), (0.991, False)])
def test_a_last_epoch_must_gain_a_percent_to_count_as_improving(last: float, flagged: bool) -> None:
    assert flags.still_improving(curve([1.5, 1.2, 1.1, 1.05, 1.0, last])) == flagged


def test_a_replica_that_was_stopped_early_has_not_run_out_of_epochs() -> None:
    assert not flags.still_improving(curve(FALLING, limit=7))


def test_a_single_epoch_is_never_known_to_be_enough() -> None:
    assert flags.still_improving(curve([0.7], limit=1))


def test_less_than_half_of_the_replicas_is_noise() -> None:
    assert lines(plain=[*[curve(FALLING)] * 2, *[curve(SETTLED)] * 3]) == {}
    assert lines(plain=[*[curve(FALLING)] * 2, *[curve(SETTLED)] * 2]) != {}


def test_a_best_epoch_among_the_first_two_is_flagged_once_others_followed_in_vain() -> None:
    found = lines(plain=[curve(AT_ONCE), curve([0.7, 0.6, 0.7, 0.7]), curve([0.8, 0.7, 0.6, 0.7])])
    assert found["best at once"].startswith("2 of 3 replicas were best after one of their first 2")
    assert "lower train.learning_rate" in found["best at once"]
    assert not flags.best_at_once(curve(AT_ONCE[:3]))


def test_validation_far_above_training_is_judged_against_the_other_variants() -> None:
    hard = {name: [curve(SETTLED, ratio=2.4)] * 3 for name in ("plain", "other", "third")}
    assert lines(**hard) == {}
    found = lines(**hard, conv_ln=[curve(SETTLED, ratio=4.0)] * 2 + [curve(SETTLED, ratio=2.4)])
    assert found["overfitted"].startswith("2 of 12 replicas have more than 1.5 times the usual")
    assert found["overfitted"].endswith("(conv_ln 2 of 3)")


def test_two_variants_have_no_usual_ratio() -> None:
    assert lines(plain=[curve(SETTLED, ratio=1.2)], conv_ln=[curve(SETTLED, ratio=9.0)]) == {}


def test_one_diverged_replica_is_enough_and_is_in_no_other_flag() -> None:
    broken = curve([0.9, 0.8, NAN], diverged=True)
    found = lines(plain=[*[curve(SETTLED)] * 4, broken], dead=[broken] * 5)
    assert list(found) == ["diverged"]
    assert found["diverged"].startswith("6 of 10 replicas diverged: lower train.learning_rate")
    assert found["diverged"].endswith("(dead 5 of 5, plain 1 of 5)")


def test_a_line_names_five_variants_and_the_record_all() -> None:
    curves = {f"v{number}": [curve(FALLING)] for number in range(7)}
    (flag,) = flags.flags(curves)
    assert flag["line"].endswith("v4 1 of 1 and 2 more variants)")
    assert flag["variants"] == dict.fromkeys(curves, 1)


def test_curves_are_read_by_seed_from_the_folder_of_a_variant(tmp_path: Path) -> None:
    facts = {"seeds": [3, 5], "states": ["trained", "diverged"], "train": {"epochs": 9}}
    write_json(tmp_path / "fleet.json", facts)
    history = {
        "seed": [5.0, 3.0, 3.0],
        "epoch": [0.0, 0.0, 1.0],
        "loss": [NAN, 0.5, 0.4],
        "validation_loss": [NAN, 0.9, 0.8],
    }
    pd.DataFrame(history).to_parquet(tmp_path / "history.parquet")
    first, second = flags.read(tmp_path)
    assert (first.best, first.ratio, first.limit, first.diverged) == (1, 2.0, 9, False)
    assert second.diverged
    assert first.validation.tolist() == [0.9, 0.8]
