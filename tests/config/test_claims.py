"""`claims:` name two sides of known variants, or say why none tests them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import params

GOOD = {"sentence": "One", "source": "me", "variants": ["conv_ln"], "against": "plain"}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"sentence": ""}, "claims.mine.sentence is ''; "),
        ({"expected": "better"}, "claims.mine.expected is 'better'; choose one of 'lower', "),
        ({"against": []}, "claims.mine has one side only; give `variants` and `against`, or"),
        (
            {"variants": [], "against": []},
            "claims.mine has no `variants`; say in `note` why none tests it",
        ),
        (
            {"variants": ["plain"]},
            "claims.mine compares variants with themselves; name other ones in `against`",
        ),
        (
            {"against": ["plian"]},
            "claims.mine.against: 'plian' is no variant; correct its name",
        ),
        ({"claim": "x"}, "claims.mine.claim is not a known key; remove it"),
    ],
)
def test_a_mistake_in_a_claim_is_reported_with_what_to_do(
    rejected: Any, changed: Mapping[str, Any], message: str
) -> None:
    (finding,) = rejected({"claims/mine": {**GOOD, **changed}})
    assert finding.startswith(f"params.yaml: {message}")


def test_a_claim_may_name_variants_that_the_study_leaves_out(parsed: Any) -> None:
    read = parsed({"claims/mine": GOOD, "study": ["plain"]})
    assert read.claims["mine"].expected == "lower"
    assert read.claims["mine"].variants == ("conv_ln",)


def test_the_shipped_claims_name_their_source_and_pair_their_sides() -> None:
    claims = params.read(Path(__file__).parents[2] / "params.yaml").claims
    assert len({claim.source for claim in claims.values()}) == 4 + 5  # three threads, five papers
    for claim in claims.values():
        assert len(claim.variants) == len(claim.against)
