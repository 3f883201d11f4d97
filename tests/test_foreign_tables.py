"""`describe --write` of a table that nobody has seen leads to a leaderboard, without an edit."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.evaluation.baselines import BASELINES
from tests.test_end_to_end import ROOT, Project, python

SMALL = {"smoke: false": "smoke: true", "  workers: null": "  workers: 1"}  # to be fast


def transformer() -> pd.DataFrame:
    """What ETTh1 looks like: hours without a zone, no series column, the target comes last."""
    hours = pd.date_range("2016-07-01", periods=600, freq="h")
    rng = np.random.default_rng(4)
    day = np.sin(2 * np.pi * np.arange(len(hours)) / 24)
    load, oil = 5 + 3 * day, 20 + 4 * np.roll(day, 3)
    columns = {"HUFL": load, "OT": oil}
    noisy = {name: (values + rng.normal(size=600)).round(3) for name, values in columns.items()}
    return pd.DataFrame({"date": hours.strftime("%Y-%m-%d %H:%M:%S"), **noisy})


def shops() -> pd.DataFrame:
    """Days of three shops in order of time, with text, a skewed column, holes and long gaps."""
    days = pd.date_range("2022-01-01", periods=420, freq="D")
    rng = np.random.default_rng(5)
    parts = []
    for number, shop in enumerate(("Köln", "Bonn", "Trier")):
        week = 1 + 0.5 * (days.day_of_week >= 5)
        revenue = (800 + 300 * number) * week * rng.lognormal(0, 0.6, len(days))
        parts.append(
            pd.DataFrame(
                {
                    "shop": shop,
                    "day": days.strftime("%d.%m.%Y"),
                    "revenue": revenue.round(2),
                    "weather": rng.choice(["dry", "rain", "snow"], len(days)),
                    "open": days.day_of_week != 6,
                    "staff": rng.integers(2, 9, len(days)) * 1.0,
                }
            )
        )
    table = pd.concat(parts).sort_values(["day", "shop"], kind="stable", ignore_index=True)
    table.loc[rng.choice(len(table), 40, replace=False), "staff"] = np.nan
    table.loc[table["shop"].eq("Bonn") & table["day"].str.endswith("02.2022"), "revenue"] = np.nan
    return table.drop(index=rng.choice(len(table), 3, replace=False))


@pytest.mark.parametrize(
    ("table", "target"), [(transformer, "OT"), (shops, "revenue")], ids=["transformer", "shops"]
)
def test_describe_leads_from_a_foreign_table_to_a_leaderboard_without_an_edit(
    tmp_path: Path, table: Callable[[], pd.DataFrame], target: str
) -> None:
    project = Project.new(tmp_path)
    shipped = (ROOT / "params.yaml").read_text()
    for line, smaller in SMALL.items():
        shipped = shipped.replace(line, smaller)
    before, study = shipped.split("\nstudy:\n", 1)
    after = study.split("]\n", 1)[1]
    (tmp_path / "params.yaml").write_text(f"{before}\nstudy: [plain]\n{after}")
    shutil.rmtree(tmp_path / "catalogue")
    shutil.copytree(ROOT / "catalogue", tmp_path / "catalogue")
    table().to_csv(tmp_path / "data/0_raw/foreign.csv", index=False)
    python(project, "describe", "data/0_raw/foreign.csv", "--target", target, "--write")
    project.run("dvc", "repro", "compare")
    board = pd.read_csv(tmp_path / "data/6_verdict/leaderboard.csv").set_index("name")
    assert {"plain", *BASELINES} == set(board.index)
    assert np.isfinite(board[["mse", f"{target}_mae"]]).all(axis=None)
    assert board.loc["ridge", "mse"] < board.loc["last_value", "mse"]
