"""The summary for a pull request: short for a study of any size, complete in what counts."""

from collections.abc import Callable

from pipeline.evaluation import report_summary
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.verdict import Verdict


def rows(text: str) -> list[str]:
    return [line.split("|")[1].strip(" *`") for line in text.splitlines() if line[:1] == "|"][2:]


def test_a_small_study_is_shown_whole_with_its_answers(study: Verdict) -> None:
    text = report_summary.text(study, [])
    assert rows(text) == [result.name for result in study.results]
    assert "| answer |" in text
    assert "more entries" not in text
    assert "Warning" not in text


def test_a_large_study_keeps_to_40_lines_with_champion_reference_and_best_baseline(
    variant: Callable[..., Entry], judged: Callable[..., Verdict]
) -> None:
    others = [variant(f"v{i}", [0.2 + i / 1000, 0.21 + i / 1000]) for i in range(90)]
    found = judged(*others, variant("plain", [0.4, 0.41]), boosting=0.45, ridge=0.42)
    flagged = [f"reason {i}." for i in range(9)]
    text = report_summary.text(found, flagged)
    assert len(text.splitlines()) <= 40
    assert {"plain", found.strongest.name, found.champion.name} <= {*rows(text)}
    assert rows(text)[0] == found.results[0].name
    assert f"{len(found.results) - len(rows(text))} more entries" in text
    assert "reason 4." in text
    assert "reason 5." not in text
    assert "4 more warnings" in text
