"""Whatever stands in `params.yaml`, it is read or rejected in sentences: no exception escapes."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config import params
from pipeline.core.errors import InputError

KEPT = ("plain", "conv_ln", "stateful", "asker")
SCALARS = (
    st.none() | st.booleans() | st.integers(-1, 100) | st.floats() | st.sampled_from(["", "x"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["kind", "train", "a", "min"]) | st.integers(), inner)
    ),
    max_leaves=5,
)


def paths(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in nested mappings."""
    below = content.items() if isinstance(content, dict) else ()
    return [path, *(found for key, value in below for found in paths(value, (*path, key)))]


@given(data=st.data())
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_value_anywhere_is_read_or_rejected(content: dict[str, Any], data: Any) -> None:
    changed = copy.deepcopy(content)
    changed["variants"] = {name: changed["variants"][name] for name in KEPT}
    *sections, key = data.draw(st.sampled_from([path for path in paths(changed) if path]))
    section = changed
    for name in sections:
        section = section[name]
    section[key] = data.draw(VALUES)
    try:
        params.parse(changed)
    except InputError as error:
        assert all(finding.startswith("params.yaml: ") for finding in error.findings)


@pytest.mark.parametrize("value", [None, 5, "x", [], ["plain"]], ids=repr)
def test_variants_that_are_no_mapping_are_rejected(rejected: Any, value: Any) -> None:
    findings = rejected({"variants": value})
    assert any("variants is" in each and "mapping of names" in each for each in findings)


@pytest.mark.parametrize("smoke", [True, False])
def test_the_training_of_a_variant_is_a_mapping(rejected: Any, smoke: bool) -> None:
    (finding,) = rejected({"smoke": smoke, "variants/plain/train": 5})
    assert finding.startswith("params.yaml: variants.plain.train is 5; it must be a mapping")
