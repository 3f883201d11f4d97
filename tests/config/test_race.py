"""`train.seeds` is a number or a race, and mistakes in a race say where they are."""

from typing import Any

import pytest

from pipeline.config import params
from pipeline.config.learning import Race
from pipeline.core.errors import InputError


def with_seeds(content: dict[str, Any], seeds: object) -> dict[str, Any]:
    return {**content, "train": {**content["train"], "seeds": seeds}}


def test_a_mapping_of_seeds_is_a_race_for_every_variant(content: dict[str, Any]) -> None:
    read = params.parse(with_seeds(content, {"most": 20}))
    assert read.train.seeds == Race(first=5, most=20, margin=0.02, minutes=None)
    assert all(each.train.seeds == read.train.seeds for each in read.selected)


@pytest.mark.parametrize(
    ("seeds", "sentence"),
    [
        ({"first": 1}, "train.seeds.first is 1; it must be"),
        ({"mots": 9}, "train.seeds.mots is not a known key"),
        ({"first": 50}, "train.seeds has first 50, most 40"),
        (0, "train.seeds is 0; it must be"),
        ("many", "train.seeds is 'many'; it must be"),
    ],
)
def test_a_mistake_in_seeds_is_reported_where_it_is(
    content: dict[str, Any], seeds: object, sentence: str
) -> None:
    with pytest.raises(InputError) as error:
        params.parse(with_seeds(content, seeds))
    assert sentence in str(error.value)
    assert "seeds:" not in str(error.value)


def test_a_variant_has_no_race_of_its_own(content: dict[str, Any]) -> None:
    own = {"family": "mine", "train": {"seeds": {"most": 9}}}
    changed = {**content, "study": ["mine"], "variants": {**content["variants"], "mine": own}}
    with pytest.raises(InputError, match="one race"):
        params.parse(changed)
