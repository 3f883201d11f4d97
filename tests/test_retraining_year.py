"""A year of deliveries through the real commands: the log of decisions is the expected one."""

from pathlib import Path

import pandas as pd
import pytest

from examples import deliveries, retraining

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return retraining.replay(tmp_path_factory.mktemp("year") / "project")


def of(log: pd.DataFrame, month: int) -> pd.Series:
    """The first decision of a month, which is that of the delivery."""
    return log[log["month"] == month].iloc[0]


def test_the_first_model_becomes_champion(log: pd.DataFrame) -> None:
    first = of(log, deliveries.FIRST)
    assert (first["decision"], first["champion"]) == ("Gate: promoted", "1")


@pytest.mark.parametrize(
    ("month", "named"),
    [(5, "unit: delay"), (6, "stuck: humid"), (9, "unit: temp"), (11, "unit: delay"), (12, "shuf")],
)
def test_a_faulty_month_is_stopped_named_and_changes_nothing(
    log: pd.DataFrame, month: int, named: str
) -> None:
    stopped = of(log, month)
    assert stopped["decision"] == "Stopped: the new rows look faulty"
    assert named in stopped["why"]
    assert stopped["status"] == 3
    assert not stopped["touched"]


def test_a_file_that_was_cut_off_is_rejected_and_changes_nothing(log: pd.DataFrame) -> None:
    corrupt = of(log, deliveries.CORRUPT)
    assert (corrupt["decision"], corrupt["status"]) == ("Failed", 1)
    assert not corrupt["touched"]


def test_a_real_shift_is_promoted_only_once_a_person_accepts_it(
    log: pd.DataFrame,
) -> None:
    asked, accepted = log[log["month"] == deliveries.SHIFT].itertuples()
    assert (asked.status, asked.champion) == (3, "1")
    assert (accepted.decision, accepted.champion) == ("Gate: promoted", "2")


def test_a_candidate_with_scrambled_weights_never_becomes_champion(log: pd.DataFrame) -> None:
    scrambled = log[log["month"] == deliveries.SCRAMBLED].iloc[-1]
    assert (scrambled["decision"], scrambled["status"]) == ("Gate: rejected", 1)
    assert "in use" in scrambled["why"]


def test_only_the_gate_and_a_person_change_the_champion(log: pd.DataFrame) -> None:
    changes = log[log["champion"] != log["champion"].shift(1)]
    assert set(changes["decision"]) == {"Gate: promoted"}
    assert not set(changes["month"]) & {4, 5, 6, 9, 11, 12}


def test_the_champion_is_never_worse_than_the_first_model(log: pd.DataFrame) -> None:
    judged = log.dropna(subset="champion_error")
    assert (judged["champion_error"] <= judged["frozen_error"] * 1.001).all()
    later = judged[judged["month"] > deliveries.SHIFT]
    assert later["champion_error"].mean() < later["frozen_error"].mean()


def test_a_delivery_is_the_truth_but_for_its_own_month() -> None:
    truth = deliveries.true_table(retraining.ROOT / retraining.TABLE)
    own = deliveries.months(truth)
    for month in deliveries.FAULTS:
        delivered = set(deliveries.delivered(truth, month).splitlines())
        assert set(truth[own < month].to_csv(index=False).splitlines()) <= delivered
        assert not set(truth[own <= month].to_csv(index=False).splitlines()) <= delivered


def test_the_files_of_the_project_are_those_of_the_working_tree(tmp_path: Path) -> None:
    project = retraining.Project.new(tmp_path / "project", "time_hour\n")
    assert (project.folder / retraining.TABLE).read_text() == "time_hour\n"
    assert (project.folder / "dvc.yaml").read_bytes() == (retraining.ROOT / "dvc.yaml").read_bytes()
