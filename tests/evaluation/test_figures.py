from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.image import imread

from pipeline.config.scalers import SCALERS
from pipeline.evaluation import figures, horizon_figure, leaderboard_figure
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.figures import FIGURES
from pipeline.evaluation.verdict import Verdict

Variant, Judged = Callable[..., Entry], Callable[..., Verdict]
NAN = float("nan")


def words(figure: mpl.figure.Figure) -> str:
    figure.canvas.draw()
    texts = figure.findobj(mpl.text.Text)
    return "\n".join(text.get_text() for text in texts if text.get_visible())


def test_every_figure_is_a_picture(study: Verdict, tmp_path: Path) -> None:
    figures.write(study, tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(FIGURES)
    for path in tmp_path.iterdir():
        assert imread(path).std() > 0


def test_the_same_verdict_is_the_same_bytes_whatever_the_users_settings(
    study: Verdict, tmp_path: Path
) -> None:
    figures.write(study, tmp_path / "one")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        figures.write(study, tmp_path / "two")
    for name in FIGURES:
        assert (tmp_path / "one" / f"{name}.png").read_bytes() == (
            tmp_path / "two" / f"{name}.png"
        ).read_bytes()


def test_drawing_leaves_the_users_settings_alone(study: Verdict, tmp_path: Path) -> None:
    with mpl.rc_context({"font.size": 30}):
        figures.write(study, tmp_path)
        assert mpl.rcParams["font.size"] == 30


def test_the_leaderboard_shows_every_seed_that_has_a_number_on_the_axis_or_as_an_arrow(
    study: Verdict,
) -> None:
    axes = leaderboard_figure.draw(study).axes[0]
    dots = np.concatenate([line.get_xdata() for line in axes.lines if line.get_marker() == "o"])
    np.testing.assert_allclose(np.sort(dots), [0.19, 0.20, 0.22, 0.23, 0.24], rtol=1e-5)
    assert sum(line.get_marker() == ">" for line in axes.lines) == 1


def test_the_leaderboard_names_variants_families_baselines_states_and_the_unit(
    study: Verdict,
) -> None:
    text = words(leaderboard_figure.draw(study))
    for word in (
        "plain",
        "conv_ln (2 of 3 seeds)",
        "input",
        "ridge 0.3000",
        "seasonal_naive",
        "3 of 3 diverged",
        "variance of the training split",
        "does not start at 0",
    ):
        assert word in text


def test_the_leaderboard_has_the_best_variant_on_top(study: Verdict) -> None:
    axes = leaderboard_figure.draw(study).axes[0]
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == [
        "conv_ln",
        "plain",
        "input_raw",
        "cursed",
    ]
    assert axes.yaxis_inverted()


def test_errors_by_horizon_step_are_drawn_from_zero(study: Verdict) -> None:
    axes = horizon_figure.draw(study).axes[0]
    assert axes.get_ylim()[0] == 0
    text = words(axes.figure)
    assert "conv_ln" in text
    assert "ridge" in text


def test_by_horizon_step_a_variant_far_from_the_best_does_not_flatten_the_others(
    study: Verdict,
) -> None:
    text = words(horizon_figure.draw(study))
    assert "input_raw" not in text
    assert "cursed" not in text


CASES = {
    "one variant, one seed": (("plain", [0.2]),),
    "nothing left": (("plain", [NAN, NAN]),),
    "all seeds equal": (("plain", [0.2, 0.2]), ("other", [0.2, 0.2])),
    "perfect": (("plain", [0.0, 0.0]),),
    "worse than every baseline": (("plain", [9.0, 9.5]),),
    "forty-five variants": tuple((f"variant_{i}", [0.2 + i / 100] * 2) for i in range(45)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_of_every_outcome(
    name: str, case: str, variant: Variant, judged: Judged
) -> None:
    figure = FIGURES[name].draw(judged(*(variant(title, sizes) for title, sizes in CASES[case])))
    figure.canvas.draw()
    assert any(axes.has_data() for axes in figure.axes) or not CASES[case]


@pytest.mark.parametrize("scaler", SCALERS)
def test_the_axis_says_what_an_error_of_one_is_whatever_the_scaler(
    scaler: str, variant: Variant, judged: Judged
) -> None:
    found = judged(variant("plain", [0.2]), scalers=(scaler,))
    assert f"(1 = {SCALERS[scaler].squared_unit})" in words(leaderboard_figure.draw(found))
