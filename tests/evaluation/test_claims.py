"""Claims are judged by intervals that hold at once, and say what would decide them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from pipeline.config.claims import Claim, Expected
from pipeline.core.errors import InputError
from pipeline.evaluation import advice, leaderboard, report, report_claims, verdict_files
from pipeline.evaluation.claims import Judged
from pipeline.evaluation.entries import Entry
from pipeline.evaluation.page import html
from pipeline.evaluation.page.study import Study
from pipeline.evaluation.questions import Questions
from pipeline.evaluation.report_data import Source
from pipeline.evaluation.verdict import Verdict

Variant, Judge, Paged = Callable[..., Entry], Callable[..., Verdict], Callable[..., Study]
NAN = float("nan")


def claim(one: str, other: str, expected: Expected = "lower", **more: str) -> Claim:
    sides = {"variants": one.split(), "against": other.split()}
    said = {"sentence": "It helps", "source": "a thread", **more}
    return Claim.model_validate({**said, **sides, "expected": expected})


CLAIMS = {
    "right": claim("low", "plain"),
    "wrong": claim("plain", "low"),
    "above": claim("plain", "low", "higher"),
    "below": claim("low", "plain", "higher"),
    "same": claim("twin", "plain", "equal"),
    "no_better": claim("twin", "plain"),
    "different": claim("low", "plain", "equal"),
    "open": claim("wild", "plain"),
    "absent": claim("plain", "gone other"),
    "failed": claim("plain", "broken"),
    "words": Claim(sentence="See there", source="a book", note="A hint"),
}
OUTCOMES = {
    "right": "confirmed",
    "wrong": "refuted",
    "above": "confirmed",
    "below": "refuted",
    "same": "confirmed",
    "no_better": "equivalent",
    "different": "refuted",
    "open": "undecided",
    "absent": "not tested",
    "failed": "not tested",
    "words": "not tested",
}


@pytest.fixture
def claimed(variant: Variant, judged: Judge) -> Verdict:
    return judged(
        variant("plain", [0.200, 0.201, 0.199, 0.200]),
        variant("twin", [0.2005, 0.201, 0.200, 0.1995]),
        variant("low", [0.100, 0.101, 0.0995, 0.1]),
        variant("wild", [0.05, 0.5, 0.1, 0.2]),
        variant("broken", [0.1, NAN, 0.1, 0.1]),
        questions=Questions(claims=CLAIMS),
    )


def named(verdict: Verdict) -> dict[str, Judged]:
    return {each.name: each for each in verdict.claims}


def test_each_claim_has_the_outcome_that_its_interval_allows(claimed: Verdict) -> None:
    assert {name: each.outcome for name, each in named(claimed).items()} == OUTCOMES


def test_a_claim_that_is_not_tested_says_why(claimed: Verdict) -> None:
    reasons = {name: each.why for name, each in named(claimed).items() if each.why}
    assert reasons == {
        "absent": "not in this study: `gone`, `other`",
        "failed": "seeds failed: `broken`",
        "words": "no variants test it",
    }


def test_an_undecided_claim_says_what_would_decide_it(claimed: Verdict) -> None:
    tested = named(claimed)["open"].tested
    assert tested is not None and tested.needed is not None
    assert tested.needed.seeds is not None and tested.needed.seeds > 0
    assert tested.needed.origins is None
    for name in ("right", "no_better"):
        decided = named(claimed)[name].tested
        assert decided is not None and decided.needed is None


def test_sides_of_several_variants_are_geometric_means_and_more_claims_widen_the_intervals(
    variant: Variant, judged: Judge
) -> None:
    entries = [variant(name, [k * x for x in (0.9, 1.0, 1.1)]) for name, k in
               {"plain": 0.1, "a": 0.2, "b": 0.8, "c": 0.3}.items()]  # fmt: skip
    one = {"mean": claim("a b", "plain plain", "higher")}
    more = {**one, **{f"{x}{y}": claim(x, y) for x, y in ("ab", "ac", "bc", "ca", "cb")}}
    alone, among = (
        judged(*entries, questions=Questions(claims=each)).claims[0].tested for each in (one, more)
    )
    assert alone is not None and among is not None
    assert alone.effect.value == among.effect.value == pytest.approx(3.0, rel=1e-3)
    assert among.effect.low < alone.effect.low and among.effect.high > alone.effect.high


def test_claims_are_in_every_file_and_in_both_reports(
    claimed: Verdict, paged: Paged, untouched: Source
) -> None:
    found = json.loads(json.dumps(verdict_files.summary(claimed), allow_nan=False))["claims"]
    assert {each["name"]: each["outcome"] for each in found} == OUTCOMES
    assert found[0]["effect"] == pytest.approx(-0.5, abs=0.01)
    assert found[-1]["why"] == "no variants test it"
    table = leaderboard.effects(claimed).query("group == 'claim'").set_index("name")
    assert table["outcome"].to_dict() == {n: o for n, o in OUTCOMES.items() if o != "not tested"}
    markdown, page = report.text(claimed, untouched), html.text(paged(claimed))
    assert "| It helps. | a thread | `low` below `plain` | -49.9% (" in markdown
    assert "Of 11 claims: 3 confirmed, 3 refuted, 1 equivalent, 1 undecided, 3 not tested." in page
    assert "<strong>refuted</strong>" in page


def test_a_study_that_tests_no_claim_has_no_section_of_them(
    study: Verdict, untouched: Source
) -> None:
    assert "## Claims" not in report.text(study, untouched)


def test_the_page_of_advice_has_every_claim_its_data_and_its_date(claimed: Verdict) -> None:
    text = advice.text(claimed, "table.csv", date(2026, 11, 27))
    assert "Measured on 2026-11-27: `table.csv`, 5 variants with 4 seeds each, " in text
    assert "from 2013-11-06 to 2013-11-07, 3 steps ahead." in text
    assert text.index("### a thread") < text.index("### a book")
    assert "| See there. *A hint* | no variants test it |  | not tested |  |" in text
    assert sum(line.startswith("| It helps. |") for line in text.splitlines()) == len(CLAIMS) - 1
    assert report_claims.counts(claimed.claims) in text


def test_what_stands_above_the_line_of_the_page_of_advice_is_kept() -> None:
    page = Path("advice.md")
    new = advice.merge(None, "generated\n", page)
    edited = f"# By hand\n\n{new}"
    assert advice.merge(edited, "again\n", page) == f"# By hand\n\n{advice.MARKER}\n\nagain\n"
    with pytest.raises(InputError, match=r"^advice\.md: has no line '<!-- What follows"):
        advice.merge("# By hand\n", "again\n", page)
