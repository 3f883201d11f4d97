import io
from collections.abc import Callable

import pandas as pd
import pytest

from pipeline.evaluation import leaderboard
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.verdict import Verdict


def test_the_leaderboard_has_a_row_for_every_entry_best_first(study: Verdict) -> None:
    table = leaderboard.leaderboard(study)
    assert table["name"].tolist() == [result.name for result in study.results]
    assert table["mse"].dropna().is_monotonic_increasing


def test_the_leaderboard_has_the_documented_columns(study: Verdict) -> None:
    head = "name kind family mse mse_sd mae mae_sd bias bias_sd temp_mse temp_mse_sd"
    middle = "temp_mae temp_mae_sd temp_bias temp_bias_sd cells temp_cells clipped"
    tail = "skill parameters seconds_per_replica seconds_per_epoch seconds_to_best "
    tail += "seconds_to_trace latency_ms seeds state"
    concluded = "rank rank_low rank_high tier best_set p_best reference effect effect_low"
    last = "effect_high answer detectable more_seeds more_origins times_both"
    parts = (head, middle, tail, concluded, last)
    columns = [name for part in parts for name in part.split()]
    assert list(leaderboard.leaderboard(study)) == columns


def test_each_target_has_columns_in_its_own_unit(
    variant: Callable[..., Entry], judged: Callable[..., Verdict]
) -> None:
    table = leaderboard.leaderboard(
        judged(variant("plain", [0.25], targets=2), targets=("temp", "pressure"))
    )
    assert {"temp_mae", "pressure_mae", "temp_mse_sd", "pressure_mse"} <= set(table)


def test_what_does_not_exist_is_empty_in_the_csv(study: Verdict) -> None:
    rows = {
        line.split(",")[0]: line.split(",")
        for line in leaderboard.csv(leaderboard.leaderboard(study)).splitlines()
    }
    header = rows["name"]
    assert rows["ridge"][header.index("mse_sd")] == ""
    assert rows["ridge"][header.index("seconds_per_replica")] == ""
    assert rows["cursed"][header.index("mse")] == ""


def test_the_csv_reads_back_to_the_table(study: Verdict) -> None:
    table = leaderboard.leaderboard(study)
    pd.testing.assert_frame_equal(
        pd.read_csv(io.StringIO(leaderboard.csv(table))), table, check_dtype=False, rtol=1e-5
    )


def test_errors_by_horizon_step_average_to_those_of_the_leaderboard(study: Verdict) -> None:
    steps, board = leaderboard.horizon(study), leaderboard.leaderboard(study).set_index("name")
    assert steps.groupby("name")["step"].apply(list).loc["plain"] == [1, 2, 3]
    for column in ("mse", "mae", "temp_mse", "temp_mae"):
        pd.testing.assert_series_equal(
            steps.groupby("name", sort=False)[column].mean(), board[column], check_names=False
        )


@pytest.mark.parametrize("number", [1234567.0, 0.000123456789])
def test_numbers_have_six_significant_digits(number: float) -> None:
    text = leaderboard.csv(pd.DataFrame({"x": [number]})).splitlines()[1]
    assert float(text) == pytest.approx(number, rel=5e-6)
    assert len(text.replace(".", "").replace("e+06", "").lstrip("0")) <= 6


def test_the_seconds_of_an_epoch_and_until_the_best_one_are_means_of_the_replicas(
    study: Verdict,
) -> None:
    plain = leaderboard.leaderboard(study).set_index("name").loc["plain"]
    # 3 replicas of 7.25 s, of 1, 2 and 3 epochs; the best ones are the 2nd, 3rd and 4th
    assert plain["seconds_per_epoch"] == 3 * 7.25 / 6
    assert plain["seconds_to_best"] == 3 * plain["seconds_per_epoch"]
