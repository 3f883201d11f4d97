"""What is said of what was measured inside a variant, and when nothing is said."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation import diagnosis, report, report_diagnosis
from pipeline.evaluation.diagnosis import Diagnosis
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.page import html
from pipeline.evaluation.page.gradients import gradients
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

USUAL: dict[str, Any] = {
    "layers": {"conv_1_activation": {"mean": 0.1, "sd": 1.0, "dead": 0.1}},
    "gates": {"recurrent_1.forward.forget": 0.2, "recurrent_1.backward.forget": 0.4},
    "weights": {"a/kernel": 3.0, "b/kernel": 4.0},
    "batch_gap": None,
    "dropout_noise": None,
    "error": 0.5,
    "windows": 16,
    "seeds": 2,
}
H = "recurrent_1.forward.h"


def inside(*norms: float, **changed: Any) -> Diagnosis:
    """A usual diagnosis with some changes; the norms of two seeds have this geometric mean."""
    seeds = np.array([norms or (0.1, 0.2, 1.0)]) * np.array([[0.5], [2.0]])
    return Diagnosis(**{**USUAL, **changed}, arrays={H: seeds.astype(np.float32)})


def drawn_rows(spec: Any) -> list[dict[str, Any]]:
    """Return the rows behind the marks; Altair puts the only table beside the data."""
    (rows,) = spec["datasets"].values()
    return list(rows)


Entries = Callable[..., Entry]
Judged = Callable[..., Verdict]


def study(variant: Entries, judged: Judged, plain: Diagnosis, other: Diagnosis) -> Verdict:
    """A reference, a variant that is twice as bad, and one that cannot be told from it."""
    return judged(
        replace(variant("plain", [0.20, 0.21, 0.22]), diagnosis=plain),
        replace(variant("bad", [0.40, 0.41, 0.42]), diagnosis=other),
        replace(variant("same", [0.15, 0.21, 0.28]), diagnosis=other),
    )


def test_the_numbers_are_means_and_unknown_ones_are_left_out() -> None:
    found = inside()
    assert found.gradients == pytest.approx([0.1, 0.2, 1.0], rel=1e-6)
    expected = {"gradient_ratio": 0.1, "saturated_forget": 0.3, "dead_units": 0.1, "weight_norm": 5}
    assert found.metrics() == pytest.approx(expected, rel=1e-6)
    more = inside(batch_gap={"forecast": 0.2, "loss": None}, dropout_noise=0.3).metrics()
    assert (more["batch_gap"], more["dropout_noise"]) == (0.2, 0.3)
    assert "batch_gap_loss" not in more


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    assert diagnosis.load(tmp_path) is None
    saved = inside()
    diagnosis.save(tmp_path, USUAL, saved.arrays)
    loaded = diagnosis.load(tmp_path)
    assert loaded is not None
    assert loaded.metrics() == saved.metrics()


SYMPTOMS = {
    "the forget gate is saturated in 83 % of its values": {
        "gates": {"recurrent_1.forward.forget": 0.83}
    },
    "25 % of the units of `conv_1_activation` are dead": {
        "layers": {"conv_1_activation": {"mean": 0.1, "sd": 1.0, "dead": 0.25}}
    },
    "the moving statistics of BatchNorm change the forecast by 20 % of the error": {
        "batch_gap": {"forecast": 0.2, "loss": 0.1}
    },
    "the noise of the dropout is 60 % of the error": {"dropout_noise": 0.6},
}


@pytest.mark.parametrize(("phrase", "changed"), SYMPTOMS.items())
def test_a_symptom_is_reported_of_a_decided_effect_that_the_reference_does_not_share(
    variant: Entries, judged: Judged, phrase: str, changed: dict[str, Any]
) -> None:
    (line,) = report_diagnosis.sentences(study(variant, judged, inside(), inside(**changed)))
    assert line.startswith("`bad` (worse, +")
    assert line.replace("%", " %").replace("  ", " ").endswith(f"{phrase}.")
    shared = study(variant, judged, inside(**changed), inside(**changed))
    (own,) = report_diagnosis.sentences(shared)
    assert own.startswith("`plain` (the reference): ")


@pytest.mark.parametrize(
    ("norms", "word"), [((1e-6, 1.0), "vanishes"), ((20.0, 1.0), "grows"), ((0.1, 1.0), None)]
)
def test_a_gradient_vanishes_or_grows_over_time(
    variant: Entries, judged: Judged, norms: tuple[float, ...], word: str | None
) -> None:
    lines = report_diagnosis.sentences(study(variant, judged, inside(), inside(*norms)))
    assert len(lines) == (word is not None)
    assert all(f"the gradient {word} over time" in line for line in lines)


def test_the_gap_of_batchnorm_matters_where_its_square_exceeds_the_margin(
    variant: Entries, judged: Judged
) -> None:
    for gap, count in ((0.14, 0), (0.15, 1)):  # around the root of the margin, 0.02
        other = inside(batch_gap={"forecast": gap, "loss": 0.0})
        assert len(report_diagnosis.sentences(study(variant, judged, inside(), other))) == count


def test_reports_have_the_sentences_and_the_heat_map(
    variant: Entries, judged: Judged, paged: Callable[..., Study], untouched: Source
) -> None:
    noisy = inside(dropout_noise=0.6)
    verdict = study(variant, judged, inside(), noisy)
    assert "the noise of the dropout" in report.text(verdict, untouched)
    page = html.text(paged(verdict))
    assert "the noise of the dropout" in page
    assert "16 validation windows" in page
    spec = gradients(paged(verdict))
    assert spec is not None
    drawn = {(row["name"], row["step"]): row["norm"] for row in drawn_rows(spec)}
    assert drawn["bad", -2] == pytest.approx(0.1, rel=1e-5)
    assert drawn["bad", 0] == pytest.approx(1.0, rel=1e-5)
    assert len(drawn) == 9


def test_without_a_diagnosis_there_is_neither_a_section_nor_a_figure(
    variant: Entries, judged: Judged, paged: Callable[..., Study], untouched: Source
) -> None:
    bare = judged(variant("plain", [0.2, 0.3]))
    assert report_diagnosis.sentences(bare) == []
    assert "## Why" not in report.text(bare, untouched)
    assert gradients(paged(bare)) is None
    assert 'id="why"' not in html.text(paged(bare))


def test_a_gradient_of_zero_is_drawn_at_the_floor(
    variant: Entries, judged: Judged, paged: Callable[..., Study]
) -> None:
    cut = inside(0.0, 0.5, 1.0)
    spec = gradients(paged(judged(replace(variant("plain", [0.2, 0.3]), diagnosis=cut))))
    assert spec is not None
    shown = [row["shown"] for row in drawn_rows(spec)]
    assert min(shown) > 0
    assert cut.gradient_ratio == 0
