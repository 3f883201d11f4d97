"""From tables that nobody has described to parameters that the data stages accept as they are."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline import describe, standardize, validate, window
from pipeline.config import params
from pipeline.config.params import Params
from pipeline.core.errors import InputError
from pipeline.core.files import read_json
from pipeline.tables.describing import proposal, survey

ROOT = Path(__file__).parent.parent


def retail() -> pd.DataFrame:
    """Daily sales of three stores with a weekly season, promotions known ahead, and holes."""
    days = pd.date_range("2021-01-01", periods=500, freq="D")
    rng = np.random.default_rng(1)
    parts = []
    for number, store in enumerate(("north", "south", "west")):
        promo = rng.random(len(days)) < 0.2
        week = 1 + 0.4 * np.sin(2 * np.pi * days.day_of_week / 7)
        sales = (100 + 50 * number) * week * (1 + 0.5 * promo) * rng.lognormal(0, 0.1, len(days))
        parts.append(
            pd.DataFrame(
                {
                    "day": days.strftime("%d.%m.%Y"),
                    "store": store,
                    "sales": sales.round(1),
                    "price": (9 - promo + rng.normal(0, 0.1, len(days))).round(2),
                    "promo": promo,
                    "size": 300.0 + 100 * number,
                    "weather": rng.choice(["dry", "wet", "snow"], len(days)),
                    "currency": "EUR",
                    "visitors": np.where(
                        rng.random(len(days)) < 0.01, -999, rng.poisson(80, len(days))
                    ),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True)
    table.loc[100:103, "sales"] = np.nan
    return table


def half_hourly() -> pd.DataFrame:
    """Half-hourly load in local time, with both changes of clock, a gap, and missing values."""
    moments = pd.date_range("2021-03-01", "2021-11-15", freq="30min", tz="Europe/Berlin")
    hour = moments.hour + moments.minute / 60
    rng = np.random.default_rng(2)
    load = 50 + 20 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 2, len(moments))
    table = pd.DataFrame(
        {
            "when": moments.strftime("%Y-%m-%d %H:%M"),
            "load": load.round(2),
            "temperature": (10 + rng.normal(0, 3, len(moments))).round(1),
        }
    )
    table.loc[500:505, "temperature"] = np.nan
    return table.drop(index=range(2000, 2030))


def monthly() -> pd.DataFrame:
    """Twelve years of passengers, with the season of a year."""
    months = pd.date_range("2009-01-01", periods=144, freq="MS")
    trend = np.linspace(100, 200, len(months))
    season = 1 + 0.3 * np.sin(2 * np.pi * months.month / 12)
    noise = np.random.default_rng(3).normal(0, 5, len(months))
    return pd.DataFrame(
        {
            "month": months.strftime("%Y-%m"),
            "passengers": (trend * season + noise).round(1),
            "fares": (20 + noise).round(2),
        }
    )


def survey_of(folder: Path, table: pd.DataFrame, **options: object) -> survey.Survey:
    path = folder / "table.csv"
    table.to_csv(path, index=False, **options)
    return survey.look(path)


def written(folder: Path, table: pd.DataFrame, target: str | None = None) -> Params:
    """The parameters after `describe --write` of the table."""
    shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
    found = survey_of(folder, table)
    describe.write(proposal.propose(found, target), folder / "params.yaml")
    return params.read(folder / "params.yaml")


def run(folder: Path, read: Params) -> dict[str, int]:
    """Run the data stages; return the number of windows of each split."""
    validate.run(read, folder / "clean")
    standardize.run(read, folder / "clean", folder / "standardized")
    window.run(read, folder / "standardized", folder / "windows")
    counts: dict[str, int] = read_json(folder / "windows" / "windows.json")["counts"]
    return counts


@pytest.mark.parametrize("table", [retail, half_hourly, monthly])
def test_the_data_stages_accept_what_is_written_as_it_is(
    tmp_path: Path, table: Callable[[], pd.DataFrame]
) -> None:
    counts = run(tmp_path, written(tmp_path, table()))
    assert min(counts.values()) > 0


def test_days_of_stores_are_described_as_they_are(tmp_path: Path) -> None:
    read = written(tmp_path, retail())
    data = read.data
    assert (data.time, data.time_format) == (("day",), "%d.%m.%Y")
    assert (data.series, data.frequency) == ("store", "D")
    assert data.targets == ("sales",)
    assert data.past_covariates == ("price", "promo", "size", "weather", "visitors")
    assert data.future_covariates == ()
    assert data.categories == {"weather": "other"}
    assert data.calendar == ("day_of_week",)
    assert read.validate_.missing["sales"].policy == "mask"
    assert read.validate_.limits["visitors"].outside == "missing"
    assert (read.validate_.limits["visitors"].min or -999) > -999
    assert read.standardize.scaler_of("promo").kind == "none"
    assert read.window.horizon == read.evaluate.season_length == 7


def test_what_is_left_out_and_what_may_be_known_ahead_is_said_and_not_decided(
    tmp_path: Path,
) -> None:
    found = survey_of(tmp_path, retail())
    lines = describe.text(proposal.propose(found, "sales")).replace("\n  # ", " ")
    assert "currency (constant)" in lines
    assert "future of price, promo" in lines


def test_local_times_are_recognized_by_the_hours_that_clock_changes_skip_and_repeat(
    tmp_path: Path,
) -> None:
    read = written(tmp_path, half_hourly())
    assert (read.data.time_zone, read.data.ambiguous) == ("Europe/Berlin", "infer")
    assert (read.data.frequency, read.evaluate.season_length) == ("30min", 48)
    assert read.validate_.missing["temperature"].max_run == 6


def test_months_have_the_season_of_a_year(tmp_path: Path) -> None:
    read = written(tmp_path, monthly())
    assert (read.data.frequency, read.evaluate.season_length) == ("MS", 12)
    assert read.data.targets == ("passengers",)


def test_a_target_that_is_no_column_is_rejected_with_the_columns_that_could_be_one(
    tmp_path: Path,
) -> None:
    found = survey_of(tmp_path, retail())
    with pytest.raises(InputError, match="'sale' was not found did you mean 'sales'"):
        proposal.propose(found, "sale")


def test_the_proposal_names_another_target_when_it_is_told_one(tmp_path: Path) -> None:
    read = written(tmp_path, retail(), "visitors")
    assert read.data.targets == ("visitors",)
    assert "sales" in read.data.past_covariates


def test_writing_keeps_every_other_line_of_the_file(tmp_path: Path) -> None:
    written(tmp_path, monthly())
    before = (ROOT / "params.yaml").read_text().splitlines()
    after = (tmp_path / "params.yaml").read_text().splitlines()
    training, end = before.index("train:"), before.index("forecast:")
    assert after[: after.index("data:")] == before[: before.index("data:")]
    assert after[after.index("train:") :][: end - training] == before[training:end]
    assert after[after.index("track:") :] == before[before.index("track:") :]


def test_nothing_is_written_where_the_whole_file_would_not_be_valid(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("data: {path: old}\n")
    found = proposal.propose(survey_of(tmp_path, monthly()), None)
    with pytest.raises(InputError, match="study is missing"):
        describe.write(found, file)
    assert file.read_text() == "data: {path: old}\n"


def test_the_command_prints_writes_and_draws(tmp_path: Path) -> None:
    retail().to_parquet(tmp_path / "sales.parquet")
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    command = [sys.executable, "-m", "pipeline.describe", str(tmp_path / "sales.parquet")]
    options = ["--write", "--params", str(tmp_path / "params.yaml")]
    picture = tmp_path / "columns.png"
    done = subprocess.run(
        [*command, *options, "--plot", str(picture)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "  targets: [sales]" in done.stdout.splitlines()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert params.read(tmp_path / "params.yaml").data.targets == ("sales",)
